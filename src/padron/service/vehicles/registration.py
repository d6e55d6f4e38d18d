"""Registers and updates vehicles: both forms of PUT (contract 1.3 and 2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from padron.domain.account import Principal, Scope
from padron.domain.change import Change, ChangeType, check_revision, check_vehicle_limit, get_only
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Details, Difference, Edits, Vehicle, VehicleVersion, apply_edits, give_vin
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

FIRST_REVISION = 1


class WriteCondition(Enum):
    """A caller's condition on the vehicle, besides its revision."""

    NONE = "none"
    MUST_EXIST = "must_exist"  # If-Match
    MUST_NOT_EXIST = "must_not_exist"  # If-None-Match: *


# Not frozen, for speed, like changes: an import makes a million of them.
@dataclass(kw_only=True, slots=True)
class Registration:
    """One request to register a vehicle or to update its core data."""

    vin: Vin
    edits: Edits
    request_id: str
    condition: WriteCondition = WriteCondition.NONE
    revisions: frozenset[str] | None = None  # by their tags


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """The vehicle after the request, and whether it is new, or has another VIN than before."""

    version: VehicleVersion
    created: bool
    has_moved: bool = False


async def put_vehicle(runtime: Runtime, principal: Principal, registration: Registration) -> Registered:
    """Register or update the vehicle with this VIN. Only the VIN identifies it.

    Raises ``forbidden``, ``multiple_vehicles_found``, ``plate_in_use``, ``revision_mismatch``, and
    ``vehicle_limit_reached`` for a new vehicle.
    """
    principal.check_scope(Scope.VEHICLES_WRITE)
    at = runtime.clock()
    vehicles_max = runtime.limits.vehicles

    async def work(transaction: WriteTransaction) -> Registered:
        found = await transaction.lock_vehicles([registration.vin])
        found = await _check_plate_free(transaction, registration, found)
        if not found:
            return await register_vehicle(transaction, principal, registration, at, vehicles_max)
        vehicle = get_only(found, registration.vin)
        return await update_vehicle(transaction, principal, registration, vehicle, at)

    return await runtime.store.write(principal.account_id, work)


async def upsert_vehicle_info(runtime: Runtime, principal: Principal, registration: Registration) -> Registered:
    """Register or update a vehicle that its VIN or its plate identifies (contract 1.3).

    Raises ``forbidden``, ``multiple_vehicles_found`` when several vehicles have the VIN or the
    plate, and ``vehicle_limit_reached`` for a new vehicle.
    """
    principal.check_scope(Scope.VEHICLES_WRITE)
    at = runtime.clock()
    vehicles_max = runtime.limits.vehicles
    plate = str(registration.edits["plate"])

    async def work(transaction: WriteTransaction) -> Registered:
        by_vin = await transaction.lock_vehicles([registration.vin])
        by_plate = await transaction.lock_plates([plate])
        found = {vehicle.vehicle_id: vehicle for vehicle in (*by_vin, *by_plate)}
        if len(found) > 1:
            raise PadronError(
                Code.MULTIPLE_VEHICLES_FOUND,
                f"The VIN {registration.vin} and the plate {plate} belong to {len(found)} different vehicles.",
            )
        if not found:
            return await register_vehicle(transaction, principal, registration, at, vehicles_max)
        (vehicle,) = found.values()
        return await update_vehicle(transaction, principal, registration, vehicle, at)

    registered = await runtime.store.write(principal.account_id, work)
    if registered.has_moved:  # the gate refuses the VIN before
        await runtime.leases.confirm(principal.account_id, has_written=True)
    return registered


