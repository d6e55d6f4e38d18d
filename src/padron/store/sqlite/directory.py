"""Accounts and keys in SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import cast

import apsw

from padron.domain.account import Account, ApiKey
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import ReadConnections
from padron.store.sqlite.rows import from_instant, to_account, to_key
from padron.store.sqlite.transaction import SQL


class SqliteDirectory:
    """The only work that crosses accounts."""

    def __init__(self, committer: GroupCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections

    async def add_account(self, name: str, at: datetime) -> Account:
        """Add an account. Raises ``account_exists``."""

        async def work(connection: apsw.Connection) -> Account:
            rows = connection.execute(SQL["insert_account"], (name, from_instant(at))).fetchall()
            if not rows:
                raise PadronError(Code.ACCOUNT_EXISTS, f"There is an account named {quote(name)} already.")
            account_id = cast("int", rows[0][0])
            connection.execute(SQL["insert_counter"], (account_id,))
            return Account(account_id=account_id, name=name, created_at=at)

        return await self._committer.run(work)

    async def list_accounts(self) -> list[Account]:
        """Give all accounts, by name."""
        return [to_account(row) for row in await self._connections.read_page(SQL["list_accounts"], ())]

    async def find_account(self, name: str) -> Account | None:
        """Give the account with this name, if there is one."""
        rows = await self._connections.read_point(SQL["find_account"], (name,))
        return to_account(rows[0]) if rows else None

    async def add_key(self, key: ApiKey) -> None:
        """Add a key."""
        expires_at = None if key.expires_at is None else from_instant(key.expires_at)
        row = (
            key.account_id, key.key_id, key.label, " ".join(sorted(key.scopes)), key.secret_sha256,
            from_instant(key.created_at), expires_at,
        )  # fmt: skip

        async def work(connection: apsw.Connection) -> None:
            connection.execute(SQL["insert_key"], row)

        await self._committer.run(work)

    async def renew_epoch(self, epoch: str) -> None:
        """Give the register's present life a new name."""

        async def work(connection: apsw.Connection) -> None:
            connection.execute(SQL["renew_epoch"], (epoch,))

        await self._committer.run(work)

    async def list_keys(self, account_id: int) -> list[ApiKey]:
        """Give an account's keys, oldest first."""
        return [to_key(row) for row in await self._connections.read_page(SQL["list_keys"], (account_id,))]

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        """Give one key, if there is one."""
        rows = await self._connections.read_point(SQL["find_key"], (account_id, key_id))
        return to_key(rows[0]) if rows else None

    async def find_keys(self, keys: Sequence[tuple[int, str]]) -> list[ApiKey]:
        """Give those of these keys that there are."""
        rows = await self._connections.read_point(SQL["find_keys"], (json.dumps(keys),))
        return [to_key(row) for row in rows]

    async def revoke_key(self, account_id: int, key_id: str, at: datetime) -> bool:
        """Revoke a key. Give False when there is no such key."""

        async def work(connection: apsw.Connection) -> bool:
            rows = connection.execute(SQL["revoke_key"], (from_instant(at), account_id, key_id)).fetchall()
            return bool(rows)

        return await self._committer.run(work)

    async def touch_key(self, account_id: int, key_id: str, at: datetime) -> None:
        """Note when a key was last used."""

        async def work(connection: apsw.Connection) -> None:
            connection.execute(SQL["touch_key"], (from_instant(at), account_id, key_id))

        await self._committer.run(work)
