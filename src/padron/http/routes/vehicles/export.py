"""The list of vehicles as one file."""

from collections.abc import AsyncIterator

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.language import Language
from padron.domain.query import VehicleQuery
from padron.domain.quoting import quote
from padron.files.export_rows import Wording, give_rows, name_columns
from padron.files.writers import encode_csv
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import StreamReply
from padron.http.answers.streams import stream_file
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.requests import queries
from padron.service.vehicles import export

_WORDING = frozenset({"lang", "statusNames"})


async def export_vehicles(call: Call) -> StreamReply:
    """GET /api/v2/vehicles.csv."""
    given = queries.read_query(call, queries.EXPORT_PARAMETERS | _WORDING)
    query = queries.parse_vehicle_query(given)
    return await stream_file(call, _encode(call, query, _parse_wording(given)), "vehicles.csv")


def _parse_wording(given: dict[str, str]) -> Wording:
    language = given.get("lang", Language.ENGLISH.value)
    if language not in set(Language):
        raise PadronError(Code.BAD_PARAMETERS, f"lang is {quote(language)}: it must be {' or '.join(Language)}.")
    return Wording(language=Language(language), names_statuses=queries.parse_boolean(given, "statusNames") or False)


async def _encode(call: Call, query: VehicleQuery, wording: Wording) -> AsyncIterator[bytes]:
    head = encode_csv([name_columns(wording)])
    async for page in export.export_vehicles(call.runtime, call.principal, query):
        yield head + encode_csv(give_rows(page, wording))
        head = b""
    if head:
        yield head


ROUTES: tuple[Route, ...] = (
    Route(
        name="exportVehicles", method="GET", path="/api/v2/vehicles.csv", tag="Vehicles",
        summary="Export vehicles as CSV",
        description="All vehicles that fit the filters, as one file that is sent as it is read: vin, vehicleStatusId, "
        "every field, and the revision. A row is its vehicle at the instant that it was read; without sort, a vehicle "
        "that exists throughout is there exactly once. The file can be edited and imported again. Text that a "
        "spreadsheet program would take for a formula, as a whole or after a comma, a semicolon or a line end, has a ' "
        "before it, which importing takes away. When the answer "
        "cannot be completed the connection breaks, so that a part never looks like the whole.",
        endpoint=export_vehicles, scope=Scope.VEHICLES_READ,
        parameters=(
            *parameters.FILTERS, parameters.SORT,
            Parameter(name="lang", place="query",
                      description="The language of the columns' names; en: the names that the API has.",
                      schema={"type": "string", "enum": list(Language), "default": Language.ENGLISH.value}),
            Parameter(name="statusNames", place="query",
                      description="Give statuses by their names, in the language, and not by their ids.",
                      schema={"type": "boolean", "default": False}),
        ),
        answers={
            200: Success(description="The vehicles.", media_type="text/csv",
                        headers={"Content-Disposition": "Names the file."}),
        },
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
