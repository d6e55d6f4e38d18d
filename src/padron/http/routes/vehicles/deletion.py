"""Deleting a vehicle that was registered by mistake."""

from padron.domain.account import Scope
from padron.domain.change import REASON_LENGTH_MAX, NoRevisionNamedError, parse_reason
from padron.domain.deletion import UNDOABLE_DAYS, Deletion
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.http.requests.conditions import parse_if_match, refuse_weak
from padron.http.shapes.deletions import DeletedVehicleShape, DeletionList, shape_deletion
from padron.service.actors import name_actors
from padron.service.vehicles import deletion

_REASON = Parameter(
    name="reason", place="query", description="The reason, for people. It is in the history.",
    schema={"type": "string", "maxLength": REASON_LENGTH_MAX},
)  # fmt: skip


async def delete_vehicle(call: Call) -> Reply:
    """DELETE /api/v2/vehicles/{vin}."""
    vin = parse_vin(call.path_parameters["vin"])
    given = queries.read_query(call, frozenset({"reason"}))
    asked = Deletion(
        vin=vin,
        by=call.principal.actor,
        request_id=call.request_id,
        revisions=parse_if_match(call),
        reason=parse_reason(given.get("reason", "")),
    )
    try:
        deleted = await deletion.delete_vehicle(call.runtime, call.principal, asked)
    except NoRevisionNamedError:
        raise refuse_weak() from None
    shape = DeletedVehicleShape(
        vin=deleted.vehicle.vin,
        vehicle_id=deleted.vehicle.vehicle_id,
        deleted_at=deleted.vehicle.updated_at,
        request_id=deleted.request_id,
        undoable_until=deleted.undoable_until,
    )
    return build_json_reply(200, shape)


async def list_deletions(call: Call) -> Reply:
    """GET /api/v2/deletions."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await deletion.list_deletions(call.runtime, call.principal, queries.parse_limit(given), given.get("cursor"))
    names = await name_actors(call.runtime, call.principal.account_id, [one.by for one in page.rows])
    shapes = [shape_deletion(one, names) for one in page.rows]
    return build_json_reply(200, DeletionList(deletions=shapes, next_cursor=page.next_cursor, more=page.more))


ROUTES: tuple[Route, ...] = (
    Route(
        name="listDeletions", method="GET", path="/api/v2/deletions", tag="Vehicles",
        summary="List the vehicles that can be brought back",
        description=f"The deletions of the last {UNDOABLE_DAYS} days that were not undone, the last one first. "
        "undoRequest with a requestId brings that vehicle back, unless its VIN or its plate is in use again.",
        endpoint=list_deletions, scope=Scope.VEHICLES_DELETE,
        parameters=(parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=DeletionList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="deleteVehicle", method="DELETE", path="/api/v2/vehicles/{vin}", tag="Vehicles",
        summary="Delete a vehicle that was registered by mistake",
        description="The vehicle is no longer in the register, and its VIN and its plate are free. Its open work is "
        "withdrawn and its planned changes are cancelled. Its history, with the deletion, is kept. For "
        f"{UNDOABLE_DAYS} days, undoRequest with the requestId of the answer brings the vehicle back. A vehicle that "
        "was sold or scrapped is not a mistake: set its status instead. An unknown query parameter is refused.",
        endpoint=delete_vehicle, scope=Scope.VEHICLES_DELETE,
        parameters=(parameters.VIN, parameters.IF_MATCH, _REASON),
        answers={200: Success(description="It is deleted.", body=DeletedVehicleShape)},
        problems=(
            problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.MULTIPLE_VEHICLES_FOUND,
            problems.REVISION_MISMATCH,
        ),
    ),
)  # fmt: skip
