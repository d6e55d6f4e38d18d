"""The overview: how many vehicles have which status, how that moved, what happened and what is to be done."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from padron.console.declarations import ConsoleRoute
from padron.console.following import begin_following
from padron.console.naming import name_actors
from padron.console.pages.fleet.attention import list_concerns
from padron.console.pages.fleet.charts import list_rows, stack_days
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.console.zones import UTC_ZONE
from padron.domain.account import Scope
from padron.domain.change import ChangeType
from padron.domain.gate import Refusal, RefusalQuery
from padron.domain.plan import Plan, PlanQuery, PlanState
from padron.domain.status_counts import DAYS_MAX, StatusDay
from padron.mounting import MountedReply
from padron.service.changes.feed import list_latest
from padron.service.operations.gate import list_refusals
from padron.service.plans.listing import list_plans
from padron.service.reports.status_counts import find_status_counts

COUNT_WAIT_S = 0.5  # for the counts of a large register; without them the page says that they come
LATEST = 10
SIDE_ROWS = 6
PLANNED_WITHIN = timedelta(days=7)
WEEK = 7


async def show_overview(visit: PageVisit) -> MountedReply:
    """GET /console/overview."""
    runtime, principal = visit.runtime, visit.principal
    followed = await begin_following(visit)
    days = await find_status_counts(runtime, principal, DAYS_MAX, COUNT_WAIT_S)
    known = skip_empty(days or [])
    latest = await list_latest(runtime, principal, LATEST) if visit.may(Scope.CHANGES_READ) else []
    plans = await _list_plans(visit)
    actors = {*(entry.change.by for entry in latest), *(plan.created_by for plan in plans)}
    return show(
        visit,
        "overview.html",
        followed=followed,
        is_counted=days is not None,
        today=known[-1] if known else None,
        days=known,
        calendar_day=lambda day: visit.wording.write_day(datetime.combine(day, time(), UTC), UTC_ZONE),
        share=write_share(known[-1].operational, known[-1].total) if known else "",
        chart=stack_days(known) if known else None,
        rows=list_rows(known),
        weeks=choose_weeks(known),
        latest=latest,
        plans=plans,
        refusals=await _list_refusals(visit),
        concerns=await list_concerns(visit),
        names=await name_actors(visit, actors),
        changes=ChangeType,
    )


def write_share(part: int, whole: int) -> str:
    """Give a share in whole percent. Only all is 100 %, and only nothing is 0 %."""
    if not whole:
        return ""
    percent = min(max(round(100 * part / whole), 1 if part else 0), 100 if part == whole else 99)
    return f"{percent}\u00a0%"


def skip_empty(days: Sequence[StatusDay]) -> list[StatusDay]:
    """Give the days from the first one with a vehicle on."""
    first = next((place for place, day in enumerate(days) if day.total), len(days))
    return list(days[first:])


def choose_weeks(days: Sequence[StatusDay]) -> list[StatusDay]:
    """Give the present day and the one of each week before it, newest first."""
    return list(days[::-1][::WEEK])


async def _list_plans(visit: PageVisit) -> list[Plan]:
    query = PlanQuery(state=PlanState.PENDING, limit=SIDE_ROWS)
    page = await list_plans(visit.runtime, visit.principal, query, None)
    return [plan for plan in page.rows if plan.effective_at < visit.now + PLANNED_WITHIN]


async def _list_refusals(visit: PageVisit) -> Sequence[Refusal]:
    if not visit.may(Scope.GATE_CHECK):
        return ()
    return (await list_refusals(visit.runtime, visit.principal, RefusalQuery(limit=SIDE_ROWS), None)).rows


ROUTES = (ConsoleRoute(method="GET", path="/console/overview", endpoint=show_overview, scope=Scope.VEHICLES_READ),)
