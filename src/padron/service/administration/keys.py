"""What operators do to an existing key: look at it, change it, replace it by a new one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from padron.domain.account import KEY_LABEL_LENGTH_MAX, Account, ApiKey, KeyName, check_name, parse_key_id
from padron.domain.addresses import parse_networks
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.service.accounts import NewKey, make_key, refuse_key_id
from padron.service.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class RotatedKey:
    """A new key, and until when the key that it replaces can still be used."""

    new: NewKey
    old_ends_at: datetime


async def get_key(runtime: Runtime, key_id: str) -> ApiKey:
    """Give a key by its id, which names its account. Raises ``key_not_found``."""
    account_id = parse_key_id(key_id)
    key = None if account_id is None else await runtime.store.directory.find_any_key(account_id, key_id)
    if key is None:
        raise refuse_key_id(key_id)
    return key


async def change_key(runtime: Runtime, key_id: str, *, label: str | None, networks: Iterable[str] | None) -> ApiKey:
    """Give a key another label or other networks, and give it. None leaves what there is; no network lifts the limit.

    Raises ``bad_parameters`` and ``key_not_found``. Servers know the networks within two seconds.
    """
    if label is not None:
        check_name("The key's label", label, KEY_LABEL_LENGTH_MAX)
    chosen = None if networks is None else parse_networks(networks)
    key = await get_key(runtime, key_id)
    await runtime.store.directory.change_key(key.account_id, key_id, label=label, networks=chosen)
    return await get_key(runtime, key_id)


async def rotate_key(
    runtime: Runtime, account: Account, key_id: str, *, overlap: timedelta, expires_in: timedelta | None
) -> RotatedKey:
    """Make a key with the same label, scopes and networks as another one, which ends after ``overlap``.

    Without ``expires_in``, the new key is valid for as long as the old one was to be. Raises ``key_not_found`` for a
    key that the account does not have, that cannot be used any more, or that was replaced already. Raises
    ``key_limit_reached``.
    """
    now = runtime.clock()
    old = await get_key(runtime, key_id)
    _check_can_be_replaced(old, account, now)
    if expires_in is None and old.expires_at is not None:
        expires_in = old.expires_at - old.created_at
    new = make_key(
        account.account_id,
        label=old.label,
        scopes=old.scopes,
        networks=old.networks,
        now=now,
        expires_at=None if expires_in is None else now + expires_in,
    )
    ends_at = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    name = KeyName(old.account_id, old.key_id)
    await runtime.store.directory.replace_key(name, new.key, runtime.limits.keys, ends_at)
    return RotatedKey(new=new, old_ends_at=ends_at)


def _check_can_be_replaced(key: ApiKey, account: Account, now: datetime) -> None:
    if key.account_id != account.account_id:
        raise PadronError(
            Code.KEY_NOT_FOUND, f"The account {quote(account.name)} has no API key with the id {quote(key.key_id)}."
        )
    if key.replaced_by is not None:
        raise PadronError(
            Code.KEY_NOT_FOUND, f"The API key {key.key_id} was already replaced by {key.replaced_by}. Rotate that key."
        )
    if not key.is_usable(now):
        raise PadronError(
            Code.KEY_NOT_FOUND, f"The API key {key.key_id} is revoked or expired. Add a new key with padron keys add."
        )
