"""Selections: many vehicles are chosen, shown, confirmed and changed together."""

from msgspec import UnsetType

from padron.domain.account import Scope
from padron.domain.change import parse_reason
from padron.domain.errors import Code, PadronError
from padron.domain.instants import parse_future_instant
from padron.domain.selection import SELECTED_MAX, VehicleSelection, WantedStatus
from padron.domain.status import parse_settable_status
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems, selection_problems
from padron.http.answers.errors import build_problem_reply
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.answers.streams import stream_file
from padron.http.calls import BULK_BODY_BYTES_MAX, Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.places import Kind
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.requests.revisions import parse_revision
from padron.http.shapes.selections import (
    ApplyBody,
    ChosenVehicleShape,
    SelectionBody,
    SelectionList,
    SelectionPageShape,
    SelectionPreviewShape,
    SelectionShape,
    list_authors,
    shape_changed,
    shape_preview,
    shape_selection,
    shape_view,
)
from padron.http.shapes.vehicles import StatusBody
from padron.service.actors import name_actors
from padron.service.selections import making, reading
from padron.service.selections.applying import SelectionChangedError
from padron.service.selections.applying import apply_selection as apply_confirmed
from padron.service.selections.making import ChosenVehicle
from padron.service.selections.previewing import preview_selection as foresee
from padron.service.selections.reports import encode_report

_FILTERS = queries.COUNT_PARAMETERS


async def create_selection(call: Call) -> Reply:
    """POST /api/v2/selections."""
    body = await read_json(call, SelectionBody, BULK_BODY_BYTES_MAX)
    call.seat.begin(Kind.SCAN)
    made = await _make(call, body)
    location = (b"location", place(f"{_PATH}/{made.selection_id:016x}").encode())
    return build_json_reply(201, await _word(call, made), (location,))


async def list_selections(call: Call) -> Reply:
    """GET /api/v2/selections."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await reading.list_selections(
        call.runtime, call.principal, limit=queries.parse_limit(given), cursor=given.get("cursor")
    )
    names = await name_actors(call.runtime, call.principal.account_id, list_authors(page.rows))
    shapes = [shape_selection(one, names) for one in page.rows]
    return build_json_reply(200, SelectionList(selections=shapes, next_cursor=page.next_cursor, more=page.more))


async def get_selection(call: Call) -> Reply:
    """GET /api/v2/selections/{selectionId}."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    view = await reading.view_selection(
        call.runtime, call.principal, _get_id(call), limit=queries.parse_limit(given), cursor=given.get("cursor")
    )
    names = await name_actors(call.runtime, call.principal.account_id, list_authors([view.selection]))
    return build_json_reply(200, shape_view(view, names))


async def preview_selection(call: Call) -> Reply:
    """POST /api/v2/selections/{selectionId}/preview."""
    body = await read_json(call, StatusBody)
    call.seat.begin(Kind.SCAN)
    preview = await foresee(call.runtime, call.principal, _get_id(call), _parse_wanted(body))
    return build_json_reply(200, shape_preview(preview))


async def apply_selection(call: Call) -> Reply:
    """POST /api/v2/selections/{selectionId}/apply."""
    body = await read_json(call, ApplyBody)
    call.seat.begin(Kind.SCAN)
    wanted = _parse_wanted(body)
    try:
        queued = await apply_confirmed(
            call.runtime, call.principal, _get_id(call), body.digest, wanted, call.request_id
        )  # fmt: skip
    except SelectionChangedError as error:
        extension = {
            "digest": error.digest, "changedCount": error.count, "changed": shape_changed(error.changed),
        }  # fmt: skip
        problem = selection_problems.SELECTION_CHANGED
        return build_problem_reply(problem, error.detail, call.request_id, extension=extension)
    return build_json_reply(202, await _word(call, queued))


async def get_report(call: Call) -> StreamReply:
    """GET /api/v2/selections/{selectionId}/report."""
    queries.read_query(call, frozenset())
    found = await reading.get_selection(call.runtime, call.principal, _get_id(call))
    return await stream_file(
        call, encode_report(call.runtime, call.principal, found), f"selection-{found.selection_id:016x}-report.csv"
    )


async def delete_selection(call: Call) -> Reply:
    """DELETE /api/v2/selections/{selectionId}."""
    await reading.delete_selection(call.runtime, call.principal, _get_id(call))
    return Reply(204)


async def _make(call: Call, body: SelectionBody) -> VehicleSelection:
    chosen = [one for one in (body.vehicles, body.filter, body.listed, body.every) if not isinstance(one, UnsetType)]
    if len(chosen) != 1 or body.every is False:
        detail = 'Say what to select: exactly one of vehicles, filter, list and "all": true.'
        raise PadronError(Code.BAD_PARAMETERS, detail)
    if not isinstance(body.vehicles, UnsetType):
        vehicles = [_parse_chosen(one) for one in body.vehicles]
        return await making.select_vehicles(call.runtime, call.principal, vehicles)
    if not isinstance(body.listed, UnsetType):
        return await making.select_named(call.runtime, call.principal, body.listed)
    text = "" if isinstance(body.filter, UnsetType) else body.filter
    given = queries.parse_list_query(text.encode(), _FILTERS) if text else {}
    if not given and body.every is not True:
        raise PadronError(Code.BAD_PARAMETERS, 'The filter names no field. For all vehicles, send {"all": true}.')
    return await making.select_matching(call.runtime, call.principal, queries.parse_vehicle_query(given))


