"""Accounts and their keys, as operators manage them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

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
    parse_scopes,
)
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
    return account


async def add_key(
    runtime: Runtime, account: Account, *, label: str, scopes: Iterable[str], expires_in: timedelta | None
) -> NewKey:
    """Make a key and give it with its token. Raises ``bad_parameters`` for a bad label or scope.

    Raises ``key_limit_reached`` when the account has too many keys that are neither revoked nor expired.
    """
    check_name("The key's label", label, KEY_LABEL_LENGTH_MAX)
    chosen = parse_scopes(scopes)
    random_part = encode_base62(secrets.randbits(128), KEY_ID_RANDOM_LENGTH)
    secret = encode_base62(secrets.randbits(256), SECRET_LENGTH)
    now = runtime.clock()
    key = ApiKey(
        account_id=account.account_id,
        key_id=format_key_id(account.account_id, random_part),
        label=label,
        scopes=chosen,
        secret_sha256=hash_secret(secret),
        created_at=now,
        expires_at=None if expires_in is None else now + expires_in,
        revoked_at=None,
        last_used_at=None,
    )
    if not await runtime.store.directory.add_key(key, runtime.limits.keys):
        raise PadronError(
            Code.KEY_LIMIT_REACHED,
            f"The account already has {runtime.limits.keys} API keys, the maximum. Revoke a key that is not used.",
        )
    return NewKey(key=key, token=format_token(key.key_id, secret))


async def list_keys(runtime: Runtime, account: Account) -> list[ApiKey]:
    """Give an account's keys, revoked and expired ones included, oldest first."""
    return await runtime.store.directory.list_keys(account.account_id)


async def revoke_key(runtime: Runtime, key_id: str) -> None:
    """Revoke a key by its id, which names its account. Raises ``key_not_found``."""
    account_id, _, _ = key_id.partition("k")
    known = account_id.isascii() and account_id.isdigit() and len(account_id) <= 18  # noqa: PLR2004 - fits 64 bits
    if not known or not await runtime.store.directory.revoke_key(int(account_id), key_id, runtime.clock()):
        raise PadronError(Code.KEY_NOT_FOUND, f"There is no API key with the id {quote(key_id)}.")
