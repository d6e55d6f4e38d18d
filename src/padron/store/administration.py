"""The administration of an account on both engines: its API keys, and the record of what was done.

Whoever administers locks the account's row first, so acts of one account come one after the other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network

import msgspec

from padron.domain.account import ApiKey
from padron.domain.addresses import IpNetwork
from padron.domain.administration import ACTS_KEPT_MAX, Act, ActType, Deed, Detail, Doer, KeyPlace, Overview
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.store.port import Columns, ReadPort, Row, ToInstant, WritePort, give_or_none

ENDED_KEYS_MAX = 10_000  # revoked and expired ones of one account; the oldest are deleted first

API_KEY = Columns(
    "account_id", "key_id", "label", "scopes", "networks", "secret_sha256", "created_at", "expires_at", "revoked_at",
    "last_used_at", "last_used_from", "replaced_by", "requests_per_s",
)  # fmt: skip
NEW_API_KEY = Columns(
    "key_id", "label", "scopes", "networks", "secret_sha256", "created_at", "expires_at", "requests_per_s"
)
EDITED_API_KEY = Columns("key_id", "label", "networks", "expires_at", "requests_per_s")
ACT = Columns("number", "type", "acted_at", "acted_by", "request_id", "subject", "details")
OVERVIEW = Columns(
    "account_id", "name", "created_at", "vehicle_count", "key_count", "webhook_count", "operation_count"
)  # fmt: skip


class AdministrationTransaction:
    """One account's keys and acts, in its open transaction. Call ``lock`` first."""

    def __init__(self, port: WritePort, *account_id: int) -> None:
        """Take the port of the account, or that of all accounts and the account's number."""
        self._port = port
        self._first = account_id

    async def lock(self) -> bool:
        """Lock the account until the end. Give False when there is no such account."""
        return bool(await self._port.fetch("lock_key_holder", *self._first))

    async def is_enabled(self) -> bool:
        """Say whether the account is not disabled."""
        return bool(await self._port.fetch("find_enabled_account", *self._first))

    async def find_key(self, key_id: str) -> ApiKey | None:
        """Give one key, whatever has become of it."""
        rows = await self._port.fetch("find_api_key", *self._first, key_id)
        return to_key(rows[0], self._port.to_instant) if rows else None

    async def find_active_role(self, user_id: str) -> Role | None:
        """Give the role of a member who may sign in."""
        rows = await self._port.fetch("find_active_role", *self._first, user_id)
        return Role(rows[0][0]) if rows else None

    async def add_key(self, key: ApiKey, keys_max: int) -> None:
        """Add a key. Raises ``key_limit_reached`` when so many keys of the account are neither revoked nor expired."""
        ((usable, every),) = await self._port.fetch("count_keys", *self._first, key.created_at)
        if usable >= keys_max:
            raise PadronError(
                Code.KEY_LIMIT_REACHED,
                f"The account already has {keys_max} API keys, the maximum. Revoke a key that is not used.",
            )
        if every - usable > ENDED_KEYS_MAX:
            await self._port.fetch("delete_ended_keys", *self._first, key.created_at, every - usable - ENDED_KEYS_MAX)
        await self._port.fetch("insert_api_key", *self._first, *_from_new_key(key))

    async def save_key(self, key: ApiKey) -> None:
        """Write what can be changed of a key: its label, its networks, its end and its rate."""
        values = {
            "key_id": key.key_id,
            "label": key.label,
            "networks": _join_networks(key.networks),
            "expires_at": key.expires_at,
            "requests_per_s": key.requests_per_s,
        }
        await self._port.fetch("save_api_key", *self._first, *EDITED_API_KEY.order(values))

    async def replace_key(self, old_id: str, key: ApiKey, keys_max: int, ends_at: datetime) -> None:
        """Add a key in the place of another one, which ends at an instant, or before if it ends before.

        Raises ``key_limit_reached``, and ``key_ended`` when the old key was revoked or replaced meanwhile.
        """
        if not await self._port.fetch("replace_api_key", *self._first, old_id, key.key_id, ends_at):
            raise PadronError(
                Code.KEY_ENDED, f"The API key {old_id} was revoked or replaced a moment ago. Look at it again."
            )
        await self.add_key(key, keys_max)

    async def revoke_key(self, key_id: str, at: datetime) -> bool:
        """Revoke a key, keeping the instant of an earlier revocation. Give False when there is no such key."""
        return bool(await self._port.fetch("revoke_api_key", *self._first, key_id, at))

    async def note(self, deed: Deed, doer: Doer, at: datetime) -> None:
        """Record a deed."""
        await note_act(self._port, deed, doer, at, *self._first)


class AdministrationReader:
    """One account's committed keys and acts."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def find_overview(self, now: datetime) -> Overview | None:
        """Give the account with its counts, if there is such an account."""
        rows = await self._port.read_page("find_overview", now)
        if not rows:
            return None
        named = OVERVIEW.name(rows[0])
        return Overview(**{**named, "created_at": self._port.to_instant(named["created_at"])})

    async def find_key(self, key_id: str) -> ApiKey | None:
        """Give one key, whatever has become of it and of the account."""
        rows = await self._port.read_point("find_api_key", key_id)
        return to_key(rows[0], self._port.to_instant) if rows else None

    async def list_keys(self, after: KeyPlace, limit: int) -> list[ApiKey]:
        """Give keys after a place, revoked and expired ones included, oldest first."""
        rows = await self._port.read_page("list_api_keys", after.created_at, after.key_id, limit)
        return [to_key(row, self._port.to_instant) for row in rows]

    async def list_acts(self, before: int, limit: int) -> list[Act]:
        """Give acts with a lower number, newest first."""
        rows = await self._port.read_page("list_acts", before, limit)
        return [_to_act(row, self._port.to_instant) for row in rows]


async def note_act(port: WritePort, deed: Deed, doer: Doer, at: datetime, *account_id: int) -> None:
    """Record a deed, in a transaction that has locked the account. A port of all accounts needs its number."""
    details = msgspec.json.encode(deed.details).decode()
    values = (deed.type.value, at, doer.actor, doer.request_id, deed.subject, details)
    ((number,),) = await port.fetch("insert_act", *account_id, *values)
    if number > ACTS_KEPT_MAX:
        await port.fetch("delete_acts", *account_id, number - ACTS_KEPT_MAX)


def to_key(row: Row, to_instant: ToInstant) -> ApiKey:
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
        requests_per_s=named["requests_per_s"],
    )


def _from_new_key(key: ApiKey) -> Sequence[object]:
    values: Mapping[str, object] = {
        "key_id": key.key_id,
        "label": key.label,
        "scopes": " ".join(sorted(key.scopes)),
        "networks": _join_networks(key.networks),
        "secret_sha256": key.secret_sha256,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "requests_per_s": key.requests_per_s,
    }
    return NEW_API_KEY.order(values)


def _join_networks(networks: Sequence[IpNetwork]) -> str:
    return " ".join(map(str, networks))


def _to_act(row: Row, to_instant: ToInstant) -> Act:
    named = ACT.name(row)
    deed = Deed(
        type=ActType(named["type"]),
        subject=named["subject"],
        details=msgspec.json.decode(named["details"], type=dict[str, Detail]),
    )
    return Act(
        number=named["number"],
        deed=deed,
        at=to_instant(named["acted_at"]),
        by=named["acted_by"],
        request_id=named["request_id"],
    )
