"""Several current vehicles with one VIN: how they differ, and how a repair makes one vehicle of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from padron.domain.change import REASON_LENGTH_MAX, Change, ChangeType, build_status_change
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus
from padron.domain.tags import PLAIN_NUMBERS, format_tag, is_plain_number
from padron.domain.vehicle import (
    FIELDS,
    FIELDS_BY_NAME,
    FORMER_SLOT,
    Details,
    Edits,
    Vehicle,
    VehicleVersion,
    apply_edits,
    give_vin,
)
from padron.domain.vin import Vin

STATUS_FIELD = "vehicleStatusId"  # the name of the status among the values


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateQuery:
    """A query for VINs with several current vehicles: after one VIN, with a limit of VINs and one of vehicles."""

    after: str = ""
    vins_max: int
    rows_max: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateGroup:
    """The current vehicles with one VIN, by vehicle id: all of them, or the first when a page cannot hold all."""

    vin: Vin
    count: int  # of all vehicles with the VIN
    versions: Sequence[VehicleVersion]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """A request to make one vehicle of several with a VIN: which one is kept, and which values it takes from others."""

    vin: Vin
    keep: int  # a vehicle id
    request_id: str
    by: str
    revisions: Mapping[int, str] | None = None  # tags by vehicle id, of all that the caller saw; None: any
    take: Mapping[str, int] = field(default_factory=dict)  # field or STATUS_FIELD -> vehicle id
    edits: Edits = field(default_factory=dict)
    status: VehicleStatus | None = None
    reason: str | None = None

    @property
    def written_reason(self) -> str:
        """The reason that is recorded with the vehicles that become former versions."""
        return self.reason or f"Duplicate: vehicle {self.keep} is kept"[:REASON_LENGTH_MAX]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repaired:
    """The result of a repair: its changes in order, the vehicle that is kept, and the new former versions."""

    changes: list[Change]
    vehicle: Vehicle
    details: Details
    former: list[Vehicle]

    @property
    def version(self) -> VehicleVersion:
        """The vehicle that is kept, with its core data."""
        at = self.vehicle.updated_at
        return VehicleVersion(vehicle=self.vehicle, details=self.details, began=0, valid_from=at, valid_to=None)


def find_differences(versions: Sequence[VehicleVersion]) -> dict[str, list[str | int | None]]:
    """Give the values that differ between the vehicles: by field, in the order of the vehicles, None for no value."""
    rows: dict[str, list[str | int | None]] = {STATUS_FIELD: [version.vehicle.status.value for version in versions]}
    rows |= {one.name: [version.details.get(one.name) for version in versions] for one in FIELDS}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def decide_repair(found: Sequence[Vehicle], details: Mapping[int, Details], repair: Repair, at: datetime) -> Repaired:
    """Give the result of a repair for the current vehicles with its VIN.

    Raises ``vehicle_not_found`` for no vehicle and ``no_duplicates`` for one. Raises ``revision_mismatch`` when the
    vehicles are not those that the caller saw, and ``bad_parameters`` for the id of a vehicle without this VIN.
    """
    vehicles = {vehicle.vehicle_id: vehicle for vehicle in sorted(found, key=lambda vehicle: vehicle.vehicle_id)}
    _check_group(vehicles, repair)
    kept = vehicles[repair.keep]
    changes = [_retire(vehicle, repair, at) for vehicle in vehicles.values() if vehicle is not kept]
    former = [change.vehicle for change in changes]
    status = vehicles[repair.take[STATUS_FIELD]].status if STATUS_FIELD in repair.take else repair.status
    if status is not None and status is not kept.status:
        changes.append(_change_status(kept, status, repair.reason, repair, at))
        kept = changes[-1].vehicle
    taken = {name: details[source].get(name) for name, source in repair.take.items() if name != STATUS_FIELD}
    edited = apply_edits(details[kept.vehicle_id], {**taken, **repair.edits})
    if edited.differences:
        before, kept = kept, give_vin(kept, kept.vin, at=at)
        changes.append(
            Change(
                type=ChangeType.INFO_CHANGED,
                vehicle=kept,
                at=at,
                by=repair.by,
                request_id=repair.request_id,
                from_status=before.status,
                details=edited.details,
                differences=edited.differences,
            )
        )
    return Repaired(changes=changes, vehicle=kept, details=edited.details, former=former)


def check_choices(take: Mapping[str, int], edits: Edits, status: VehicleStatus | None) -> None:
    """Raise ``bad_parameters`` for an unknown field, and for one that is both taken from a vehicle and given."""
    for name in take:
        if name != STATUS_FIELD and name not in FIELDS_BY_NAME:
            names = ", ".join((STATUS_FIELD, *FIELDS_BY_NAME))
            raise PadronError(Code.BAD_PARAMETERS, f"There is no field {quote(name)} to take. The fields are {names}.")
        if name in edits or (name == STATUS_FIELD and status is not None):
            detail = f"{name} is both taken from a vehicle and given a value: choose one."
            raise PadronError(Code.BAD_PARAMETERS, detail)


def _retire(vehicle: Vehicle, repair: Repair, at: datetime) -> Change:
    former = replace(vehicle, slot=FORMER_SLOT)
    return _change_status(former, VehicleStatus.INFO_CHANGED, repair.written_reason, repair, at)


def _change_status(vehicle: Vehicle, status: VehicleStatus, reason: str | None, repair: Repair, at: datetime) -> Change:
    return build_status_change(vehicle, status, at=at, by=repair.by, request_id=repair.request_id, reason=reason)


def _check_group(vehicles: Mapping[int, Vehicle], repair: Repair) -> None:
    if not vehicles:
        detail = f"The account has no current vehicle with the VIN {repair.vin}."
        raise PadronError(Code.VEHICLE_NOT_FOUND, detail)
    if len(vehicles) == 1:
        detail = f"The account has one current vehicle with the VIN {repair.vin}: there is nothing to resolve."
        raise PadronError(Code.NO_DUPLICATES, detail)
    present = {vehicle_id: format_tag(vehicle) for vehicle_id, vehicle in vehicles.items()}
    if repair.revisions is not None and dict(repair.revisions) != present:
        raise PadronError(Code.REVISION_MISMATCH, _describe_mismatch(repair, present))
    for source in (repair.keep, *repair.take.values()):
        if source not in vehicles:
            known = ", ".join(map(str, [*vehicles][:_NAMED_MAX])) + (", …" if len(vehicles) > _NAMED_MAX else "")
            detail = f"Vehicle {source} does not have the VIN {repair.vin}. The vehicles with this VIN are {known}."
            raise PadronError(Code.BAD_PARAMETERS, detail)


def _describe_mismatch(repair: Repair, present: Mapping[int, str]) -> str:
    seen = repair.revisions or {}
    if any(map(is_plain_number, seen.values())):
        return f"{PLAIN_NUMBERS} Read the vehicles again and decide."
    ids = sorted(one for one in {*seen, *present} if seen.get(one) != present.get(one))
    return (
        f"The vehicles with the VIN {repair.vin} do not match `revisions` (vehicle {ids[0]}, for example). "
        "Read them again and decide."
    )


_NAMED_MAX = 10
