"""Executes planned changes when they are due: a task in every server process, each plan by exactly one of them.

What a plan changes and what became of it are written in one transaction, so a process that ends anywhere leaves a plan
either done or still pending. Everything rests on the database: the task only looks and waits.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from padron.domain.change import NumberedChange
from padron.domain.errors import PadronError
from padron.domain.plan import Plan, build_return_plan, execute
from padron.service.plans.planning import make_plan_id
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.plans import PlanTransaction

CHUNK_SIZE = 250  # plans in a transaction: the account's calls wait for it
LOOK_EVERY_S = 0.25  # while nothing is due: another process may have planned something
LOOK_AGAIN_S = 0.05  # while something is due, here or in a process that is about to do it
TROUBLE_S = 1.0  # the pause after the database could not be reached
REST_S = 10.0  # for an account whose plans met an error of ours
CHUNKS_AT_ONCE = 4  # so that plans do not take the connections from the calls

_log = logging.getLogger("padron.plans")


@asynccontextmanager
async def run_plans(runtime: Runtime) -> AsyncIterator[None]:
    """Execute what is due, in all accounts, as long as the block runs. What is under way is finished."""
    executor = Executor(runtime)
    task = asyncio.create_task(executor.run(), name="padron-plans")
    try:
        yield
    finally:
        executor.stop()
        await task


class Executor:
    """Executes what is due, from one process, beside any number of others. Each account has a task of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._places = asyncio.Semaphore(CHUNKS_AT_ONCE)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._resting: dict[int, float] = {}  # until when, by the event loop's clock, an account is left alone
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look and execute until ``stop``, and return when what is under way then has ended."""
        while not self._stopping.is_set():
            try:
                pause_s = await self._look()
            except PadronError as error:
                _log.warning("planned changes wait for the database: %s", error.detail)
                pause_s = TROUBLE_S
            except Exception:  # noqa: BLE001 - this loop must outlive anything
                _log.exception("planned changes wait")
                pause_s = TROUBLE_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)
        await self._finish()

    def stop(self) -> None:
        """Begin no further transaction."""
        self._stopping.set()

    async def execute_due(self) -> None:
        """Execute all that is due now, in every account, and return when that is done."""
        await self._start_due()
        await self._finish()

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _look(self) -> float:
        """See to it that what is due is done, and give the seconds until the next look."""
        next_at = await self._runtime.store.plans.find_next_instant()
        if next_at is None:
            return LOOK_EVERY_S
        ahead_s = (next_at - self._runtime.clock()).total_seconds()
        if ahead_s > 0:
            return min(ahead_s, LOOK_EVERY_S)
        await self._start_due()
        return LOOK_AGAIN_S

    async def _start_due(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for account_id in await self._runtime.store.plans.list_due_accounts(self._runtime.clock()):
            if account_id not in self._tasks and self._resting.get(account_id, now_s) <= now_s:
                task = asyncio.create_task(self._execute_account(account_id), name=f"padron-plans-{account_id}")
                self._tasks[account_id] = task
                task.add_done_callback(partial(self._forget, account_id))

    def _forget(self, account_id: int, _: asyncio.Task[None]) -> None:
        del self._tasks[account_id]

    async def _execute_account(self, account_id: int) -> None:
        """Execute all that is due in an account, in turns with other accounts. What goes wrong here stops no other."""
        try:
            ended = 1
            while ended and not self._stopping.is_set():
                async with self._places:
                    ended = await execute_chunk(self._runtime, account_id)
        except PadronError as error:
            _log.warning("the planned changes of account %d wait: %s", account_id, error.detail)
            rest_s = TROUBLE_S
        except Exception:  # noqa: BLE001 - nobody waits for this task
            _log.exception("the planned changes of account %d wait", account_id)
            rest_s = REST_S
        else:
            self._resting.pop(account_id, None)
            return
        self._resting[account_id] = asyncio.get_running_loop().time() + rest_s


async def execute_chunk(runtime: Runtime, account_id: int, limit: int = CHUNK_SIZE) -> int:
    """Execute some of an account's due plans in one transaction, and give how many ended.

    Of each vehicle the first one alone: what that makes due, such as a return that is over already, comes next.
    """
    at = runtime.clock()

    async def work(transaction: WriteTransaction, plans: PlanTransaction) -> int:
        due = await plans.lock_due_plans(at, limit)
        if due:
            await _execute_plans(transaction, plans, due, at)
        return len(due)

    return await runtime.store.write_plans(account_id, work)


async def _execute_plans(
    transaction: WriteTransaction, plans: PlanTransaction, due: Sequence[Plan], at: datetime
) -> None:
    targets = await plans.lock_targets(due)
    ended = [execute(plan, targets[plan.plan_id], at) for plan in due]
    written = iter(await transaction.save_changes([one.change for one in ended if one.change is not None]))
    done: list[Plan] = []
    returns: list[Plan] = []
    for one in ended:
        plan = one.plan
        if one.change is None:
            done.append(plan)
            continue
        made = next(written)
        done.append(replace(plan, number=made.number, ended_at=made.change.at))
        if plan.until is not None:
            returns.append(_build_return(plan, made, make_plan_id(at, len(returns))))
    await plans.end_plans(done)
    await plans.add_plans(returns)


def _build_return(plan: Plan, made: NumberedChange, plan_id: str) -> Plan:
    if plan.until is None:
        raise AssertionError(plan)
    return replace(build_return_plan(made, until=plan.until, plan_id=plan_id), follows=plan.plan_id)
