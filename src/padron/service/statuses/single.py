"""The status call. A single call is a batch of one, and concurrent calls share a transaction."""

from padron.domain.account import Principal, Scope
from padron.domain.change import StatusRequest
from padron.domain.vehicle import Vehicle
from padron.service.runtime import Runtime
from padron.store.settling import Waiting


async def set_status(runtime: Runtime, principal: Principal, request: StatusRequest) -> Vehicle:
    """Set one vehicle's status and give the vehicle once the change is durable.

    Raises ``forbidden``, ``vehicle_not_found``, ``multiple_vehicles_found``, ``revision_mismatch``,
    ``overloaded`` and ``store_unavailable``. The same status again changes nothing.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    return await runtime.lanes.submit(principal.account_id, request)


def begin_set_status(runtime: Runtime, principal: Principal, request: StatusRequest, waiting: Waiting[Vehicle]) -> None:
    """Set one vehicle's status as ``set_status`` does, but let ``waiting`` get the vehicle or the error.

    Raises ``forbidden`` and ``overloaded`` at once.
    """
    principal.check_scope(Scope.VEHICLES_STATUS)
    runtime.lanes.enqueue(principal.account_id, request, waiting)
