"""The JSON form of deleted vehicles."""

from datetime import datetime

from msgspec import Struct


class DeletedVehicleShape(Struct, rename="camel"):
    """A vehicle that was deleted. ``requestId`` can be undone until ``undoableUntil``."""

    vin: str
    vehicle_id: int
    deleted_at: datetime
    request_id: str
    undoable_until: datetime
