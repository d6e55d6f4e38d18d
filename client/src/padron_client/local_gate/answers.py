"""What a local gate knows and answers: records that never change, so that every thread may read them."""

from enum import Enum
from math import inf
from typing import Literal

import msgspec

from padron_client.local_gate.vin_set import is_vin

NEVER = -inf
UNKNOWN_NUMBER = -1

WhenStale = Literal["refuse", "ask", "allow"]
Unknown = Literal["refuse", "allow"]
AtLeast = int | str  # a change's number, or a cursor of the feed


class Reason(str, Enum):
    """Why a vehicle is refused. ``NOT_ACTIVE``, ``UNKNOWN`` and ``SEVERAL`` come from the server, which was asked."""

    NOT_OPERABLE = "notOperable"  # not Active, unknown, or several vehicles: the copy does not say which
    MALFORMED = "malformed"  # not a VIN
    NOT_READY = "notReady"  # nothing is loaded yet, or the gate is closed
    STALE = "stale"  # the copy is older than allowed, or may belong to a lost life of the register
    NO_LEASE = "noLease"  # strict, and no lease is valid now
    BEHIND = "behind"  # ``at_least`` is not reached yet
    NOT_ANSWERED = "notAnswered"  # the server was asked, and did not answer in time
    NOT_ACTIVE = "notActive"
    UNKNOWN = "unknown"
    SEVERAL = "several"


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the copy. ``buckets`` may already have later changes, and never lack one up to ``number``."""

    buckets: list[str]
    has_operable: bool  # otherwise it has what is registered and refused
    size: int
    number: int
    cursor: str
    proven_at: float  # on the steady clock: everything that was committed by then is in the copy
    fresh_until: float  # the instant until which an answer needs no further look
    lease_until: float
    source: Literal["none", "server", "snapshot", "asked"]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Whether an operation may touch a vehicle. An answer is true when it allows."""

    vin: str
    allowed: bool
    checked_at: float
    copy: Copy
    given_reason: Reason | None = None  # the copy could not answer, or the server was asked

    def __bool__(self) -> bool:
        return self.allowed

    def __repr__(self) -> str:
        reason = self.reason
        why = "" if reason is None else f" {reason.value}"
        return f"<Answer {self.vin} {'allowed' if self.allowed else 'refused'}{why}, {self.age:.3f} s old>"

    @property
    def reason(self) -> Reason | None:
        """Why the vehicle is refused, or None. What the VIN itself is, is found out here, as few ask for it."""
        if self.allowed or self.given_reason is not None:
            return self.given_reason
        return Reason.NOT_OPERABLE if is_vin(self.vin) else Reason.MALFORMED

    @property
    def age(self) -> float:
        """The seconds that the copy might lack, at the time of the check. Infinite when there is no copy."""
        return max(self.checked_at - self.copy.proven_at, 0.0)

    @property
    def number(self) -> int:
        """The number of the last change that the answer reflects, or -1 when it is not known."""
        return self.copy.number

    @property
    def cursor(self) -> str:
        """The cursor of the feed after that change."""
        return self.copy.cursor

    @property
    def source(self) -> str:
        """Where the answer comes from: ``server``, ``snapshot``, ``asked``, or ``none``."""
        return self.copy.source


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How a gate is. ``age`` is None without a copy, ``lease_left`` without a lease."""

    mode: str  # starting, loading, stream, poll, waiting (for the server), closed
    ready: bool  # a check would answer from the copy now
    age: float | None
    number: int
    size: int
    of: Literal["operable", "refused"]
    source: str
    strict: bool
    lease_left: float | None
    last_error: str | None
