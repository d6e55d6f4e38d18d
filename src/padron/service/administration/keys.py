"""What is done to an existing key, by operators and accounts: look at it, change it, replace it by a new one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain.account import KEY_LABEL_LENGTH_MAX, Account, ApiKey, check_name, parse_key_id
from padron.domain.addresses import parse_networks
from padron.domain.administration import ActType, Deed, Doer
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote
from padron.service.accounts import (
    NewKey,
    check_rate,
    demand_key,
    describe_key,
    make_key,
    read_account_id,
    refuse_key_id,
)
from padron.service.administration.acting import Done, administer
from padron.service.runtime import Runtime
from padron.store.administration import AdministrationTransaction

Edit = Callable[[ApiKey], ApiKey]


@dataclass(frozen=True, kw_only=True, slots=True)
class RotatedKey:
    """A new key, and until when the key that it replaces can still be used."""

    new: NewKey
    old_ends_at: datetime


async def get_key(runtime: Runtime, key_id: str) -> ApiKey:
    """Give a key by its id, which names its account. Raises ``key_not_found``."""
    key = await runtime.store.read(read_account_id(key_id)).administration.find_key(key_id)
    if key is None:
        raise refuse_key_id(key_id)
    return key


async def change_key(
    runtime: Runtime,
    key_id: str,
    *,
    label: str | None,
    networks: Iterable[str] | None,
    requests_per_s: int | None = None,
) -> ApiKey:
    """Give a key another label, other networks or another rate, for an operator, and give it.

    None leaves what there is; no network lifts the limit, and so does a rate of 0. Raises ``bad_parameters`` and
    ``key_not_found``. Servers know it within two seconds.
    """
    if label is not None:
        check_name("The key's label", label, KEY_LABEL_LENGTH_MAX)
    chosen = None if networks is None else parse_networks(networks)
    check_rate(requests_per_s or None)

    def edit(key: ApiKey) -> ApiKey:
        return replace(
            key,
            label=key.label if label is None else label,
            networks=key.networks if chosen is None else chosen,
            requests_per_s=key.requests_per_s if requests_per_s is None else requests_per_s or None,
        )

    return await edit_key(runtime, key_id, edit, runtime.operator)


async def edit_key(runtime: Runtime, key_id: str, edit: Edit, doer: Doer) -> ApiKey:
    """Change a key by a function of its present state, and give it. An edit that changes nothing is not recorded.

    Raises ``key_not_found``, what ``edit`` raises, and ``forbidden`` for a key with more scopes than the doer has.
    """
    account_id = read_account_id(key_id)

    async def work(administration: AdministrationTransaction, _: datetime) -> Done[ApiKey]:
        key = await demand_key(administration, key_id)
        doer.check_covers(key.scopes, f"The API key {key_id} has the scopes")
        changed = edit(key)
        former, present = describe_key(key), describe_key(changed)
        different = {name: value for name, value in present.items() if value != former[name]}
        if not different:
            return Done(result=key)
        await administration.save_key(changed)
        return Done(result=changed, deed=Deed(type=ActType.KEY_CHANGED, subject=key_id, details=different))

    return await administer(runtime, account_id, doer, work)


async def rotate_key(
    runtime: Runtime, account: Account, key_id: str, *, overlap: timedelta, expires_in: timedelta | None
) -> RotatedKey:
    """Make a key with the same label, scopes and networks as another one, which ends after ``overlap``.

    Without ``expires_in``, the new key is valid for as long as the old one was to be. Raises ``key_not_found`` for a
    key that the account does not have, and ``key_ended`` for one that cannot be used any more, or that was replaced
    already. Raises ``key_limit_reached``.
    """
    if parse_key_id(key_id) != account.account_id:
        await get_key(runtime, key_id)
        raise PadronError(
            Code.KEY_NOT_FOUND, f"The account {quote(account.name)} has no API key with the id {quote(key_id)}."
        )
    return await replace_key(runtime, key_id, runtime.operator, overlap=overlap, end=expires_in)


async def replace_key(
    runtime: Runtime,
    key_id: str,
    doer: Doer,
    *,
    overlap: timedelta,
    end: datetime | timedelta | None,
    check: Callable[[ApiKey], None] | None = None,
) -> RotatedKey:
    """Make a key in the place of another one, as ``rotate_key`` does. ``check`` may refuse the old key.

    ``end`` is when the new key ends, or after how long. Raises ``forbidden`` for a key with more scopes than the doer
    has, because the doer gets the new key's secret.
    """
    account_id = read_account_id(key_id)

    async def work(administration: AdministrationTransaction, at: datetime) -> Done[RotatedKey]:
        old = await demand_key(administration, key_id)
        doer.check_covers(old.scopes, f"The API key {key_id} has the scopes")
        if check is not None:
            check(old)
        _check_can_be_replaced(old, at)
        new = _make_successor(old, end, at)
        ends_at = at + overlap if old.expires_at is None else min(old.expires_at, at + overlap)
        await administration.replace_key(key_id, new.key, runtime.limits.keys, ends_at)
        details = {"replacedBy": new.key.key_id, "endsAt": format_instant(ends_at), **describe_key(new.key)}
        deed = Deed(type=ActType.KEY_ROTATED, subject=key_id, details=details)
        return Done(result=RotatedKey(new=new, old_ends_at=ends_at), deed=deed)

    return await administer(runtime, account_id, doer, work)


def _make_successor(old: ApiKey, end: datetime | timedelta | None, at: datetime) -> NewKey:
    if end is None and old.expires_at is not None:
        end = old.expires_at - old.created_at
    return make_key(
        old.account_id,
        label=old.label,
        scopes=old.scopes,
        networks=old.networks,
        now=at,
        expires_at=at + end if isinstance(end, timedelta) else end,
        requests_per_s=old.requests_per_s,
    )


def _check_can_be_replaced(key: ApiKey, now: datetime) -> None:
    if key.replaced_by is not None:
        raise PadronError(
            Code.KEY_ENDED, f"The API key {key.key_id} was already replaced by {key.replaced_by}. Rotate that key."
        )
    if not key.is_usable(now):
        raise PadronError(Code.KEY_ENDED, f"The API key {key.key_id} is revoked or expired. Add a new key instead.")
