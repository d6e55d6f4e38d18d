"""The JSON form of leases of local gates."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from padron.domain.gate_leases import (
    NAME_LENGTH_MAX,
    SECONDS_DEFAULT,
    SECONDS_MAX,
    SECONDS_MIN,
    GateLeases,
    GrantedLease,
    StrictGates,
)
from padron.domain.vehicle import TEXT_PATTERN
from padron.http.shapes.vehicles import ActorName

_NAME = {"maxLength": NAME_LENGTH_MAX, "pattern": TEXT_PATTERN}
_SECONDS = {"minimum": SECONDS_MIN, "maximum": SECONDS_MAX}


class GateLeaseBody(Struct, forbid_unknown_fields=True):
    """For how long each answer of the lease counts, and a name for people."""

    seconds: Annotated[float, Meta(extra_json_schema=_SECONDS)] = SECONDS_DEFAULT
    name: Annotated[str, Meta(extra_json_schema=_NAME)] = ""


class GateRenewalBody(Struct, forbid_unknown_fields=True):
    """The cursor of the feed up to which the local gate has applied all changes."""

    cursor: str


class GrantedLeaseShape(Struct, rename="camel"):
    """A lease. It counts for ``seconds`` from before the request, once the change ``number`` is applied."""

    lease_id: str
    seconds: float
    number: int
    cursor: str


class GateLeaseShape(Struct, rename="camel"):
    """A lease as the account sees it. ``number`` is the last change that its local gate has applied."""

    lease_id: str
    name: str | None
    seconds: float
    created_by: str
    created_by_name: ActorName
    created_at: datetime
    number: int
    ending: bool


class GateLeaseList(Struct, rename="camel"):
    """All leases, oldest first, with the number of the account's last change."""

    strict_gates: StrictGates
    number: int
    leases: list[GateLeaseShape]


def shape_granted(granted: GrantedLease, cursor: str) -> GrantedLeaseShape:
    """Give the JSON form of a lease for its holder."""
    return GrantedLeaseShape(
        lease_id=granted.lease_id, seconds=granted.seconds, number=granted.head.number, cursor=cursor
    )


def shape_leases(found: GateLeases, names: dict[str, str]) -> GateLeaseList:
    """Give the JSON form of an account's leases, with the names of authors by their ids."""
    return GateLeaseList(
        strict_gates=found.state,
        number=found.last_change,
        leases=[
            GateLeaseShape(
                lease_id=lease.lease_id,
                name=lease.name,
                seconds=lease.seconds,
                created_by=lease.created_by,
                created_by_name=names.get(lease.created_by),
                created_at=lease.created_at,
                number=lease.acknowledged,
                ending=lease.is_ending,
            )
            for lease in found.leases
        ],
    )
