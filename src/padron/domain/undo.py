"""Undoing a request for one vehicle: new changes restore its earlier status and core data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from padron.domain.change import REASON_LENGTH_MAX, Change, ChangeType, FeedEntry, Span, build_status_change
from padron.domain.erasure import ERASED_TEXT
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FORMER_SLOT, Details, Difference, Edits, Vehicle, apply_edits, give_vin
from padron.domain.vin import Vin

UNDONE_CHANGES_MAX = 10_000  # of the request that is undone

_UNDOABLE = frozenset({ChangeType.STATUS_CHANGED, ChangeType.INFO_CHANGED, ChangeType.DELETED})
_FROM_STATUS = frozenset({ChangeType.STATUS_CHANGED, ChangeType.DELETED})


class LeftReason(StrEnum):
    """Why an undo leaves a vehicle as it is."""

    CHANGED_SINCE = "changedSince"
    REGISTERED = "registered"  # the request registered it, so there is no earlier state
    PLATE_IN_USE = "plateInUse"
    VIN_IN_USE = "vinInUse"
    ONLY_VEHICLE = "onlyVehicle"  # it would become former again, and no vehicle would have its VIN
    TOO_LATE = "tooLate"  # the vehicle was deleted too long ago
    ERASED = "erased"  # an earlier value was erased
    NOT_UNDOABLE = "notUndoable"  # a kind of change that cannot be undone


@dataclass(frozen=True, kw_only=True, slots=True)
class Former:
    """The effect of one request on one vehicle, and the state that an undo would restore."""

    vehicle_id: int
    vin: Vin  # as it was after the request
    first_number: int
    last_number: int
    status: VehicleStatus | None  # None: the request did not touch the status
    edits: Edits  # VIN not included
    former_vin: Vin | None  # None: the request did not touch the VIN
    obstacle: LeftReason | None  # why an undo is never possible; None: it may be
    was_retired: bool  # the request made the vehicle former
    deleted_at: datetime | None  # when the request deleted the vehicle, which also makes it former

    @property
    def span(self) -> Span:
        """The numbers between which the request's changes of the vehicle lie."""
        return Span(first=self.first_number, last=self.last_number)

    @property
    def was_restored(self) -> bool:
        """Say whether the vehicle was former before the request."""
        return self.status is VehicleStatus.INFO_CHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoAct:
    """Who undoes which request, when, by which request and why."""

    undone_id: str
    request_id: str
    by: str
    at: datetime
    reason: str | None

    @property
    def status_reason(self) -> str:
        """The reason that is recorded with a restored status."""
        return self.reason or f"Undo of request {self.undone_id}"[:REASON_LENGTH_MAX]


def gather_former(entries: Iterable[FeedEntry]) -> list[Former]:
    """Give the effect of a request on each vehicle, in the order of its first changes."""
    by_vehicle: dict[int, list[FeedEntry]] = {}
    for entry in entries:
        by_vehicle.setdefault(entry.vehicle_id, []).append(entry)
    return [_gather_one(own) for own in by_vehicle.values()]


def build_undo(vehicle: Vehicle, details: Details, former: Former, act: UndoAct, slot: int) -> list[Change]:
    """Give the changes that restore the earlier state; none when the vehicle already has it.

    ``slot`` is the vehicle's slot from now on, unless it becomes former.
    """
    vehicle = replace(vehicle, slot=FORMER_SLOT if former.was_restored else slot)
    changes: list[Change] = []
    if former.status is not None and former.status is not vehicle.status:
        change = build_status_change(
            vehicle,
            former.status,
            at=act.at,
            by=act.by,
            request_id=act.request_id,
            reason=act.status_reason,
            details=details if former.was_retired else None,
        )
        changes.append(change)
        vehicle = change.vehicle
    restored = apply_edits(details, former.edits)
    differences = restored.differences
    vin = former.former_vin or vehicle.vin
    if vin != vehicle.vin:
        differences = {"vin": Difference(vehicle.vin, vin), **differences}
    if differences:
        changes.append(
            Change(
                type=ChangeType.INFO_CHANGED,
                vehicle=give_vin(vehicle, vin, at=act.at),
                at=act.at,
                by=act.by,
                request_id=act.request_id,
                from_status=vehicle.status,
                details=restored.details,
                differences=differences,
            )
        )
    return changes


def _gather_one(entries: Sequence[FeedEntry]) -> Former:
    status: VehicleStatus | None = None
    values: dict[str, str | int | None] = {}
    for entry in entries:
        if entry.change.type in _FROM_STATUS and status is None:
            status = entry.change.from_status
        for name, (before, _) in (entry.change.differences or {}).items():
            values.setdefault(name, before)
    vin = values.pop("vin", None)
    types = {entry.change.type for entry in entries}
    obstacle = None
    if ChangeType.REGISTERED in types:
        obstacle = LeftReason.REGISTERED
    elif types - _UNDOABLE:
        obstacle = LeftReason.NOT_UNDOABLE
    elif ERASED_TEXT in values.values():
        obstacle = LeftReason.ERASED
    return Former(
        vehicle_id=entries[0].vehicle_id,
        vin=entries[-1].vin,
        first_number=entries[0].change.number,
        last_number=entries[-1].change.number,
        status=status,
        edits=values,
        former_vin=None if vin is None else Vin(str(vin)),
        obstacle=obstacle,
        was_retired=entries[-1].change.to_status is VehicleStatus.INFO_CHANGED,
        deleted_at=next((one.change.at for one in entries if one.change.type is ChangeType.DELETED), None),
    )
