"""The JSON form of operations, runs, claims and results. Names are in camelCase, as everywhere."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.errors import PadronError
from padron.domain.gate import RefusalReason
from padron.domain.operation import (
    ATTEMPTS_MAX,
    CLAIM_ID_PATTERN,
    CLAIM_LIMIT_MAX,
    DESCRIPTION_LENGTH_MAX,
    LEASE_S_MAX,
    OPEN_STATES,
    RESULTS_MAX,
    RUN_VINS_MAX,
    WAIT_S_MAX,
    Operation,
    Outcome,
    ResultEntry,
    Run,
    RunRefusal,
    RunState,
    Work,
    WorkState,
    format_claim_id,
    format_run_id,
    give_run_state,
)
from padron.domain.query import FILTER_FIELDS
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.vin import VIN_LENGTH
from padron.http.answers.problems import PROBLEMS
from padron.http.shapes.vehicles import FORMER_NAME, ActorName, VinText, name_attribute
from padron.service.operations.claims import ResultAnswer
from padron.service.operations.runs import RunReport


def _bound(least: int, most: int, description: str) -> Meta:
    return Meta(description=description, extra_json_schema={"minimum": least, "maximum": most})


_STATUS = Meta(description="A vehicle status id except 2.", extra_json_schema={"enum": [*SETTABLE_STATUSES]})


class OperationBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """A kind of work: its description, how long a worker may keep a vehicle, and how often it can be claimed."""

    description: Annotated[
        str, Meta(description="What it does, for people.", extra_json_schema={"maxLength": DESCRIPTION_LENGTH_MAX})
    ]
    lease_seconds: Annotated[int, _bound(1, LEASE_S_MAX, "How long a claim is valid, in seconds.")]
    attempts: Annotated[int, _bound(1, ATTEMPTS_MAX, "The maximum number of claims for a vehicle of a run.")]


class OperationShape(Struct, rename="camel"):
    """A kind of work, as declared."""

    name: str
    description: str
    lease_seconds: int
    attempts: int
    created_at: datetime
    updated_at: datetime


class OperationList(Struct):
    """All operations of the account, by name."""

    operations: list[OperationShape]


VehicleFilter = msgspec.defstruct(
    "VehicleFilter",
    [
        ("vin", Annotated[str | UnsetType, Meta(extra_json_schema={"minLength": 1, "maxLength": VIN_LENGTH})], UNSET),
        ("asset_status_id", Annotated[int | UnsetType, _STATUS], UNSET),
        *(
            (
                name_attribute(field),
                Annotated[str | UnsetType, Meta(extra_json_schema={"minLength": 1, "maxLength": field.length_max})]
                if field.is_text
                else Annotated[int | UnsetType, _bound(0, field.number_max, "The number.")],
                UNSET,
            )
            for field in FILTER_FIELDS.values()
        ),
    ],
    namespace={
        "__doc__": "Filters as in the list of vehicles: whole values, ignoring case. A vehicle must match all of them."
    },
    rename={
        "asset_status_id": "assetStatusId",
        **{name_attribute(field): field.name for field in FILTER_FIELDS.values()},
    },
    forbid_unknown_fields=True,
)


class RunBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """Which vehicles to queue. Exactly one of: these VINs, the vehicles that match the filter, or all vehicles."""

    vins: Annotated[list[VinText] | UnsetType, Meta(extra_json_schema={"minItems": 1, "maxItems": RUN_VINS_MAX})] = (
        UNSET
    )
    filter: Annotated[
        VehicleFilter | UnsetType,  # type: ignore[valid-type]
        Meta(description="At least one field.", extra_json_schema={"minProperties": 1}),
    ] = UNSET
    every: Annotated[
        bool | UnsetType,
        Meta(description="All vehicles of the account. The value must be true.", extra_json_schema={"const": True}),
    ] = msgspec.field(default=UNSET, name="all")


class CountsShape(Struct):
    """The number of a run's vehicles in each state. The last five states are final."""

    queued: int = 0
    claimed: int = 0
    succeeded: int = 0
    failed: int = 0
    withdrawn: int = 0
    exhausted: int = 0
    cancelled: int = 0


