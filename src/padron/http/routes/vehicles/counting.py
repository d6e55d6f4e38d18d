"""How many vehicles a list has."""

from padron.domain.account import Scope
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.places import Kind
from padron.http.requests import queries
from padron.http.shapes.vehicles import VehicleCountShape
from padron.service.vehicles import counting

_EXACT = "exact"


async def count_vehicles(call: Call) -> Reply:
    """GET /api/v2/vehicles/count."""
    several = queries.read_list_query(call, queries.COUNT_PARAMETERS | {_EXACT})
    query = queries.parse_vehicle_query(several)
    exactly = queries.parse_boolean(queries.take_single(several), _EXACT) or False
    if exactly:
        call.seat.begin(Kind.SCAN)
    found = await counting.count_vehicles(call.runtime, call.principal, query, exactly=exactly)
    return build_json_reply(200, VehicleCountShape(count=found.count, exact=found.is_exact))


ROUTES: tuple[Route, ...] = (
    Route(
        name="countVehicles", method="GET", path="/api/v2/vehicles/count", tag="Vehicles",
        summary="Count vehicles",
        description="How many vehicles the list with the same filters has. The answer takes no longer than a page of "
        'the list. If many vehicles match, count is the least that there are, and exact is false: show it as "more '
        'than 10,000". With exact=true all of them are counted, which may take some seconds.',
        endpoint=count_vehicles, scope=Scope.VEHICLES_READ,
        parameters=(
            *parameters.FILTERS,
            Parameter(name=_EXACT, place="query", description="Count all vehicles, however many there are.",
                      schema={"type": "boolean", "default": False}),
        ),
        answers={200: Success(description="The number.", body=VehicleCountShape)},
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
