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
from padron.http.places import Kind
from padron.http.requests import queries
from padron.service.vehicles import export

_WORDING = frozenset({"lang", "statusNames"})


async def export_vehicles(call: Call) -> StreamReply:
    """GET /api/v2/vehicles.csv."""
    several = queries.read_list_query(call, queries.EXPORT_PARAMETERS | _WORDING)
    query = queries.parse_vehicle_query(several)
    wording = _parse_wording(queries.take_single(several))
    call.seat.begin(Kind.EXPORT)
    return await stream_file(call, _encode(call, query, wording), "vehicles.csv")


def _parse_wording(given: dict[str, str]) -> Wording:
    language = given.get("lang", Language.ENGLISH.value)
    if language not in set(Language):
        raise PadronError(Code.BAD_PARAMETERS, f"lang is {quote(language)}: it must be {' or '.join(Language)}.")
    return Wording(language=Language(language), names_statuses=queries.parse_boolean(given, "statusNames") or False)


async def _encode(call: Call, query: VehicleQuery, wording: Wording) -> AsyncIterator[bytes]:
    head = encode_csv([name_columns(wording)])
    pages = export.export_vehicles(call.runtime, call.principal, query, export.PAGE_BESIDE_CALLS)
    while True:
        async with call.runtime.turns.take(call.principal.account_id):
            page = await anext(pages, None)
            piece = head if page is None else head + encode_csv(give_rows(page, wording))
        if piece:
            yield piece
        if page is None:
            return
        head = b""


ROUTES: tuple[Route, ...] = (
    Route(
        name="exportVehicles", method="GET", path="/api/v2/vehicles.csv", tag="Vehicles",
        summary="Export vehicles as CSV",
        description="All vehicles that match the filters, as one file: vin, vehicleStatusId, every field, and the "
        "revision. The server sends the file while it reads the vehicles, so each row shows its vehicle at the instant "
        "of its reading. Without sort, a vehicle that exists during the whole export is in the file exactly once.\n\n"
        "You can edit the file and import it again. Text that a spreadsheet program could see as a formula (the whole "
        "text, or a part after a comma, a semicolon or a line end) has a ' before it. An import removes it. If the "
        "server cannot complete the answer, the connection breaks, so that a part never looks complete.",
        endpoint=export_vehicles, scope=Scope.VEHICLES_READ,
        parameters=(
            *parameters.FILTERS, parameters.SORT,
            Parameter(name="lang", place="query",
                      description="The language of the column names. en: the names of the API.",
                      schema={"type": "string", "enum": list(Language), "default": Language.ENGLISH.value}),
            Parameter(name="statusNames", place="query",
                      description="Write statuses as names, in this language, instead of ids.",
                      schema={"type": "boolean", "default": False}),
        ),
        answers={
            200: Success(description="The vehicles.", media_type="text/csv",
                        headers={"Content-Disposition": "Names the file."}),
        },
        problems=(problems.BAD_PARAMETERS,),
    ),
)  # fmt: skip
