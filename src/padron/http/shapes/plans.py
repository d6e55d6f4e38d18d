"""The JSON form of planned changes."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from padron.domain.plan import Plan, PlanKind, PlanState


class PlannedChangeShape(Struct, rename="camel"):
    """A change of status for a later instant, and its result.

    A ``return`` restores the status before the change with the number ``reverts``. ``state`` leaves ``pending`` once.
    Then it is ``executed``, ``cancelled`` by somebody, ``lapsed`` (for a return: somebody set another status first), or
    ``refused`` (the vehicle is gone, or several vehicles have its VIN).
    """

    id: str
    vin: str
    kind: PlanKind
    vehicle_status_id: int
    reason: str | None
    effective_at: datetime
    until: datetime | None
    reverts: Annotated[int | None, Meta(description="Of a return: the number of the change that it reverts.")]
    follows: Annotated[str | None, Meta(description="Of a return: the planned change that it belongs to.")]
    state: PlanState
    created_at: datetime
    created_by: str
    request_id: Annotated[str, Meta(description="The id of the request that planned it. The change has it too.")]
    ended_at: datetime | None
    ended_by: Annotated[str | None, Meta(description="Who cancelled it.")]
    ended_request_id: str | None
    detail: Annotated[str | None, Meta(description="Why it changed nothing.")]
    change_number: Annotated[int | None, Meta(description="The number of the change that it made.")]


class PlannedChangeList(Struct, rename="camel"):
    """A page of planned changes. On the last page, ``more`` is false and ``nextCursor`` is null."""

    planned_changes: list[PlannedChangeShape]
    next_cursor: str | None
    more: bool


def shape_plan(plan: Plan) -> PlannedChangeShape:
    """Give the JSON form of a planned change."""
    return PlannedChangeShape(
        id=plan.plan_id,
        vin=plan.vin,
        kind=plan.kind,
        vehicle_status_id=plan.status.value,
        reason=plan.reason,
        effective_at=plan.effective_at,
        until=plan.until,
        reverts=plan.reverts,
        follows=plan.follows,
        state=plan.state,
        created_at=plan.created_at,
        created_by=plan.created_by,
        request_id=plan.request_id,
        ended_at=plan.ended_at,
        ended_by=plan.ended_by,
        ended_request_id=plan.ended_request_id,
        detail=plan.detail,
        change_number=plan.number,
    )
