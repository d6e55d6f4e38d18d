"""Changing many vehicles at once: choosing them, what will happen, the confirmation, the work, its report and undo.

A selection is a set on the server with a digest. The page that asks for the confirmation carries the digest of what it
shows, so nobody confirms another set. What changed meanwhile is shown, and the page asks again.
"""

from collections.abc import Sequence

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair, tidy_text
from padron.console.naming import name_actors
from padron.console.pages.listing_state import read_state
from padron.console.pages.status_change import TypedChange, parse_local
from padron.console.pages.vehicles import build_query
from padron.console.replies import redirect, send_csv, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import parse_reason
from padron.domain.errors import Code, PadronError
from padron.domain.selection import SelectionState, VehicleSelection, WantedStatus, format_selection_id
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.vin import parse_vin
from padron.mounting import MountedReply
from padron.service.selections import making, reading, reports
from padron.service.selections.applying import SelectionChangedError, apply_selection
from padron.service.selections.making import ChosenVehicle
from padron.service.selections.previewing import SelectionPreview, preview_selection
from padron.service.selections.undoing import undo_selection

LIST_BYTES_MAX = 500_000  # a list of 10,000 VINs, as a browser sends it
ROWS = 100

_PATH = "/console/selections"
_ONE = f"{_PATH}/{{selectionId}}"
_BAD_REQUEST, _CONFLICT = 400, 409
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.SELECTION_LIMIT_REACHED})


async def show_selections(visit: PageVisit) -> MountedReply:
    """GET /console/selections: a list to paste, and the selections so far."""
    return await _show_all(visit)


async def show_selections_again(visit: PageVisit) -> MountedReply:
    """Give the list as it was typed before the session ended."""
    return await _show_all(visit, typed=visit.form.get("list"), note="sign_in.typed_again")


async def select(visit: PageVisit) -> MountedReply:
    """POST /console/selections: of the ticked rows, of all that match, or of a pasted list."""
    try:
        made = await _make(visit)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return await _show_all(visit, typed=visit.form.get("list"), problem=error.detail)
    status = visit.form.get("status")
    return redirect(visit, _give_path(made), [Pair("status", status)] if status else [])


async def show_selection(visit: PageVisit) -> MountedReply:
    """GET /console/selections/{selectionId}."""
    return await _show_one(visit, TypedChange.read(visit.query))