class RunRefusalShape(Struct, rename="camel", omit_defaults=True):
    """A vehicle that was not queued, and why. For ``notActive``, the status and its instant are present."""

    vin: str
    reason: RefusalReason
    vehicle_status_id: int | UnsetType = UNSET
    since: datetime | UnsetType = UNSET


class RunShape(Struct, rename="camel"):
    """The state of a run. ``progress`` is the share of its vehicles in a final state. It is 0 during queueing."""

    id: str
    run_id: Annotated[str, FORMER_NAME]
    operation: str
    state: RunState
    created_at: datetime
    created_by: str
    created_by_name: ActorName
    vehicle_count: int
    counts: CountsShape
    progress: Annotated[float, Meta(ge=0, le=1)]
    refused_count: int
    refused: list[RunRefusalShape]
    cancelled_at: datetime | UnsetType = UNSET
    cancelled_by: str | UnsetType = UNSET
    cancelled_by_name: ActorName | UnsetType = UNSET


class RunEntryShape(Struct, rename="camel"):
    """A run in the list of its operation. ``vehicleCount`` is the number of vehicles that were queued so far."""

    id: str
    operation: str
    queueing: bool
    created_at: datetime
    created_by: str
    created_by_name: ActorName
    vehicle_count: int
    refused_count: int
    cancelled_at: datetime | UnsetType = UNSET
    cancelled_by: str | UnsetType = UNSET
    cancelled_by_name: ActorName | UnsetType = UNSET


class RunList(Struct, rename="camel"):
    """A page of runs, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    runs: list[RunEntryShape]
    next_cursor: str | None
    more: bool


class ClaimBody(Struct, forbid_unknown_fields=True):
    """The maximum number of vehicles to claim, and how many seconds to wait for the first one."""

    limit: Annotated[int, _bound(1, CLAIM_LIMIT_MAX, "The maximum number of vehicles.")] = 1
    wait: Annotated[int, _bound(0, WAIT_S_MAX, "Seconds to wait while there is no work.")] = 0


class ClaimShape(Struct, rename="camel"):
    """A claimed vehicle. The worker has it until ``leaseUntil``."""

    id: str
    claim_id: Annotated[str, FORMER_NAME]
    run_id: str
    vin: str
    attempt: int
    lease_until: datetime


class ClaimList(Struct):
    """The claimed vehicles. The list is empty when there is no work."""

    claims: list[ClaimShape]


class GivenResultBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """The result of one claim."""

    claim_id: Annotated[str, Meta(extra_json_schema={"pattern": CLAIM_ID_PATTERN})]
    outcome: Outcome
    result: Annotated[
        msgspec.Raw | UnsetType, Meta(description="Any JSON of at most 65,536 bytes. If it is missing, it is null.")
    ] = UNSET


class ResultsBody(Struct, forbid_unknown_fields=True):
    """The results of some claims."""

    results: Annotated[list[GivenResultBody], Meta(extra_json_schema={"minItems": 1, "maxItems": RESULTS_MAX})]


class ResultAnswerShape(Struct, rename="camel", omit_defaults=True):
    """The answer to one result: 200 with the state of its work, or the problem that refused it."""

    claim_id: str
    status: int
    state: WorkState | UnsetType = UNSET
    type: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    error_type: str | UnsetType = UNSET
    error_detail: str | UnsetType = UNSET


class ResultAnswerList(Struct):
    """The answers, in the order of the results."""

    results: list[ResultAnswerShape]


class ResultShape(Struct, rename="camel"):
    """A stored result. ``by`` is the id of the worker's API key."""

    claim_id: str
    run_id: str
    operation: str
    vin: str
    attempt: int
    outcome: Outcome
    result: Any
    at: datetime
    by: str
    by_name: ActorName


class ResultList(Struct, rename="camel"):
    """A page of results. On the last page, ``more`` is false and ``nextCursor`` is null."""

    results: list[ResultShape]
    next_cursor: str | None
    more: bool


