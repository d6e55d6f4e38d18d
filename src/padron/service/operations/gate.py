"""The gate: may this operation touch these vehicles now? Every call reads the register: nothing is cached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate import OPERATION_LENGTH_MAX, Refusal, RefusalQuery, Verdict, judge
from padron.domain.vehicle import Vehicle, check_text
from padron.domain.vin import Vin
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime

LARGE_QUESTION = 50  # VINs; for fewer, asking a replica costs the primary as much as answering itself


@dataclass(kw_only=True, slots=True)  # not frozen, for speed, like verdicts
class GateAnswer:
    """The verdicts in the requested order, and the feed's cursor that they reflect."""

    verdicts: list[Verdict]
    cursor: str


async def check_vehicles(runtime: Runtime, principal: Principal, operation: str, vins: Sequence[Vin]) -> GateAnswer:
    """Give a verdict on each VIN. All verdicts are of one instant after the request's beginning.

    Refusals are remembered without delaying the answer. Raises ``forbidden``, ``bad_parameters``.
    """
    principal.check_scope(Scope.GATE_CHECK)
    check_operation_name(operation)
    store, asked = runtime.store, sorted(set(vins))
    read = store.read_caught_up if len(asked) >= LARGE_QUESTION else store.read
    view = await read(principal.account_id).gate.load_gate(asked)
    current: dict[str, list[Vehicle]] = {}
    for vehicle in view.vehicles:
        current.setdefault(vehicle.vin, []).append(vehicle)
    verdicts = [judge(vin, current.get(vin, [])) for vin in vins]
    return _answer(runtime, principal, operation, verdicts, view.last_change)


async def check_vehicle(runtime: Runtime, principal: Principal, operation: str, vin: Vin) -> GateAnswer:
    """Give the verdict on one VIN, as ``check_vehicles`` does for many."""
    principal.check_scope(Scope.GATE_CHECK)
    check_operation_name(operation)
    view = await runtime.questions.ask(principal.account_id, vin)
    return _answer(runtime, principal, operation, [judge(vin, view.vehicles)], view.last_change)


def _answer(
    runtime: Runtime, principal: Principal, operation: str, verdicts: list[Verdict], last_change: Place
) -> GateAnswer:
    """Give the answer, and remember the refusals in it."""
    if refused := [verdict for verdict in verdicts if verdict.reason is not None]:
        at = runtime.clock()
        for verdict in refused:
            runtime.refusals.remember(principal, operation, verdict, at)
    return GateAnswer(verdicts=verdicts, cursor=cursors.format_feed_cursor(runtime.store.epoch, last_change))


async def list_refusals(
    runtime: Runtime, principal: Principal, query: RefusalQuery, cursor: str | None
) -> Page[Refusal]:
    """Give a page of the matching refusals, newest hour first.

    Raises ``forbidden``, and ``bad_parameters`` for a bad cursor or a bad name of an operation.
    """
    principal.check_scope(Scope.GATE_CHECK)
    if query.operation is not None:
        check_operation_name(query.operation)
    epoch = runtime.store.epoch
    after = cursors.parse_refusal_cursor(epoch, cursor)
    # The answer also includes what this server refused a moment ago.
    await runtime.refusals.flush(principal.account_id)
    asked = replace(query, after=after, limit=look_beyond(query.limit))
    rows = await runtime.store.read_caught_up(principal.account_id).gate.list_refusals(asked)
    return cut_page(rows, query.limit, lambda last: cursors.format_refusal_cursor(epoch, last))


def check_operation_name(operation: str) -> None:
    """Raise ``bad_parameters`` unless the name is 1 to 100 printable characters."""
    if not operation:
        raise PadronError(Code.BAD_PARAMETERS, "operation is empty. Name the operation on the vehicles.")
    check_text("operation", operation, OPERATION_LENGTH_MAX)
