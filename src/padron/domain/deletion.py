"""Deleting a vehicle that was registered by mistake: it becomes a former version, and nothing is kept in its place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain.change import Change, ChangeType, build_status_change, check_revision, get_only
from padron.domain.plan import Plan, cancel
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FORMER_SLOT, Details, Vehicle
from padron.domain.vin import Vin

UNDOABLE_DAYS = 30
UNDOABLE = timedelta(days=UNDOABLE_DAYS)  # how long a deletion can be undone


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """A request to delete the one vehicle with a VIN."""

    vin: Vin
    by: str
    request_id: str
    revisions: frozenset[str] | None = None  # by their tags; None: any revision
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletionEntry:
    """A deletion that was not undone. ``status`` and ``details`` are what the vehicle had."""

    number: int
    vehicle_id: int
    vin: Vin
    at: datetime
    by: str
    request_id: str
    status: VehicleStatus
    reason: str | None
    details: Details

    @property
    def undoable_until(self) -> datetime:
        """The last instant at which the deletion can be undone."""
        return self.at + UNDOABLE


def decide_deletion(found: Sequence[Vehicle], deletion: Deletion, at: datetime) -> Change:
    """Give the change that deletes the only vehicle among those with the VIN.

    Raises ``vehicle_not_found``, ``multiple_vehicles_found`` and ``revision_mismatch``.
    """
    vehicle = get_only(found, deletion.vin)
    check_revision(vehicle, deletion.revisions)
    retired = build_status_change(
        replace(vehicle, slot=FORMER_SLOT),
        VehicleStatus.INFO_CHANGED,
        at=at,
        by=deletion.by,
        request_id=deletion.request_id,
        reason=deletion.reason,
    )
    # The record needs the status before: an undo sets the slot and the status that the vehicle had.
    return replace(retired, type=ChangeType.DELETED)


def cancel_for_deletion(plan: Plan, deletion: Deletion, at: datetime) -> Plan:
    """Give a pending plan of the vehicle as cancelled."""
    cancelled = cancel(plan, at=at, by=deletion.by, request_id=deletion.request_id)
    return replace(cancelled, detail="The vehicle was deleted.")


def is_undoable(deleted_at: datetime, now: datetime) -> bool:
    """Say whether a deletion can still be undone."""
    return now - deleted_at <= UNDOABLE
