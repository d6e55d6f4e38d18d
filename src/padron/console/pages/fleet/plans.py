"""The planned changes of the whole fleet, by their state, with a way to cancel those that are pending."""

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.plan import Plan, PlanQuery, PlanState
from padron.mounting import MountedReply
from padron.service.plans.listing import cancel_plan, get_plan, list_plans

ROWS = 50

_PATH = "/console/plans"
_CONFLICT = 409
_NOT_CANCELLED = frozenset({Code.PLAN_ENDED, Code.PLAN_NOT_FOUND})
_STATES = {state.value: state for state in PlanState}


async def show_plans(visit: PageVisit) -> MountedReply:
    """GET /console/plans. The pending ones are shown soonest first, and all others latest first."""
    return await _show(visit, read_state(visit.query.get("state")), visit.query.get("cursor") or None)


async def cancel(visit: PageVisit) -> MountedReply:
    """POST /console/plans: cancel one that is pending."""
    plan_id = visit.form.get("plan")
    try:
        await cancel_plan(visit.runtime, visit.principal, plan_id, visit.request_id)
    except PadronError as error:
        if error.code not in _NOT_CANCELLED:
            raise
        return await _show(visit, PlanState.PENDING, None, problem=error.detail)
    return redirect(visit, _PATH, [Pair("done", plan_id)])


def read_state(text: str) -> PlanState:
    """Give the state that an address asks for: the pending ones, unless it names another."""
    return _STATES.get(text, PlanState.PENDING)


async def _show(visit: PageVisit, state: PlanState, cursor: str | None, *, problem: str = "") -> MountedReply:
    query = PlanQuery(state=state, descending=state is not PlanState.PENDING, limit=ROWS)
    page = await list_plans(visit.runtime, visit.principal, query, cursor)
    actors = {*(plan.created_by for plan in page.rows), *(plan.ended_by for plan in page.rows if plan.ended_by)}
    return show(
        visit,
        "plans.html",
        status=_CONFLICT if problem else 200,
        state=state,
        states=list(PlanState),
        plans=page.rows,
        next_page=[Pair("state", state.value), Pair("cursor", page.next_cursor)] if page.next_cursor else [],
        is_first=cursor is None,
        names=await name_actors(visit, actors),
        cancelled=await _find_cancelled(visit),
        problem=problem,
    )


async def _find_cancelled(visit: PageVisit) -> Plan | None:
    """Give the plan that the visitor has just cancelled. The address names it, and the record must say the same."""
    asked = visit.query.get("done")
    if not asked:
        return None
    try:
        plan = await get_plan(visit.runtime, visit.principal, asked)
    except PadronError as error:
        if error.code is not Code.PLAN_NOT_FOUND:
            raise
        return None
    return plan if plan.state is PlanState.CANCELLED and plan.ended_by == visit.principal.actor else None


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_plans, scope=Scope.VEHICLES_READ),
    ConsoleRoute(method="POST", path=_PATH, endpoint=cancel, scope=Scope.VEHICLES_STATUS),
)
