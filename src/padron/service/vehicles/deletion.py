"""Deletes a vehicle that was registered by mistake, and ends all that was to be done with it."""

from dataclasses import dataclass
from datetime import datetime

from padron.domain.account import Principal, Scope
from padron.domain.deletion import UNDOABLE, Deletion, DeletionEntry, cancel_for_deletion, decide_deletion
from padron.domain.vehicle import Vehicle
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletedVehicle:
    """A vehicle that was deleted, and by which request, which can be undone."""

    vehicle: Vehicle
    request_id: str

    @property
    def undoable_until(self) -> datetime:
        """The last instant at which the deletion can be undone."""
        return self.vehicle.updated_at + UNDOABLE


async def delete_vehicle(
    runtime: Runtime, principal: Principal, deletion: Deletion, *, dry_run: bool = False
) -> DeletedVehicle:
    """Delete the one current vehicle with a VIN, withdraw its open work and cancel its plans.

    A dry run writes nothing. Raises ``forbidden``, ``vehicle_not_found``,
    ``multiple_vehicles_found`` and ``revision_mismatch``.
    """
    principal.check_scope(Scope.VEHICLES_DELETE)
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> DeletedVehicle:
        change = decide_deletion(await transaction.lock_vehicles([deletion.vin]), deletion, at)
        vehicle = change.vehicle
        if not dry_run:
            pending = await transaction.plans.lock_pending_of_vehicle(vehicle.vehicle_id)
            await transaction.plans.end_plans([cancel_for_deletion(plan, deletion, at) for plan in pending])
            await transaction.save_changes([change])
        return DeletedVehicle(vehicle=vehicle, request_id=deletion.request_id)

    deleted = await runtime.store.write(principal.account_id, work)
    if not dry_run:
        await runtime.leases.confirm(principal.account_id, has_written=True)
    return deleted


async def list_deletions(
    runtime: Runtime, principal: Principal, limit: int, cursor: str | None
) -> Page[DeletionEntry]:  # fmt: skip
    """Give the deleted vehicles that an undo can still bring back, the last one first.

    Whether the VIN or the plate is in use again is seen by the undo. Raises ``forbidden``, and ``bad_parameters`` for
    a cursor of another list.
    """
    principal.check_scope(Scope.VEHICLES_DELETE)
    epoch = runtime.store.epoch
    (before,) = cursors.parse_numbers(epoch, "deletions", cursor, 1) or (None,)
    reader = runtime.store.read(principal.account_id)
    found = await reader.list_deletions(before, runtime.clock() - UNDOABLE, look_beyond(limit))
    return cut_page(found, limit, lambda last: cursors.format_numbers(epoch, "deletions", last.number))