async def register_vehicle(
    transaction: WriteTransaction, principal: Principal, registration: Registration, at: datetime, vehicles_max: int
) -> Registered:
    """Write a new vehicle, which is Active. Raises ``revision_mismatch`` if the caller requires an existing one.

    Raises ``vehicle_limit_reached`` if it is one too many.
    """
    if registration.condition is WriteCondition.MUST_EXIST or registration.revisions is not None:
        raise PadronError(
            Code.REVISION_MISMATCH, f"If-Match requires the vehicle {registration.vin}, but it does not exist."
        )
    change = build_registration(registration, by=principal.actor, at=at)
    check_vehicle_limit(await transaction.save_changes([change]), vehicles_max)
    version = VehicleVersion(
        vehicle=change.vehicle, details=change.details or {}, began=0, valid_from=change.at, valid_to=None
    )
    return Registered(version=version, created=True)


async def update_vehicle(
    transaction: WriteTransaction,
    principal: Principal,
    registration: Registration,
    vehicle: Vehicle,
    at: datetime,
) -> Registered:
    """Write the differences. Without differences nothing is written. The status stays as it is."""
    if registration.condition is WriteCondition.MUST_NOT_EXIST:
        raise PadronError(Code.REVISION_MISMATCH, f"If-None-Match requires no vehicle {vehicle.vin}, but it exists.")
    check_revision(vehicle, registration.revisions)
    details = (await transaction.load_details([vehicle.vehicle_id]))[vehicle.vehicle_id]
    change = build_update(registration, vehicle, details, by=principal.actor, at=at)
    former_vin = vehicle.vin
    if change is not None:
        vehicle, details = change.vehicle, change.details or {}
        await transaction.save_changes([change])
    version = VehicleVersion(vehicle=vehicle, details=details, began=0, valid_from=at, valid_to=None)
    return Registered(version=version, created=False, has_moved=vehicle.vin != former_vin)


def build_registration(
    registration: Registration,
    *,
    by: str,
    at: datetime,
    status: VehicleStatus = VehicleStatus.ACTIVE,
    slot: int = 0,
) -> Change:
    """Give the change that registers a new vehicle. The default status is Active."""
    details: Details = {name: value for name, value in registration.edits.items() if value is not None}
    vehicle = Vehicle(
        vehicle_id=0,
        vin=registration.vin,
        slot=slot,
        status=status,
        status_since=at,
        status_by=by,
        status_reason=None,
        revision=FIRST_REVISION,
        created_at=at,
        updated_at=at,
    )
    return Change(
        type=ChangeType.REGISTERED,
        vehicle=vehicle,
        at=at,
        by=by,
        request_id=registration.request_id,
        details=details,
    )


def build_update(
    registration: Registration, vehicle: Vehicle, before: Details, *, by: str, at: datetime
) -> Change | None:
    """Give the change that updates this vehicle and its core data, or None when nothing differs."""
    edited = apply_edits(before, registration.edits)
    differences = edited.differences
    if vehicle.vin != registration.vin:
        differences = {"vin": Difference(vehicle.vin, registration.vin), **differences}
    if not differences:
        return None
    return Change(
        type=ChangeType.INFO_CHANGED,
        vehicle=give_vin(vehicle, registration.vin, at=at),
        at=at,
        by=by,
        request_id=registration.request_id,
        from_status=vehicle.status,
        details=edited.details,
        differences=differences,
    )


async def _check_plate_free(
    transaction: WriteTransaction, registration: Registration, found: list[Vehicle]
) -> list[Vehicle]:
    """Give the vehicles with the VIN. Raises ``plate_in_use`` when another vehicle has the plate."""
    plate = registration.edits.get("plate")
    if plate is None or len(found) > 1:
        return found
    bearers = await transaction.lock_plates([str(plate)])
    # The same request, sent twice at once, may have registered the vehicle after its VIN was read.
    found = found or [vehicle for vehicle in bearers if vehicle.vin == registration.vin]
    own = {vehicle.vehicle_id for vehicle in found}
    if any(vehicle.vehicle_id not in own for vehicle in bearers):
        raise PadronError(Code.PLATE_IN_USE, f"Another vehicle of the account has the plate {plate}.")
    return found
