"""Starting runs, reading their state, and reading results by run and by vehicle."""

from msgspec import UNSET, UnsetType, structs

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.operation import (
    REFUSALS_KEPT_MAX,
    RUN_CHUNK_SIZE,
    RUN_FIRST_CHUNKS,
    RUN_VINS_MAX,
    ResultEntry,
    RunQuestion,
    check_operation_name,
    check_range,
    format_run_id,
)
from padron.domain.query import FILTER_FIELDS
from padron.domain.vin import parse_vin
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import BULK_BODY_BYTES_MAX, Call
from padron.http.declarations import Route, Success
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.operations import ResultList, RunBody, RunShape, shape_result, shape_run
from padron.http.shapes.vehicles import name_attribute
from padron.service.actors import name_actors
from padron.service.operations import runs
from padron.service.operations.runs import RunReport
from padron.service.pages import Page

_FILTER_NAMES = {
    "vin": "vin",
    "asset_status_id": queries.STATUS_FILTER,
    **{name_attribute(field): field.name for field in FILTER_FIELDS.values()},
}


async def start_run(call: Call) -> Reply:
    """POST /api/v2/operations/{name}/runs."""
    name = call.path_parameters["name"]
    check_operation_name(name)
    body = await read_json(call, RunBody, BULK_BODY_BYTES_MAX)
    report = await runs.start_run(call.runtime, call.principal, name, _parse_question(body))
    location = place(f"/api/v2/operations/{name}/runs/{format_run_id(report.run.run_id)}")
    status = 202 if report.run.is_queueing else 201
    return build_json_reply(status, await _word(call, report), ((b"location", location.encode()),))


async def get_run(call: Call) -> Reply:
    """GET /api/v2/operations/{name}/runs/{runId}."""
    queries.read_query(call, frozenset())
    name, run_id = call.path_parameters["name"], call.path_parameters["runId"]
    return build_json_reply(200, await _word(call, await runs.get_run(call.runtime, call.principal, name, run_id)))


async def list_run_results(call: Call) -> Reply:
    """GET /api/v2/operations/{name}/runs/{runId}/results."""
    name, run_id = call.path_parameters["name"], call.path_parameters["runId"]
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    limit = queries.parse_limit(given, parameters.RESULT_LIMIT_MAX)
    page = await runs.list_run_results(
        call.runtime, call.principal, name, run_id, limit=limit, cursor=given.get("cursor")
    )
    return await _build_page(call, page)


async def list_vehicle_results(call: Call) -> Reply:
    """GET /api/v2/vehicles/{vin}/results."""
    vin = parse_vin(call.path_parameters["vin"])
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    limit = queries.parse_limit(given, parameters.RESULT_LIMIT_MAX)
    page = await runs.list_vehicle_results(call.runtime, call.principal, vin, limit=limit, cursor=given.get("cursor"))
    return await _build_page(call, page)


async def _word(call: Call, report: RunReport) -> RunShape:
    authors = (report.run.created_by, report.run.cancelled_by)
    return shape_run(report, await name_actors(call.runtime, call.principal.account_id, authors))


async def _build_page(call: Call, page: Page[ResultEntry]) -> Reply:
    authors = [entry.result.given_by for entry in page.rows]
    names = await name_actors(call.runtime, call.principal.account_id, authors)
    results = [shape_result(entry, names) for entry in page.rows]
    return build_json_reply(200, ResultList(results=results, next_cursor=page.next_cursor, more=page.more))


def _parse_question(body: RunBody) -> RunQuestion:
    chosen = [one for one in (body.vins, body.filter, body.every) if not isinstance(one, UnsetType)]
    if len(chosen) != 1 or body.every is False:
        detail = 'Say which vehicles the run is for: exactly one of vins, filter and "all": true.'
        raise PadronError(Code.BAD_PARAMETERS, detail)
    if body.every is True:
        return RunQuestion()
    if not isinstance(body.vins, UnsetType):
        check_range("the number of vins", len(body.vins), 1, RUN_VINS_MAX)
        return RunQuestion(vins=tuple(parse_vin(vin) for vin in body.vins))
    values = structs.asdict(body.filter)  # type: ignore[arg-type]
    given = {_FILTER_NAMES[name]: str(value) for name, value in values.items() if value is not UNSET}
    if not given:
        raise PadronError(Code.BAD_PARAMETERS, 'The filter names no field. For all vehicles, send {"all": true}.')
    for name, value in given.items():
        if not value:
            raise PadronError(Code.BAD_PARAMETERS, f"The filter {name} is empty: leave it out or give a value.")
    query = queries.parse_vehicle_query({name: [value] for name, value in given.items()})
    return RunQuestion(filters=queries.parse_filters(given), status=query.status)


