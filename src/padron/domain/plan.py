"""Planned changes: the allowed instants, the effect of a due plan, and when a planned return lapses.

A plan belongs to a vehicle and not to a VIN: when a vehicle's VIN is corrected, its plans stay with it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from padron.domain.change import REASON_LENGTH_MAX, Change, NumberedChange, PlanRequest, build_status_change
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.query import LIMIT_DEFAULT
from padron.domain.status import STATUS_TEXTS, VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin

PLANNED_WITHIN = timedelta(days=3_653)  # ten years
PLAN_ID_PATTERN = "^[0-9a-f]{30}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlanKind(StrEnum):
    """What a plan is for."""

    CHANGE = "change"
    RETURN = "return"  # restores the status before a change, unless another change came later


class PlanState(StrEnum):
    """The state of a plan. A plan leaves ``pending`` once, and never returns to it."""

    PENDING = "pending"
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"  # a return: somebody set another status before it was due
    REFUSED = "refused"  # the vehicle is gone, or several vehicles have its VIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A planned change. The row is never deleted: it says who planned what, and with which result."""

    plan_id: str  # at the same instant, later plans sort higher
    vehicle_id: int
    vin: Vin  # the vehicle's present VIN when the plan is read
    kind: PlanKind
    status: VehicleStatus
    reason: str | None
    effective_at: datetime
    until: datetime | None = None
    reverts: int | None = None  # of a return: the number of the change that it reverts
    follows: str | None = None  # of a return: the plan that made that change, if a plan made it
    state: PlanState = PlanState.PENDING
    created_at: datetime
    created_by: str
    request_id: str
    ended_at: datetime | None = None
    ended_by: str | None = None  # None: the server itself
    ended_request_id: str | None = None
    detail: str | None = None
    number: int | None = None  # of the change that the plan made


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanPlace:
    """The last plan of a page."""

    effective_at: datetime
    plan_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanQuery:
    """A query for the list of plans, in the order of their ``effective_at``."""

    vin: Vin | None = None
    state: PlanState | None = None
    request_id: str | None = None
    descending: bool = False
    limit: int = LIMIT_DEFAULT
    after: PlanPlace | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LaterChange:
    """The first change of a vehicle's status after the change that a return reverts."""

    by: str
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The vehicle of a due plan as it is now, or None when it is gone."""

    vehicle: Vehicle | None
    namesake_count: int = 1  # current vehicles with its VIN, itself included
    later: LaterChange | None = None


def check_times(request: PlanRequest, now: datetime) -> None:
    """Raise ``bad_parameters`` unless effectiveAt is in the future, until after it, and both within ten years."""
    if request.effective_at is not None and request.effective_at <= now:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"effectiveAt is {format_instant(request.effective_at)}, which is in the past; the server's time is "
            f"{format_instant(now)}. Leave it out to set the status now.",
        )
    begins_at = request.effective_at or now
    if request.until is not None and request.until <= begins_at:
        what = "effectiveAt" if request.effective_at is not None else "the server's time"
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"until is {format_instant(request.until)}: it must be after {what}, {format_instant(begins_at)}.",
        )
    last = request.until or begins_at
    if last - now > PLANNED_WITHIN:
        name = "effectiveAt" if request.until is None else "until"
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{name} is {format_instant(last)}, more than ten years in the future. The latest instant allowed is "
            f"{format_instant(now + PLANNED_WITHIN)}.",
        )


def format_plan_id(at: datetime, place: int, random_part: int) -> str:
    """Give the id of a plan: the microsecond of its creation, its place in its request, and 48 random bits."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1):014x}{place:04x}{random_part:012x}"


def build_change_plan(request: PlanRequest, vehicle: Vehicle, plan_id: str, at: datetime) -> Plan:
    """Give the plan for a later change."""
    if request.effective_at is None:
        raise AssertionError(request)
    return Plan(
        plan_id=plan_id,
        vehicle_id=vehicle.vehicle_id,
        vin=vehicle.vin,
        kind=PlanKind.CHANGE,
        status=request.status,
        reason=request.reason,
        effective_at=request.effective_at,
        until=request.until,
        created_at=at,
        created_by=request.by,
        request_id=request.request_id,
    )


