"""Accounts and their keys, as operators manage them."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain.account import (
    ACCOUNT_NAME_LENGTH_MAX,
    KEY_ID_RANDOM_LENGTH,
    KEY_LABEL_LENGTH_MAX,
    KEY_RATE_MAX,
    SECRET_LENGTH,
    Account,
    ApiKey,
    check_name,
    encode_base62,
    format_key_id,
    format_token,
    hash_secret,
    parse_key_id,
    parse_scopes,
)
from padron.domain.addresses import IpNetwork, parse_networks
from padron.domain.administration import FIRST_KEY, ActType, Deed, Detail, Doer, KeyPlace
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote
from padron.service.administration.acting import Done, administer
from padron.service.runtime import Runtime
from padron.store.administration import AdministrationTransaction

_LISTED = 1_000  # keys, in one statement


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A new key with its token. The token is shown only this once."""

    key: ApiKey
    token: str


async def add_account(runtime: Runtime, name: str) -> Account:
    """Add an account. Raises ``bad_parameters`` for a bad name and ``account_exists`` for a name that is taken."""
    check_name("The account's name", name, ACCOUNT_NAME_LENGTH_MAX)
    return await runtime.store.directory.add_account(name, runtime.clock(), runtime.operator)


async def list_accounts(runtime: Runtime) -> list[Account]:
    """Give all accounts, by name."""
    return await runtime.store.directory.list_accounts()


async def get_account(runtime: Runtime, name: str) -> Account:
    """Give an account by name. Raises ``account_not_found``."""
    account = await runtime.store.directory.find_account(name)
    if account is None:
        raise PadronError(Code.ACCOUNT_NOT_FOUND, f"There is no account named {quote(name)}.")
    if account.deleting_at is not None:
        raise PadronError(
            Code.ACCOUNT_NOT_FOUND,
            f"The account {quote(name)} is being deleted. Run padron accounts delete again to finish that.",
        )
    return account


async def rename_account(runtime: Runtime, account: Account, name: str) -> Account:
    """Give an account another name. Raises ``bad_parameters`` and ``account_exists`` as ``add_account`` does.

    Keys, numbers and history name the account by its id, so they stay valid.
    """
    check_name("The account's name", name, ACCOUNT_NAME_LENGTH_MAX)
    await runtime.store.directory.rename_account(account.account_id, name, runtime.clock(), runtime.operator)
    return replace(account, name=name)


async def disable_account(runtime: Runtime, account: Account) -> None:
    """Disable an account. Within two seconds every server refuses its keys and does nothing for it any more."""
    await runtime.store.directory.disable_account(account.account_id, runtime.clock(), runtime.operator)


async def enable_account(runtime: Runtime, account: Account) -> None:
    """Enable an account again. Its plans, webhooks and imports continue where they stopped."""
    if not await runtime.store.directory.enable_account(account.account_id, runtime.clock(), runtime.operator):
        raise PadronError(Code.ACCOUNT_NOT_FOUND, f"The account {quote(account.name)} is being deleted.")


async def add_key(
    runtime: Runtime,
    account: Account,
    *,
    label: str,
    scopes: Iterable[str],
    expires_in: timedelta | None,
    networks: Iterable[str] = (),
    requests_per_s: int | None = None,
) -> NewKey:
    """Make a key for an operator and give it with its token. Raises ``bad_parameters`` for a bad value.

    Without networks, the key may be used from everywhere. Raises ``key_limit_reached`` when the account has too many
    keys that are neither revoked nor expired.
    """
    check_name("The key's label", label, KEY_LABEL_LENGTH_MAX)
    now = runtime.clock()
    new = make_key(
        account.account_id,
        label=label,
        scopes=parse_scopes(scopes),
        networks=parse_networks(networks),
        now=now,
        expires_at=None if expires_in is None else now + expires_in,
        requests_per_s=check_rate(requests_per_s),
    )
    return await save_new_key(runtime, new, runtime.operator)


