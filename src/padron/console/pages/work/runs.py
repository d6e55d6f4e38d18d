"""The runs of an operation: starting one, its progress, its refusals and results, and cancelling it."""

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.naming import name_actors
from padron.console.pages.work.operations import explain, give_saved, read_operation, show_one
from padron.console.pages.work.rights import confirm_right
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import RunQuestion, RunState, WorkState, format_run_id, give_run_state
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vin import parse_vin
from padron.mounting import MountedReply
from padron.service.operations.cancelling import cancel_run
from padron.service.operations.runs import get_run, list_run_results, start_run

ROWS = 50

_RUNS = "/console/operations/{operation}/runs"
_RUN = "/console/operations/{operation}/runs/{run}"
_ENDED = frozenset({RunState.FINISHED, RunState.CANCELLED})


async def start(visit: PageVisit) -> MountedReply:
    """POST /console/operations/{operation}/runs."""
    operation = await read_operation(visit)
    try:
        report = await start_run(visit.runtime, visit.principal, operation.name, parse_question(visit))
    except PadronError as error:
        return await show_one(visit, problem=explain(error))
    return redirect(visit, f"/console/operations/{operation.name}/runs/{format_run_id(report.run.run_id)}")


async def show_run(visit: PageVisit) -> MountedReply:
    """GET /console/operations/{operation}/runs/{run}."""
    operation, run_id = await read_operation(visit), visit.parameters["run"]
    report = await get_run(visit.runtime, visit.principal, operation.name, run_id)
    cursor = visit.query.get("cursor") or None
    results = await list_run_results(
        visit.runtime, visit.principal, operation.name, run_id, limit=ROWS, cursor=cursor
    )  # fmt: skip
    run, state = report.run, give_run_state(report.run, report.counts)
    actors = {run.created_by, *(entry.result.given_by for entry in results.rows)}
    if run.cancelled_by is not None:
        actors.add(run.cancelled_by)
    return show(
        visit,
        "run.html",
        operation=operation,
        run=run,
        run_id=format_run_id(run.run_id),
        state=state,
        is_open=state not in _ENDED,
        counts=[(one, report.counts.get(one, 0)) for one in WorkState],
        refusals=report.refusals,
        results=results.rows,
        next_cursor=results.next_cursor,
        is_first=cursor is None,
        names=await name_actors(visit, actors),
        saved=give_saved(visit),
    )


async def cancel(visit: PageVisit) -> MountedReply:
    """POST /console/operations/{operation}/runs/{run}/cancel."""
    operation, run_id = await read_operation(visit), visit.parameters["run"]
    confirm = confirm_right(visit, Scope.OPERATIONS_RUN)
    await cancel_run(visit.runtime, visit.principal, operation.name, run_id, confirm)
    return redirect(visit, f"/console/operations/{operation.name}/runs/{run_id}", [Pair("saved", "cancelled")])


def parse_question(visit: PageVisit) -> RunQuestion:
    """Give the vehicles that a form names. Raises ``bad_parameters``."""
    match visit.form.get("which"):
        case "vins":
            texts = visit.form.get("vins").replace(",", " ").replace(";", " ").split()
            return RunQuestion(vins=tuple(parse_vin(text) for text in texts))
        case "status":
            text = visit.form.get("status")
            chosen = [status for status in VehicleStatus if is_operational(status) and str(status.value) == text]
            if not chosen:
                raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("ops.no_status"))
            return RunQuestion(status=chosen[0])
        case "all":
            return RunQuestion()
        case _:
            raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("ops.no_choice"))


ROUTES = (
    ConsoleRoute(method="POST", path=_RUNS, endpoint=start, scope=Scope.OPERATIONS_RUN),
    ConsoleRoute(method="GET", path=_RUN, endpoint=show_run, scope=Scope.OPERATIONS_RUN),
    ConsoleRoute(method="POST", path=f"{_RUN}/cancel", endpoint=cancel, scope=Scope.OPERATIONS_RUN),
)
