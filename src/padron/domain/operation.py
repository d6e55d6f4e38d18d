"""Operations: work that the platform does on vehicles. Declaring, queueing, claiming and answering it.

A *run* queues an operation for many vehicles. Its *work* is one row for each vehicle: a worker claims it under a
lease and answers it with a result. Only operational vehicles have open work: see ``is_operational``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from padron.domain.errors import Code, PadronError
from padron.domain.gate import RefusalReason
from padron.domain.ids import format_timed_id, make_timed_id, parse_timed_id
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin

OPERATION_NAME_PATTERN = "^[a-z0-9][a-z0-9-]{0,63}$"
DESCRIPTION_LENGTH_MAX = 500
LEASE_S_MAX = 86_400
ATTEMPTS_MAX = 100
CLAIM_LIMIT_MAX = 500
WAIT_S_MAX = 30
RESULTS_MAX = 500  # in one request
RESULT_BYTES_MAX = 65_536
RUN_VINS_MAX = 10_000
RUN_CHUNK_SIZE = 250  # vehicles that one transaction queues: on SQLite the event loop waits for it
RUN_FIRST_CHUNKS = 4  # of a run by filter, before the call is answered
REFUSALS_KEPT_MAX = 1_000  # of one run; further refusals are only counted
STALLED_AFTER = timedelta(seconds=10)  # the process of a run has ended if it queued nothing for this long
CLAIM_ID_PATTERN = "^[0-9a-f]{16}-[0-9]{1,18}-[0-9]{1,4}$"

_match_name = re.compile("[a-z0-9][a-z0-9-]{0,63}").fullmatch
_match_claim_id = re.compile("([0-7][0-9a-f]{15})-([0-9]{1,18})-([0-9]{1,4})").fullmatch


class WorkState(StrEnum):
    """The state of the work on one vehicle. The last five are final."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"  # the vehicle was deactivated
    EXHAUSTED = "exhausted"  # every attempt was claimed, and none was answered
    CANCELLED = "cancelled"  # its run was cancelled


OPEN_STATES = frozenset({WorkState.QUEUED, WorkState.CLAIMED})


class RunState(StrEnum):
    """The state of a run."""

    QUEUEING = "queueing"  # vehicles are still being added
    OPEN = "open"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an attempt ended, according to its worker."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ClaimKey(NamedTuple):
    """Names one attempt at the work of one vehicle, within its account."""

    run_id: int
    vehicle_id: int
    attempt: int


class RunResultPlace(NamedTuple):
    """The place of a result among those of its run: by vehicle, then by attempt."""

    vehicle_id: int
    attempt: int


class VehicleResultPlace(NamedTuple):
    """The place of a result among those on its vehicle, newest first."""

    given_at: datetime
    run_id: int
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """A kind of work that an account declared."""

    name: str
    description: str
    lease_s: int
    attempts_max: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRefusal:
    """A vehicle that a run left out, and why. It has a status and its instant if exactly one vehicle has the VIN."""

    vin: Vin
    reason: RefusalReason
    status: VehicleStatus | None = None
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunQuestion:
    """Which vehicles a run is for: those with these VINs, or those that match the filters. No filter means all."""

    vins: tuple[Vin, ...] | None = None
    filters: Mapping[str, str | int] | None = None
    status: VehicleStatus | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """An operation queued for many vehicles. ``position`` is the progress of the queueing (VINs, or a vehicle id)."""

    run_id: int
    operation: str
    question: RunQuestion
    is_queueing: bool
    position: int
    position_max: int  # where queueing ends: vehicles registered after the start of the run are not in it
    queued_count: int
    refused_count: int
    created_at: datetime
    created_by: str
    moved_at: datetime  # when vehicles were last added
    cancelled_at: datetime | None = None
    cancelled_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The work on one vehicle in one run. ``attempts`` counts the claims so far, the present one included."""

    run_id: int
    vehicle_id: int
    vin: Vin  # the vehicle's present VIN
    operation: str
    state: WorkState
    attempts: int
    lease_until: datetime | None
    claimed_by: str | None
    ended_at: datetime | None

    @property
    def key(self) -> ClaimKey:
        """The latest attempt."""
        return ClaimKey(self.run_id, self.vehicle_id, self.attempts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The answer of a worker to one claim. ``text`` is any JSON, kept unchanged."""

    key: ClaimKey
    outcome: Outcome
    text: str
    given_at: datetime
    given_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultEntry:
    """A stored result, with its operation and its vehicle's present VIN."""

    result: Result
    operation: str
    vin: Vin


def check_operation_name(name: str) -> None:
    """Raise ``bad_parameters`` unless the name is 1 to 64 lower-case letters, digits and inner hyphens."""
    if _match_name(name) is None:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The operation's name {quote(name)} cannot be used. Use 1 to 64 characters of a-z, 0-9 and -, "
            "without a - at the beginning.",
        )


def check_range(name: str, number: int, least: int, most: int) -> None:
    """Raise ``bad_parameters``, with the member's name, unless the number is in its range."""
    if not least <= number <= most:
        raise PadronError(Code.BAD_PARAMETERS, f"{name} is {number}: it must be from {least} to {most}.")


