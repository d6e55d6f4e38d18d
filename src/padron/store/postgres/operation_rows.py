"""Turns rows of operations, runs, work and results into records, and back."""

from collections.abc import Iterable
from typing import Any

from padron.domain.gate import RefusalReason
from padron.domain.operation import (
    ClaimKey,
    Operation,
    Outcome,
    Result,
    ResultEntry,
    Run,
    RunRefusal,
    Work,
    WorkState,
)
from padron.domain.status import VehicleStatus
from padron.store.operations import decode_question, encode_question

Row = Iterable[Any]


def to_operation(row: Row) -> Operation:
    """Give the operation of a row."""
    name, description, lease_s, attempts_max, created_at, updated_at = row
    return Operation(
        name=name,
        description=description,
        lease_s=lease_s,
        attempts_max=attempts_max,
        created_at=created_at,
        updated_at=updated_at,
    )


def to_run(row: Row) -> Run:
    """Give the run of a row."""
    run_id, operation, question, is_queueing, position, position_max, queued, refused, created_at, by, moved_at = row
    return Run(
        run_id=run_id,
        operation=operation,
        question=decode_question(question),
        is_queueing=bool(is_queueing),
        position=position,
        position_max=position_max,
        queued_count=queued,
        refused_count=refused,
        created_at=created_at,
        created_by=by,
        moved_at=moved_at,
    )


def from_run(run: Run) -> tuple[object, ...]:
    """Give the columns of a run after its account."""
    return (
        run.run_id,
        run.operation,
        encode_question(run.question),
        int(run.is_queueing),
        run.position,
        run.position_max,
        run.queued_count,
        run.refused_count,
        run.created_at,
        run.created_by,
        run.moved_at,
    )


def to_work(row: Row) -> Work:
    """Give the work of a row."""
    run_id, vehicle_id, vin, operation, state, attempts, lease_until, claimed_by, ended_at = row
    return Work(
        run_id=run_id,
        vehicle_id=vehicle_id,
        vin=vin,
        operation=operation,
        state=WorkState(state),
        attempts=attempts,
        lease_until=lease_until,
        claimed_by=claimed_by,
        ended_at=ended_at,
    )


def to_result(row: Row) -> Result:
    """Give the result of a row."""
    run_id, vehicle_id, attempt, outcome, text, given_at, given_by = row
    return Result(
        key=ClaimKey(run_id, vehicle_id, attempt),
        outcome=Outcome(outcome),
        text=text,
        given_at=given_at,
        given_by=given_by,
    )


def from_result(result: Result) -> tuple[object, ...]:
    """Give the columns of a result after its account."""
    return (*result.key, result.outcome.value, result.text, result.given_at, result.given_by)


def to_result_entry(row: Row) -> ResultEntry:
    """Give the entry of a row: a result, its operation and its vehicle's VIN."""
    *result, operation, vin = row
    return ResultEntry(result=to_result(result), operation=operation, vin=vin)


def to_refusal(row: Row) -> RunRefusal:
    """Give the refusal of a row."""
    vin, reason, status, since = row
    return RunRefusal(
        vin=vin,
        reason=RefusalReason(reason),
        status=None if status is None else VehicleStatus(status),
        since=since,
    )
