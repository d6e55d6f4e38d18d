"""The JSON form of selections: sets of vehicles that are shown and then changed together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.naming_list import FaultReason
from padron.domain.selection import (
    DIGEST_PATTERN,
    SELECTED_MAX,
    OutcomeCounts,
    SelectedOutcome,
    SelectionSource,
    SelectionState,
    VehicleSelection,
    format_selection_id,
)
from padron.http.answers.problems import PROBLEMS
from padron.http.requests.revisions import RevisionText
from padron.http.shapes.vehicles import ActorName, StatusBody, VinText
from padron.service.selections.previewing import PreviewedVehicle, SelectionPreview
from padron.service.selections.reading import SelectionView
from padron.service.selections.seeing import SeenVehicle

LIST_LENGTH_MAX = 900_000

_DigestText = Annotated[
    str,
    Meta(
        description="Names the vehicles with their revisions: the sum, modulo 2^256, of the SHA-256 of `VIN revision`.",
        extra_json_schema={"pattern": DIGEST_PATTERN},
    ),
]


class ChosenVehicleShape(Struct, forbid_unknown_fields=True, rename="camel"):
    """A vehicle, with the revision at which it was seen. Without one it is taken as it is now."""

    vin: VinText
    revision: RevisionText | UnsetType = UNSET


class SelectionBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Which vehicles to select. Exactly one of: these vehicles, all that match a filter, a list, or all vehicles."""

    vehicles: Annotated[
        list[ChosenVehicleShape] | UnsetType, Meta(extra_json_schema={"minItems": 1, "maxItems": SELECTED_MAX})
    ] = UNSET
    filter: Annotated[
        str | UnsetType,
        Meta(
            description="The query of `GET /api/v2/vehicles`, such as `assetStatusId=1&q=flota`: its filters and `q`.",
            extra_json_schema={"minLength": 1, "maxLength": 8_000},
        ),
    ] = UNSET
    listed: Annotated[
        str | UnsetType,
        Meta(
            description="VINs, plates and unit numbers, one a line or with any separators.",
            extra_json_schema={"minLength": 1, "maxLength": LIST_LENGTH_MAX},
        ),
    ] = msgspec.field(default=UNSET, name="list")
    every: Annotated[
        bool | UnsetType,
        Meta(description="All vehicles of the account. The value must be true.", extra_json_schema={"const": True}),
    ] = msgspec.field(default=UNSET, name="all")