def make_run_id(at: datetime, random_number: int) -> int:
    """Give a new run's id. Later runs have higher ids, so that the oldest work comes first."""
    return make_timed_id(at, random_number)


def format_run_id(run_id: int) -> str:
    """Give a run's id as clients see it: 16 hexadecimal digits."""
    return format_timed_id(run_id)


def parse_run_id(text: str) -> int | None:
    """Give the run's id that the text means, or None when no run can have such an id."""
    return parse_timed_id(text)


def format_claim_id(key: ClaimKey) -> str:
    """Give a claim's id. Other accounts cannot use it, because it is looked up within one account."""
    return f"{format_run_id(key.run_id)}-{key.vehicle_id}-{key.attempt}"


def parse_claim_id(text: str) -> ClaimKey | None:
    """Give the attempt that a claim's id names, or None when the text is not a claim's id."""
    match = _match_claim_id(text)
    return None if match is None else ClaimKey(int(match[1], 16), int(match[2]), int(match[3]))


@dataclass(frozen=True, kw_only=True, slots=True)
class SortedOut:
    """The vehicles to queue, and those to refuse."""

    queued: list[Vehicle]
    refused: list[RunRefusal]


def sort_out(vins: Iterable[Vin], found: Sequence[Vehicle]) -> SortedOut:
    """Give the vehicles to queue and the refusals, each in the order of the VINs, with each VIN once."""
    by_vin: dict[Vin, list[Vehicle]] = {}
    for vehicle in found:
        by_vin.setdefault(vehicle.vin, []).append(vehicle)
    queued: list[Vehicle] = []
    refused: list[RunRefusal] = []
    for vin in dict.fromkeys(vins):
        match by_vin.get(vin, []):
            case []:
                refused.append(RunRefusal(vin=vin, reason=RefusalReason.UNKNOWN))
            case [vehicle] if is_operational(vehicle.status):
                queued.append(vehicle)
            case [vehicle]:
                reason = RefusalReason.NOT_ACTIVE
                refused.append(RunRefusal(vin=vin, reason=reason, status=vehicle.status, since=vehicle.status_since))
            case _:
                refused.append(RunRefusal(vin=vin, reason=RefusalReason.SEVERAL))
    return SortedOut(queued=queued, refused=refused)


def hand_out(work: Work, operation: Operation, *, at: datetime, by: str) -> Work:
    """Give the work as claimed, or as exhausted when its lease expired and no attempt is left."""
    if work.attempts >= operation.attempts_max:
        return replace(work, state=WorkState.EXHAUSTED, ended_at=at)
    return replace(
        work,
        state=WorkState.CLAIMED,
        attempts=work.attempts + 1,
        lease_until=at + timedelta(seconds=operation.lease_s),
        claimed_by=by,
    )


def decide_result(work: Work | None, stored: Result | None, given: Result, attempts_max: int) -> Work | None:
    """Give the work after this result, or None when the same result is already stored.

    After the lease expired, a result still counts while nobody else holds the vehicle. A failure with attempts left is
    queued again. Raises:

    - ``claim_not_found``
    - ``claim_answered`` for a result that differs from the first one
    - ``claim_withdrawn`` when the vehicle was deactivated, or the run was cancelled
    - ``claim_expired`` when another worker claimed the vehicle
    """
    claim_id = format_claim_id(given.key)
    if work is None or not 1 <= given.key.attempt <= work.attempts:
        raise PadronError(Code.CLAIM_NOT_FOUND, f"The operation has no claim {claim_id}.")
    if stored is not None:
        if (stored.outcome, stored.text) == (given.outcome, given.text):
            return None
        raise PadronError(
            Code.CLAIM_ANSWERED, f"The claim {claim_id} already has a different result. The first result is kept."
        )
    if work.state is WorkState.WITHDRAWN:
        raise PadronError(
            Code.CLAIM_WITHDRAWN,
            f"The claim {claim_id} was withdrawn when the vehicle {work.vin} was deactivated. "
            "Its result was not stored.",
        )
    if work.state is WorkState.CANCELLED:
        raise PadronError(
            Code.CLAIM_WITHDRAWN, f"The run of the claim {claim_id} was cancelled. The result was not stored."
        )
    if given.key.attempt < work.attempts or work.state not in {WorkState.CLAIMED, WorkState.EXHAUSTED}:
        raise PadronError(
            Code.CLAIM_EXPIRED,
            f"The lease of the claim {claim_id} expired, and the vehicle {work.vin} was claimed again. "
            "The result was not stored.",
        )
    if given.outcome is Outcome.SUCCEEDED:
        return replace(work, state=WorkState.SUCCEEDED, lease_until=None, ended_at=given.given_at)
    if work.attempts < attempts_max:
        return replace(work, state=WorkState.QUEUED, lease_until=None)
    return replace(work, state=WorkState.FAILED, lease_until=None, ended_at=given.given_at)


def give_run_state(run: Run, counts: Mapping[WorkState, int]) -> RunState:
    """Give the state of a run. It is finished when none of its work is open."""
    if run.cancelled_at is not None:
        return RunState.CANCELLED
    if run.is_queueing:
        return RunState.QUEUEING
    return RunState.OPEN if any(counts.get(state) for state in OPEN_STATES) else RunState.FINISHED
