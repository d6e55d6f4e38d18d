"""Says what a change of status will do, before it happens. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest, decide, get_only
from padron.domain.plan import Plan, PlanKind, PlanQuery, PlanState, check_times
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import Vehicle
from padron.service.runtime import Runtime

OPEN_WORK_MAX = 100  # counted; beyond it there are "more than"
PLANS_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusPreview:
    """What a request would do to a vehicle as it is now.

    ``withdrawn_count`` is the vehicle's open work that would be withdrawn, at most ``OPEN_WORK_MAX`` and one.
    ``plans`` are pending, and stay. ``lapsing`` are planned returns that come to nothing by this change.
    """

    vehicle: Vehicle
    status: VehicleStatus
    is_for_later: bool
    is_same: bool  # the vehicle has the status already
    withdrawn_count: int
    plans: Sequence[Plan]
    lapsing: Sequence[Plan]

    @property
    def leaves_operations(self) -> bool:
        """Say whether operations may no longer touch the vehicle afterwards."""
        return is_operational(self.vehicle.status) and not is_operational(self.status)

    @property
    def enters_operations(self) -> bool:
        """Say whether operations may touch the vehicle again afterwards."""
        return not is_operational(self.vehicle.status) and is_operational(self.status)


async def preview_status(runtime: Runtime, principal: Principal, request: PlanRequest) -> StatusPreview:
    """Give what the request would do. Raises what the request itself would raise."""
    principal.check_scope(Scope.VEHICLES_STATUS)
    check_times(request, runtime.clock())
    reader = runtime.store.read(principal.account_id)
    vehicle = get_only(await reader.list_by_vin(request.vin), request.vin)
    query = PlanQuery(vin=request.vin, state=PlanState.PENDING, limit=PLANS_MAX)
    plans = await reader.plans.list_plans(query)
    is_same = vehicle.status is request.status
    returns = [plan for plan in plans if plan.kind is PlanKind.RETURN and not is_same and not request.is_for_later]
    # Without an end there is nothing to bring back, so nothing to check about it.
    is_returning = is_same and (request.until is None or any(plan.kind is PlanKind.RETURN for plan in plans))
    decide([vehicle], replace(request, is_returning=is_returning))
    leaves = is_operational(vehicle.status) and not is_operational(request.status)
    work = await reader.operations.list_open_work(vehicle.vehicle_id, OPEN_WORK_MAX + 1) if leaves else []
    return StatusPreview(
        vehicle=vehicle,
        status=request.status,
        is_for_later=request.is_for_later,
        is_same=is_same,
        withdrawn_count=len(work),
        plans=[plan for plan in plans if plan not in returns],
        lapsing=returns,
    )
