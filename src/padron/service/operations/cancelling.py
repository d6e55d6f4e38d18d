"""Cancels runs and deletes operations. The record stays: runs and results can still be read.

A run is marked as cancelled first. From then on nothing of it is queued or handed out. Then its work goes, in portions.
A call that is interrupted between them leaves a cancelled run with queued work: claims cancel what they meet of it, and
the same call again cancels the rest.
"""

from collections.abc import Awaitable, Callable

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import RUN_CHUNK_SIZE, RunState, format_run_id, give_run_state
from padron.service.operations.declaring import get_operation
from padron.service.operations.runs import get_run
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

LOOKS_MAX = 20  # for runs that somebody starts while their operation is being deleted

Confirm = Callable[[], Awaitable[None]]  # raises when the caller has lost its right


async def cancel_run(runtime: Runtime, principal: Principal, name: str, run_id: str, confirm: Confirm) -> None:
    """Cancel a run that has not ended. Raises ``forbidden``, ``operation_not_found``, ``run_not_found``, ``run_ended``.

    A run that was cancelled before is cancelled again, which changes nothing.
    """
    principal.check_scope(Scope.OPERATIONS_RUN)
    report = await get_run(runtime, principal, name, run_id)
    if give_run_state(report.run, report.counts) is RunState.FINISHED:
        raise PadronError(
            Code.RUN_ENDED, f"The run {format_run_id(report.run.run_id)} is finished, so there is nothing to cancel."
        )
    await _cancel(runtime, principal, report.run.run_id, confirm)


async def delete_operation(runtime: Runtime, principal: Principal, name: str, confirm: Confirm) -> None:
    """Cancel the open runs of an operation, and delete its declaration. Raises ``forbidden``, ``operation_not_found``.

    Raises ``overloaded`` while others keep on starting runs of it.
    """
    principal.check_scope(Scope.OPERATIONS_MANAGE)
    await get_operation(runtime, principal.account_id, name)

    async def work(transaction: WriteTransaction) -> int | None:
        operations = transaction.operations
        await operations.lock_declarer()
        if (run_id := await operations.find_open_run(name)) is None:
            await operations.delete_operation(name)
        return run_id

    for _ in range(runtime.limits.runs + LOOKS_MAX):
        run_id = await runtime.store.write(principal.account_id, work)
        if run_id is None:
            return
        await _cancel(runtime, principal, run_id, confirm)
    raise PadronError(Code.OVERLOADED, f"Others keep on starting runs of the operation {name}. Stop them first.")


async def _cancel(runtime: Runtime, principal: Principal, run_id: int, confirm: Confirm) -> None:
    account_id = principal.account_id
    at = runtime.clock()

    async def mark(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        await operations.lock_run(run_id)
        await operations.cancel_run(run_id, at, principal.actor)

    await runtime.store.write(account_id, mark)
    after: int | None = 0
    while after is not None:
        async with runtime.turns.take(account_id):
            after = await runtime.store.write(account_id, _cancel_portion(run_id, after, runtime))
        await confirm()


def _cancel_portion(run_id: int, after: int, runtime: Runtime) -> Callable[[WriteTransaction], Awaitable[int | None]]:
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> int | None:
        return await transaction.operations.cancel_work(run_id, after, RUN_CHUNK_SIZE, at)

    return work
