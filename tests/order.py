"""The order of a list as it is documented: a model that knows no columns, no parts and no SQL."""

from typing import Any

from padron.domain.query import VehicleQuery, give_filter_values
from padron.domain.sorting import give_field_key
from padron.domain.vehicle import FIELDS_BY_NAME, Details, Vehicle, fold_text


def give_place(vehicle: Vehicle, details: Details, sort: str | None, *, descending: bool) -> tuple[Any, ...]:
    """Give what vehicles are sorted by, in reverse when descending: those without a value come last either way."""
    own: dict[str | None, Any] = {
        None: 0,
        "createdAt": 0,  # the order of registration
        "vin": vehicle.vin,
        "vehicleStatusId": vehicle.status.value,
        "statusSince": vehicle.status_since,
        "updatedAt": vehicle.updated_at,
    }
    if sort in own:
        return (True, own[sort], vehicle.vehicle_id)
    value = details.get(sort or "", "")
    if value == "":
        return (not descending, 0, vehicle.vehicle_id)
    # By code point, which is the order of the bytes of UTF-8 as well.
    key = give_field_key(sort or "", str(value)) if FIELDS_BY_NAME[sort or ""].is_text else value
    return (descending, key, vehicle.vehicle_id)


def fits_filters(details: Details, query: VehicleQuery) -> bool:
    """Say whether a vehicle has, for each filter, any of its values."""
    return all(
        fold_text(str(details.get(name, ""))) in {fold_text(str(value)) for value in give_filter_values(wanted)}
        for name, wanted in query.filters.items()
    )
