"""Accounts and their keys, as operators manage them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain.account import (
    ACCOUNT_NAME_LENGTH_MAX,
    KEY_ID_RANDOM_LENGTH,
    KEY_LABEL_LENGTH_MAX,
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
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.service.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A new key with its token. The token is shown only this once."""

    key: ApiKey
    token: str


async def add_account(runtime: Runtime, name: str) -> Account:
    """Add an account. Raises ``bad_parameters`` for a bad name and ``account_exists`` for a name that is taken."""
    check_name("The account's name", name, ACCOUNT_NAME_LENGTH_MAX)
    return await runtime.store.directory.add_account(name, runtime.clock())


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
    await runtime.store.directory.rename_account(account.account_id, name)
    return replace(account, name=name)


async def disable_account(runtime: Runtime, account: Account) -> None:
    """Disable an account. Within two seconds every server refuses its keys and does nothing for it any more."""
    await runtime.store.directory.disable_account(account.account_id, runtime.clock())


async def enable_account(runtime: Runtime, account: Account) -> None:
    """Enable an account again. Its plans, webhooks and imports continue where they stopped."""
    if not await runtime.store.directory.enable_account(account.account_id):
        raise PadronError(Code.ACCOUNT_NOT_FOUND, f"The account {quote(account.name)} is being deleted.")


async def add_key(
    runtime: Runtime,
    account: Account,
    *,
    label: str,
    scopes: Iterable[str],
    expires_in: timedelta | None,
    networks: Iterable[str] = (),
) -> NewKey:
    """Make a key and give it with its token. Raises ``bad_parameters`` for a bad label, scope or network.

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
    )
    await runtime.store.directory.add_key(new.key, runtime.limits.keys)
    return new


def make_key(
    account_id: int,
    *,
    label: str,
    scopes: frozenset[str],
    networks: tuple[IpNetwork, ...],
    now: datetime,
    expires_at: datetime | None,
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
    )
    return NewKey(key=key, token=format_token(key.key_id, secret))


async def list_keys(runtime: Runtime, account: Account) -> list[ApiKey]:
    """Give an account's keys, revoked and expired ones included, oldest first."""
    return await runtime.store.directory.list_keys(account.account_id)


async def revoke_key(runtime: Runtime, key_id: str) -> None:
    """Revoke a key by its id, which names its account. Raises ``key_not_found``."""
    account_id = parse_key_id(key_id)
    if account_id is None or not await runtime.store.directory.revoke_key(account_id, key_id, runtime.clock()):
        raise refuse_key_id(key_id)


def refuse_key_id(key_id: str) -> PadronError:
    """Give the refusal for the id of a key that does not exist."""
    return PadronError(Code.KEY_NOT_FOUND, f"There is no API key with the id {quote(key_id)}.")
