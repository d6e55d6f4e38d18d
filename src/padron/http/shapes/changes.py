"""The JSON form of the gate and the feed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.gate import OPERATION_LENGTH_MAX, VINS_MAX, GateSet, Refusal, Verdict
from padron.domain.vehicle import TEXT_PATTERN
from padron.http.shapes.vehicles import ActorName, VinText
from padron.service.changes.events import Event

_NAME = {"minLength": 1, "maxLength": OPERATION_LENGTH_MAX, "pattern": TEXT_PATTERN}


class GateBody(Struct, forbid_unknown_fields=True):
    """An operation, and the vehicles that it wants to touch."""

    operation: Annotated[str, Meta(extra_json_schema=_NAME)]
    vins: Annotated[list[VinText], Meta(extra_json_schema={"minItems": 1, "maxItems": VINS_MAX})]


class VerdictShape(Struct, rename="camel", omit_defaults=True):
    """Whether an operation may touch the vehicle. If not, ``reason`` says why.

    For ``notActive``, the status and its instant are present.
    """

    vin: str
    allowed: bool
    reason: Literal["notActive", "unknown", "several"] | UnsetType = UNSET
    vehicle_status_id: int | UnsetType = UNSET
    since: datetime | UnsetType = UNSET


class GateList(Struct):
    """The verdicts in the order of the request, and the cursor of the feed that they reflect."""

    results: list[VerdictShape]
    cursor: str


class GateSingle(Struct, rename="camel", omit_defaults=True):
    """The verdict on one vehicle, and the cursor of the feed that it reflects."""

    vin: str
    allowed: bool
    cursor: str
    reason: Literal["notActive", "unknown", "several"] | UnsetType = UNSET
    vehicle_status_id: int | UnsetType = UNSET
    since: datetime | UnsetType = UNSET


class GateSetHeadShape(Struct, rename="camel"):
    """The first line of a set: its name, the last change that it reflects, and how many VINs both sets have."""

    of: GateSet
    cursor: str
    number: int
    operable: int
    refused: int


class GateSetEnd(Struct):
    """The last line of a set: how many VINs were between the first line and this one."""

    end: int


class LastChange(Struct):
    """The number of the account's last change, 0 before the first one, and the cursor after it."""

    number: int
    cursor: str


class GateRefusalShape(Struct, rename="camel"):
    """How often one key was refused one VIN within an hour. ``vehicleStatusId`` is null for an unknown VIN."""

    hour: datetime
    vin: str
    operation: str
    by: str
    by_name: ActorName
    reason: Literal["notActive", "unknown", "several"]
    vehicle_status_id: int | None
    count: int
    first_at: datetime
    last_at: datetime


class RefusalList(Struct, rename="camel"):
    """A page of refusals, newest hour first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    refusals: list[GateRefusalShape]
    next_cursor: str | None
    more: bool


class ChangeList(Struct, rename="camel"):
    """Changes in order, the cursor for the next request, and whether there are already more changes."""

    changes: list[Event]
    next_cursor: str
    more: bool


def shape_verdict(verdict: Verdict) -> VerdictShape:
    """Give the JSON form of a verdict."""
    shape = VerdictShape(vin=verdict.vin, allowed=verdict.is_allowed)
    _say_why(shape, verdict)
    return shape


def shape_single(verdict: Verdict, cursor: str) -> GateSingle:
    """Give the JSON form of the verdict on one vehicle."""
    shape = GateSingle(vin=verdict.vin, allowed=verdict.is_allowed, cursor=cursor)
    _say_why(shape, verdict)
    return shape


def _say_why(shape: VerdictShape | GateSingle, verdict: Verdict) -> None:
    if verdict.reason is not None:
        shape.reason = verdict.reason.value
        if verdict.vehicle is not None:
            shape.vehicle_status_id = verdict.vehicle.status.value
            shape.since = verdict.vehicle.status_since


def shape_refusal(refusal: Refusal, names: Mapping[str, str]) -> GateRefusalShape:
    """Give the JSON form of a recorded refusal, with the names of authors by their ids."""
    return GateRefusalShape(
        hour=refusal.hour_at,
        vin=refusal.vin,
        operation=refusal.operation,
        by=refusal.actor,
        by_name=names.get(refusal.actor),
        reason=refusal.reason.value,
        vehicle_status_id=None if refusal.status is None else refusal.status.value,
        count=refusal.count,
        first_at=refusal.first_at,
        last_at=refusal.last_at,
    )
