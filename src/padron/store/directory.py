"""Accounts, their API keys and the register's epoch. Only this module and the boards of other nouns cross accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from padron.domain.account import Account, ApiKey, KeyName
from padron.domain.administration import COMMAND_LINE, ActType, Deed, Detail, Doer
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.store.administration import note_act, to_key
from padron.store.port import BoardPort, Columns, Row, ToInstant, WritePort, give_or_none

ACCOUNT = Columns("account_id", "name", "created_at", "disabled_at", "deleting_at")


class Directory:
    """The accounts and their keys, and the register's epoch."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def add_account(self, name: str, at: datetime, doer: Doer = COMMAND_LINE) -> Account:
        """Add an account. Raises ``account_exists``."""

        async def work(port: WritePort) -> Account:
            rows = await port.fetch("insert_account", name, at)
            if not rows:
                raise _refuse_name(name)
            account_id = cast("int", rows[0][0])
            await port.fetch("insert_counter", account_id)
            await _note(port, ActType.ACCOUNT_ADDED, account_id, at, doer, name=name)
            return Account(account_id=account_id, name=name, created_at=at)

        return await self._port.write(work)

    async def list_accounts(self) -> list[Account]:
        """Give all accounts, by name."""
        return [_to_account(row, self._port.to_instant) for row in await self._port.read_page("list_accounts")]

    async def find_account(self, name: str) -> Account | None:
        """Give the account with this name, if there is one."""
        rows = await self._port.read_point("find_account", name)
        return _to_account(rows[0], self._port.to_instant) if rows else None

    async def list_usable_secrets(self, now: datetime, limit: int) -> dict[str, bytes]:
        """Give the digests of the secrets of usable keys, by the key's id: for the server itself, never for a request.

        The result has at most ``limit`` keys: those that were used last.
        """
        rows = await self._port.read_page("list_usable_secrets", now, limit)
        return {row[0]: row[1] for row in rows}

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        """Give one key, if there is one and its account is not disabled."""
        rows = await self._port.read_point("find_enabled_api_key", account_id, key_id)
        return to_key(rows[0], self._port.to_instant) if rows else None

    async def find_keys(self, keys: Sequence[KeyName]) -> list[ApiKey]:
        """Give those of these keys that exist and whose account is not disabled, in any order.

        It is for the server itself, never for a request.
        """
        rows = await self._port.read_rows("find_enabled_api_keys", keys)
        return [to_key(row, self._port.to_instant) for row in rows]

    async def touch_key(self, account_id: int, key_id: str, at: datetime, address: str | None) -> None:
        """Note when a key was last used, and from which address."""
        await self._run("touch_api_key", at, address, account_id, key_id)

    async def rename_account(self, account_id: int, name: str, at: datetime, doer: Doer = COMMAND_LINE) -> None:
        """Give an account another name. Raises ``account_exists``."""

        async def work(port: WritePort) -> None:
            await port.fetch("lock_key_holder", account_id)
            if not await port.fetch("rename_account", account_id, name):
                raise _refuse_name(name)
            await _note(port, ActType.ACCOUNT_RENAMED, account_id, at, doer, name=name)

        await self._port.write(work)

    async def disable_account(self, account_id: int, at: datetime, doer: Doer = COMMAND_LINE) -> None:
        """Disable an account, keeping the instant of an earlier time, and take its background work from the workers."""

        async def work(port: WritePort) -> None:
            await port.fetch("lock_key_holder", account_id)
            if await port.fetch("find_enabled_account", account_id):
                await _note(port, ActType.ACCOUNT_DISABLED, account_id, at, doer)
            await port.fetch("disable_account", account_id, at)
            await port.fetch("release_endpoints", account_id)
            await port.fetch("release_imports", account_id)

        await self._port.write(work)

    async def enable_account(self, account_id: int, at: datetime, doer: Doer = COMMAND_LINE) -> bool:
        """Enable an account. Give False when it is being deleted."""

        async def work(port: WritePort) -> bool:
            await port.fetch("lock_key_holder", account_id)
            was_enabled = bool(await port.fetch("find_enabled_account", account_id))
            is_enabled = bool(await port.fetch("enable_account", account_id))
            if is_enabled and not was_enabled:
                await _note(port, ActType.ACCOUNT_ENABLED, account_id, at, doer)
            return is_enabled

        return await self._port.write(work)

    async def renew_epoch(self, epoch: str) -> None:
        """Give the register's present life a new name. An open store keeps the name that it read when it opened."""
        await self._run("renew_epoch", epoch)

    async def try_to_write(self) -> None:
        """Write what is there already. Raises ``store_unavailable`` when the database takes no writes."""
        await self._run("try_to_write")

    async def _run(self, name: str, *parameters: object) -> Sequence[Row]:
        async def work(port: WritePort) -> Sequence[Row]:
            return await port.fetch(name, *parameters)

        return await self._port.write(work)


async def _note(
    port: WritePort, kind: ActType, account_id: int, at: datetime, doer: Doer, **details: Detail
) -> None:  # fmt: skip
    await note_act(port, Deed(type=kind, subject=str(account_id), details=details), doer, at, account_id)


def _refuse_name(name: str) -> PadronError:
    return PadronError(Code.ACCOUNT_EXISTS, f"There is already an account named {quote(name)}. Choose another name.")


def _to_account(row: Row, to_instant: ToInstant) -> Account:
    named = ACCOUNT.name(row)
    return Account(
        account_id=named["account_id"],
        name=named["name"],
        created_at=to_instant(named["created_at"]),
        disabled_at=give_or_none(to_instant, named["disabled_at"]),
        deleting_at=give_or_none(to_instant, named["deleting_at"]),
    )
