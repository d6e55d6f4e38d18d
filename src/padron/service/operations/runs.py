"""Starts runs, and reads their progress and results."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from padron.domain.account import Principal, Scope
from padron.domain.change import get_only
from padron.domain.errors import Code, PadronError
from padron.domain.operation import (
    RUN_FIRST_CHUNKS,
    RUN_VINS_MAX,
    ResultEntry,
    Run,
    RunQuestion,
    RunRefusal,
    Work,
    WorkState,
    check_range,
    make_run_id,
    parse_run_id,
)
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.changes import cursors
from padron.service.operations.declaring import get_operation, refuse_operation
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

_AFTER_ALL_RUNS = 2**63 - 1
_ID_TRIES_MAX = 5  # two runs of one account in the same millisecond get the same id once in two million pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """The progress of a run: its work by state, and its refused vehicles, or the first of them."""

    run: Run
    counts: Mapping[WorkState, int]
    refusals: list[RunRefusal]


async def start_run(runtime: Runtime, principal: Principal, name: str, question: RunQuestion) -> RunReport:
    """Queue an operation for vehicles and give the run, with the refused vehicles.

    All given VINs are queued before this returns. For a filter, only the first thousand vehicles
    are, and the rest follow in the background. Raises ``forbidden``, ``bad_parameters``,
    ``operation_not_found``, and ``run_limit_reached`` when the account has too much queued work,
    or for a filter while too many runs by filter are still being filled.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    if question.vins is not None:
        check_range("the number of vins", len(question.vins), 1, RUN_VINS_MAX)
    if question.status is VehicleStatus.INFO_CHANGED:
        raise PadronError(Code.BAD_PARAMETERS, "assetStatusId 2 means former versions. No operation runs on them.")
    account_id = principal.account_id
    operation = await get_operation(runtime, account_id, name)
    await runtime.queued_work.take(account_id, 1 if question.vins is None else len(question.vins))
    run = await _add_run(runtime, principal, operation.name, question)
    refusals: list[RunRefusal] = []
    chunks = count(1)
    while run.is_queueing and (question.vins is not None or next(chunks) <= RUN_FIRST_CHUNKS):
        portion = await runtime.queueing.add_in_turn(account_id, run)
        run = portion.run
        refusals += portion.refusals
    try:  # before the rest is queued in the background, so that the counts are those of this very run's state
        counts = await runtime.store.read(account_id).operations.count_work(
            run.run_id, runtime.clock(), operation.attempts_max
        )
    finally:
        if run.is_queueing:
            runtime.queueing.go_on(account_id, run)
    return RunReport(run=run, counts=counts, refusals=refusals)


async def get_run(runtime: Runtime, principal: Principal, name: str, run_id: str) -> RunReport:
    """Give the progress of a run. Raises ``forbidden``, ``operation_not_found``, ``run_not_found``."""
    principal.check_scope(Scope.OPERATIONS_RUN)
    operation = await get_operation(runtime, principal.account_id, name)
    run = await _get_run(runtime, principal, name, run_id)
    runtime.queueing.go_on_if_stalled(principal.account_id, run)
    reader = runtime.store.read(principal.account_id).operations
    return RunReport(
        run=run,
        counts=await reader.count_work(run.run_id, runtime.clock(), operation.attempts_max),
        refusals=await reader.list_refusals(run.run_id),
    )


async def list_runs(runtime: Runtime, principal: Principal, name: str, *, limit: int, cursor: str | None) -> Page[Run]:
    """Give a page of an operation's runs, newest first. Raises as ``get_run``, and for a bad cursor."""
    principal.check_scope(Scope.OPERATIONS_RUN)
    epoch = runtime.store.epoch
    (before,) = cursors.parse_numbers(epoch, "runs", cursor, 1) or (_AFTER_ALL_RUNS,)
    await get_operation(runtime, principal.account_id, name)
    found = await runtime.store.read(principal.account_id).operations.list_runs(name, before, look_beyond(limit))
    return cut_page(found, limit, lambda last: cursors.format_numbers(epoch, "runs", last.run_id))


