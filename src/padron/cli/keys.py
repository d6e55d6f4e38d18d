"""``padron keys``."""

from datetime import datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.options import CommonOptions, Json, parse_duration, run_with_runtime, split_commas
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.domain.account import ApiKey, Scope
from padron.domain.quoting import join_names, quote
from padron.service import accounts as service
from padron.service.administration import keys as administration
from padron.service.administration.keys import RotatedKey
from padron.service.runtime import Runtime

keys = App(name="keys", help="Add, list, change, rotate and revoke API keys.")

ANY_NETWORK = "any"

_DEFAULTS = CommonOptions()
_SCOPES = ", ".join(scope.value for scope in Scope)
_SCOPE_HELP = f"What the key may do. Separate several scopes with commas or spaces: {_SCOPES}."

NetworksOption = Annotated[
    list[str] | None,
    Parameter(
        name="--networks",
        consume_multiple=True,
        negative="",
        help="The only networks that the key may be used from, such as 192.0.2.0/24. Separate several with commas or "
        f"spaces. {ANY_NETWORK} means from everywhere.",
    ),
]


@keys.command(name="add")
def add_key(
    *,
    account: str,
    name: str,
    scope: Annotated[list[str], Parameter(name="--scope", consume_multiple=True, negative="", help=_SCOPE_HELP)],
    expires_in: str | None = None,
    networks: NetworksOption = None,
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
    allowed = _parse_networks(networks) or ()

    async def work(runtime: Runtime) -> service.NewKey:
        owner = await service.get_account(runtime, account)
        return await service.add_key(runtime, owner, label=name, scopes=scopes, expires_in=duration, networks=allowed)

    new = run_with_runtime(options, work)
    if json:
        print_json({**_show_key(new.key), "secret": new.token})
        return 0
    until = give_instant(new.key.expires_at)
    print(f"Added the key {new.key.key_id}, valid {'for ever' if until is None else f'until {until}'}.")
    _print_token(new.token)
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


@keys.command(name="show")
def show_key(key_id: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Show all about one key but its secret. Last used is noted at most once an hour.

    Parameters
    ----------
    key_id
        The key's id, as padron keys list shows it.
    """
    key = run_with_runtime(options, lambda runtime: administration.get_key(runtime, key_id))
    if json:
        print_json(_show_key(key))
        return 0
    rows = [
        ("Id", key.key_id),
        ("Account", str(key.account_id)),
        ("Name", key.label),
        ("Scopes", " ".join(sorted(key.scopes))),
        ("Networks", " ".join(map(str, key.networks)) or ANY_NETWORK),
        ("Requests a second", str(key.requests_per_s or "-")),
        ("Created", give_instant(key.created_at) or ""),
        ("Expires", give_instant(key.expires_at) or "-"),
        ("Revoked", give_instant(key.revoked_at) or "-"),
        ("Replaced by", key.replaced_by or "-"),
        ("Last used", give_instant(key.last_used_at) or "-"),
        ("Last used from", key.last_used_from or "-"),
    ]
    print_table(("Key", key.label), rows, "")
    return 0


@keys.command(name="change")
def change_key(
    key_id: str,
    /,
    *,
    name: str | None = None,
    networks: NetworksOption = None,
    requests_per_second: int | None = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Give a key another name, other networks or a rate of its own. Every server knows it within two seconds.

    Parameters
    ----------
    key_id
        The key's id, as padron keys list shows it.

    name
        A new label for the key.

    requests_per_second
        A rate of the key's own, below that of PADRON_LIMITS, in each server process. 0 takes it away.
    """
    if name is None and networks is None and requests_per_second is None:
        raise UsageError("There is nothing to change: use --name, --networks or --requests-per-second.")
    allowed = _parse_networks(networks)
    key = run_with_runtime(
        options,
        lambda runtime: administration.change_key(
            runtime, key_id, label=name, networks=allowed, requests_per_s=requests_per_second
        ),
    )
    if json:
        print_json(_show_key(key))
    else:
        print(f"Changed the key {key.key_id}. It may be used from {' '.join(map(str, key.networks)) or 'everywhere'}.")
    return 0


@keys.command(name="rotate")
def rotate_key(
    key_id: str,
    /,
    *,
    account: str,
    overlap: str = "24h",
    expires_in: str | None = None,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Make a new key in the place of another one, with the same name, scopes and networks.

    Both keys are valid until the overlap ends. The new secret is shown only this once.

    Parameters
    ----------
    key_id
        The id of the old key, as padron keys list shows it.

    account
        The name of the account that the key belongs to.

    overlap
        How long the old key stays valid: a number and s, m, h, d or w, or 0 to end it at once.

    expires_in
        How long the new key is valid. Without it, as long as the old one was to be.
    """
    kept = timedelta(0) if overlap == "0" else parse_duration("--overlap", overlap)
    duration = None if expires_in is None else parse_duration("--expires-in", expires_in)

    async def work(runtime: Runtime) -> RotatedKey:
        owner = await service.get_account(runtime, account)
        return await administration.rotate_key(runtime, owner, key_id, overlap=kept, expires_in=duration)

    rotated = run_with_runtime(options, work)
    new = rotated.new
    old_ends_at = give_instant(rotated.old_ends_at)
    if json:
        print_json({**_show_key(new.key), "secret": new.token, "replaces": key_id, "oldExpiresAt": old_ends_at})
        return 0
    print(f"Added the key {new.key.key_id}. The key {key_id} ends at {old_ends_at}.")
    _print_token(new.token)
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


def _parse_networks(values: list[str] | None) -> list[str] | None:
    """Give the networks of an option; an empty list for the word that lifts the limit, None without the option."""
    if values is None:
        return None
    networks = split_commas(values)
    if networks == [ANY_NETWORK]:
        return []
    if not networks:
        raise UsageError(f"--networks needs at least one network, or {ANY_NETWORK}.")
    return networks


def _print_token(token: str) -> None:
    print("Send it with each call. It is shown only this once:")
    print(f"Authorization: Bearer {token}")


def _show_key(key: ApiKey) -> dict[str, object]:
    created_at, expires_at, revoked_at, last_used_at = map(give_instant, _list_instants(key))
    return {
        "id": key.key_id,
        "accountId": key.account_id,
        "name": key.label,
        "scopes": sorted(key.scopes),
        "networks": [str(network) for network in key.networks],
        "requestsPerSecond": key.requests_per_s,
        "createdAt": created_at,
        "expiresAt": expires_at,
        "revokedAt": revoked_at,
        "replacedBy": key.replaced_by,
        "lastUsedAt": last_used_at,
        "lastUsedFrom": key.last_used_from,
    }


def _list_instants(key: ApiKey) -> tuple[datetime | None, ...]:
    return key.created_at, key.expires_at, key.revoked_at, key.last_used_at
