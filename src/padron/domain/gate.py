"""May an operation touch this vehicle now? The verdict on a VIN, and the record of refusals."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from padron.domain.change import Place
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.tags import format_tag
from padron.domain.vehicle import Vehicle

OPERATION_LENGTH_MAX = 100
KEPT = timedelta(days=90)  # refusals are deleted this long after their hour
VINS_MAX = 1_000
_DIGEST_LENGTH = 32


class RefusalReason(StrEnum):
    """Why an operation may not touch a vehicle: the gate refuses it, and a run leaves it out."""

    NOT_ACTIVE = "notActive"
    UNKNOWN = "unknown"
    SEVERAL = "several"


# Not frozen, like ``GateView``: each question makes one, and a frozen record takes three times as long.
@dataclass(kw_only=True, slots=True)
class Verdict:
    """The answer for one VIN. ``vehicle`` is the one current vehicle, if there is exactly one."""

    vin: str
    reason: RefusalReason | None
    vehicle: Vehicle | None
    several: Sequence[Vehicle] = ()  # all vehicles with the VIN, if there are several

    @property
    def is_allowed(self) -> bool:
        """Say whether operations may touch the vehicle."""
        return self.reason is None

    @property
    def tag(self) -> str:
        """Name the verdict and the vehicles that it is based on. No other verdict on the VIN ever has the same tag."""
        match self.reason:
            case RefusalReason.UNKNOWN:
                return f"{self.reason}-{self.vin}"
            case RefusalReason.SEVERAL:
                every = ",".join(sorted(map(format_tag, self.several)))
                return f"{self.reason}-{hashlib.sha256(every.encode()).hexdigest()[:_DIGEST_LENGTH]}"
            case RefusalReason.NOT_ACTIVE | None if self.vehicle is not None:
                return f"{self.reason or 'allowed'}-{format_tag(self.vehicle)}"
            case _:
                raise AssertionError(self)


@dataclass(kw_only=True, slots=True)
class GateView:
    """What the gate sees at one instant: current vehicles, and the place after the account's last change."""

    vehicles: list[Vehicle]
    last_change: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """How often one actor's operation was refused one VIN within an hour. ``hour_at`` is the start of the hour, UTC."""

    hour_at: datetime
    vin: str
    operation: str
    actor: str
    reason: RefusalReason
    status: VehicleStatus | None
    count: int
    first_at: datetime
    last_at: datetime


class GateSet(StrEnum):
    """Which VINs of an account somebody wants to know, all at once. Each VIN of a current vehicle is in one of both."""

    OPERABLE = "operable"  # those that the gate allows
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSetHead:
    """The account at the instant of a set: the place after its last change, and the VINs of its current vehicles."""

    last_change: Place
    vin_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSetPart:
    """The VINs of a set among the next vehicles by id. ``lines`` has each VIN as JSON, with a line end between two."""

    last_id: int
    vehicle_count: int  # of those looked at
    vin_count: int
    lines: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalPlace:
    """The last row of a page of refusals."""

    hour_at: datetime
    vin: str
    operation: str
    actor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalQuery:
    """A query for recorded refusals, newest hour first. ``from_at`` is inclusive, ``to_at`` is exclusive."""

    operation: str | None = None
    vin: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    after: RefusalPlace | None = None
    limit: int


def judge(vin: str, current: Sequence[Vehicle]) -> Verdict:
    """Give the verdict on a VIN from the current vehicles that have it."""
    match current:
        case [vehicle]:
            reason = None if is_operational(vehicle.status) else RefusalReason.NOT_ACTIVE
            return Verdict(vin=vin, reason=reason, vehicle=vehicle)
        case []:
            return Verdict(vin=vin, reason=RefusalReason.UNKNOWN, vehicle=None)
        case _:
            return Verdict(vin=vin, reason=RefusalReason.SEVERAL, vehicle=None, several=current)
