"""The list of vehicles as one file."""

from collections.abc import AsyncIterator

from padron.domain.account import Scope
from padron.domain.query import VehicleQuery
from padron.files.export_rows import EXPORT_COLUMNS, give_rows
from padron.files.writers import encode_csv
from padron.http import problems, queries
from padron.http.calls import Call
from padron.http.operations import Answer, Operation
from padron.http.replies import StreamReply
from padron.http.routes import parameters
from padron.http.streams import stream_file
from padron.service import export


async def export_vehicles(call: Call) -> StreamReply:
    """GET /api/v2/vehicles.csv."""
    query = queries.parse_vehicle_query(queries.read_query(call, queries.EXPORT_PARAMETERS))
    return await stream_file(call, _encode(call, query), "vehicles.csv")


async def _encode(call: Call, query: VehicleQuery) -> AsyncIterator[bytes]:
    head = encode_csv([EXPORT_COLUMNS])
    async for page in export.export_vehicles(call.runtime, call.principal, query):
        yield head + encode_csv(give_rows(page))
        head = b""
    if head:
        yield head


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="exportVehicles", method="GET", path="/api/v2/vehicles.csv", tag="Vehicles",
        summary="Export vehicles as CSV",
        description="All vehicles that fit the filters, as one file that is sent as it is read: vin, vehicleStatusId, "
        "every field, and the revision. A row is its vehicle at the instant that it was read; without sort, a vehicle "
        "that exists throughout is there exactly once. The file can be edited and imported again. Text that a "
        "spreadsheet program would take for a formula has a ' before it, which importing takes away. When the answer "
        "cannot be completed the connection breaks, so that a part never looks like the whole.",
        endpoint=export_vehicles, scope=Scope.VEHICLES_READ,
        parameters=(*parameters.FILTERS, parameters.SORT),
        answers={
            200: Answer(description="The vehicles.", media_type="text/csv",
                        headers={"Content-Disposition": "Names the file."}),
        },
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
