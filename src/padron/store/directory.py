"""Accounts, their API keys and the register's epoch. Only this module and the boards of other nouns cross accounts."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import cast

from padron.domain.account import Account, ApiKey, KeyName
from padron.domain.addresses import IpNetwork
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.store.port import BoardPort, Columns, Row, ToInstant, WritePort, give_or_none

ACCOUNT = Columns("account_id", "name", "created_at", "disabled_at", "deleting_at")
API_KEY = Columns(
    "account_id", "key_id", "label", "scopes", "networks", "secret_sha256", "created_at", "expires_at", "revoked_at",
    "last_used_at", "last_used_from", "replaced_by",
)  # fmt: skip
NEW_API_KEY = Columns(
    "account_id", "key_id", "label", "scopes", "networks", "secret_sha256", "created_at", "expires_at"
)


class Directory:
    """The accounts and their keys, and the register's epoch."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def add_account(self, name: str, at: datetime) -> Account:
        """Add an account. Raises ``account_exists``."""

        async def work(port: WritePort) -> Account:
            rows = await port.fetch("insert_account", name, at)
            if not rows:
                raise _refuse_name(name)
            account_id = cast("int", rows[0][0])
            await port.fetch("insert_counter", account_id)
            return Account(account_id=account_id, name=name, created_at=at)

        return await self._port.write(work)

    async def list_accounts(self) -> list[Account]:
        """Give all accounts, by name."""
        return [_to_account(row, self._port.to_instant) for row in await self._port.read_page("list_accounts")]

    async def find_account(self, name: str) -> Account | None:
        """Give the account with this name, if there is one."""
        rows = await self._port.read_point("find_account", name)
        return _to_account(rows[0], self._port.to_instant) if rows else None

    async def add_key(self, key: ApiKey, keys_max: int) -> None:
        """Add a key. Raises ``key_limit_reached`` when so many keys of the account are neither revoked nor expired."""

        async def work(port: WritePort) -> None:
            await port.fetch("lock_key_holder", key.account_id)
            await _insert_key(port, key, keys_max)

        await self._port.write(work)

    async def list_keys(self, account_id: int) -> list[ApiKey]:
        """Give an account's keys, revoked and expired ones included, oldest first."""
        rows = await self._port.read_page("list_api_keys", account_id)
        return [_to_key(row, self._port.to_instant) for row in rows]

    async def list_usable_secrets(self, now: datetime, limit: int) -> dict[str, bytes]:
        """Give the digests of the secrets of usable keys, by the key's id: for the server itself, never for a request.

        The result has at most ``limit`` keys: those that were used last.
        """
        rows = await self._port.read_page("list_usable_secrets", now, limit)
        return {row[0]: row[1] for row in rows}

    async def find_key(self, account_id: int, key_id: str) -> ApiKey | None:
        """Give one key, if there is one and its account is not disabled."""
        rows = await self._port.read_point("find_enabled_api_key", account_id, key_id)
        return _to_key(rows[0], self._port.to_instant) if rows else None

    async def find_keys(self, keys: Sequence[KeyName]) -> list[ApiKey]:
        """Give those of these keys that exist and whose account is not disabled, in any order.

        It is for the server itself, never for a request.
        """
        rows = await self._port.read_rows("find_enabled_api_keys", keys)
        return [_to_key(row, self._port.to_instant) for row in rows]

    async def find_any_key(self, account_id: int, key_id: str) -> ApiKey | None:
        """Give one key, if there is one, also of a disabled account: for operators, never for a request."""
        rows = await self._port.read_point("find_api_key", account_id, key_id)
        return _to_key(rows[0], self._port.to_instant) if rows else None

    async def change_key(
        self, account_id: int, key_id: str, *, label: str | None, networks: Sequence[IpNetwork] | None
    ) -> bool:
        """Give a key another label or other networks; None leaves it. Give False when there is no such key."""
        words = None if networks is None else _join_networks(networks)
        return bool(await self._run("change_api_key", account_id, key_id, label, words))

    async def replace_key(self, old: KeyName, key: ApiKey, keys_max: int, ends_at: datetime) -> None:
        """Add a key in the place of another one, which ends at an instant, or before if it ends before.

        Raises ``key_limit_reached``, and ``key_not_found`` when the old key was revoked or replaced meanwhile.
        """

        async def work(port: WritePort) -> None:
            await port.fetch("lock_key_holder", key.account_id)
            if not await port.fetch("replace_api_key", *old, key.key_id, ends_at):
                raise PadronError(
                    Code.KEY_NOT_FOUND,
                    f"The API key {old.key_id} was revoked or replaced a moment ago. Look at it again.",
                )
            await _insert_key(port, key, keys_max)

        await self._port.write(work)

    async def revoke_key(self, account_id: int, key_id: str, at: datetime) -> bool:
        """Revoke a key, keeping the instant of an earlier revocation. Give False when there is no such key."""
        return bool(await self._run("revoke_api_key", at, account_id, key_id))

    async def touch_key(self, account_id: int, key_id: str, at: datetime, address: str | None) -> None:
        """Note when a key was last used, and from which address."""
        await self._run("touch_api_key", at, address, account_id, key_id)

    async def rename_account(self, account_id: int, name: str) -> None:
        """Give an account another name. Raises ``account_exists``."""
        if not await self._run("rename_account", account_id, name):
            raise _refuse_name(name)

    async def disable_account(self, account_id: int, at: datetime) -> None:
        """Disable an account, keeping the instant of an earlier time, and take its background work from the workers."""

        async def work(port: WritePort) -> None:
            await port.fetch("disable_account", account_id, at)
            await port.fetch("release_endpoints", account_id)
            await port.fetch("release_imports", account_id)

        await self._port.write(work)

    async def enable_account(self, account_id: int) -> bool:
        """Enable an account. Give False when it is being deleted."""
        return bool(await self._run("enable_account", account_id))

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