async def show_selection_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return await _show_one(visit, TypedChange.read(visit.form), note="sign_in.typed_again")


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/selections/{selectionId}: show what will happen, or confirm it."""
    selection_id, typed = visit.parameters["selectionId"], TypedChange.read(visit.form)
    if visit.form.is_sent_back:
        return await _show_one(visit, typed)
    try:
        wanted = _parse_wanted(visit, typed)
        if visit.form.is_confirmed:
            digest = visit.form.get("digest")
            done = await apply_selection(
                visit.runtime, visit.principal, selection_id, digest, wanted, visit.request_id
            )  # fmt: skip
            return redirect(visit, _give_path(done))
        preview = await preview_selection(visit.runtime, visit.principal, selection_id, wanted)
    except SelectionChangedError as error:
        preview = await preview_selection(visit.runtime, visit.principal, selection_id, wanted)
        return await _show_preview(visit, preview, typed, error)
    except PadronError as error:
        if error.code is Code.SELECTION_CHANGED:  # somebody else looked at it again: its digest is another one
            preview = await preview_selection(visit.runtime, visit.principal, selection_id, wanted)
            return await _show_preview(visit, preview, typed, error)
        if error.code is not Code.BAD_PARAMETERS:
            raise
        return await _show_one(visit, typed, problem=error.detail)
    return await _show_preview(visit, preview, typed)


async def cancel(visit: PageVisit) -> MountedReply:
    """POST /console/selections/{selectionId}/cancel."""
    selection_id = visit.parameters["selectionId"]
    found = await reading.get_selection(visit.runtime, visit.principal, selection_id)
    await reading.delete_selection(visit.runtime, visit.principal, selection_id)
    return redirect(visit, _give_path(found) if found.is_busy else _PATH)


async def undo(visit: PageVisit) -> MountedReply:
    """POST /console/selections/{selectionId}/undo."""
    selection_id = visit.parameters["selectionId"]
    counts = await undo_selection(visit.runtime, visit.principal, selection_id, visit.request_id)
    place = f"{_PATH}/{selection_id}"
    return redirect(visit, place, [Pair("undone", str(counts.undone)), Pair("left", str(counts.left))])


async def show_report(visit: PageVisit) -> MountedReply:
    """GET /console/selections/{selectionId}/report."""
    found = await reading.get_selection(visit.runtime, visit.principal, visit.parameters["selectionId"])
    pieces = [piece async for piece in reports.encode_report(visit.runtime, visit.principal, found)]
    return send_csv(visit, b"".join(pieces), f"selection-{format_selection_id(found.selection_id)}.csv")


async def _make(visit: PageVisit) -> VehicleSelection:
    runtime, principal, form = visit.runtime, visit.principal, visit.form
    if "list" in form:
        return await making.select_named(runtime, principal, form.get("list"))
    if form.get("all"):
        return await making.select_matching(runtime, principal, build_query(read_state(form)))
    return await making.select_vehicles(runtime, principal, _read_ticked(visit, form.get_all("vehicle")))


def _read_ticked(visit: PageVisit, values: Sequence[str]) -> list[ChosenVehicle]:
    """Give the ticked vehicles, each with the tag that its row had. Raises ``bad_parameters`` for none."""
    if not values:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("many.none_ticked"))
    ticked: list[ChosenVehicle] = []
    for value in values:
        vin, _, tag = value.partition(" ")
        ticked.append(ChosenVehicle(vin=parse_vin(vin), tag=tag or None))
    return ticked


def _parse_wanted(visit: PageVisit, typed: TypedChange) -> WantedStatus:
    status = SETTABLE_STATUSES.get(int(typed.status)) if typed.status.isdecimal() and len(typed.status) == 1 else None
    if status is None:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("change.no_status"))
    return WantedStatus(
        status=status,
        reason=parse_reason(tidy_text(typed.reason)),
        effective_at=parse_local(visit, typed.at),
        until=parse_local(visit, typed.until),
    )


async def _show_all(visit: PageVisit, *, typed: str = "", problem: str = "", note: str = "") -> MountedReply:
    cursor = visit.query.get("cursor") or None
    page = await reading.list_selections(visit.runtime, visit.principal, limit=ROWS, cursor=cursor)
    names = await name_actors(visit, {one.created_by for one in page.rows})
    return show(
        visit,
        "selections.html",
        status=_BAD_REQUEST if problem else 200,
        rows=page.rows,
        next_cursor=page.next_cursor,
        names=names,
        typed=typed,
        problem=problem,
        note=note,
        give_path=_give_path,
    )


async def _show_one(visit: PageVisit, typed: TypedChange, *, problem: str = "", note: str = "") -> MountedReply:
    view = await reading.view_selection(
        visit.runtime, visit.principal, visit.parameters["selectionId"], limit=ROWS,
        cursor=visit.query.get("cursor") or None,
    )  # fmt: skip
    selection = view.selection
    ids = {row.vehicle_id for row in view.page.rows}
    return show(
        visit,
        "selection.html",
        status=_BAD_REQUEST if problem else 200,
        selection=selection,
        view=view,
        details=await reading.load_details(visit.runtime, visit.principal, ids),
        path=_give_path(selection),
        typed=typed,
        statuses=list(SETTABLE_STATUSES.values()),
        problem=problem,
        note=note,
        states=SelectionState,
        undone=_read_count(visit, "undone"),
        left=_read_count(visit, "left"),
    )


async def _show_preview(
    visit: PageVisit, preview: SelectionPreview, typed: TypedChange, changed: PadronError | None = None
) -> MountedReply:
    differing = changed.changed if isinstance(changed, SelectionChangedError) else preview.changed
    shown = [*(one.vehicle for one in (*preview.rows, *preview.refused)), *(one.now for one in differing)]
    ids = {one.vehicle_id for one in shown}
    return show(
        visit,
        "selection-preview.html",
        status=200 if changed is None else _CONFLICT,
        preview=preview,
        path=_give_path(preview.selection),
        typed=typed,
        is_asked_again=changed is not None,
        changed=differing,
        details=await reading.load_details(visit.runtime, visit.principal, ids),
        changed_count=changed.count if isinstance(changed, SelectionChangedError) else preview.changed_count,
        rows_max=ROWS,
    )


def _give_path(selection: VehicleSelection) -> str:
    return f"{_PATH}/{format_selection_id(selection.selection_id)}"


def _read_count(visit: PageVisit, name: str) -> int | None:
    text = visit.query.get(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LIST_BYTES_MAX)) else None


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_selections, scope=Scope.VEHICLES_BULK),
    ConsoleRoute(
        method="POST", path=_PATH, endpoint=select, scope=Scope.VEHICLES_BULK, show_again=show_selections_again,
        form_bytes_max=LIST_BYTES_MAX,
    ),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_selection, scope=Scope.VEHICLES_BULK),
    ConsoleRoute(
        method="POST", path=_ONE, endpoint=change, scope=Scope.VEHICLES_BULK, show_again=show_selection_again
    ),
    ConsoleRoute(method="GET", path=f"{_ONE}/report", endpoint=show_report, scope=Scope.VEHICLES_BULK),
    ConsoleRoute(method="POST", path=f"{_ONE}/cancel", endpoint=cancel, scope=Scope.VEHICLES_BULK),
    ConsoleRoute(method="POST", path=f"{_ONE}/undo", endpoint=undo, scope=Scope.VEHICLES_BULK),
)  # fmt: skip
