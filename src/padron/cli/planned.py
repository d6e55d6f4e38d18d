"""``padron planned``: lists and cancels the planned changes of an account's vehicles."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from cyclopts import App, Parameter

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.account import Principal
from padron.domain.instants import format_instant
from padron.domain.plan import Plan, PlanKind, PlanQuery, PlanState
from padron.domain.query import LIMIT_MAX
from padron.domain.status import STATUS_TEXTS
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.actors import name_actors
from padron.service.plans.listing import cancel_plan, list_plans
from padron.service.runtime import Runtime

planned = App(name="planned", help="List and cancel planned changes of status.")

_DEFAULTS = CommonOptions()
_State = Literal["pending", "executed", "cancelled", "lapsed", "refused"]


class _Plans(NamedTuple):
    """Planned changes, and the names of their authors by their ids."""

    plans: Sequence[Plan]
    names: Mapping[str, str]


@planned.command(name="list")
def list_planned(
    *,
    account: str,
    vin: str | None = None,
    state: _State | None = None,
    limit: int = LIMIT_MAX,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """List planned changes in the order of their times, with their results.

    Parameters
    ----------
    account
        The name of the account that owns the vehicles.

    vin
        Only for the vehicle that now has this VIN.

    state
        Only planned changes in this state: pending, executed, cancelled, lapsed or refused.

    limit
        The maximum number of planned changes to show.
    """
    if limit < 1:
        raise UsageError(f"--limit is {limit}: it must be at least 1.")
    chosen = None if vin is None else parse_vin(vin)
    wanted = None if state is None else PlanState(state)

    async def work(runtime: Runtime) -> _Plans:
        principal = give_principal((await get_account(runtime, account)).account_id)
        found: list[Plan] = []
        cursor: str | None = None
        while len(found) < limit:
            query = PlanQuery(vin=chosen, state=wanted, limit=min(LIMIT_MAX, limit - len(found)))
            page = await list_plans(runtime, principal, query, cursor)
            found += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
        return await _name_authors(runtime, principal, found)

    found, names = run_with_runtime(options, work)
    if json:
        print_json({"plannedChanges": [show_plan(plan, names) for plan in found]})
        return
    columns = ("Effective at", "VIN", "Status", "State", "Planned by", "Id", "Detail")
    print_table(columns, [_give_cells(plan, names) for plan in found], "There are no planned changes.")


@planned.command(name="cancel")
def cancel_planned(
    plan_id: Annotated[str, Parameter(name="id")],
    /,
    *,
    account: str,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Cancel a planned change that is still pending.

    Parameters
    ----------
    plan_id
        The id of the planned change, as padron planned list shows it.

    account
        The name of the account that owns the vehicle.
    """
    request_id = f"cli-{secrets.token_hex(8)}"

    async def work(runtime: Runtime) -> _Plans:
        principal = give_principal((await get_account(runtime, account)).account_id)
        plan = await cancel_plan(runtime, principal, plan_id, request_id)
        return await _name_authors(runtime, principal, [plan])

    (plan,), names = run_with_runtime(options, work)
    if json:
        print_json(show_plan(plan, names))
        return
    print(f"Cancelled: {plan.vin} will not become {STATUS_TEXTS[plan.status].name} at {_show(plan)}.")


async def _name_authors(runtime: Runtime, principal: Principal, plans: Sequence[Plan]) -> _Plans:
    authors = [author for plan in plans for author in (plan.created_by, plan.ended_by)]
    return _Plans(plans, await name_actors(runtime, principal.account_id, authors))


def show_plan(plan: Plan, names: Mapping[str, str]) -> dict[str, object]:
    """Give a planned change for JSON, with the members of the API and the names of authors by their ids."""
    return {
        "id": plan.plan_id,
        "vin": plan.vin,
        "kind": plan.kind.value,
        "vehicleStatusId": plan.status.value,
        "reason": plan.reason,
        "effectiveAt": format_instant(plan.effective_at),
        "until": None if plan.until is None else format_instant(plan.until),
        "state": plan.state.value,
        "createdAt": format_instant(plan.created_at),
        "createdBy": plan.created_by,
        "createdByName": names.get(plan.created_by),
        "requestId": plan.request_id,
        "endedAt": None if plan.ended_at is None else format_instant(plan.ended_at),
        "endedBy": plan.ended_by,
        "endedByName": None if plan.ended_by is None else names.get(plan.ended_by),
        "detail": plan.detail,
        "changeNumber": plan.number,
    }


def _give_cells(plan: Plan, names: Mapping[str, str]) -> tuple[str, ...]:
    until = "" if plan.until is None else f" until {format_instant(plan.until)}"
    name = STATUS_TEXTS[plan.status].name
    what = f"back to {name}" if plan.kind is PlanKind.RETURN else f"{name}{until}"
    author = names.get(plan.created_by, plan.created_by)
    return _show(plan), plan.vin, what, plan.state.value, author, plan.plan_id, plan.detail or ""


def _show(plan: Plan) -> str:
    return format_instant(plan.effective_at)
