"""Deleting a vehicle that was registered by mistake, and bringing deleted vehicles back.

The form carries the tag of the vehicle as it was seen, so nobody deletes a vehicle that changed meanwhile.
"""

import re

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair, tidy_text
from padron.console.naming import name_actors
from padron.console.pages.vehicle import read_vin
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import REASON_LENGTH_MAX, ChangeType, parse_reason
from padron.domain.deletion import UNDOABLE_DAYS, Deletion
from padron.domain.errors import Code, PadronError
from padron.domain.plan import PlanQuery, PlanState
from padron.domain.tags import format_tag
from padron.domain.undo import LeftReason
from padron.domain.vin import Vin
from padron.mounting import MountedReply
from padron.service.operations.runs import list_open_work
from padron.service.plans.listing import list_plans
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.deletion import delete_vehicle, list_deletions
from padron.service.vehicles.reading import get_vehicle, list_history

ROWS = 50
COUNTED_MAX = 100  # tasks and plans that the page counts

_LIST = "/console/deleted"
_ONE = "/console/vehicles/{vin}/delete"
_BAD_REQUEST = 400
_match_number = re.compile("[0-9]{1,18}").fullmatch
_CONFLICT = 409
_HEADLINE = ("plate", "brandName", "modelName", "customId")
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.REVISION_MISMATCH})


async def show_form(visit: PageVisit) -> MountedReply:
    """GET /console/vehicles/{vin}/delete: what will happen, and the form."""
    return await _show_form(visit, read_vin(visit))


async def show_form_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return await _show_form(visit, read_vin(visit), note="sign_in.typed_again")


async def delete(visit: PageVisit) -> MountedReply:
    """POST /console/vehicles/{vin}/delete."""
    vin, seen = read_vin(visit), visit.form.get("revision")
    try:
        deletion = Deletion(
            vin=vin,
            by=visit.principal.actor,
            request_id=visit.request_id,
            revisions=frozenset({seen}),
            reason=parse_reason(tidy_text(visit.form.get("reason"))),
        )
        await delete_vehicle(visit.runtime, visit.principal, deletion)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_form(visit, vin, problem=f"error.{error.code.value}")
    return redirect(visit, _LIST, [Pair("done", visit.request_id)])


async def show_deleted(visit: PageVisit) -> MountedReply:
    """GET /console/deleted: what can be brought back."""
    return await _show_deleted(visit)


async def show_history(visit: PageVisit) -> MountedReply:
    """GET /console/deleted/{vin}: the history of the vehicle that the address names, or of the last one."""
    vin, number = read_vin(visit), visit.query.get("vehicle")
    cursor = visit.query.get("cursor") or None
    history = await list_history(
        visit.runtime, visit.principal, vin, limit=ROWS, cursor=cursor,
        vehicle_id=int(number) if _match_number(number) else None,
    )  # fmt: skip
    return show(
        visit,
        "deleted-history.html",
        vin=vin,
        rows=history.rows,
        changes=ChangeType,
        names=await name_actors(visit, {entry.by for entry in history.rows}),
        is_first=cursor is None,
        older=[Pair("vehicle", number), Pair("cursor", history.next_cursor)] if history.next_cursor else [],
    )


async def bring_back(visit: PageVisit) -> MountedReply:
    """POST /console/deleted: undo a deletion."""
    outcomes = await undo_request(visit.runtime, visit.principal, visit.form.get("request"), visit.request_id, None)
    left = next((one for one in outcomes if one.left is not None), None)
    if left is not None:
        return await _show_deleted(visit, vin=left.vin, left=left.left)
    back = next((one.after for one in outcomes if one.after is not None), None)
    if back is None or not visit.may(Scope.VEHICLES_READ):
        return redirect(visit, _LIST)
    return redirect(visit, f"/console/vehicles/{back.vin}", [Pair("done", visit.request_id), Pair("undone", "1")])


async def _show_form(visit: PageVisit, vin: Vin, *, problem: str = "", note: str = "") -> MountedReply:
    version = await get_vehicle(visit.runtime, visit.principal, vin)
    plans = PlanQuery(vin=vin, state=PlanState.PENDING, limit=COUNTED_MAX)
    may_see_work = visit.may(Scope.OPERATIONS_RUN)
    work = await list_open_work(visit.runtime, visit.principal, vin, COUNTED_MAX) if may_see_work else ()
    return show(
        visit,
        "deletion.html",
        status=_BAD_REQUEST if problem else 200,
        vehicle=version.vehicle,
        tag=format_tag(version.vehicle),
        known=[version.details[name] for name in _HEADLINE if name in version.details],
        plate=version.details.get("plate"),
        work=len(work),
        plans=len((await list_plans(visit.runtime, visit.principal, plans, None)).rows),
        days=UNDOABLE_DAYS,
        reason=visit.form.get("reason"),
        reason_max=REASON_LENGTH_MAX,
        problem=problem,
        note=note,
    )


async def _show_deleted(visit: PageVisit, *, vin: str = "", left: LeftReason | None = None) -> MountedReply:
    cursor = visit.query.get("cursor") or None
    page = await list_deletions(visit.runtime, visit.principal, ROWS, cursor)
    done = visit.query.get("done")
    return show(
        visit,
        "deleted.html",
        status=_CONFLICT if left else 200,
        rows=page.rows,
        known={one.number: [one.details[name] for name in _HEADLINE if name in one.details] for one in page.rows},
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        days=UNDOABLE_DAYS,
        names=await name_actors(visit, {one.by for one in page.rows}),
        # The address names the request, and the list says whether it is true.
        done=next((one for one in page.rows if done and one.request_id == done), None),
        vin=vin,
        left=left,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_form, scope=Scope.VEHICLES_DELETE),
    ConsoleRoute(method="POST", path=_ONE, endpoint=delete, scope=Scope.VEHICLES_DELETE, show_again=show_form_again),
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_deleted, scope=Scope.VEHICLES_DELETE),
    ConsoleRoute(method="GET", path=f"{_LIST}/{{vin}}", endpoint=show_history, scope=Scope.VEHICLES_READ),
    ConsoleRoute(method="POST", path=_LIST, endpoint=bring_back, scope=Scope.VEHICLES_DELETE),
)
