"""The JSON form of planned changes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from padron.domain.plan import Plan, PlanKind, PlanState
from padron.http.shapes.vehicles import ActorName


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
    created_by_name: ActorName
    request_id: Annotated[str, Meta(description="The id of the request that planned it. The change has it too.")]
    ended_at: datetime | None
    ended_by: Annotated[str | None, Meta(description="Who cancelled it.")]
    ended_by_name: ActorName
    ended_request_id: str | None
    detail: Annotated[str | None, Meta(description="Why it changed nothing.")]
    change_number: Annotated[int | None, Meta(description="The number of the change that it made.")]


class PlannedChangeList(Struct, rename="camel"):
    """A page of planned changes. On the last page, ``more`` is false and ``nextCursor`` is null."""

    planned_changes: list[PlannedChangeShape]
    next_cursor: str | None
    more: bool


def list_authors(plans: Iterable[Plan]) -> Iterator[str | None]:
    """Give the ids of the authors whose names these planned changes show."""
    for plan in plans:
        yield plan.created_by
        yield plan.ended_by


def shape_plan(plan: Plan, names: Mapping[str, str]) -> PlannedChangeShape:
    """Give the JSON form of a planned change, with the names of authors by their ids."""
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
        created_by_name=names.get(plan.created_by),
        request_id=plan.request_id,
        ended_at=plan.ended_at,
        ended_by=plan.ended_by,
        ended_by_name=None if plan.ended_by is None else names.get(plan.ended_by),
        ended_request_id=plan.ended_request_id,
        detail=plan.detail,
        change_number=plan.number,
    )
