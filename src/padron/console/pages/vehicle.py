"""The page of one vehicle: what it is, since when, by whom and why, what was and what is planned."""

from collections.abc import Iterable, Sequence

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.following import begin_following
from padron.console.naming import name_actors
from padron.console.pages.timeline import draw_spans, sum_spans
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import ChangeType, HistoryEntry
from padron.domain.errors import Code, PadronError
from padron.domain.gate import Refusal, RefusalQuery
from padron.domain.operation import ResultEntry, Work
from padron.domain.plan import Plan, PlanQuery, PlanState
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.vehicle import FIELDS
from padron.domain.vin import Vin, parse_vin
from padron.mounting import MountedReply
from padron.service.operations.gate import list_refusals
from padron.service.operations.runs import list_open_work, list_vehicle_results
from padron.service.plans.listing import cancel_plan, list_plans
from padron.service.statuses.undo import EITHER_SCOPE, undo_request
from padron.service.vehicles.reading import HistoryPage, get_vehicle, list_history
from padron.service.vehicles.vins import UNKNOWN_MAKER, VinDescription, describe_vin

HISTORY_ROWS = 100
SIDE_ROWS = 20
SCANNED = "scanned"  # in the address: somebody holds a phone, so the statuses are ready to be touched

_CONFLICT = 409
_HEADLINE = ("brandName", "modelName", "customId")  # beside the VIN and the plate
_PATH = "/console/vehicles/{vin}"
_DONE = {ChangeType.INFO_CHANGED: "vehicle.data_done", ChangeType.REGISTERED: "vehicle.registered"}
_NO_CHANGE = {"same": "vehicle.same", "same_data": "vehicle.same_data", "cancelled": "vehicle.cancelled"}