async def list_run_results(
    runtime: Runtime, principal: Principal, name: str, run_id: str, *, limit: int, cursor: str | None
) -> Page[ResultEntry]:
    """Give a page of a run's results, by vehicle and attempt. Raises as ``get_run``, and for a bad cursor."""
    principal.check_scope(Scope.OPERATIONS_RUN)
    epoch = runtime.store.epoch
    after = cursors.parse_run_result_place(epoch, cursor)
    await get_operation(runtime, principal.account_id, name)
    run = await _get_run(runtime, principal, name, run_id)
    reader = runtime.store.read(principal.account_id).operations
    entries = await reader.list_run_results(run.run_id, after, look_beyond(limit))

    def give_cursor(last: ResultEntry) -> str:
        return cursors.format_numbers(epoch, "run-results", last.result.key.vehicle_id, last.result.key.attempt)

    return cut_page(entries, limit, give_cursor)


async def list_vehicle_results(
    runtime: Runtime, principal: Principal, vin: Vin, *, limit: int, cursor: str | None
) -> Page[ResultEntry]:
    """Give a page of the results of a current vehicle, newest first.

    Raises ``forbidden``, ``vehicle_not_found``, ``multiple_vehicles_found``, and ``bad_parameters`` for a bad cursor.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    epoch = runtime.store.epoch
    before = cursors.parse_result_place(epoch, cursor)
    vehicle = get_only(await runtime.store.read(principal.account_id).list_by_vin(vin), vin)
    reader = runtime.store.read(principal.account_id).operations
    entries = await reader.list_vehicle_results(vehicle.vehicle_id, before, look_beyond(limit))
    return cut_page(entries, limit, lambda last: cursors.format_result_place(epoch, last.result))


async def list_open_work(runtime: Runtime, principal: Principal, vin: Vin, limit: int) -> list[Work]:
    """Give the queued and claimed work of a current vehicle, the oldest run's first, at most ``limit``.

    Raises ``forbidden``, ``vehicle_not_found`` and ``multiple_vehicles_found``.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    reader = runtime.store.read(principal.account_id)
    vehicle = get_only(await reader.list_by_vin(vin), vin)
    return await reader.operations.list_open_work(vehicle.vehicle_id, limit)


async def _add_run(runtime: Runtime, principal: Principal, operation: str, question: RunQuestion) -> Run:
    account_id = principal.account_id
    if question.vins is None:
        position_max = await runtime.store.read(account_id).find_last_change()
    else:
        position_max = len(question.vins)
    at = runtime.clock()
    runs_max = runtime.limits.runs

    async def work(transaction: WriteTransaction) -> Run | None:
        operations = transaction.operations
        if question.vins is None:
            await operations.lock_declarer()
        if not await operations.hold_operation(operation):
            raise refuse_operation(operation)
        if question.vins is None and len(await operations.list_filling_runs(runs_max)) == runs_max:
            return None
        for _ in range(_ID_TRIES_MAX):
            run = Run(
                run_id=make_run_id(at, secrets.randbits(32)),
                operation=operation,
                question=question,
                is_queueing=True,
                position=0,
                position_max=position_max,
                queued_count=0,
                refused_count=0,
                created_at=at,
                created_by=principal.actor,
                moved_at=at,
            )
            if await operations.add_run(run):
                return run
        raise RuntimeError(f"All run ids tried at {at} are taken.")

    run = await runtime.store.write(account_id, work)
    if run is None:
        await _take_up_stalled(runtime, account_id)
        raise PadronError(
            Code.RUN_LIMIT_REACHED,
            f"The account has {runs_max} runs by filter whose vehicles are still being queued, the maximum. "
            "Wait until one of them is open, or name the vehicles by VIN.",
        )
    return run


async def _take_up_stalled(runtime: Runtime, account_id: int) -> None:
    """Continue the runs that hold the account's places and whose processes seem to have ended."""

    async def find(transaction: WriteTransaction) -> list[Run]:
        operations = transaction.operations
        return await operations.list_filling_runs(runtime.limits.runs)

    for run in await runtime.store.write(account_id, find):
        runtime.queueing.go_on_if_stalled(account_id, run)


async def _get_run(runtime: Runtime, principal: Principal, operation: str, run_id: str) -> Run:
    number = parse_run_id(run_id)
    run = None
    if number is not None:
        run = await runtime.store.read(principal.account_id).operations.find_run(operation, number)
    if run is None:
        raise PadronError(Code.RUN_NOT_FOUND, f"The operation {operation} has no run {quote(run_id)}.")
    return run
