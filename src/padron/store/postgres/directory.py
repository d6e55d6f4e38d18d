"""Accounts and keys in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from padron.domain.account import Account, ApiKey
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.store.postgres.connections import Connections
from padron.store.postgres.rows import to_account, to_key
from padron.store.postgres.transaction import SQL
from padron.store.postgres.writes import Writer


class PostgresDirectory:
    """The only work that crosses accounts."""

    def __init__(self, writer: Writer, points: Connections) -> None:
        self._writer = writer
        self._points = points

    async def add_account(self, name: str, at: datetime) -> Account:
        async def work(connection: asyncpg.Connection) -> Account:
            account_id = await connection.fetchval(SQL["insert_account"], name, at)
            if account_id is None:
                raise PadronError(Code.ACCOUNT_EXISTS, f"There is an account named {quote(name)} already.")
            await connection.execute(SQL["insert_counter"], account_id)
            return Account(account_id=account_id, name=name, created_at=at)

        return await self._writer.run(work)

    async def list_accounts(self) -> list[Account]:
        return [to_account(row) for row in await self._points.fetch(SQL["list_accounts"], ())]

    async def find_account(self, name: str) -> Account | None:
        rows = await self._points.fetch(SQL["find_account"], (name,))
        return to_account(rows[0]) if rows else None

    async def add_key(self, key: ApiKey) -> None:
        scopes = " ".join(sorted(key.scopes))

        async def work(connection: asyncpg.Connection) -> None:
            await connection.execute(
                SQL["insert_key"],
                key.account_id,
                key.key_id,
                key.label,
                scopes,
                key.secret_sha256,
                key.created_at,
                key.expires_at,
            )

        await self._writer.run(work)

    async def renew_epoch(self, epoch: str) -> None:
        async def work(connection: asyncpg.Connection) -> None:
            await connection.execute(SQL["renew_epoch"], epoch)

        await self._writer.run(work)

    async def list_keys(self, account_id: int) -> list[ApiKey]:
        return [to_key(row) for row in await self._points.fetch(SQL["list_keys"], (account_id,))]

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        rows = await self._points.fetch(SQL["find_key"], (account_id, key_id))
        return to_key(rows[0]) if rows else None

    async def find_keys(self, keys: Sequence[tuple[int, str]]) -> list[ApiKey]:
        asked = ([account_id for account_id, _ in keys], [key_id for _, key_id in keys])
        return [to_key(row) for row in await self._points.fetch(SQL["find_keys"], asked)]

    async def revoke_key(self, account_id: int, key_id: str, at: datetime) -> bool:
        async def work(connection: asyncpg.Connection) -> bool:
            return await connection.fetchval(SQL["revoke_key"], at, account_id, key_id) is not None

        return await self._writer.run(work)

    async def touch_key(self, account_id: int, key_id: str, at: datetime) -> None:
        async def work(connection: asyncpg.Connection) -> None:
            await connection.execute(SQL["touch_key"], at, account_id, key_id)

        await self._writer.run(work)