def _parse_chosen(one: ChosenVehicleShape) -> ChosenVehicle:
    tag = parse_revision("revision", one.revision) if isinstance(one.revision, str) else None
    return ChosenVehicle(vin=parse_vin(one.vin), tag=tag)


def _parse_wanted(body: StatusBody) -> WantedStatus:
    return WantedStatus(
        status=parse_settable_status(body.vehicle_status_id),
        reason=parse_reason(body.reason) if isinstance(body.reason, str) else None,
        effective_at=parse_future_instant("effectiveAt", body.effective_at)
        if isinstance(body.effective_at, str)
        else None,
        until=parse_future_instant("until", body.until) if isinstance(body.until, str) else None,
    )


async def _word(call: Call, one: VehicleSelection) -> SelectionShape:
    return shape_selection(one, await name_actors(call.runtime, call.principal.account_id, list_authors([one])))


def _get_id(call: Call) -> str:
    return call.path_parameters["selectionId"]


_PATH = "/api/v2/selections"
_ONE = f"{_PATH}/{{selectionId}}"
_ID = Parameter(
    name="selectionId", place="path", required=True, description="The selection's id.",
    schema={"type": "string", "pattern": "^[0-7][0-9a-f]{15}$"},
)  # fmt: skip
_SCOPES = (Scope.VEHICLES_BULK, Scope.VEHICLES_READ)
_FOUND = (problems.BAD_PARAMETERS, selection_problems.SELECTION_NOT_FOUND)
_BODY = (problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)

ROUTES: tuple[Route, ...] = (
    Route(
        name="createSelection", method="POST", path=_PATH, tag="Selections",
        summary="Select many vehicles",
        description=f"Keeps a set of at most {SELECTED_MAX:,} vehicles on the server for 24 hours, each with the "
        "revision at which it was seen. All that match a filter are read now; a vehicle that matches later is not in "
        "the set. Names of a list that give no vehicle are kept as faults, with line and reason. Nothing is changed.",
        endpoint=create_selection, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES,
        body=SelectionBody, body_example={"filter": "assetStatusId=1&brandName=Hummer"},
        answers={201: Success(description="The selection.", body=SelectionShape,
                             headers={"Location": "The selection's address."})},
        problems=(problems.BAD_PARAMETERS, selection_problems.SELECTION_LIMIT_REACHED, *_BODY),
    ),
    Route(
        name="listSelections", method="GET", path=_PATH, tag="Selections", summary="List selections",
        description="The account's selections, newest first. One that was applied is kept for 30 days after its end.",
        endpoint=list_selections, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES,
        parameters=(parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=SelectionList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="getSelection", method="GET", path=_ONE, tag="Selections", summary="Read a selection",
        description="The selection, how far its work is, and a page of its vehicles.",
        endpoint=get_selection, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES,
        parameters=(_ID, parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="The selection.", body=SelectionPageShape)},
        problems=_FOUND,
    ),
    Route(
        name="previewSelection", method="POST", path=f"{_ONE}/preview", tag="Selections",
        summary="See what a change would do",
        description="Looks at each vehicle again and decides as the change itself will. No vehicle is changed. The "
        "selection then has the revisions of now, and the answer names what changed since it was last shown. Show the "
        "answer to whoever decides, and send its digest back.",
        endpoint=preview_selection, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES, parameters=(_ID,),
        body=StatusBody, body_example={"vehicleStatusId": 8, "reason": "Sold to Flota Sur"},
        answers={200: Success(description="What the change would do.", body=SelectionPreviewShape)},
        problems=(*_FOUND, selection_problems.SELECTION_ENDED, *_BODY),
    ),
    Route(
        name="applySelection", method="POST", path=f"{_ONE}/apply", tag="Selections",
        summary="Change all vehicles of a selection",
        description="Confirms the change of exactly the set that the digest names. If any vehicle changed since it was "
        "shown, the answer is 409 `SelectionChanged` with these vehicles and the new digest, and nothing is changed. "
        "Otherwise the work runs in the background, even if this server stops. A vehicle that somebody changes before "
        "its turn is left, with the outcome `changedSince`. All changes have the requestId, by which they can be "
        "undone together.",
        endpoint=apply_selection, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES, parameters=(_ID,),
        body=ApplyBody,
        body_example={"vehicleStatusId": 8, "reason": "Sold to Flota Sur", "digest": "0" * 64},
        answers={202: Success(description="The change is confirmed, and will be done.", body=SelectionShape)},
        problems=(*_FOUND, selection_problems.SELECTION_ENDED, selection_problems.SELECTION_CHANGED, *_BODY),
    ),
    Route(
        name="getSelectionReport", method="GET", path=f"{_ONE}/report", tag="Selections",
        summary="Read the outcome for each vehicle",
        description="CSV with the columns vin, vehicleStatusId, revision (both as they were seen), outcome, line and "
        "detail. After the vehicles come the faults of a list, with the text in the column vin and the reason in the "
        "column outcome.",
        endpoint=get_report, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES, parameters=(_ID,),
        answers={200: Success(description="The vehicles.", media_type="text/csv")},
        problems=_FOUND,
    ),
    Route(
        name="deleteSelection", method="DELETE", path=_ONE, tag="Selections", summary="Cancel or delete a selection",
        description="Cancels a selection whose change is under way: what is changed so far stays, and the selection "
        "stays for its report. Any other selection is deleted.",
        endpoint=delete_selection, scope=Scope.VEHICLES_STATUS, further_scopes=_SCOPES, parameters=(_ID,),
        answers={204: Success(description="It is cancelled or deleted.")},
        problems=(selection_problems.SELECTION_NOT_FOUND,),
    ),
)  # fmt: skip
