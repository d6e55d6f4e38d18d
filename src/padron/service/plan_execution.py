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

from padron.domain.change import Change
from padron.domain.errors import PadronError
from padron.domain.plan import Plan, build_return_plan, execute
from padron.service.planning import make_plan_id
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.plans import PlanTransaction

CHUNK_SIZE = 250  # plans in a transaction: the account's calls wait for it
LOOK_EVERY_S = 0.25  # while nothing is due: another process may have planned something
LOOK_AGAIN_S = 0.05  # while something is due that another process is about to do
TROUBLE_S = 1.0  # the pause after the database could not be reached
ACCOUNTS_AT_ONCE = 4  # so that plans do not take the connections from the calls

_log = logging.getLogger("padron.plans")


@asynccontextmanager
async def run_plans(runtime: Runtime) -> AsyncIterator[None]:
    """Execute what is due, in all accounts, as long as the block runs. What is under way is finished."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_watch(runtime, stopping), name="padron-plans")
    try:
        yield
    finally:
        stopping.set()
        await task


async def execute_due(runtime: Runtime) -> int:
    """Execute all that is due now, in every account, and give the number of plans that ended."""
    places = asyncio.Semaphore(ACCOUNTS_AT_ONCE)

    async def work(account_id: int) -> int:
        async with places:
            return await _execute_account(runtime, account_id)

    due = await runtime.store.plans.list_due_accounts(runtime.clock())
    return sum(await asyncio.gather(*(work(account_id) for account_id in due)))


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
    changes = [change for _, change in ended if change is not None]
    await transaction.save_changes(changes)
    number = await plans.find_last_change() - len(changes)
    done: list[Plan] = []
    returns: list[Plan] = []
    for plan, change in ended:
        if change is None:
            done.append(plan)
            continue
        number += 1
        done.append(replace(plan, number=number))
        if plan.until is not None:
            returns.append(_build_return(plan, change, number, make_plan_id(at, len(returns))))
    await plans.end_plans(done)
    await plans.add_plans(returns)


def _build_return(plan: Plan, change: Change, number: int, plan_id: str) -> Plan:
    if plan.until is None or change.from_status is None:
        raise AssertionError(plan)
    back = build_return_plan(
        change.vehicle,
        former=change.from_status,
        number=number,
        request_id=plan.request_id,
        until=plan.until,
        plan_id=plan_id,
    )
    return replace(back, follows=plan.plan_id)


async def _execute_account(runtime: Runtime, account_id: int) -> int:
    """Execute all that is due in an account. Whatever goes wrong here stops no other account."""
    count = 0
    try:
        while ended := await execute_chunk(runtime, account_id):
            count += ended
    except PadronError as error:
        _log.warning("the planned changes of account %d wait: %s", account_id, error.detail)
    except Exception:  # noqa: BLE001 - nobody waits for this task
        _log.exception("the planned changes of account %d wait", account_id)
    return count


async def _watch(runtime: Runtime, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            pause_s = await _look(runtime)
        except PadronError as error:
            _log.warning("planned changes wait for the database: %s", error.detail)
            pause_s = TROUBLE_S
        except Exception:  # noqa: BLE001 - this loop must outlive anything
            _log.exception("planned changes wait")
            pause_s = TROUBLE_S
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause_s)


async def _look(runtime: Runtime) -> float:
    """Execute what is due, and give the seconds until the next look."""
    next_at = await runtime.store.plans.find_next_instant()
    if next_at is None:
        return LOOK_EVERY_S
    ahead_s = (next_at - runtime.clock()).total_seconds()
    if ahead_s > 0:
        return min(ahead_s, LOOK_EVERY_S)
    return 0.0 if await execute_due(runtime) else LOOK_AGAIN_S
