"""Setting statuses some of which are for later, or go back by themselves: changes and plans in one transaction."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.errors import PadronError
from padron.domain.plan import Plan, build_change_plan, build_return_plan, check_times, format_plan_id, move_return
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.statuses.changing import change_statuses
from padron.store.base import WriteTransaction
from padron.store.plans import PlanTransaction

_RANDOM_BITS = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """The vehicle as it is once the request is done, and what is planned for it."""

    vehicle: Vehicle
    plan: Plan | None


async def plan_status(runtime: Runtime, principal: Principal, request: PlanRequest) -> Planned:
    """Plan one vehicle's status, or set it until an instant, and give the plan once that is durable.

    Raises ``forbidden``, ``bad_parameters`` for instants that cannot be, ``vehicle_not_found``,
    ``multiple_vehicles_found``, ``revision_mismatch``, ``nothing_to_bring_back`` and ``store_unavailable``.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    at = runtime.clock()
    check_times(request, at)

    async def work(transaction: WriteTransaction) -> Planned | PadronError:
        plans = transaction.plans
        ((outcome, plan),) = await change_and_plan(transaction, plans, [request], at)
        return outcome if isinstance(outcome, PadronError) else Planned(vehicle=outcome, plan=plan)

    planned = await runtime.store.write(principal.account_id, work)
    if isinstance(planned, PadronError):
        raise planned
    return planned


async def change_and_plan(
    transaction: WriteTransaction,
    plans: PlanTransaction,
    requests: Sequence[StatusRequest],
    at: datetime,
    is_wanted: Callable[[Sequence[Vehicle | PadronError]], bool] | None = None,
) -> list[tuple[Vehicle | PadronError, Plan | None]]:
    """Do as ``change_statuses``, and add the plans; give each request's outcome and its plan, if one was added."""
    found = await transaction.lock_vehicles(sorted({request.vin for request in requests}))
    returns = await _find_returns(plans, found, requests)
    marked = [_mark(request, returns) for request in requests]
    outcomes = await change_statuses(transaction, marked, at, is_wanted)
    if is_wanted is not None and not is_wanted(outcomes):
        return [(outcome, None) for outcome in outcomes]
    last = await plans.find_last_change()
    planned = list(_build_plans(found, marked, outcomes, last, at))
    await plans.add_plans([plan for plan in planned if plan is not None])
    if returns:
        for place, plan in (await _move_returns(plans, returns, marked, outcomes, at)).items():
            planned[place] = plan
    return list(zip(outcomes, planned, strict=True))


def make_plan_id(at: datetime, place: int) -> str:
    """Give a new id for the plan at this place of its transaction."""
    return format_plan_id(at, place, secrets.randbits(_RANDOM_BITS))


async def _find_returns(
    plans: PlanTransaction, found: Sequence[Vehicle], requests: Sequence[StatusRequest]
) -> dict[Vin, Plan]:
    """Give the pending return of each vehicle that is to have, until an instant, the status that it has already.

    Not of one that the requests name twice: the first of them may change what the second finds.
    """
    counts = Counter(request.vin for request in requests)
    asked = {
        request.vin: request.status
        for request in requests
        if isinstance(request, PlanRequest) and not request.is_for_later and counts[request.vin] == 1
    }
    vehicle_ids = [vehicle.vehicle_id for vehicle in found if asked.get(vehicle.vin) is vehicle.status]
    returns = await plans.lock_returns(vehicle_ids) if vehicle_ids else {}
    return {vehicle.vin: returns[vehicle.vehicle_id] for vehicle in found if vehicle.vehicle_id in returns}


def _mark(request: StatusRequest, returns: Mapping[Vin, Plan]) -> StatusRequest:
    if isinstance(request, PlanRequest) and request.vin in returns:
        return replace(request, is_returning=True)
    return request


async def _move_returns(
    plans: PlanTransaction,
    returns: Mapping[Vin, Plan],
    requests: Sequence[StatusRequest],
    outcomes: Sequence[Vehicle | PadronError],
    at: datetime,
) -> dict[int, Plan]:
    """Give the return of each vehicle that keeps its status, by the place of its request: for the instant asked for."""
    planned: dict[int, Plan] = {}
    cancelled: list[Plan] = []
    added: list[Plan] = []
    for place, (request, outcome) in enumerate(zip(requests, outcomes, strict=True)):
        if request.vin not in returns or not isinstance(request, PlanRequest) or isinstance(outcome, PadronError):
            continue
        present = returns[request.vin]
        moved = move_return(present, request, make_plan_id(at, place), at)
        planned[place] = present
        if moved is not None:
            ended, planned[place] = moved
            cancelled.append(ended)
            added.append(planned[place])
    await plans.end_plans(cancelled)
    await plans.add_plans(added)
    return planned


def _build_plans(
    found: Sequence[Vehicle],
    requests: Sequence[StatusRequest],
    outcomes: Sequence[Vehicle | PadronError],
    last: int,
    at: datetime,
) -> Iterator[Plan | None]:
    """Give each request's plan, or None. ``last`` is the number of the last change that the requests made."""
    former = {vehicle.vehicle_id: vehicle for vehicle in found}
    steps: list[tuple[StatusRequest, Vehicle, Vehicle] | None] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, PadronError):
            steps.append(None)
            continue
        steps.append((request, former[outcome.vehicle_id], outcome))
        former[outcome.vehicle_id] = outcome
    number = last - sum(step is not None and step[1].revision < step[2].revision for step in steps)
    for place, step in enumerate(steps):
        if step is None:
            yield None
            continue
        request, before, after = step
        number += before.revision < after.revision
        plan_id = make_plan_id(at, place)
        match request:
            case PlanRequest(effective_at=datetime()):
                yield build_change_plan(request, after, plan_id, at)
            case PlanRequest(until=datetime() as until, is_returning=False):
                yield build_return_plan(
                    after,
                    former=before.status,
                    number=number,
                    request_id=request.request_id,
                    until=until,
                    plan_id=plan_id,
                )
            case _:
                yield None
