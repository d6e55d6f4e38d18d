"""The JSON form of the calls that change many vehicles: setting statuses in bulk, and undoing a request."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.change import REASON_LENGTH_MAX
from padron.domain.errors import PadronError
from padron.domain.tags import format_tag
from padron.domain.undo import LeftReason
from padron.http.answers.problems import BATCH_REFUSED, PROBLEMS
from padron.http.requests.revisions import PlainRevision, RevisionText
from padron.http.shapes.vehicles import StatusBody, VinText
from padron.service.statuses.bulk import BULK_MAX, BulkMode, BulkOutcome
from padron.service.statuses.undo import UndoneVehicle

_Reason = Annotated[
    str | UnsetType,
    Meta(description="The reason, for people.", extra_json_schema={"maxLength": REASON_LENGTH_MAX}),
]


class BulkVehicle(StatusBody, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """One vehicle and its new status. With ``revision``, only if the vehicle has this revision, as with If-Match."""

    vin: VinText
    revision: RevisionText | PlainRevision | UnsetType = UNSET


_DESCRIPTION_OF_MODE = "each: every vehicle separately. all: either all vehicles are changed, or none."


class BulkStatusBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Vehicles and their new statuses. With ``dryRun`` the answer is the same, but nothing is changed."""

    vehicles: Annotated[
        list[BulkVehicle],
        Meta(extra_json_schema={"minItems": 1, "maxItems": BULK_MAX}),
    ]
    mode: Annotated[BulkMode, Meta(description=_DESCRIPTION_OF_MODE)] = BulkMode.EACH
    dry_run: bool = False


class BulkStatusRead(Struct, forbid_unknown_fields=True, rename="camel"):
    """The same body, but each vehicle is read later, so that a wrong one is refused alone."""

    vehicles: list[msgspec.Raw]
    mode: BulkMode = BulkMode.EACH
    dry_run: bool = False


class BulkAnswer(Struct, rename="camel", omit_defaults=True):
    """The result for one vehicle: 204 or 202 as from the single call, with its revision; or the problem.

    A dry run gives no ``revision``, because nothing is stored.
    ``plannedChangeId`` is present when something was planned: the change, or the return to the earlier status.
    424 means that the vehicle was not changed because another vehicle was refused.
    """

    vin: str
    status: int
    outcome: Literal["changed", "unchanged", "planned", "refused", "notDone"]
    revision: RevisionText | UnsetType = UNSET
    planned_change_id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    error_type: str | UnsetType = UNSET
    error_detail: str | UnsetType = UNSET


class BulkAnswerList(Struct, rename="camel"):
    """The answers in the order of the vehicles, and the number of each kind. ``requestId`` can be undone."""

    request_id: str
    mode: BulkMode
    dry_run: bool
    changed: int
    unchanged: int
    planned: int
    refused: int
    results: list[BulkAnswer]


class UndoBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Why a request is undone."""

    reason: _Reason = UNSET


class UndoAnswer(Struct, rename="camel", omit_defaults=True):
    """The result for one vehicle: its revision if something was undone, or why it was left as it is.

    A pending planned change of the request has its own answer: ``cancelled``.
    """

    vin: str
    outcome: Literal["undone", "unchanged", "left", "cancelled"]
    revision: RevisionText | UnsetType = UNSET
    planned_change_id: str | UnsetType = UNSET
    left: LeftReason | UnsetType = UNSET
    detail: str | UnsetType = UNSET


class UndoAnswerList(Struct, rename="camel"):
    """The answers, in the order of the request's changes. ``requestId`` can be undone too."""

    request_id: str
    undone_request_id: str
    undone: int
    unchanged: int
    left: int
    cancelled: int
    results: list[UndoAnswer]


def shape_bulk(
    outcome: BulkOutcome, vins: list[str], request_id: str, mode: BulkMode, *, dry_run: bool
) -> BulkAnswerList:
    """Give the JSON form of a bulk call's answer. ``vins`` are as in the request."""
    results = [_shape_one(vin, place, outcome, dry_run=dry_run) for place, vin in enumerate(vins)]
    counts = [result.outcome for result in results]
    return BulkAnswerList(
        request_id=request_id,
        mode=mode,
        dry_run=dry_run,
        changed=counts.count("changed"),
        unchanged=counts.count("unchanged"),
        planned=counts.count("planned"),
        refused=counts.count("refused"),
        results=results,
    )


def shape_undo(done: list[UndoneVehicle], request_id: str, undone_id: str) -> UndoAnswerList:
    """Give the JSON form of an undo's answer."""
    results = [_shape_undone(one) for one in done]
    counts = [result.outcome for result in results]
    return UndoAnswerList(
        request_id=request_id,
        undone_request_id=undone_id,
        undone=counts.count("undone"),
        unchanged=counts.count("unchanged"),
        left=counts.count("left"),
        cancelled=counts.count("cancelled"),
        results=results,
    )


def _shape_one(vin: str, place: int, bulk: BulkOutcome, *, dry_run: bool) -> BulkAnswer:
    outcome = bulk.outcomes[place]
    if isinstance(outcome, PadronError):
        problem = PROBLEMS[outcome.code]
        return BulkAnswer(
            vin=vin,
            status=problem.status,
            outcome="refused",
            type=problem.type,
            title=problem.title,
            detail=outcome.detail,
            error_type=problem.error_type,
            error_detail=problem.error_detail,
        )
    if bulk.is_refused:
        return BulkAnswer(vin=outcome.vin, status=424, outcome="notDone", type=BATCH_REFUSED.type)
    plan = bulk.plans[place]
    plan_id = UNSET if plan is None else plan.plan_id
    revision = UNSET if dry_run else format_tag(outcome)
    if bulk.planned[place]:
        return BulkAnswer(vin=outcome.vin, status=202, outcome="planned", revision=revision, planned_change_id=plan_id)
    word: Literal["changed", "unchanged"] = "changed" if bulk.changed[place] else "unchanged"
    return BulkAnswer(vin=outcome.vin, status=204, outcome=word, revision=revision, planned_change_id=plan_id)


def _shape_undone(one: UndoneVehicle) -> UndoAnswer:
    if one.cancelled_plan_id is not None:
        return UndoAnswer(vin=one.vin, outcome="cancelled", planned_change_id=one.cancelled_plan_id)
    if one.left is not None:
        return UndoAnswer(vin=one.vin, outcome="left", left=one.left, detail=one.detail or UNSET)
    if one.revision is None:
        return UndoAnswer(vin=one.vin, outcome="unchanged")
    return UndoAnswer(vin=one.vin, outcome="undone", revision=one.revision)