async def save_new_key(runtime: Runtime, new: NewKey, doer: Doer) -> NewKey:
    """Store a new key and give it. Raises ``key_limit_reached``."""
    key = new.key

    async def work(administration: AdministrationTransaction, _: datetime) -> Done[NewKey]:
        await administration.add_key(key, runtime.limits.keys)
        return Done(result=new, deed=Deed(type=ActType.KEY_ADDED, subject=key.key_id, details=describe_key(key)))

    return await administer(runtime, key.account_id, doer, work)


def describe_key(key: ApiKey) -> dict[str, Detail]:
    """Give what the record says about a new key: everything but its secret."""
    return {
        "label": key.label,
        "scopes": sorted(key.scopes),
        "networks": [str(network) for network in key.networks],
        "expiresAt": None if key.expires_at is None else format_instant(key.expires_at),
        "requestsPerSecond": key.requests_per_s,
    }


def check_rate(requests_per_s: int | None) -> int | None:
    """Give a key's own rate. Raises ``bad_parameters`` unless it is a possible one."""
    if requests_per_s is not None and not 1 <= requests_per_s <= KEY_RATE_MAX:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The key's own rate is {requests_per_s} requests a second: use 1 to {KEY_RATE_MAX:,}, or none.",
        )
    return requests_per_s


def make_key(
    account_id: int,
    *,
    label: str,
    scopes: frozenset[str],
    networks: tuple[IpNetwork, ...],
    now: datetime,
    expires_at: datetime | None,
    requests_per_s: int | None = None,
) -> NewKey:
    """Give a new key, which is not stored yet."""
    random_part = encode_base62(secrets.randbits(128), KEY_ID_RANDOM_LENGTH)
    secret = encode_base62(secrets.randbits(256), SECRET_LENGTH)
    key = ApiKey(
        account_id=account_id,
        key_id=format_key_id(account_id, random_part),
        label=label,
        scopes=scopes,
        networks=networks,
        secret_sha256=hash_secret(secret),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        last_used_from=None,
        replaced_by=None,
        requests_per_s=requests_per_s,
    )
    return NewKey(key=key, token=format_token(key.key_id, secret))


async def list_keys(runtime: Runtime, account: Account) -> list[ApiKey]:
    """Give an account's keys, revoked and expired ones included, oldest first."""
    reader = runtime.store.read(account.account_id).administration
    found: list[ApiKey] = []
    after = FIRST_KEY
    while page := await reader.list_keys(after, _LISTED):
        found += page
        after = KeyPlace(created_at=page[-1].created_at, key_id=page[-1].key_id)
    return found


async def revoke_key(
    runtime: Runtime, key_id: str, doer: Doer | None = None, check: Callable[[ApiKey], None] | None = None
) -> ApiKey:
    """Revoke a key by its id, which names its account, and give it. Raises ``key_not_found``.

    Without a doer the operator revokes it. ``check`` may refuse.
    """
    account_id = read_account_id(key_id)

    async def work(administration: AdministrationTransaction, at: datetime) -> Done[ApiKey]:
        key = await demand_key(administration, key_id)
        if check is not None:
            check(key)
        if key.revoked_at is not None:
            return Done(result=key)
        await administration.revoke_key(key_id, at)
        deed = Deed(type=ActType.KEY_REVOKED, subject=key_id, details={"label": key.label})
        return Done(result=replace(key, revoked_at=at), deed=deed)

    return await administer(runtime, account_id, doer or runtime.operator, work)


def read_account_id(key_id: str) -> int:
    """Give the account that a key's id names. Raises ``key_not_found`` for an id that names none."""
    account_id = parse_key_id(key_id)
    if account_id is None:
        raise refuse_key_id(key_id)
    return account_id


async def demand_key(administration: AdministrationTransaction, key_id: str) -> ApiKey:
    """Give a key of the transaction's account. Raises ``key_not_found``."""
    key = await administration.find_key(key_id)
    if key is None:
        raise refuse_key_id(key_id)
    return key


def refuse_key_id(key_id: str) -> PadronError:
    """Give the refusal for the id of a key that does not exist."""
    return PadronError(Code.KEY_NOT_FOUND, f"There is no API key with the id {quote(key_id)}.")
