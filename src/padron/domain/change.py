"""Changes of vehicles, and the requests for them. One change row serves as history, feed entry and outbox."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.tags import describe_mismatch, format_tag
from padron.domain.vehicle import Details, Differences, Vehicle, check_text
from padron.domain.vin import Vin

REASON_LENGTH_MAX = 500


def parse_reason(text: str) -> str | None:
    """Give the reason to record, None for "". Raises ``bad_parameters`` when it is too long or not printable."""
    check_text("reason", text, REASON_LENGTH_MAX, allowed="\n\r\t")
    return text or None


class ChangeType(StrEnum):
    """The kinds of change, as history names them."""

    REGISTERED = "registered"
    STATUS_CHANGED = "statusChanged"
    INFO_CHANGED = "infoChanged"
    ERASED = "erased"  # personal values were erased from the record
    DELETED = "deleted"  # the vehicle becomes former, and no other one is kept in its place


# Names that are found faster than members of an enum.
_STATUS_CHANGED, _REGISTERED, _FORMER = ChangeType.STATUS_CHANGED, ChangeType.REGISTERED, VehicleStatus.INFO_CHANGED
_DELETED = ChangeType.DELETED


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedValues:
    """The result of an erasure in one vehicle: fields and numbers, and no values."""

    fields: Sequence[str]  # whose values were erased anywhere
    removed: Sequence[str]  # those of them that the vehicle had at that instant
    numbers: Sequence[int]  # of the changes that had brought these values, or taken them away


@dataclass(slots=True)  # not keyword-only, for the reason that ``Vehicle`` has
class Change:
    """A change about to be recorded: the vehicle as it is afterwards, and who, when and why.

    A registration's vehicle has the id 0 until the store numbers it.
    """

    type: ChangeType
    vehicle: Vehicle
    at: datetime
    by: str
    request_id: str
    from_status: VehicleStatus | None = None
    reason: str | None = None
    details: Details | None = None  # all core data afterwards; None: the change does not touch them
    differences: Differences | None = None  # of core data, VIN included
    erased: ErasedValues | None = None  # of an erasure; its details are None if the vehicle had no such value

    @property
    def retires(self) -> bool:
        """Say whether this change makes the whole vehicle a former version, so that it is no longer current."""
        return self.vehicle.slot < 0 and (self.type is _STATUS_CHANGED or self.type is _DELETED)

    @property
    def restores(self) -> bool:
        """Say whether this change makes a former vehicle current again, with ``details``.

        An erasure in a former vehicle has the same former status, but the vehicle stays former.
        """
        return self.from_status is VehicleStatus.INFO_CHANGED and self.type is _STATUS_CHANGED

    @property
    def deactivates(self) -> bool:
        """Say whether the vehicle ceases to be operational by this change, which withdraws its open work.

        A vehicle that was not operational before has none.
        """
        return (
            (self.type is _STATUS_CHANGED or self.type is _DELETED)
            and not is_operational(self.vehicle.status)
            and (self.from_status is None or is_operational(self.from_status))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedChange:
    """A change that is written. ``number`` counts the account's changes without a gap."""

    number: int
    change: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenChanges:
    """Changes that one transaction wrote, in order. ``first_number`` is 0 when there is no change.

    One record covers all of them: the status call writes hundreds at once and needs no number. ``vehicle_count`` is
    the number of the account's current vehicles afterwards. It is None where only statuses changed.
    """

    changes: Sequence[Change]
    first_number: int
    vehicle_count: int | None = None

    def __iter__(self) -> Iterator[NumberedChange]:
        """Give each change with its number."""
        return (NumberedChange(number=n, change=change) for n, change in enumerate(self.changes, self.first_number))


NONE_WRITTEN = WrittenChanges(changes=(), first_number=0)


def build_status_change(
    vehicle: Vehicle,
    status: VehicleStatus,
    *,
    at: datetime,
    by: str,
    request_id: str,
    reason: str | None = None,
    details: Details | None = None,
) -> Change:
    """Give the change by which the vehicle gets another status. No other place makes one, and a test checks that.

    For a vehicle that becomes former, or is current again, ``vehicle`` has the slot that it has from then on. One that
    is current again also needs its ``details``.
    """
    changed = Vehicle(
        vehicle.vehicle_id,
        vehicle.vin,
        vehicle.slot,
        status,
        at,  # since when it has the status
        by,
        reason,
        vehicle.revision + 1,
        vehicle.created_at,
        at,
    )
    return Change(_STATUS_CHANGED, changed, at, by, request_id, vehicle.status, reason, details)


