"""The register at any instant, worked out from the feed alone: a model that knows no versions, no cuts and no SQL."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from padron.domain.change import ChangeType, FeedEntry
from padron.domain.erasure import ERASED_TEXT, strip_erased
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.time_in_status import Cell
from padron.domain.vehicle import Details, Vehicle, VehicleVersion
from tests.order import fits_filters, give_place

MICROSECOND = timedelta(microseconds=1)


@dataclass(kw_only=True)
class Replayed:
    """One vehicle after the changes so far; ``former`` are the versions that ended."""

    version: VehicleVersion
    is_current: bool = True
    former: list[VehicleVersion] = field(default_factory=list)


def find_first_details(entries: list[FeedEntry], present: dict[int, Details]) -> dict[int, Details]:
    """Give the core data that each vehicle was registered with: what it has, all differences taken back."""
    first = {vehicle_id: dict(details) for vehicle_id, details in present.items()}
    for entry in reversed(entries):
        for name in () if entry.change.erased is None else entry.change.erased.removed:
            first[entry.vehicle_id][name] = ERASED_TEXT
        for name, (former, _) in (entry.change.differences or {}).items():
            if name == "vin":
                continue
            if former is None:
                first[entry.vehicle_id].pop(name)
            else:
                first[entry.vehicle_id][name] = former
    return dict(first)


def replay(entries: list[FeedEntry], first: dict[int, Details], at: datetime) -> dict[int, Replayed]:
    """Fold the entries up to an instant, by vehicle id."""
    vehicles: dict[int, Replayed] = {}
    for entry in entries:
        if entry.change.at > at:
            break
        if entry.change.type is ChangeType.REGISTERED:
            vehicles[entry.vehicle_id] = _register(entry, first[entry.vehicle_id])
        else:
            _apply(vehicles[entry.vehicle_id], entry)
    return vehicles


def list_replayed(vehicles: dict[int, Replayed], query: VehicleQuery) -> list[VehicleVersion]:
    """Give what the list of that instant must hold, in its order."""
    if query.status is VehicleStatus.INFO_CHANGED:
        # A former version is shown with its own VIN, and all else that is not core data as its vehicle has it.
        rows = [
            (replace(former, vehicle=replace(one.version.vehicle, vin=former.vehicle.vin)), one.version.vehicle)
            for one in vehicles.values()
            for former in one.former
        ]
    else:
        rows = [(one.version, one.version.vehicle) for one in vehicles.values() if one.is_current]
    fitting = [(row, vehicle) for row, vehicle in rows if _fits(row, vehicle, query)]
    fitting.sort(key=lambda pair: _give_place(pair[0], query), reverse=query.descending)
    return [row for row, _ in fitting]


def add_up(entries: list[FeedEntry], from_at: datetime, to_at: datetime) -> dict[int, Counter[Cell]]:
    """Give the microseconds of each vehicle by status and reason: of each piece between two instants at which anything
    at all happened, what was so at its beginning.
    """
    inside = {entry.change.at for entry in entries if from_at < entry.change.at < to_at}
    edges = sorted({from_at, to_at, *inside})
    sums: dict[int, Counter[Cell]] = {}
    for begin, end in pairwise(edges):
        now: dict[int, Cell] = {}
        for entry in entries:
            if entry.change.at <= begin and entry.change.type not in {ChangeType.INFO_CHANGED, ChangeType.ERASED}:
                now[entry.vehicle_id] = Cell(entry.change.to_status, entry.change.reason)
        for vehicle_id, cell in now.items():
            if cell.status is not VehicleStatus.INFO_CHANGED:
                sums.setdefault(vehicle_id, Counter())[cell] += (end - begin) // MICROSECOND
    return sums


def _register(entry: FeedEntry, details: Details) -> Replayed:
    change = entry.change
    vehicle = Vehicle(
        vehicle_id=entry.vehicle_id,
        vin=entry.vin,
        slot=0,
        status=change.to_status,
        status_since=change.at,
        status_by=change.by,
        status_reason=change.reason,
        revision=1,
        created_at=change.at,
        updated_at=change.at,
    )
    return Replayed(
        version=VehicleVersion(
            vehicle=vehicle, details=details, began=change.number, valid_from=change.at, valid_to=None
        )
    )


def _apply(one: Replayed, entry: FeedEntry) -> None:
    change, version = entry.change, one.version
    vehicle = replace(version.vehicle, updated_at=change.at, revision=version.vehicle.revision + 1)
    removed = () if change.erased is None else change.erased.removed
    if change.type is ChangeType.ERASED and not removed:
        one.version = replace(version, vehicle=vehicle)
        return
    if change.type not in {ChangeType.INFO_CHANGED, ChangeType.ERASED}:
        vehicle = replace(
            vehicle,
            status=change.to_status,
            status_since=change.at,
            status_by=change.by,
            status_reason=change.reason,
        )
        one.version = replace(version, vehicle=vehicle)
        if change.type is ChangeType.DELETED:
            one.is_current = False
            one.former.append(replace(version, valid_to=change.at))
        elif not one.is_current:
            one.is_current = True
            kept = strip_erased(version.details)
            one.version = replace(one.version, details=kept, began=change.number, valid_from=change.at)
        return
    one.former.append(replace(version, valid_to=change.at))
    details: dict[str, str | int] = {name: value for name, value in version.details.items() if name not in removed}
    for name, (_, current) in (change.differences or {}).items():
        if name == "vin":
            vehicle = replace(vehicle, vin=entry.vin)
        elif current is None:
            details.pop(name)
        else:
            details[name] = current
    one.version = replace(version, vehicle=vehicle, details=details, began=change.number, valid_from=change.at)


def _give_place(row: VehicleVersion, query: VehicleQuery) -> tuple[object, ...]:
    return (*give_place(row.vehicle, row.details, query.sort, descending=query.descending), row.began)


def _fits(row: VehicleVersion, vehicle: Vehicle, query: VehicleQuery) -> bool:
    if query.status not in {None, VehicleStatus.INFO_CHANGED, vehicle.status}:
        return False
    if query.operational is not None and vehicle.status is VehicleStatus.INFO_CHANGED:
        return False  # a deleted vehicle is in no list of those that are operational, or are not
    if query.operational is not None and is_operational(vehicle.status) is not query.operational:
        return False
    return fits_filters({"vin": row.vehicle.vin, **row.details}, query)