class ApplyBody(StatusBody, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """The confirmed change. ``digest`` is that of the preview which somebody saw."""

    digest: _DigestText


class OutcomeCountsShape(Struct, rename="camel"):
    """How many vehicles have each outcome."""

    changed: int
    unchanged: int
    planned: int
    refused: int
    left: Annotated[int, Meta(description="Changed by somebody else after they were shown.")]


class SelectedVehicleShape(Struct, rename="camel"):
    """A vehicle of a selection as it was seen. ``revision`` is null if it was not current any more."""

    vin: str
    vehicle_status_id: int
    revision: RevisionText | None
    outcome: SelectedOutcome | None
    detail: Annotated[str | None, Meta(description="Why it was refused or left.")]


class ListFaultShape(Struct, rename="camel"):
    """A name of a list that gives no vehicle of its own. ``line`` counts from 1."""

    line: int
    given: str
    reason: FaultReason
    detail: str


class SelectionShape(Struct, rename="camel"):
    """A selection. ``requestId`` names its changes in the history, and can be undone."""

    id: str
    state: SelectionState
    source: SelectionSource
    count: int
    fault_count: int
    digest: _DigestText
    created_at: datetime
    created_by: str
    created_by_name: ActorName
    expires_at: datetime
    vehicle_status_id: int | None
    reason: str | None
    effective_at: datetime | None
    until: datetime | None
    request_id: str | None
    applied_at: datetime | None
    applied_by: str | None
    applied_by_name: ActorName
    ended_at: datetime | None
    counts: OutcomeCountsShape
    detail: Annotated[
        str | None, Meta(description="Why the work failed, or by which request it was undone in the console.")
    ]


class SelectionPageShape(Struct, rename="camel"):
    """A selection with a page of its vehicles, in the order of their registration, and its first list faults."""

    selection: SelectionShape
    vehicles: list[SelectedVehicleShape]
    faults: list[ListFaultShape]
    next_cursor: str | None
    more: bool


class SelectionList(Struct, rename="camel"):
    """A page of selections, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    selections: list[SelectionShape]
    next_cursor: str | None
    more: bool


class ForeseenVehicle(Struct, rename="camel"):
    """A vehicle, and what would become of it."""

    vin: str
    vehicle_status_id: int
    revision: RevisionText | None
    outcome: SelectedOutcome
    error_detail: str | None
    detail: str | None


class ChangedVehicleShape(Struct, rename="camel"):
    """A vehicle that changed since it was last shown. A null ``revision`` means that it is not current any more."""

    vin: str
    from_status_id: Annotated[int, Meta(description="The status that was shown.")]
    to_status_id: int | None
    revision: RevisionText | None


class StatusCountShape(Struct, rename="camel"):
    """How many vehicles have a status now."""

    vehicle_status_id: int
    count: int


class SelectionPreviewShape(Struct, rename="camel"):
    """What a change would do. Send ``digest`` back to confirm it.

    ``leavingOperations`` and ``enteringOperations`` count the vehicles that operations may no longer touch, and those
    that they may touch again. ``withdrawnWork`` counts the queued and claimed work that would be withdrawn. Each list
    has the first 100 vehicles.
    """

    id: str
    digest: _DigestText
    counts: OutcomeCountsShape
    leaving_operations: int
    entering_operations: int
    withdrawn_work: int
    by_status: list[StatusCountShape]
    changed_count: int
    changed: list[ChangedVehicleShape]
    refused: list[ForeseenVehicle]
    vehicles: list[ForeseenVehicle]


def list_authors(selections: Sequence[VehicleSelection]) -> list[str]:
    """Give the ids of the authors whose names these selections show."""
    return [actor for one in selections for actor in (one.created_by, one.applied_by) if actor is not None]


def shape_selection(one: VehicleSelection, names: Mapping[str, str]) -> SelectionShape:
    """Give the JSON form of a selection, with the names of authors by their ids."""
    wanted = one.wanted
    return SelectionShape(
        id=format_selection_id(one.selection_id),
        state=one.state,
        source=one.source,
        count=one.count,
        fault_count=one.fault_count,
        digest=one.digest,
        created_at=one.created_at,
        created_by=one.created_by,
        created_by_name=names.get(one.created_by),
        expires_at=one.expires_at,
        vehicle_status_id=None if wanted is None else wanted.status.value,
        reason=None if wanted is None else wanted.reason,
        effective_at=None if wanted is None else wanted.effective_at,
        until=None if wanted is None else wanted.until,
        request_id=one.request_id,
        applied_at=one.applied_at,
        applied_by=one.applied_by,
        applied_by_name=None if one.applied_by is None else names.get(one.applied_by),
        ended_at=one.ended_at,
        counts=_shape_counts(one.counts),
        detail=one.detail,
    )


def shape_view(view: SelectionView, names: Mapping[str, str]) -> SelectionPageShape:
    """Give the JSON form of a selection with a page of its vehicles."""
    return SelectionPageShape(
        selection=shape_selection(view.selection, names),
        vehicles=[
            SelectedVehicleShape(
                vin=row.vin,
                vehicle_status_id=row.status.value,
                revision=row.tag or None,
                outcome=row.outcome,
                detail=row.detail,
            )
            for row in view.page.rows
        ],
        faults=[
            ListFaultShape(line=one.line, given=one.text, reason=one.reason, detail=one.detail) for one in view.faults
        ],
        next_cursor=view.page.next_cursor,
        more=view.page.more,
    )


def shape_preview(preview: SelectionPreview) -> SelectionPreviewShape:
    """Give the JSON form of a preview."""
    return SelectionPreviewShape(
        id=format_selection_id(preview.selection.selection_id),
        digest=preview.digest,
        counts=_shape_counts(preview.counts),
        leaving_operations=preview.leaving,
        entering_operations=preview.entering,
        withdrawn_work=preview.work_count,
        by_status=[
            StatusCountShape(vehicle_status_id=status.value, count=count)
            for status, count in sorted(preview.by_status.items())
        ],
        changed_count=preview.changed_count,
        changed=shape_changed(preview.changed),
        refused=[_shape_foreseen(row) for row in preview.refused],
        vehicles=[_shape_foreseen(row) for row in preview.rows],
    )


def shape_changed(changed: Sequence[SeenVehicle]) -> list[ChangedVehicleShape]:
    """Give the JSON form of vehicles that changed since they were shown."""
    return [
        ChangedVehicleShape(
            vin=one.now.vin,
            from_status_id=one.before.status.value,
            to_status_id=None if one.present is None else one.now.status.value,
            revision=one.now.tag or None,
        )
        for one in changed
    ]


def _shape_foreseen(row: PreviewedVehicle) -> ForeseenVehicle:
    return ForeseenVehicle(
        vin=row.vehicle.vin,
        vehicle_status_id=row.vehicle.status.value,
        revision=row.vehicle.tag or None,
        outcome=row.outcome,
        error_detail=None if row.code is None else PROBLEMS[row.code].error_detail,
        detail=row.detail,
    )


def _shape_counts(counts: OutcomeCounts) -> OutcomeCountsShape:
    return OutcomeCountsShape(
        changed=counts.changed,
        unchanged=counts.unchanged,
        planned=counts.planned,
        refused=counts.refused,
        left=counts.changed_since,
    )
