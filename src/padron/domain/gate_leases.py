"""Leases of local gates: for how long one may answer, and how long a deactivation waits for it.

No rule here compares clocks. A holder counts its seconds from before its request, a server from after a commit.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from padron.domain.change import Place
from padron.domain.errors import Code, PadronError

SECONDS_DEFAULT = 2.0
SECONDS_MIN = 0.5
SECONDS_MAX = 10.0
LEASE_ID_BYTES = 12
LEASE_ID_PATTERN = f"^[0-9a-f]{{{2 * LEASE_ID_BYTES}}}$"
NAME_LENGTH_MAX = 100


class StrictGates(StrEnum):
    """Whether the deactivations of an account wait for leases, and whether there may be new leases."""

    OFF = "off"
    ON = "on"
    ENDING = "ending"  # they still wait, but no lease is given or renewed


_STATES = (StrictGates.OFF, StrictGates.ON, StrictGates.ENDING)


def give_state(switches: int) -> StrictGates:
    """Give the state after an account was switched so many times. Each switch leads to the next state."""
    return _STATES[switches % len(_STATES)]


def count_switches(switches: int, wanted: StrictGates) -> int:
    """Give how many switches lead to the wanted state, so that a later state always has the higher number."""
    return switches + (_STATES.index(wanted) - switches) % len(_STATES)


def check_seconds(seconds: float) -> None:
    """Raise ``bad_parameters`` unless a lease may last so long."""
    if not SECONDS_MIN <= seconds <= SECONDS_MAX:
        raise PadronError(
            Code.BAD_PARAMETERS, f"seconds is {seconds:g}: it must be {SECONDS_MIN:g} to {SECONDS_MAX:g}."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLease:
    """A lease. ``acknowledged`` is the last change that its holder says it has applied."""

    lease_id: str
    name: str | None
    seconds: float
    created_by: str
    created_at: datetime
    acknowledged: int
    renewals: int = 0
    is_ending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class GateLeases:
    """An account's leases at one instant, and the number of its last change then."""

    state: StrictGates
    last_change: int
    leases: list[GateLease]


@dataclass(frozen=True, kw_only=True, slots=True)
class LateLease:
    """What counts of a lease that has not acknowledged the account's last change, or is ending."""

    lease_id: str
    seconds: float
    acknowledged: int
    renewals: int
    is_ending: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LateLeases:
    """The number of an account's last change at an instant, and the leases that were behind it then."""

    last_change: int
    leases: list[LateLease]


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantedLease:
    """A lease as its holder gets it: it counts once the holder has applied the change ``head``."""

    lease_id: str
    seconds: float
    head: Place
