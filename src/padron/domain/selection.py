"""A selection: a set of vehicles kept on the server, each as it was seen, for one change of all their statuses.

A selection is made, shown and then applied once. The digest names the set with the revision of each vehicle. Who
confirms a change sends it back, so nobody can change another set than the one that was shown.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.ids import format_timed_id, make_timed_id, parse_timed_id
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.tags import format_tag
from padron.domain.undo import UNDONE_CHANGES_MAX
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin

SELECTED_MAX = UNDONE_CHANGES_MAX  # what is confirmed once can be undone by one call
SELECTIONS_MAX = 100  # of an account
SELECTED_TOTAL_MAX = 200_000  # vehicles in all selections of an account
USABLE = timedelta(hours=24)  # after it was made; then it is deleted
MADE_WITHIN = timedelta(minutes=15)
KEPT = timedelta(days=30)  # after it was applied, for its report
LEASE = timedelta(seconds=30)
TRIES_MAX = 5  # attempts in which no vehicle was changed

_DIGEST_BITS = 256
_DIGEST_LENGTH = _DIGEST_BITS // 4
NO_DIGEST = "0" * _DIGEST_LENGTH
DIGEST_PATTERN = f"^[0-9a-f]{{{_DIGEST_LENGTH}}}$"


class SelectionSource(StrEnum):
    """What a selection was made from."""

    VEHICLES = "vehicles"  # chosen one by one
    FILTER = "filter"  # all that matched
    LIST = "list"  # a pasted or scanned list


class SelectionState(StrEnum):
    """The state of a selection."""

    MAKING = "making"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


BUSY_STATES = frozenset({SelectionState.QUEUED, SelectionState.RUNNING})
UNDONE_STATES = frozenset({SelectionState.DONE, SelectionState.CANCELLED})
ENDED_STATES = UNDONE_STATES | {SelectionState.FAILED}


class SelectedOutcome(StrEnum):
    """What happened to one vehicle, or what would happen."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # it had the status already
    PLANNED = "planned"
    REFUSED = "refused"
    CHANGED_SINCE = "changedSince"  # somebody changed it after it was shown, so it was left


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedStatus:
    """The change to make to each vehicle of a selection."""

    status: VehicleStatus
    reason: str | None = None
    effective_at: datetime | None = None
    until: datetime | None = None

    def give_request(self, vin: Vin, tag: str, by: str, request_id: str) -> StatusRequest:
        """Give the request for one vehicle, which holds only at the revision that was seen."""
        revisions = frozenset({tag})
        if self.effective_at is None and self.until is None:
            return StatusRequest(
                vin=vin, status=self.status, reason=self.reason, revisions=revisions, by=by, request_id=request_id
            )
        return PlanRequest(
            vin=vin,
            status=self.status,
            reason=self.reason,
            revisions=revisions,
            by=by,
            request_id=request_id,
            effective_at=self.effective_at,
            until=self.until,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeCounts:
    """How many vehicles had each outcome."""

    changed: int = 0
    unchanged: int = 0
    planned: int = 0
    refused: int = 0
    changed_since: int = 0

    @property
    def total(self) -> int:
        """The number of all."""
        return self.changed + self.unchanged + self.planned + self.refused + self.changed_since

    def add(self, outcomes: Iterable[SelectedOutcome]) -> "OutcomeCounts":
        """Give these counts and some more outcomes."""
        more = list(outcomes)
        return OutcomeCounts(
            changed=self.changed + more.count(SelectedOutcome.CHANGED),
            unchanged=self.unchanged + more.count(SelectedOutcome.UNCHANGED),
            planned=self.planned + more.count(SelectedOutcome.PLANNED),
            refused=self.refused + more.count(SelectedOutcome.REFUSED),
            changed_since=self.changed_since + more.count(SelectedOutcome.CHANGED_SINCE),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleSelection:
    """A set of vehicles, and the change that was confirmed for it, if one was. ``position`` is the last vehicle done.

    ``fault_count`` is the number of lines of a list that name no vehicle of their own.
    """

    selection_id: int
    state: SelectionState
    source: SelectionSource
    created_by: str
    created_at: datetime
    expires_at: datetime
    count: int = 0
    fault_count: int = 0
    digest: str = NO_DIGEST
    wanted: WantedStatus | None = None
    request_id: str | None = None
    applied_by: str | None = None
    applied_at: datetime | None = None
    ended_at: datetime | None = None
    position: int = 0
    counts: OutcomeCounts = OutcomeCounts()
    detail: str | None = None
    tries: int = 0
    attempt: int = 0
    lease_holder: str | None = None
    lease_until: datetime | None = None

    @property
    def tells_deactivated(self) -> bool:
        """Say whether its counts tell of vehicles that may not be touched any more."""
        is_tried = self.wanted is not None and not is_operational(self.wanted.status)
        return is_tried and bool(self.counts.changed or self.counts.unchanged)

    @property
    def is_busy(self) -> bool:
        """Say whether it is being applied."""
        return self.state in BUSY_STATES

    @property
    def is_undone(self) -> bool:
        """Say whether somebody undid it. Only a failure leaves another detail."""
        return self.state in UNDONE_STATES and self.detail is not None

    @property
    def may_be_undone(self) -> bool:
        """Say whether it is over, with changes or plans that nobody has undone by it."""
        return self.state in ENDED_STATES and not self.is_undone and bool(self.counts.changed or self.counts.planned)

    def mark_undone(self, detail: str) -> "VehicleSelection":
        """Give it as undone. What a failure left to say stays."""
        return replace(self, detail=detail if self.detail is None else f"{self.detail} {detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectedVehicle:
    """A vehicle of a selection as it was seen. ``tag`` is empty when it was not current any more.

    ``outcome`` is None until the selection was applied to it.
    """

    vehicle_id: int
    vin: Vin
    tag: str
    status: VehicleStatus
    outcome: SelectedOutcome | None = None
    detail: str | None = None

    @classmethod
    def see(cls, vehicle: Vehicle) -> "SelectedVehicle":
        """Give a vehicle as it is seen now."""
        return cls(
            vehicle_id=vehicle.vehicle_id, vin=vehicle.vin, tag=format_tag(vehicle), status=vehicle.status
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentVehicle:
    """A current vehicle, and what a decision on it needs.

    ``work_count`` is the number of its queued and claimed pieces of work.
    """

    vehicle: Vehicle
    namesake_count: int  # current vehicles with its VIN, with itself
    is_returning: bool  # a planned return is pending
    work_count: int


class WaitingSelection(NamedTuple):
    """A selection that waits for a worker."""

    account_id: int
    selection_id: int


class Digest:
    """The digest of a set: the sum, modulo 2^256, of the SHA-256 of ``VIN revision`` of each vehicle.

    So it does not depend on the order, and a vehicle can be taken out of it again. It guards against mistakes, not
    against somebody who looks for two sets with one digest.
    """

    def __init__(self, text: str = NO_DIGEST) -> None:
        self._sum = int(text, 16)

    def add(self, vehicles: Iterable[SelectedVehicle]) -> None:
        """Take vehicles into the set."""
        for one in vehicles:
            self._sum += _hash(one)

    def remove(self, vehicles: Iterable[SelectedVehicle]) -> None:
        """Take vehicles out of the set."""
        for one in vehicles:
            self._sum -= _hash(one)

    def __str__(self) -> str:
        return f"{self._sum % (1 << _DIGEST_BITS):0{_DIGEST_LENGTH}x}"


def make_selection_id(at: datetime, random_number: int) -> int:
    """Give a new selection's id."""
    return make_timed_id(at, random_number)


def format_selection_id(selection_id: int) -> str:
    """Give a selection's id as people see it: 16 hexadecimal digits."""
    return format_timed_id(selection_id)


def parse_selection_id(text: str) -> int | None:
    """Give the selection's id of a text, or None when no selection can have it."""
    return parse_timed_id(text)


def check_room(present: Sequence[VehicleSelection]) -> None:
    """Raise ``selection_limit_reached`` when the account has no room for a selection of any size."""
    rows = sum(SELECTED_MAX if one.state is SelectionState.MAKING else one.count for one in present)
    if len(present) >= SELECTIONS_MAX or rows + SELECTED_MAX > SELECTED_TOTAL_MAX:
        raise PadronError(
            Code.SELECTION_LIMIT_REACHED,
            f"This account already has {len(present)} selections with {rows:,} vehicles. Delete one that is over.",
        )


def check_size(count: int) -> None:
    """Raise ``selection_limit_reached`` for too many vehicles."""
    if count > SELECTED_MAX:
        raise PadronError(
            Code.SELECTION_LIMIT_REACHED,
            f"A selection has at most {SELECTED_MAX:,} vehicles, so that one undo can take it back. "
            "Narrow the filter, and change the vehicles in several parts.",
        )


def check_ready(selection: VehicleSelection) -> None:
    """Raise ``selection_ended`` unless the selection can be shown and applied."""
    if selection.state is not SelectionState.READY:
        raise PadronError(
            Code.SELECTION_ENDED,
            f"The selection is {selection.state.value}. A selection is applied once: make a new one.",
        )


def check_digest(selection: VehicleSelection, digest: str) -> None:
    """Raise ``selection_changed`` when the digest names another set, or other revisions."""
    if selection.digest != digest:
        raise PadronError(
            Code.SELECTION_CHANGED,
            "The digest is not that of the selection as it was last shown. Show the preview again and decide.",
        )


def claim(taken: VehicleSelection, holder: str, now: datetime) -> VehicleSelection:
    """Give a selection as a worker takes it. After too many attempts without progress it has failed."""
    if taken.tries >= TRIES_MAX:
        detail = f"The work made no progress in {taken.tries} attempts. {taken.counts.total:,} vehicles are done."
        return end(taken, SelectionState.FAILED, now, detail)
    return replace(
        taken,
        state=SelectionState.RUNNING,
        tries=taken.tries + 1,
        attempt=taken.attempt + 1,
        lease_holder=holder,
        lease_until=now + LEASE,
    )


def is_free(selection: VehicleSelection, holder: str, now: datetime) -> bool:
    """Say whether a worker may take the selection."""
    if selection.state is SelectionState.QUEUED:
        return True
    lease = selection.lease_until
    return selection.state is SelectionState.RUNNING and (
        lease is None or lease <= now or selection.lease_holder == holder
    )


def release(held: VehicleSelection) -> VehicleSelection:
    """Give up the lease, so that another worker can continue at once. A stopped server is not a failed attempt."""
    return replace(held, tries=max(0, held.tries - 1), lease_holder=None, lease_until=None)


def check_held(held: VehicleSelection | None, attempt: int) -> VehicleSelection:
    """Give the selection if this attempt still holds it. Raises ``selection_ended`` otherwise."""
    if held is None or held.state is not SelectionState.RUNNING or held.attempt != attempt:
        raise PadronError(Code.SELECTION_ENDED, "The work was cancelled, or another server has taken it over.")
    return held


def end(ended: VehicleSelection, state: SelectionState, now: datetime, detail: str | None = None) -> VehicleSelection:
    """Give a selection as it is at its end. It is kept for its report."""
    return replace(
        ended,
        state=state,
        detail=detail,
        ended_at=now,
        expires_at=now + KEPT,
        lease_holder=None,
        lease_until=None,
    )


def describe_undo(request_id: str, undone_count: int, left_count: int) -> str:
    """Give the detail of a selection that was undone."""
    return (
        f"Undone by the request {request_id}. Vehicles that are as they were before: {undone_count:,}. "
        f"Vehicles that were left: {left_count:,}."
    )


def _hash(one: SelectedVehicle) -> int:
    return int.from_bytes(hashlib.sha256(f"{one.vin} {one.tag}".encode()).digest())
