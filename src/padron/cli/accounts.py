"""``padron accounts``."""

from typing import Literal

from cyclopts import App

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, give_instant, print_json, print_table
from padron.domain.account import Account
from padron.domain.administration import Act
from padron.domain.gate_leases import StrictGates
from padron.domain.query import LIMIT_MAX
from padron.service import accounts as service
from padron.service.administration.own_account import list_last_acts
from padron.service.operations.gate_leases import switch
from padron.service.runtime import Runtime

accounts = App(name="accounts", help="Add, list, change and delete accounts, the owners of vehicles.")
# By name, because it needs much that the other commands start faster without.
accounts.command(
    "padron.cli.account_deletion:delete_with_export",
    name="delete",
    help="Delete an account with all that belongs to it, for ever. Servers may run meanwhile.",
)

_DEFAULTS = CommonOptions()


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
    rows = [
        (str(account.account_id), account.name, give_instant(account.created_at) or "", _name_state(account))
        for account in found
    ]
    print_table(
        ("Id", "Name", "Created", "State"), rows, "There are no accounts yet. Add one with: padron accounts add NAME"
    )
    return 0


@accounts.command(name="rename")
def rename_account(name: str, new_name: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Give an account another name. Its keys, its vehicles and their history stay as they are.

    Parameters
    ----------
    name
        The account's present name.

    new_name
        Its new name.
    """

    async def work(runtime: Runtime) -> Account:
        return await service.rename_account(runtime, await service.get_account(runtime, name), new_name)

    account = run_with_runtime(options, work)
    if json:
        print_json(_show_account(account))
    else:
        print(f"The account {name} now has the name {account.name}.")
    return 0


@accounts.command(name="disable")
def disable_account(name: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Refuse all keys of an account, within two seconds. Its webhooks, imports and planned changes stop.

    Nothing is lost: padron accounts enable lets everything continue.

    Parameters
    ----------
    name
        The account's name.
    """

    async def work(runtime: Runtime) -> Account:
        await service.disable_account(runtime, await service.get_account(runtime, name))
        return await service.get_account(runtime, name)

    account = run_with_runtime(options, work)
    if json:
        print_json(_show_account(account))
    else:
        print(f"The account {name} is disabled.")
    return 0


@accounts.command(name="enable")
def enable_account(name: str, /, *, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Accept the keys of a disabled account again. Planned changes that became due meanwhile happen at once.

    Parameters
    ----------
    name
        The account's name.
    """

    async def work(runtime: Runtime) -> Account:
        await service.enable_account(runtime, await service.get_account(runtime, name))
        return await service.get_account(runtime, name)

    account = run_with_runtime(options, work)
    if json:
        print_json(_show_account(account))
    else:
        print(f"The account {name} is enabled.")
    return 0


@accounts.command(name="strict-gates")
def switch_strict_gates(
    name: str, state: Literal["on", "off"], /, *, json: Json = False, options: CommonOptions = _DEFAULTS
) -> int:
    """Let an account's deactivations wait for local gates that have a lease, or not.

    Off ends all leases, which takes up to ten seconds.

    Parameters
    ----------
    name
        The account's name.

    state
        on or off.
    """

    async def work(runtime: Runtime) -> StrictGates:
        return await switch(runtime, await service.get_account(runtime, name), is_on=state == "on")

    now = run_with_runtime(options, work)
    if json:
        print_json({"strictGates": now.value})
    else:
        print(f"Strict gates of the account {name} are {now.value}.")
    return 0


@accounts.command(name="events")
def list_events(name: str, /, *, limit: int = 50, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Show who administered what in an account, newest first: keys, members and the account; with --json all details.

    Parameters
    ----------
    name
        The account's name.

    limit
        How many acts to show, at most 500.
    """
    if not 1 <= limit <= LIMIT_MAX:
        raise UsageError(f"--limit is {limit}: use 1 to {LIMIT_MAX}.")

    async def work(runtime: Runtime) -> list[Act]:
        return await list_last_acts(runtime, await service.get_account(runtime, name), limit)

    found = run_with_runtime(options, work)
    if json:
        print_json({"events": [_show_act(act) for act in found]})
        return 0
    rows = [
        (str(act.number), give_instant(act.at) or "", act.deed.type.value, act.by, act.deed.subject) for act in found
    ]
    print_table(("Number", "At", "Type", "By", "Subject"), rows, "Nothing was administered in this account yet.")
    return 0


def _show_act(act: Act) -> dict[str, object]:
    return {
        "number": act.number,
        "type": act.deed.type.value,
        "at": give_instant(act.at),
        "by": act.by,
        "requestId": act.request_id,
        "subject": act.deed.subject,
        "details": dict(act.deed.details),
    }


def _show_account(account: Account) -> dict[str, object]:
    return {
        "id": account.account_id,
        "name": account.name,
        "createdAt": give_instant(account.created_at),
        "disabledAt": give_instant(account.disabled_at),
        "deletingAt": give_instant(account.deleting_at),
    }


def _name_state(account: Account) -> str:
    if account.deleting_at is not None:
        return f"being deleted since {give_instant(account.deleting_at)}"
    return "enabled" if account.disabled_at is None else f"disabled since {give_instant(account.disabled_at)}"