def shape_operation(operation: Operation) -> OperationShape:
    """Give the JSON form of an operation."""
    return OperationShape(
        name=operation.name,
        description=operation.description,
        lease_seconds=operation.lease_s,
        attempts=operation.attempts_max,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
    )


def shape_run(report: RunReport, names: Mapping[str, str]) -> RunShape:
    """Give the JSON form of a run, with the names of authors by their ids."""
    run, counts = report.run, report.counts
    state = give_run_state(run, counts)
    return RunShape(
        id=format_run_id(run.run_id),
        run_id=format_run_id(run.run_id),
        operation=run.operation,
        state=state,
        created_at=run.created_at,
        created_by=run.created_by,
        created_by_name=names.get(run.created_by),
        vehicle_count=run.queued_count,
        counts=CountsShape(**{name.value: count for name, count in counts.items()}),
        progress=0 if state is RunState.QUEUEING else _give_progress(counts),
        refused_count=run.refused_count,
        refused=[_shape_refusal(refusal) for refusal in report.refusals],
        cancelled_at=run.cancelled_at or UNSET,
        cancelled_by=run.cancelled_by or UNSET,
        cancelled_by_name=names.get(run.cancelled_by) if run.cancelled_by else UNSET,
    )


def shape_run_entry(run: Run, names: Mapping[str, str]) -> RunEntryShape:
    """Give the JSON form of a run in a list, with the names of authors by their ids."""
    return RunEntryShape(
        id=format_run_id(run.run_id),
        operation=run.operation,
        queueing=run.is_queueing,
        created_at=run.created_at,
        created_by=run.created_by,
        created_by_name=names.get(run.created_by),
        vehicle_count=run.queued_count,
        refused_count=run.refused_count,
        cancelled_at=run.cancelled_at or UNSET,
        cancelled_by=run.cancelled_by or UNSET,
        cancelled_by_name=names.get(run.cancelled_by) if run.cancelled_by else UNSET,
    )


def shape_claim(work: Work) -> ClaimShape:
    """Give the JSON form of claimed work."""
    if work.lease_until is None:
        raise ValueError(f"{work} is not claimed.")
    return ClaimShape(
        id=format_claim_id(work.key),
        claim_id=format_claim_id(work.key),
        run_id=format_run_id(work.run_id),
        vin=work.vin,
        attempt=work.attempts,
        lease_until=work.lease_until,
    )


def shape_answer(answer: ResultAnswer) -> ResultAnswerShape:
    """Give the JSON form of the answer to one result."""
    if answer.refusal is None:
        return ResultAnswerShape(claim_id=answer.claim_id, status=200, state=answer.state or UNSET)
    return _shape_refused(answer.claim_id, answer.refusal)


def shape_result(entry: ResultEntry, names: Mapping[str, str]) -> ResultShape:
    """Give the JSON form of a stored result, with the names of authors by their ids."""
    result = entry.result
    return ResultShape(
        claim_id=format_claim_id(result.key),
        run_id=format_run_id(result.key.run_id),
        operation=entry.operation,
        vin=entry.vin,
        attempt=result.key.attempt,
        outcome=result.outcome,
        result=msgspec.Raw(result.text.encode()),
        at=result.given_at,
        by=result.given_by,
        by_name=names.get(result.given_by),
    )


def _shape_refused(claim_id: str, refusal: PadronError) -> ResultAnswerShape:
    problem = PROBLEMS[refusal.code]
    return ResultAnswerShape(
        claim_id=claim_id,
        status=problem.status,
        type=problem.type,
        title=problem.title,
        detail=refusal.detail,
        error_type=problem.error_type,
        error_detail=problem.error_detail,
    )


def _shape_refusal(refusal: RunRefusal) -> RunRefusalShape:
    return RunRefusalShape(
        vin=refusal.vin,
        reason=refusal.reason,
        vehicle_status_id=UNSET if refusal.status is None else refusal.status.value,
        since=refusal.since or UNSET,
    )


def _give_progress(counts: Mapping[WorkState, int]) -> float:
    total = sum(counts.values())
    ended = sum(count for state, count in counts.items() if state not in OPEN_STATES)
    return 1.0 if total == ended else round(ended / total, 4)
