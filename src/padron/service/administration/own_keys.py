"""How an account administers its own API keys. Every function needs the scope ``account:manage``.

Nobody gets more than they have: a key may neither make nor rotate nor change a key that has a scope which it lacks
itself. It may revoke any key of its account, itself too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import UNSET, UnsetType

from padron.domain.account import (
    KEY_LABEL_LENGTH_MAX,
    ApiKey,
    Principal,
    Scope,
    check_name,
    give_key_tag,
    parse_key_id,
    parse_scopes,
)
from padron.domain.addresses import parse_networks
from padron.domain.administration import Doer
from padron.domain.errors import Code, PadronError
from padron.service import accounts
from padron.service.accounts import NewKey, check_rate, make_key, refuse_key_id, save_new_key
from padron.service.administration import keys
from padron.service.administration.keys import RotatedKey
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime

OVERLAP_MAX = timedelta(days=365)

Tags = frozenset[str] | None

_match_id = re.compile("[0-9]{1,18}k[0-9A-Za-z]{12}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedKey:
    """A key that an account wants. Without networks it may be used from everywhere, without an end for ever."""

    label: str
    scopes: Sequence[str]
    networks: Sequence[str] = ()
    expires_at: datetime | None = None
    requests_per_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyEdits:
    """The changes to a key. What is not set stays as it is; None, and no network, lift a limit."""

    label: str | UnsetType = UNSET
    networks: list[str] | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    requests_per_s: int | UnsetType | None = UNSET


async def list_keys(runtime: Runtime, principal: Principal, *, limit: int, cursor: str | None) -> Page[ApiKey]:
    """Give a page of the account's keys, oldest first. Raises ``forbidden``, ``bad_parameters`` for a bad cursor."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    epoch = runtime.store.epoch
    after = cursors.parse_key_cursor(epoch, cursor)
    found = await runtime.store.read(principal.account_id).administration.list_keys(after, look_beyond(limit))
    return cut_page(found, limit, lambda last: cursors.format_key_cursor(epoch, last))


async def get_key(runtime: Runtime, principal: Principal, key_id: str) -> ApiKey:
    """Give one of the account's keys. Raises ``forbidden`` and ``key_not_found``."""
    _check_own(principal, key_id)
    key = await runtime.store.read(principal.account_id).administration.find_key(key_id)
    if key is None:
        raise refuse_key_id(key_id)
    return key


async def add_key(runtime: Runtime, principal: Principal, request_id: str, asked: AskedKey) -> NewKey:
    """Make a key and give it with its token. Raises ``forbidden``, also for a scope that the caller lacks.

    Raises ``bad_parameters`` and ``key_limit_reached``.
    """
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    check_name("label", asked.label, KEY_LABEL_LENGTH_MAX)
    scopes = parse_scopes(asked.scopes)
    doer = Doer.of(principal, request_id)
    doer.check_covers(scopes, "The new API key would have the scopes")
    now = runtime.clock()
    new = make_key(
        principal.account_id,
        label=asked.label,
        scopes=scopes,
        networks=parse_networks(asked.networks),
        now=now,
        expires_at=_check_future(asked.expires_at, now),
        requests_per_s=check_rate(asked.requests_per_s),
    )
    return await save_new_key(runtime, new, doer)


async def change_key(
    runtime: Runtime, principal: Principal, request_id: str, key_id: str, edits: KeyEdits, tags: Tags
) -> ApiKey:
    """Change a key and give it. The key must have one of the ``tags``.

    Raises ``forbidden``, ``key_not_found``, ``bad_parameters``, ``revision_mismatch``, and ``key_ended`` for another
    end of a key that has ended.
    """
    _check_own(principal, key_id)
    if isinstance(edits.label, str):
        check_name("label", edits.label, KEY_LABEL_LENGTH_MAX)
    networks = None if isinstance(edits.networks, UnsetType) else parse_networks(edits.networks)
    if not isinstance(edits.requests_per_s, UnsetType):
        check_rate(edits.requests_per_s)
    now = runtime.clock()
    if not isinstance(edits.expires_at, UnsetType):
        _check_future(edits.expires_at, now)

    def edit(key: ApiKey) -> ApiKey:
        _check_tags(key, tags)
        expires_at = key.expires_at if isinstance(edits.expires_at, UnsetType) else edits.expires_at
        if expires_at != key.expires_at and (key.replaced_by is not None or not key.is_usable(now)):
            raise PadronError(
                Code.KEY_ENDED, f"The API key {key_id} is revoked, expired or replaced, and cannot get another end."
            )
        return replace(
            key,
            label=key.label if isinstance(edits.label, UnsetType) else edits.label,
            networks=key.networks if networks is None else networks,
            expires_at=expires_at,
            requests_per_s=key.requests_per_s if isinstance(edits.requests_per_s, UnsetType) else edits.requests_per_s,
        )

    return await keys.edit_key(runtime, key_id, edit, Doer.of(principal, request_id))


async def rotate_key(
    runtime: Runtime,
    principal: Principal,
    request_id: str,
    key_id: str,
    *,
    overlap: timedelta,
    expires_at: datetime | None,
    tags: Tags,
) -> RotatedKey:
    """Make a key in the place of another one, and give it with its token.

    Raises ``forbidden``, also for a key with a scope that the caller lacks, ``key_not_found``, ``key_ended``,
    ``revision_mismatch``, ``bad_parameters`` and ``key_limit_reached``.
    """
    _check_own(principal, key_id)
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        seconds_max = OVERLAP_MAX // timedelta(seconds=1)
        raise PadronError(Code.BAD_PARAMETERS, f"overlapSeconds must be from 0 to {seconds_max:,}.")
    return await keys.replace_key(
        runtime,
        key_id,
        Doer.of(principal, request_id),
        overlap=overlap,
        end=_check_future(expires_at, runtime.clock()),
        check=lambda key: _check_tags(key, tags),
    )


async def revoke_key(runtime: Runtime, principal: Principal, request_id: str, key_id: str, tags: Tags) -> ApiKey:
    """Revoke a key and give it; a revoked one stays as it is. Raises ``forbidden``, ``key_not_found``.

    Raises ``revision_mismatch``.
    """
    _check_own(principal, key_id)
    return await accounts.revoke_key(
        runtime, key_id, Doer.of(principal, request_id), check=lambda key: _check_tags(key, tags)
    )


def _check_own(principal: Principal, key_id: str) -> None:
    """Raise ``forbidden``, and ``key_not_found`` for whatever cannot be a key of the account."""
    principal.check_scope(Scope.ACCOUNT_MANAGE)
    if _match_id(key_id) is None or parse_key_id(key_id) != principal.account_id:
        raise refuse_key_id(key_id)


def _check_tags(key: ApiKey, tags: Tags) -> None:
    if tags is not None and give_key_tag(key) not in tags:
        raise PadronError(
            Code.REVISION_MISMATCH, f"The API key {key.key_id} has changed since you read it. Read it again and decide."
        )


def _check_future(expires_at: datetime | None, now: datetime) -> datetime | None:
    if expires_at is not None and expires_at <= now:
        raise PadronError(Code.BAD_PARAMETERS, "expiresAt is not in the future. To end a key at once, delete it.")
    return expires_at
