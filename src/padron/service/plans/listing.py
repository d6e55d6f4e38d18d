"""The planned changes of an account: list, read and cancel them."""

from collections.abc import Sequence
from dataclasses import replace

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.plan import Plan, PlanPlace, PlanQuery, PlanState, cancel
from padron.domain.quoting import quote
from padron.domain.status import is_operational
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

CHUNK_SIZE = 1_000


async def list_plans(runtime: Runtime, principal: Principal, query: PlanQuery, cursor: str | None) -> Page[Plan]:
    """Give a page of the account's plans. Raises ``forbidden`` and ``bad_parameters`` for a bad cursor."""
    principal.check_scope(Scope.VEHICLES_READ)
    epoch = runtime.store.epoch
    after = cursors.parse_plan_cursor(epoch, query, cursor)
    asked = replace(query, limit=look_beyond(query.limit), after=after)
    found = await runtime.store.read(principal.account_id).plans.list_plans(asked)
    await _await_leases(runtime, principal, found)
    return cut_page(found, query.limit, lambda plan: cursors.format_plan_cursor(epoch, query, plan))


async def get_plan(runtime: Runtime, principal: Principal, plan_id: str) -> Plan:
    """Give one plan, in any state. Raises ``forbidden`` and ``plan_not_found``."""
    principal.check_scope(Scope.VEHICLES_READ)
    plan = await runtime.store.read(principal.account_id).plans.find_plan(plan_id)
    found = _get_found(plan, plan_id)
    await _await_leases(runtime, principal, [found])
    return found


async def cancel_plan(runtime: Runtime, principal: Principal, plan_id: str, request_id: str) -> Plan:
    """Cancel a pending plan and give it. Raises ``forbidden``, ``plan_not_found`` and ``plan_ended``.

    When the plan is executed at the same moment, exactly one of the two succeeds.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> Plan:
        plans = transaction.plans
        plan = _get_found(await plans.lock_plan(plan_id), plan_id)
        cancelled = cancel(plan, at=at, by=principal.actor, request_id=request_id)
        await plans.end_plans([cancelled])
        return cancelled

    return await runtime.store.write(principal.account_id, work)


async def has_pending(runtime: Runtime, principal: Principal, planned_by: str) -> bool:
    """Say whether any plan of a request is pending."""
    query = PlanQuery(request_id=planned_by, state=PlanState.PENDING, limit=1)
    return bool(await runtime.store.read(principal.account_id).plans.list_plans(query))


async def list_pending(runtime: Runtime, principal: Principal, planned_by: str) -> list[Plan]:
    """Give the pending plans of a request. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_STATUS)
    reader = runtime.store.read(principal.account_id).plans
    query = PlanQuery(request_id=planned_by, state=PlanState.PENDING, limit=CHUNK_SIZE)
    found: list[Plan] = []
    while page := await reader.list_plans(query):
        found += page
        query = replace(query, after=PlanPlace(effective_at=page[-1].effective_at, plan_id=page[-1].plan_id))
    return found


async def cancel_pending(runtime: Runtime, principal: Principal, planned_by: str, request_id: str) -> list[Plan]:
    """Cancel the pending plans of a request, and give them. Raises ``forbidden``.

    A transaction cancels up to a thousand plans.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> list[Plan]:
        plans = transaction.plans
        pending = await plans.lock_pending_of_request(planned_by, CHUNK_SIZE)
        cancelled = [cancel(plan, at=at, by=principal.actor, request_id=request_id) for plan in pending]
        await plans.end_plans(cancelled)
        return cancelled

    done: list[Plan] = []
    while some := await runtime.store.write(principal.account_id, work):
        done += some
    return done


async def _await_leases(runtime: Runtime, principal: Principal, told: Sequence[Plan]) -> None:
    """Return once no local gate answers from before the deactivations that these plans have made."""
    executed = [plan for plan in told if plan.state is PlanState.EXECUTED and not is_operational(plan.status)]
    if executed:
        numbers = [plan.number for plan in executed if plan.number is not None]
        last = max(numbers) if len(numbers) == len(executed) else None
        await runtime.leases.confirm_change(principal.account_id, last)


def _get_found(plan: Plan | None, plan_id: str) -> Plan:
    if plan is None:
        raise PadronError(Code.PLAN_NOT_FOUND, f"The account has no planned change with the id {quote(plan_id)}.")
    return plan