async def show_vehicle(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles/{vin}."""
    return await show_one(visit, read_vin(visit))


async def show_one(visit: PageVisit, vin: Vin, problem: str = "", detail: str = "") -> MountedReply:
    """Give the page of a vehicle, perhaps with what went wrong a moment ago."""
    runtime, principal = visit.runtime, visit.principal
    followed = await begin_following(visit)
    version = await get_vehicle(runtime, principal, vin)
    history = await list_history(
        runtime, principal, vin, limit=HISTORY_ROWS, cursor=visit.query.get("cursor") or None,
        vehicle_id=version.vehicle.vehicle_id,
    )  # fmt: skip
    plans = await _list_plans(visit, vin)
    spans = draw_spans(history.rows, visit.now)
    done = find_done(visit, history.rows, plans)
    return show(
        visit,
        "vehicle.html",
        status=_CONFLICT if problem else 200,
        version=version,
        followed=followed,
        vehicle=version.vehicle,
        known=[version.details[name] for name in _HEADLINE if name in version.details],
        fields=[field.name for field in FIELDS if field.name in version.details],
        history=history,
        changes=ChangeType,
        is_first="cursor" not in visit.query,
        older=[Pair("cursor", history.next_cursor)] if history.next_cursor else [],
        spans=spans,
        sums=sum_spans(spans),
        plans=plans,
        spoken=_read_meaning(visit, vin),
        work=await _list_work(visit, vin),
        results=await _list_results(visit, vin),
        refusals=await _list_refusals(visit, vin),
        names=await name_actors(visit, _list_actors(version.vehicle.status_by, history, plans)),
        done=done,
        is_new=done in {"vehicle.done", "vehicle.data_done"},
        undoable=find_undoable(visit, history.rows),
        offered=list(SETTABLE_STATUSES.values()) if SCANNED in visit.query else [],
        problem=problem,
        detail=detail,
    )


def read_vin(visit: PageVisit) -> Vin:
    """Give the VIN of the address. Any other text is an address that does not exist."""
    try:
        return parse_vin(visit.parameters["vin"])
    except PadronError as error:
        raise PadronError(Code.VEHICLE_NOT_FOUND, error.detail) from None


def find_done(visit: PageVisit, history: Sequence[HistoryEntry], plans: Sequence[Plan]) -> str:
    """Give the key of the message about what the visitor has just done; empty without one.

    The address names the request. It is believed only where the record says the same, so a link cannot lie.
    """
    asked = visit.query.get("done")
    latest = history[0] if history else None
    if not asked:
        return ""
    if latest is not None and latest.request_id == asked and latest.by == visit.principal.actor:
        return "vehicle.undone" if "undone" in visit.query else _DONE.get(latest.type, "vehicle.done")
    if any(plan.request_id == asked for plan in plans):
        return "vehicle.planned"
    return _NO_CHANGE.get(asked, "")


def find_undoable(visit: PageVisit, history: Sequence[HistoryEntry]) -> str:
    """Give the id of the latest request, if the visitor may undo it; empty otherwise."""
    latest = history[0] if history else None
    if latest is None or "cursor" in visit.query or latest.is_repair:
        return ""
    match latest.type:
        case ChangeType.STATUS_CHANGED:
            may = visit.may(Scope.VEHICLES_STATUS)
        case ChangeType.INFO_CHANGED:
            may = visit.may(Scope.VEHICLES_WRITE)
        case _:
            may = False
    return latest.request_id if may else ""


async def undo(visit: PageVisit) -> MountedReply:
    """POST /console/vehicles/{vin}/undo."""
    vin, undone = read_vin(visit), visit.form.get("request")
    tried = await undo_request(visit.runtime, visit.principal, undone, visit.request_id, None, dry_run=True)
    if len(tried) > 1 or any(one.vin != vin for one in tried):
        return await show_one(visit, vin, "vehicle.undo_many")
    outcomes = await undo_request(visit.runtime, visit.principal, undone, visit.request_id, None)
    left = next((one for one in outcomes if one.left is not None), None)
    if left is not None:
        return await show_one(visit, vin, "vehicle.not_undone", left.detail or "")
    now = next((one.after.vin for one in outcomes if one.after is not None), vin)
    return redirect(visit, f"/console/vehicles/{now}", [Pair("done", visit.request_id), Pair("undone", "1")])


async def cancel(visit: PageVisit) -> MountedReply:
    """POST /console/vehicles/{vin}/plans: cancel a planned change."""
    vin = read_vin(visit)
    await cancel_plan(visit.runtime, visit.principal, visit.form.get("plan"), visit.request_id)
    return redirect(visit, f"/console/vehicles/{vin}", [Pair("done", "cancelled")])


def _read_meaning(visit: PageVisit, vin: Vin) -> list[str]:
    """Say what the VIN tells by itself: its maker, its model years, and that its check digit is wrong."""
    found, say = describe_vin(vin, visit.now), visit.wording.say
    if not isinstance(found, VinDescription):
        return []
    told = [] if found.maker == UNKNOWN_MAKER else [str(found.maker)]
    if found.model_years:
        years = say("vehicle.or").join(str(year) for year in found.model_years)
        told.append(say("vehicle.years", years=years))
    if found.check_digit.warning is not None:
        told.append(say("data.digit", given=found.check_digit.given, expected=found.check_digit.expected))
    return told


async def _list_plans(visit: PageVisit, vin: Vin) -> Sequence[Plan]:
    query = PlanQuery(vin=vin, state=PlanState.PENDING, limit=SIDE_ROWS)
    return (await list_plans(visit.runtime, visit.principal, query, None)).rows


async def _list_work(visit: PageVisit, vin: Vin) -> Sequence[Work]:
    if not visit.may(Scope.OPERATIONS_RUN):
        return ()
    return await list_open_work(visit.runtime, visit.principal, vin, SIDE_ROWS)


async def _list_results(visit: PageVisit, vin: Vin) -> Sequence[ResultEntry]:
    if not visit.may(Scope.OPERATIONS_RUN):
        return ()
    return (await list_vehicle_results(visit.runtime, visit.principal, vin, limit=SIDE_ROWS, cursor=None)).rows


async def _list_refusals(visit: PageVisit, vin: Vin) -> Sequence[Refusal]:
    if not visit.may(Scope.GATE_CHECK):
        return ()
    query = RefusalQuery(vin=vin, limit=SIDE_ROWS)
    return (await list_refusals(visit.runtime, visit.principal, query, None)).rows


def _list_actors(status_by: str, history: HistoryPage, plans: Iterable[Plan]) -> set[str]:
    return {status_by, *(entry.by for entry in history.rows), *(plan.created_by for plan in plans)}


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_vehicle, scope=Scope.VEHICLES_READ),
    ConsoleRoute(
        method="POST", path=f"{_PATH}/undo", endpoint=undo, scope=Scope.VEHICLES_READ, either_scope=EITHER_SCOPE
    ),
    ConsoleRoute(method="POST", path=f"{_PATH}/plans", endpoint=cancel, scope=Scope.VEHICLES_STATUS),
)
