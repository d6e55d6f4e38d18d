"""Executes planned changes that are due. One transaction writes the change and the plan's result.

When a process ends at any moment, a plan is either done or still pending.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from padron.domain.change import NumberedChange
from padron.domain.plan import Plan, build_return_plan, execute
from padron.service.plans.planning import make_plan_id
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.plans import PlanTransaction

CHUNK_SIZE = 250  # plans in a transaction, during which the account's calls wait


async def find_next_instant(runtime: Runtime) -> datetime | None:
    """Give the instant of the next plan of any account, which may be past. None means there is no plan."""
    return await runtime.store.plans.find_next_instant()


async def list_due_accounts(runtime: Runtime) -> list[int]:
    """Give the accounts that have plans due now."""
    return await runtime.store.plans.list_due_accounts(runtime.clock())


async def execute_chunk(runtime: Runtime, account_id: int, limit: int = CHUNK_SIZE) -> int:
    """Execute some of an account's due plans in one transaction, and give how many ended.

    A chunk executes only the first due plan of each vehicle. That plan may make another one due,
    such as a return whose time is past. A later chunk executes it.
    """
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> int:
        plans = transaction.plans
        due = await plans.lock_due_plans(at, limit)
        if due:
            await _execute_plans(transaction, plans, due, at)
        return len(due)

    ended = await runtime.store.write(account_id, work)
    runtime.counts.plans_ended += ended
    return ended


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
