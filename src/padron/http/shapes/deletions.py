"""The JSON form of deleted vehicles."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from padron.domain.deletion import DeletionEntry


class DeletedVehicleShape(Struct, rename="camel"):
    """A vehicle that was deleted. ``requestId`` can be undone until ``undoableUntil``."""

    vin: str
    vehicle_id: int
    deleted_at: datetime
    request_id: str
    undoable_until: datetime


class DeletionShape(Struct, rename="camel"):
    """A deletion that was not undone. ``plate`` and ``vehicleStatusId`` are those that the vehicle had."""

    vin: str
    vehicle_id: int
    plate: str | None
    vehicle_status_id: int
    deleted_at: datetime
    by: str
    by_name: str | None
    reason: str | None
    request_id: str
    undoable_until: datetime


class DeletionList(Struct, rename="camel"):
    """A page of deletions, the last one first."""

    deletions: list[DeletionShape]
    next_cursor: str | None
    more: bool


def shape_deletion(entry: DeletionEntry, names: Mapping[str, str]) -> DeletionShape:
    """Give the JSON form of a deletion. ``names`` are those of the authors."""
    plate = entry.details.get("plate")
    return DeletionShape(
        vin=entry.vin,
        vehicle_id=entry.vehicle_id,
        plate=None if plate is None else str(plate),
        vehicle_status_id=entry.status.value,
        deleted_at=entry.at,
        by=entry.by,
        by_name=names.get(entry.by),
        reason=entry.reason,
        request_id=entry.request_id,
        undoable_until=entry.undoable_until,
    )