async def _insert_key(port: WritePort, key: ApiKey, keys_max: int) -> None:
    ((usable,),) = await port.fetch("count_usable_keys", key.account_id, key.created_at)
    if usable >= keys_max:
        raise PadronError(
            Code.KEY_LIMIT_REACHED,
            f"The account already has {keys_max} API keys, the maximum. Revoke a key that is not used.",
        )
    await port.fetch("insert_api_key", *_from_new_key(key))


def _refuse_name(name: str) -> PadronError:
    return PadronError(Code.ACCOUNT_EXISTS, f"There is already an account named {quote(name)}. Choose another name.")


def _join_networks(networks: Sequence[IpNetwork]) -> str:
    return " ".join(map(str, networks))


def _to_account(row: Row, to_instant: ToInstant) -> Account:
    named = ACCOUNT.name(row)
    return Account(
        account_id=named["account_id"],
        name=named["name"],
        created_at=to_instant(named["created_at"]),
        disabled_at=give_or_none(to_instant, named["disabled_at"]),
        deleting_at=give_or_none(to_instant, named["deleting_at"]),
    )


def _to_key(row: Row, to_instant: ToInstant) -> ApiKey:
    """Give the key of a row. Scopes are stored as words between spaces."""
    named = API_KEY.name(row)
    return ApiKey(
        account_id=named["account_id"],
        key_id=named["key_id"],
        label=named["label"],
        scopes=frozenset(named["scopes"].split()),
        networks=tuple(map(ip_network, named["networks"].split())),
        secret_sha256=named["secret_sha256"],
        created_at=to_instant(named["created_at"]),
        expires_at=give_or_none(to_instant, named["expires_at"]),
        revoked_at=give_or_none(to_instant, named["revoked_at"]),
        last_used_at=give_or_none(to_instant, named["last_used_at"]),
        last_used_from=named["last_used_from"],
        replaced_by=named["replaced_by"],
    )


def _from_new_key(key: ApiKey) -> Sequence[object]:
    return NEW_API_KEY.order(
        {
            "account_id": key.account_id,
            "key_id": key.key_id,
            "label": key.label,
            "scopes": " ".join(sorted(key.scopes)),
            "networks": _join_networks(key.networks),
            "secret_sha256": key.secret_sha256,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
        }
    )