_RUNS = "/api/v2/operations/{name}/runs"
_RUN = f"{_RUNS}/{{runId}}"
_FIND_PROBLEMS = (problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND, problems.RUN_NOT_FOUND)

ROUTES: tuple[Route, ...] = (
    Route(
        name="startRun", method="POST", path=_RUNS, tag="Operations",
        summary="Queue an operation for vehicles",
        description="Queues the operation for the vehicles with these VINs, for the vehicles that match a filter, or, "
        "with `all`, for all vehicles of the account. Only operational vehicles are queued. The others are in "
        "`refused` with the reason: `notActive` (with the status and its instant), `unknown`, or `several` (several "
        "vehicles have the VIN).\n\n"
        f"`vins` may have at most {RUN_VINS_MAX:,} VINs, and all are queued before the answer. For a filter, the first "
        f"{RUN_CHUNK_SIZE * RUN_FIRST_CHUNKS:,} vehicles are queued before the answer. If there are more, the answer "
        "is 202, and the rest are added while the run's state is `queueing`. An account may have at most "
        f"{DEFAULT_LIMITS.runs} runs by filter in this state, unless the operator has set another limit. The first "
        f"{REFUSALS_KEPT_MAX:,} refusals of a run are kept, and all are counted. Vehicles that are registered later "
        "are not in the run. The body may have at most "
        "1,000,000 bytes.",
        endpoint=start_run, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME,),
        body=RunBody, body_example={"vins": ["3LNHL2GC1BR262548"]},
        answers={
            201: Success(description="Queued.", body=RunShape, headers={"Location": "The run's address."}),
            202: Success(description="Queueing continues.", body=RunShape, headers={"Location": "The run's address."}),
        },
        problems=(
            problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND, problems.RUN_LIMIT_REACHED,
            problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
        ),
    ),
    Route(
        name="getRun", method="GET", path=_RUN, tag="Operations", summary="Read how a run stands",
        description="Gives the state (`queueing`, `open`, `finished`), the counts, the progress, and the first "
        f"{REFUSALS_KEPT_MAX:,} vehicles that were left out. A claim with an expired lease counts as queued, or as "
        "exhausted when no attempt is left.",
        endpoint=get_run, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME, parameters.RUN_ID),
        answers={200: Success(description="The run.", body=RunShape)},
        problems=_FIND_PROBLEMS,
    ),
    Route(
        name="listRunResults", method="GET", path=f"{_RUN}/results", tag="Operations", summary="Read a run's results",
        description="Every stored result, including those of failed attempts, by vehicle and attempt.",
        endpoint=list_run_results, scope=Scope.OPERATIONS_RUN,
        parameters=(
            parameters.OPERATION_NAME, parameters.RUN_ID, parameters.RESULT_LIMIT, parameters.CURSOR,
        ),
        answers={200: Success(description="A page.", body=ResultList)},
        problems=_FIND_PROBLEMS,
    ),
    Route(
        name="listVehicleResults", method="GET", path="/api/v2/vehicles/{vin}/results", tag="Operations",
        summary="Read a vehicle's results",
        description="The results of operations for a vehicle, newest first, with any present status of the vehicle.",
        endpoint=list_vehicle_results, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.VIN, parameters.RESULT_LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=ResultList)},
        problems=(problems.BAD_PARAMETERS, problems.VEHICLE_NOT_FOUND, problems.MULTIPLE_VEHICLES_FOUND),
    ),
)  # fmt: skip