def find_latest(changes: Sequence[Change]) -> datetime:
    """Give the latest instant of the changes. There must be at least one."""
    return changes[0].at if len(changes) == 1 else max(change.at for change in changes)


def count_new(changes: Sequence[Change]) -> int:
    """Give how many current vehicles there are more after the changes than before. It may be below zero."""
    count = 0
    for change in changes:
        # No properties, because a batch of status calls comes here, and counts nothing.
        if change.type is _STATUS_CHANGED:
            if change.vehicle.slot < 0:  # retires
                count -= 1
            elif change.from_status is _FORMER:  # restores
                count += 1
        elif change.type is _REGISTERED:
            count += 1
        elif change.type is _DELETED:
            count -= 1
    return count


def check_vehicle_limit(written: WrittenChanges, vehicles_max: int) -> None:
    """Raise ``vehicle_limit_reached`` when the account has too many vehicles. Its transaction is then undone.

    Call it only after a registration. Who already has too many can still update them.
    """
    if written.vehicle_count is not None and written.vehicle_count > vehicles_max:
        raise PadronError(Code.VEHICLE_LIMIT_REACHED, word_vehicle_limit(vehicles_max))


def word_vehicle_limit(vehicles_max: int) -> str:
    """Say that a vehicle cannot be registered."""
    return f"The vehicle was not registered, because this account already has {vehicles_max} vehicles, the maximum."


def keep_order(changes: Sequence[Change], last_at: datetime) -> None:
    """Move changes that are earlier than their account's last recorded instant to that instant.

    An account's time never goes back, even when the clocks of its servers do. ``last_at`` is the later of two instants:
    the account's last one, and that of these changes. So nothing changes unless the account is ahead. The vehicles are
    altered in place, because callers already hold them as outcomes and must see what is recorded.
    """
    if find_latest(changes) >= last_at:
        return
    for change in changes:
        change.at = change.vehicle.updated_at = last_at
        match change.type:
            case ChangeType.REGISTERED:
                change.vehicle.created_at = change.vehicle.status_since = last_at
            case ChangeType.STATUS_CHANGED | ChangeType.DELETED:
                change.vehicle.status_since = last_at
            case ChangeType.INFO_CHANGED | ChangeType.ERASED:
                pass
            case _:
                assert_never(change.type)


def give_ids(changes: Sequence[Change], first: int) -> None:
    """Give each new vehicle the number of its registration as its id. ``first`` is the first change's number."""
    for number, change in enumerate(changes, start=first):
        if change.type is ChangeType.REGISTERED:
            change.vehicle.vehicle_id = number


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """A recorded change, read from the store. ``number`` counts the account's changes without a gap."""

    number: int
    type: ChangeType
    at: datetime
    by: str
    request_id: str
    from_status: VehicleStatus | None
    to_status: VehicleStatus
    reason: str | None
    differences: Differences | None
    erased: ErasedValues | None = None

    @property
    def is_repair(self) -> bool:
        """Say whether the change made a duplicate former, or a former vehicle current again."""
        is_former = VehicleStatus.INFO_CHANGED in (self.from_status, self.to_status)
        return is_former and self.type is ChangeType.STATUS_CHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place in the feed: directly after the change with this number and this mark.

    After a backup is restored, the register gives the same numbers to other changes: the mark distinguishes them.
    The place before the first change has the number 0 and the mark 0.
    """

    number: int
    mark: int

    @classmethod
    def after(cls, number: int, *, request_id: str, at: datetime, vin: str) -> "Place":
        """Give the place after a change. The change is known by its request's id, its instant and its vehicle's VIN."""
        return cls(number=number, mark=zlib.crc32(f"{request_id} {at.astimezone(UTC).isoformat()} {vin}".encode()))


START = Place(number=0, mark=0)


class Span(NamedTuple):
    """The numbers of changes from a first to a last one, both included."""

    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """A recorded change as the feed shows it: with its vehicle, and whether the vehicle is operational now.

    If the vehicle is former now, ``is_operational`` describes the vehicle that kept the VIN.
    """

    change: HistoryEntry
    vehicle_id: int
    vin: Vin  # as it was after the change
    is_operational: bool  # at the instant of reading
    is_allowed: bool | None = None  # the gate's verdict on the VIN at the instant of reading; None if nobody looked
    is_former_allowed: bool | None = None  # the verdict on the VIN before the change, if it gave another one

    @property
    def place(self) -> Place:
        """The place in the feed after this change."""
        return Place.after(self.change.number, request_id=self.change.request_id, at=self.change.at, vin=self.vin)

    @property
    def changed_operational(self) -> bool:
        """Say whether this change made the vehicle operational, or made it not operational."""
        before, after = self.change.from_status, self.change.to_status
        return (before is not None and is_operational(before)) is not is_operational(after)


@dataclass(slots=True)  # not keyword-only, for the reason that ``Vehicle`` has
class StatusRequest:
    """One request to set a vehicle's status, sent alone or in a batch."""

    vin: Vin
    status: VehicleStatus
    reason: str | None
    revisions: frozenset[str] | None  # by their tags; None: any revision
    by: str
    request_id: str


