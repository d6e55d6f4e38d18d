"""The status call, reading a vehicle's status, and the list of statuses."""

from padron.domain.account import Scope
from padron.domain.change import NoRevisionNamedError, PlanRequest
from padron.domain.status import STATUS_TEXTS, VehicleStatus, is_operational
from padron.domain.tags import format_tag
from padron.domain.vehicle import Vehicle
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Answering, Route, Success
from padron.http.requests.bodies import parse_json, read_json
from padron.http.requests.conditions import format_etag, is_unchanged, parse_if_match, refuse_weak
from padron.http.requests.status_requests import parse_request
from padron.http.routes.plans import LOCATION, PLANNED, word_planned
from padron.http.shapes.plans import PlannedChangeShape
from padron.http.shapes.vehicles import StatusBody, StatusNameList, StatusNameShape, VehicleStatusShape, shape_status
from padron.service.actors import name_actors
from padron.service.plans.planning import plan_status
from padron.service.statuses import single
from padron.service.vehicles import reading

_STATUS_NAMES = StatusNameList(
    vehicle_statuses=[
        StatusNameShape(
            vehicle_status_id=status.value,
            name=text.name,
            nombre=text.nombre,
            meaning=text.meaning,
            operational=is_operational(status),
            settable=status is not VehicleStatus.INFO_CHANGED,
        )
        for status, text in STATUS_TEXTS.items()
    ]
)


async def set_status(call: Call) -> Reply:
    """PATCH /api/v2/vehicles/{vin}/status."""
    vin = parse_vin(call.path_parameters["vin"])
    body = await read_json(call, StatusBody)
    request = parse_request(call, vin, body, parse_if_match(call))
    try:
        if isinstance(request, PlanRequest):
            return await word_planned(call, await plan_status(call.runtime, call.principal, request), request)
        vehicle = await single.set_status(call.runtime, call.principal, request)
    except NoRevisionNamedError:
        raise refuse_weak() from None
    return _word_set(vehicle)


class _Waiting:
    """Waits for the vehicle in the coalescer, without a task."""

    __slots__ = ("_answering",)

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def done(self) -> bool:
        return False

    def set_result(self, result: Vehicle) -> None:
        self._answering.answer(_word_set(result))

    def set_exception(self, exception: BaseException) -> None:
        self._answering.fail(refuse_weak() if isinstance(exception, NoRevisionNamedError) else exception)


def begin_set_status(call: Call, body: bytes, answering: Answering) -> bool:
    """Begin the status call when its body has arrived. A planned change is left to ``set_status``."""
    vin = parse_vin(call.path_parameters["vin"])
    request = parse_request(call, vin, parse_json(call, body, StatusBody), parse_if_match(call))
    if isinstance(request, PlanRequest):
        return False
    single.begin_set_status(call.runtime, call.principal, request, _Waiting(answering))
    return True


def _word_set(vehicle: Vehicle) -> Reply:
    return Reply(204, headers=((b"etag", format_etag(format_tag(vehicle))),))


async def get_status(call: Call) -> Reply:
    """GET /api/v2/vehicles/{vin}/status."""
    vehicle = await reading.get_status(call.runtime, call.principal, parse_vin(call.path_parameters["vin"]))
    tag = format_tag(vehicle)
    etag = (b"etag", format_etag(tag))
    if is_unchanged(call, tag):
        return Reply(304, headers=(etag,))
    names = await name_actors(call.runtime, call.principal.account_id, (vehicle.status_by,))
    return build_json_reply(200, shape_status(vehicle, names), (etag,))


async def list_statuses(_: Call) -> Reply:
    """GET /api/v2/vehicle-statuses."""
    return build_json_reply(200, _STATUS_NAMES)


_PATH = "/api/v2/vehicles/{vin}/status"
_ETAG = {"ETag": "The vehicle's tag, in quotes: it names the vehicle and its revision."}

ROUTES: tuple[Route, ...] = (
    Route(
        name="setVehicleStatus", method="PATCH", path=_PATH, tag="Status",
        summary="Set a vehicle's status",
        description="Sets the status of a vehicle. When the answer is 204, the change is durable and in force. Any "
        "status except Active (1) takes the vehicle out of every operation. The same status again is also 204, and "
        "nothing happens: no history, no new revision. With `effectiveAt`, the change is planned (202), and nothing "
        "changes before that instant. With `until`, the earlier status is restored at that instant, unless somebody "
        "sets another one first. Query parameters are ignored.",
        endpoint=set_status, begin=begin_set_status, scope=Scope.VEHICLES_STATUS,
        parameters=(parameters.VIN, parameters.IF_MATCH),
        body=StatusBody, body_example={"vehicleStatusId": 4, "reason": "Brakes, until Friday"},
        answers={
            202: Success(description="The change is planned.", body=PlannedChangeShape, headers=LOCATION),
            204: Success(description="The vehicle has this status.", headers={**_ETAG, **PLANNED}),
        },
        problems=(
            problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.MULTIPLE_VEHICLES_FOUND,
            problems.NOTHING_TO_BRING_BACK, problems.REVISION_MISMATCH, problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
    Route(
        name="getVehicleStatus", method="GET", path=_PATH, tag="Status",
        summary="Read a vehicle's status",
        description="Gives the vehicle's status, its instant, its author (the id of an API key) and its reason.",
        endpoint=get_status, is_brief=True, scope=Scope.VEHICLES_READ,
        parameters=(parameters.VIN, parameters.IF_NONE_MATCH),
        answers={
            200: Success(description="The status.", body=VehicleStatusShape, headers=_ETAG),
            304: Success(description="The vehicle still has the ETag of If-None-Match.", headers=_ETAG),
        },
        problems=(problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.MULTIPLE_VEHICLES_FOUND),
    ),
    Route(
        name="listVehicleStatuses", method="GET", path="/api/v2/vehicle-statuses", tag="Status",
        summary="List the vehicle statuses",
        description="The statuses with their names in English and Spanish. Any valid key may ask.",
        endpoint=list_statuses, is_brief=True,
        answers={200: Success(description="All statuses.", body=StatusNameList)},
    ),
)  # fmt: skip
