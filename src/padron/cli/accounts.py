"""``padron accounts`` and ``padron keys``."""

from datetime import datetime
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.options import CommonOptions, Json, parse_duration, run_with_runtime, split_commas
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.domain.account import Account, ApiKey, Scope
from padron.domain.quoting import join_names, quote
from padron.service import accounts as service
from padron.service.runtime import Runtime

accounts = App(name="accounts", help="Add and list accounts, the owners of vehicles.")
keys = App(name="keys", help="Add, list and revoke API keys.")

_DEFAULTS = CommonOptions()
_SCOPES = ", ".join(scope.value for scope in Scope)
_SCOPE_HELP = f"What the key may do. Separate several scopes with commas or spaces: {_SCOPES}."


@accounts.command(name="add")
def add_account(name: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Add an account.

    Parameters
    ----------
    name
        The name of the new account.
    """
    account = run_with_runtime(options, lambda runtime: service.add_account(runtime, name), may_create=True)
    if json:
        print_json(_show_account(account))
    else:
        print(f"Added the account {account.name} (id {account.account_id}).")
    return 0


@accounts.command(name="list")
def list_accounts(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """List all accounts; with --json as {"accounts": [...]}."""
    found = run_with_runtime(options, service.list_accounts)
    if json:
        print_json({"accounts": [_show_account(account) for account in found]})
        return 0
    rows = [(str(account.account_id), account.name, give_instant(account.created_at) or "") for account in found]
    print_table(("Id", "Name", "Created"), rows, "There are no accounts yet. Add one with: padron accounts add NAME")
    return 0


@keys.command(name="add")
def add_key(
    *,
    account: str,
    name: str,
    scope: Annotated[list[str], Parameter(name="--scope", consume_multiple=True, negative="", help=_SCOPE_HELP)],
    expires_in: str | None = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Add an API key and show its secret. The secret is shown only this once.

    Parameters
    ----------
    account
        The name of the account that the key belongs to.

    name
        A label for the key.

    expires_in
        How long the key is valid: a number and s, m, h, d or w, for example 90d. Without it, the key never expires.
    """
    scopes = _parse_scopes(scope)
    duration = None if expires_in is None else parse_duration("--expires-in", expires_in)

    async def work(runtime: Runtime) -> service.NewKey:
        owner = await service.get_account(runtime, account)
        return await service.add_key(runtime, owner, label=name, scopes=scopes, expires_in=duration)

    new = run_with_runtime(options, work)
    if json:
        print_json({**_show_key(new.key), "secret": new.token})
        return 0
    until = give_instant(new.key.expires_at)
    print(f"Added the key {new.key.key_id}, valid {'for ever' if until is None else f'until {until}'}.")
    print("Send it with each call. It is shown only this once:")
    print(f"Authorization: Bearer {new.token}")
    return 0


@keys.command(name="list")
def list_keys(*, account: str, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """List an account's keys, without their secrets; with --json as {"keys": [...]}.

    Parameters
    ----------
    account
        The account's name.
    """

    async def work(runtime: Runtime) -> list[ApiKey]:
        return await service.list_keys(runtime, await service.get_account(runtime, account))

    found = run_with_runtime(options, work)
    if json:
        print_json({"keys": [_show_key(key) for key in found]})
        return 0
    rows = [
        (key.key_id, key.label, " ".join(sorted(key.scopes)), *(give_instant(at) or "-" for at in _list_instants(key)))
        for key in found
    ]
    columns = ("Id", "Name", "Scopes", "Created", "Expires", "Revoked", "Last used")
    print_table(columns, rows, "The account has no keys yet. Add one with: padron keys add")
    return 0


@keys.command(name="revoke")
def revoke_key(key_id: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Revoke an API key. Every server refuses it within two seconds.

    Parameters
    ----------
    key_id
        The key's id, as padron keys list shows it.
    """
    run_with_runtime(options, lambda runtime: service.revoke_key(runtime, key_id))
    if json:
        print_json({"id": key_id, "revoked": True})
    else:
        print(f"Revoked the key {key_id}.")
    return 0


def _parse_scopes(values: list[str]) -> list[str]:
    scopes = split_commas(values)
    unknown = [scope for scope in scopes if scope not in list(Scope)]
    if unknown or not scopes:
        named = join_names(list(map(quote, unknown)))
        wrong = f"has an unknown scope, {named}" if unknown else "needs at least one scope"
        raise UsageError(f"--scope {wrong}: choose from {_SCOPES}.")
    return scopes


def _show_account(account: Account) -> dict[str, object]:
    return {"id": account.account_id, "name": account.name, "createdAt": give_instant(account.created_at)}


def _show_key(key: ApiKey) -> dict[str, object]:
    created_at, expires_at, revoked_at, last_used_at = map(give_instant, _list_instants(key))
    return {
        "id": key.key_id,
        "accountId": key.account_id,
        "name": key.label,
        "scopes": sorted(key.scopes),
        "createdAt": created_at,
        "expiresAt": expires_at,
        "revokedAt": revoked_at,
        "lastUsedAt": last_used_at,
    }


def _list_instants(key: ApiKey) -> tuple[datetime | None, ...]:
    return key.created_at, key.expires_at, key.revoked_at, key.last_used_at