@dataclass(kw_only=True, slots=True)
class PlanRequest(StatusRequest):
    """A request to set a status later, or to set one that ends by itself, or both. At least one of them applies."""

    effective_at: datetime | None = None  # None: now
    until: datetime | None = None  # None: the status does not end by itself
    is_returning: bool = False  # the vehicle has the status and a planned return, which until moves

    @property
    def is_for_later(self) -> bool:
        """Say whether the request changes nothing yet."""
        return self.effective_at is not None


def decide(current: Sequence[Vehicle], request: StatusRequest) -> Vehicle | None:
    """Give the vehicle to change, or None when it already has that status or changes later.

    Raises ``vehicle_not_found`` for none and ``multiple_vehicles_found`` for several: in the contract (section 2)
    "active" means current, with any status. Raises ``revision_mismatch`` when the request names other revisions.
    Raises ``nothing_to_bring_back`` when the request has ``until``, and the vehicle already has the status without
    a planned end.
    """
    vehicle = get_only(current, request.vin)
    check_revision(vehicle, request.revisions)
    if isinstance(request, PlanRequest):
        if request.is_for_later:
            return None
        _check_return(vehicle, request)
    return None if vehicle.status is request.status else vehicle


def _check_return(vehicle: Vehicle, request: PlanRequest) -> None:
    if vehicle.status is request.status and not request.is_returning:
        raise PadronError(
            Code.NOTHING_TO_BRING_BACK,
            f"The vehicle {vehicle.vin} already has the status {request.status.value}, so there is no earlier status "
            "for `until` to restore. Plan the next status with `effectiveAt`.",
        )


def get_only(current: Sequence[Vehicle], vin: Vin) -> Vehicle:
    """Give the one current vehicle. Raises ``vehicle_not_found`` or ``multiple_vehicles_found``."""
    match current:
        case [vehicle]:
            return vehicle
        case []:
            raise PadronError(Code.VEHICLE_NOT_FOUND, f"The account has no current vehicle with the VIN {vin}.")
        case _:
            raise PadronError(
                Code.MULTIPLE_VEHICLES_FOUND,
                f"The account has {len(current)} current vehicles with the VIN {vin}: resolve the duplicates first.",
            )


class NoRevisionNamedError(PadronError):
    """``revision_mismatch`` for a request that only allows certain revisions and names none of them.

    It has a type of its own, because only the room that read the request knows the cause.
    """

    def __init__(self) -> None:
        super().__init__(Code.REVISION_MISMATCH, "The request names no revision. Read the vehicle again and decide.")


def check_revision(vehicle: Vehicle, revisions: frozenset[str] | None) -> None:
    """Raise ``revision_mismatch`` unless the vehicle's tag is among those asked for."""
    if revisions == frozenset():
        raise NoRevisionNamedError
    if revisions is not None and format_tag(vehicle) not in revisions:
        detail = f"{describe_mismatch(vehicle, revisions)} Read the vehicle again and decide."
        raise PadronError(Code.REVISION_MISMATCH, detail)
