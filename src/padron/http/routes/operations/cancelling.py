"""Listing and cancelling runs, and deleting operations."""

from padron.domain.account import Scope
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.requests import queries
from padron.http.shapes.operations import RunList, shape_run_entry
from padron.service.actors import name_actors
from padron.service.operations import cancelling, runs


async def list_runs(call: Call) -> Reply:
    """GET /api/v2/operations/{name}/runs."""
    given = queries.read_query(call, queries.PAGE_PARAMETERS)
    page = await runs.list_runs(
        call.runtime,
        call.principal,
        call.path_parameters["name"],
        limit=queries.parse_limit(given),
        cursor=given.get("cursor"),
    )
    authors = [author for run in page.rows for author in (run.created_by, run.cancelled_by)]
    names = await name_actors(call.runtime, call.principal.account_id, authors)
    found = [shape_run_entry(run, names) for run in page.rows]
    return build_json_reply(200, RunList(runs=found, next_cursor=page.next_cursor, more=page.more))


async def cancel_run(call: Call) -> Reply:
    """DELETE /api/v2/operations/{name}/runs/{runId}."""
    name, run_id = call.path_parameters["name"], call.path_parameters["runId"]
    await cancelling.cancel_run(call.runtime, call.principal, name, run_id, call.confirm)
    return Reply(204)


async def delete_operation(call: Call) -> Reply:
    """DELETE /api/v2/operations/{name}."""
    await cancelling.delete_operation(call.runtime, call.principal, call.path_parameters["name"], call.confirm)
    return Reply(204)


_OPERATION = "/api/v2/operations/{name}"
_RUNS = f"{_OPERATION}/runs"

ROUTES: tuple[Route, ...] = (
    Route(
        name="listRuns", method="GET", path=_RUNS, tag="Operations", summary="List the runs of an operation",
        description="All runs of the operation, newest first, the cancelled ones included. The counts and the state of "
        "a run are at its own address.",
        endpoint=list_runs, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME, parameters.LIMIT, parameters.CURSOR),
        answers={200: Success(description="A page.", body=RunList)},
        problems=(problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND),
    ),
    Route(
        name="cancelRun", method="DELETE", path=f"{_RUNS}/{{runId}}", tag="Operations", summary="Cancel a run",
        description="Ends the queueing of the run, and cancels all of its work that is not answered yet. After the "
        "answer 204, no worker receives a vehicle of it, and a late result is 409 `ClaimWithdrawn`. Results that were "
        "given before are kept. For a large run the answer takes some seconds. If it does not arrive, repeat the "
        "request: a cancelled run can be cancelled again.",
        endpoint=cancel_run, scope=Scope.OPERATIONS_RUN,
        parameters=(parameters.OPERATION_NAME, parameters.RUN_ID),
        answers={204: Success(description="It is cancelled.")},
        problems=(
            problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND, problems.RUN_NOT_FOUND, problems.RUN_ENDED,
        ),
    ),
    Route(
        name="deleteOperation", method="DELETE", path=_OPERATION, tag="Operations", summary="Delete an operation",
        description="Cancels the open runs of the operation, and deletes its declaration. Calls with its name are then "
        "404 `OperationNotFound`. Runs and results are kept: the results of a vehicle still show them, and so does the "
        "operation if it is declared again. The answer 429 means that others keep on starting runs of it.",
        endpoint=delete_operation, scope=Scope.OPERATIONS_MANAGE,
        parameters=(parameters.OPERATION_NAME,),
        answers={204: Success(description="It is deleted.")},
        problems=(problems.BAD_PARAMETERS, problems.OPERATION_NOT_FOUND),
    ),
)  # fmt: skip
