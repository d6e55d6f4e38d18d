"""Setting many vehicles' statuses in one call, and undoing the changes of one request."""

import asyncio
import re
from contextlib import nullcontext
from typing import NamedTuple

import msgspec

from padron.domain.account import Scope
from padron.domain.change import StatusRequest, parse_reason
from padron.domain.deletion import UNDOABLE_DAYS
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.undo import UNDONE_CHANGES_MAX
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.errors import build_problem_reply
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import BULK_BODY_BYTES_MAX, Call
from padron.http.declarations import Route, Success
from padron.http.idempotency import answer_within
from padron.http.requests.bodies import decode_shape, read_json
from padron.http.requests.revisions import parse_revision
from padron.http.requests.status_requests import parse_request
from padron.http.shapes.bulk import (
    BulkAnswerList,
    BulkStatusBody,
    BulkStatusRead,
    BulkVehicle,
    UndoAnswerList,
    UndoBody,
    shape_bulk,
    shape_undo,
)
from padron.service.statuses import bulk, undo
from padron.service.statuses.bulk import BULK_MAX, BulkOutcome, BulkRequest

_is_request_id = re.compile("[0-9A-Za-z_-]{1,100}").fullmatch


async def set_statuses(call: Call) -> Reply:
    """POST /api/v2/vehicles/status."""
    body = await read_json(call, BulkStatusRead, BULK_BODY_BYTES_MAX)
    bulk.check_count(len(body.vehicles))
    vins: list[str] = []
    asked: list[StatusRequest | PadronError] = []
    for index, raw in enumerate(body.vehicles):
        if index % _AT_ONCE_MAX == 0:
            # Checking a thousand vehicles takes time, so other calls get their turn in between.
            await asyncio.sleep(0)
        one = _parse_vehicle(call, bytes(raw), f"vehicles[{index}]")
        vins.append(one.vin)
        asked.append(one.asked)
    request = BulkRequest(asked=asked, mode=body.mode, dry_run=body.dry_run)

    def word(outcome: BulkOutcome) -> Reply:
        shape = shape_bulk(outcome, vins, call.request_id, body.mode, dry_run=body.dry_run)
        if not outcome.is_refused:
            return build_json_reply(200, shape)
        extension = {name: getattr(shape, name) for name in ("changed", "unchanged", "planned", "refused", "results")}
        first = outcome.refusals[0].detail
        detail = f"Nothing was changed: {shape.refused:,} of {len(vins):,} vehicles were refused. The first: {first}"
        return build_problem_reply(problems.BATCH_REFUSED, detail, call.request_id, extension=extension)

    answer_within(call, word)
    is_long = len(vins) > _AT_ONCE_MAX
    async with call.runtime.turns.take(call.principal.account_id) if is_long else nullcontext():
        return word(await bulk.set_statuses(call.runtime, call.principal, request))


async def undo_request(call: Call) -> Reply:
    """POST /api/v2/requests/{requestId}/undo."""
    undone_id = call.path_parameters["requestId"]
    if _is_request_id(undone_id) is None:
        raise PadronError(Code.REQUEST_NOT_FOUND, f"{quote(undone_id)} is not a request id.")
    body = await read_json(call, UndoBody, absent=b"{}")
    reason = parse_reason(body.reason) if isinstance(body.reason, str) else None
    done = await undo.undo_request(call.runtime, call.principal, undone_id, call.request_id, reason)
    return build_json_reply(200, shape_undo(done, call.request_id, undone_id))


class _AskedVehicle(NamedTuple):
    """The VIN as far as it can be read, and the request for the vehicle or the error in it."""

    vin: str
    asked: StatusRequest | PadronError


def _parse_vehicle(call: Call, text: bytes, within: str) -> _AskedVehicle:
    try:
        given = decode_shape(BulkVehicle, text, within)
    except PadronError as refusal:
        return _AskedVehicle(_find_vin(text), refusal)
    try:
        vin = parse_vin(given.vin)
        revisions = (
            frozenset({parse_revision("revision", given.revision)}) if isinstance(given.revision, str | int) else None
        )
        request = parse_request(call, vin, given, revisions)
    except PadronError as refusal:
        return _AskedVehicle(given.vin[:_VIN_SHOWN_MAX], refusal)
    return _AskedVehicle(vin, request)


def _find_vin(text: bytes) -> str:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    vin = found.get("vin") if isinstance(found, dict) else None
    return vin[:_VIN_SHOWN_MAX] if isinstance(vin, str) else ""


_VIN_SHOWN_MAX = 50
_AT_ONCE_MAX = 100

ROUTES: tuple[Route, ...] = (
    Route(
        name="setVehicleStatuses", method="POST", path="/api/v2/vehicles/status", tag="Status",
        summary="Set many vehicles' statuses",
        description=f"Sets the statuses of 1 to {BULK_MAX:,} vehicles in one transaction. The body may have at most "
        "1,000,000 bytes. Each vehicle gets its own answer, in order, as from the single call: 204 and its revision, "
        "202 and the planned change, or the problem. With the `mode` `all`, one refused vehicle refuses the whole "
        "request: the answer is 409 `BatchRefused` with all answers in its member `results`, and nothing is changed. "
        "With `dryRun` nothing is changed, and the answer is the same. Query parameters are ignored.",
        endpoint=set_statuses, scope=Scope.VEHICLES_STATUS, further_scopes=(Scope.VEHICLES_BULK,),
        body=BulkStatusBody,
        body_example={
            "vehicles": [{"vin": "3LNHL2GC1BR262548", "vehicleStatusId": 4, "reason": "Brakes, until Friday"}],
            "mode": "each",
        },
        answers={200: Success(description="An answer for each vehicle.", body=BulkAnswerList)},
        problems=(
            problems.BAD_PARAMETERS, problems.BATCH_REFUSED, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
    Route(
        name="undoRequest", method="POST", path="/api/v2/requests/{requestId}/undo", tag="Status",
        summary="Take back what a request changed",
        description="Gives each vehicle that the request changed its earlier status and core data. A vehicle that "
        "another request changed later is left as it is, and the answer gives the reason. Pending planned changes of "
        "the request are cancelled. Registrations are not undone. The undo is a change like any other, in the history "
        f"and in the feed, and can be undone too. A deletion can be undone for {UNDOABLE_DAYS} days. A request "
        f"with more than {UNDONE_CHANGES_MAX:,} changes cannot be undone. Query parameters are ignored.",
        endpoint=undo_request, either_scope=undo.EITHER_SCOPE,
        parameters=(parameters.REQUEST_ID,),
        body=UndoBody, body_example={"reason": "Wrong list"}, body_required=False,
        answers={200: Success(description="The result for each vehicle.", body=UndoAnswerList)},
        problems=(
            problems.BAD_PARAMETERS, problems.REQUEST_NOT_FOUND, problems.ARCHIVED, problems.REQUEST_TOO_LARGE,
            problems.VEHICLE_LIMIT_REACHED, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
)  # fmt: skip
