"""Sets and plans statuses in one transaction: now, for later, or until an instant."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest, StatusRequest, WrittenChanges
from padron.domain.errors import PadronError
from padron.domain.plan import Plan, build_change_plan, build_return_plan, check_times, format_plan_id, move_return
from padron.domain.status import is_operational
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.statuses.changing import Decisions, StatusOutcome, decide_all, list_vins
from padron.store.base import WriteTransaction
from padron.store.plans import PlanTransaction

_RANDOM_BITS = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """The vehicle after the request, and its plan."""

    vehicle: Vehicle
    plan: Plan | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedAndPlanned:
    """The decisions on some requests, and the plan of each, if one was added."""

    decided: Decisions
    plans: Sequence[Plan | None]


async def plan_status(runtime: Runtime, principal: Principal, request: PlanRequest) -> Planned:
    """Plan one vehicle's status, or set it until an instant, and give the durable plan.

    Raises ``forbidden``, ``bad_parameters`` for impossible instants, ``vehicle_not_found``,
    ``multiple_vehicles_found``, ``revision_mismatch``, ``nothing_to_bring_back`` and
    ``store_unavailable``.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    at = runtime.clock()
    check_times(request, at)

    async def work(transaction: WriteTransaction) -> Planned | PadronError:
        done = await change_and_plan(transaction, [request], at)
        (outcome,), (plan,) = done.decided.outcomes, done.plans
        return outcome if isinstance(outcome, PadronError) else Planned(vehicle=outcome, plan=plan)

    planned = await runtime.store.write(principal.account_id, work)
    if isinstance(planned, PadronError):
        raise planned
    if not request.is_for_later and not is_operational(planned.vehicle.status):
        await runtime.leases.confirm(principal.account_id, has_written=False)
    return planned


async def change_and_plan(
    transaction: WriteTransaction,
    requests: Sequence[StatusRequest],
    at: datetime,
    is_wanted: Callable[[Sequence[StatusOutcome]], bool] | None = None,
) -> DecidedAndPlanned:
    """Decide each request, write the changes, and add the plans.

    If ``is_wanted`` is given and rejects the outcomes, nothing is written.
    """
    plans = transaction.plans
    found = await transaction.lock_vehicles(list_vins(requests))
    returns = await _find_returns(plans, found, requests)
    marked = [_mark(request, returns) for request in requests]
    decided = decide_all(found, marked, at)
    if is_wanted is not None and not is_wanted(decided.outcomes):
        return DecidedAndPlanned(decided=decided, plans=[None] * len(requests))
    written = await transaction.save_changes(decided.changes)
    planned = list(_build_plans(marked, decided, written, at))
    await plans.add_plans([plan for plan in planned if plan is not None])
    if returns:
        for place, plan in (await _move_returns(plans, returns, marked, decided.outcomes, at)).items():
            planned[place] = plan
    return DecidedAndPlanned(decided=decided, plans=planned)


def make_plan_id(at: datetime, place: int) -> str:
    """Give a new id for the plan at this place of its transaction."""
    return format_plan_id(at, place, secrets.randbits(_RANDOM_BITS))


async def _find_returns(
    plans: PlanTransaction, found: Sequence[Vehicle], requests: Sequence[StatusRequest]
) -> dict[Vin, Plan]:
    """Give the pending return of each vehicle that already has the status requested until an instant.

    A VIN that the requests name twice is left out: the first request may change the vehicle before
    the second.
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
    outcomes: Sequence[StatusOutcome],
    at: datetime,
) -> dict[int, Plan]:
    """Move the return of each vehicle that keeps its status, and give these plans by place of request."""
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
            planned[place] = moved.added
            cancelled.append(moved.cancelled)
            added.append(moved.added)
    await plans.end_plans(cancelled)
    await plans.add_plans(added)
    return planned


def _build_plans(
    requests: Sequence[StatusRequest], decided: Decisions, written: WrittenChanges, at: datetime
) -> Iterator[Plan | None]:
    """Give each request's plan, or None."""
    made = dict(zip(decided.places, written, strict=True))
    for place, (request, outcome) in enumerate(zip(requests, decided.outcomes, strict=True)):
        match request:
            case _ if isinstance(outcome, PadronError):
                yield None
            case PlanRequest(effective_at=datetime()):
                yield build_change_plan(request, outcome, make_plan_id(at, place), at)
            case PlanRequest(until=datetime() as until, is_returning=False):
                yield build_return_plan(made[place], until=until, plan_id=make_plan_id(at, place))
            case _:
                yield None