def build_return_plan(made: NumberedChange, *, until: datetime, plan_id: str) -> Plan:
    """Give the plan that brings back the status from before a change of status."""
    vehicle, former = made.change.vehicle, made.change.from_status
    if former is None:
        raise AssertionError(made)
    name, reason = STATUS_TEXTS[vehicle.status].name, vehicle.status_reason
    return Plan(
        plan_id=plan_id,
        vehicle_id=vehicle.vehicle_id,
        vin=vehicle.vin,
        kind=PlanKind.RETURN,
        status=former,
        reason=f"Back from {name}, as planned{'' if reason is None else f': {reason}'}"[:REASON_LENGTH_MAX],
        effective_at=until,
        reverts=made.number,
        created_at=vehicle.status_since,
        created_by=vehicle.status_by,
        request_id=made.change.request_id,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedReturn:
    """A pending return that was cancelled, and the one in its place."""

    cancelled: Plan
    added: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A due plan as it ended, and the change that it makes now, if any."""

    plan: Plan
    change: Change | None = None


def move_return(plan: Plan, request: PlanRequest, plan_id: str, at: datetime) -> MovedReturn | None:
    """Give a pending return as cancelled, and its replacement; None when it already has the instant asked for."""
    if request.until is None or request.until == plan.effective_at:
        return None
    moved = replace(
        plan,
        plan_id=plan_id,
        effective_at=request.until,
        created_at=at,
        created_by=request.by,
        request_id=request.request_id,
    )
    cancelled = cancel(plan, at=at, by=request.by, request_id=request.request_id)
    return MovedReturn(cancelled=cancelled, added=moved)


def execute(plan: Plan, target: Target, at: datetime) -> Execution:
    """Give a due plan as ended, and the change that it makes now, if any."""
    vehicle = target.vehicle
    if vehicle is None:
        return Execution(plan=_end(plan, PlanState.REFUSED, at, "The vehicle is no longer in the register."))
    if target.namesake_count > 1:
        detail = f"The account now has {target.namesake_count} current vehicles with the VIN {vehicle.vin}."
        return Execution(plan=_end(plan, PlanState.REFUSED, at, detail))
    if plan.kind is PlanKind.RETURN and target.later is not None:
        detail = f"The request {target.later.request_id} of {target.later.by} set another status before that."
        return Execution(plan=_end(plan, PlanState.LAPSED, at, detail))
    if vehicle.status is plan.status:
        rest = "" if plan.until is None else " No return is planned."
        detail = f"The vehicle already had this status, so nothing was changed.{rest}"
        return Execution(plan=_end(plan, PlanState.EXECUTED, at, detail))
    change = build_status_change(
        vehicle, plan.status, at=at, by=plan.created_by, request_id=plan.request_id, reason=plan.reason
    )
    return Execution(plan=_end(plan, PlanState.EXECUTED, at, None), change=change)


def cancel(plan: Plan, *, at: datetime, by: str, request_id: str) -> Plan:
    """Give the plan as cancelled. Raises ``plan_ended`` when it is no longer pending."""
    if plan.state is not PlanState.PENDING:
        ended = "" if plan.ended_at is None else f" at {format_instant(plan.ended_at)}"
        raise PadronError(
            Code.PLAN_ENDED,
            f"The planned change {plan.plan_id} cannot be cancelled: it ended{ended} ({plan.state.value}).",
        )
    return replace(plan, state=PlanState.CANCELLED, ended_at=at, ended_by=by, ended_request_id=request_id)


def _end(plan: Plan, state: PlanState, at: datetime, detail: str | None) -> Plan:
    return replace(plan, state=state, ended_at=at, detail=detail)
