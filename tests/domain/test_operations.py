"""The rules of operations: who is queued, what a claim and a result do to work."""

from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.gate import RefusalReason
from padron.domain.operation import (
    ClaimKey,
    Operation,
    Outcome,
    Result,
    Work,
    WorkState,
    check_operation_name,
    decide_result,
    format_claim_id,
    format_run_id,
    hand_out,
    make_run_id,
    parse_claim_id,
    parse_run_id,
    sort_out,
)
from padron.domain.status import OPERATIONAL_STATUSES, SETTABLE_STATUSES, VehicleStatus, is_operational
from padron.domain.vin import Vin
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, after, info_changed, make_vehicle, status_changed
from tests.tables import each_row

OPERATION = Operation(name="poll", description="", lease_s=60, attempts_max=3, created_at=NOON, updated_at=NOON)
WORK = Work(
    run_id=7,
    vehicle_id=42,
    vin=HUMMER,
    operation="poll",
    state=WorkState.QUEUED,
    attempts=0,
    lease_until=None,
    claimed_by=None,
    ended_at=None,
)
CLAIMED = replace(WORK, state=WorkState.CLAIMED, attempts=2, lease_until=after(60), claimed_by="k1")


def give(attempt: int = 2, outcome: Outcome = Outcome.SUCCEEDED, text: str = "1") -> Result:
    return Result(key=ClaimKey(7, 42, attempt), outcome=outcome, text=text, given_at=after(9), given_by="k1")


def refuse(work: Work | None, stored: Result | None, given: Result) -> Code:
    with pytest.raises(PadronError) as refusal:
        decide_result(work, stored, given, 3)
    return refusal.value.code


def test_only_active_is_operational() -> None:
    assert OPERATIONAL_STATUSES == (VehicleStatus.ACTIVE,)


@each_row("status", SETTABLE_STATUSES.values())
def test_a_vehicle_is_queued_if_it_is_operational(status: VehicleStatus) -> None:
    sorted_out = sort_out([HUMMER], [replace(make_vehicle(HUMMER), status=status)])
    queued, refused = sorted_out.queued, sorted_out.refused
    assert bool(queued) is is_operational(status) is not bool(refused)


def test_vehicles_are_sorted_out_in_the_order_asked_for_each_once() -> None:
    found = [make_vehicle(HUMMER), make_vehicle(JEEP), make_vehicle(JEEP, slot=1)]
    sorted_out = sort_out([JEEP, HUMMER, UNKNOWN_VIN, JEEP, HUMMER], found)
    queued, refused = sorted_out.queued, sorted_out.refused
    assert [vehicle.vin for vehicle in queued] == [HUMMER]
    assert [(one.vin, one.reason) for one in refused] == [
        (JEEP, RefusalReason.SEVERAL),
        (UNKNOWN_VIN, RefusalReason.UNKNOWN),
    ]


def test_a_claim_counts_an_attempt_and_has_a_lease() -> None:
    claimed = hand_out(WORK, OPERATION, at=NOON, by="k2")
    assert claimed == replace(
        WORK, state=WorkState.CLAIMED, attempts=1, lease_until=NOON + timedelta(seconds=60), claimed_by="k2"
    )


def test_without_attempts_left_nothing_is_handed_out() -> None:
    spent = hand_out(replace(CLAIMED, attempts=3), OPERATION, at=NOON, by="k2")
    assert (spent.state, spent.attempts, spent.claimed_by) == (WorkState.EXHAUSTED, 3, "k1")


def test_a_success_ends_the_work_and_a_failure_queues_it_while_attempts_are_left() -> None:
    done = decide_result(CLAIMED, None, give(), 3)
    again = decide_result(CLAIMED, None, give(outcome=Outcome.FAILED), 3)
    failed = decide_result(CLAIMED, None, give(outcome=Outcome.FAILED), 2)
    assert [work and work.state for work in (done, again, failed)] == [
        WorkState.SUCCEEDED,
        WorkState.QUEUED,
        WorkState.FAILED,
    ]


def test_the_same_result_again_does_nothing_and_another_is_refused() -> None:
    for state in WorkState:
        assert decide_result(replace(CLAIMED, state=state), give(), give(), 3) is None
        assert refuse(replace(CLAIMED, state=state), give(), give(text="2")) is Code.CLAIM_ANSWERED
        assert refuse(replace(CLAIMED, state=state), give(), give(outcome=Outcome.FAILED)) is Code.CLAIM_ANSWERED


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_withdrawn_claim_is_refused_whatever_its_attempt(attempt: int) -> None:
    assert refuse(replace(CLAIMED, state=WorkState.WITHDRAWN), None, give(attempt)) is Code.CLAIM_WITHDRAWN


def test_an_earlier_attempt_is_refused_and_one_that_never_was_is_not_found() -> None:
    assert refuse(CLAIMED, None, give(1)) is Code.CLAIM_EXPIRED
    for attempt in (0, 3):
        assert refuse(CLAIMED, None, give(attempt)) is Code.CLAIM_NOT_FOUND
    assert refuse(None, None, give()) is Code.CLAIM_NOT_FOUND


def test_a_late_result_of_exhausted_work_is_taken() -> None:
    done = decide_result(replace(CLAIMED, state=WorkState.EXHAUSTED), None, give(), 2)
    assert done is not None
    assert done.state is WorkState.SUCCEEDED


def test_ids_are_read_back_and_later_runs_have_higher_ones() -> None:
    first, second = make_run_id(NOON, 2**32 - 1), make_run_id(after(0.001), 0)
    assert first < second < 2**63
    assert parse_run_id(format_run_id(first)) == first
    key = ClaimKey(first, 42, 3)
    assert parse_claim_id(format_claim_id(key)) == key


@each_row("text", ["", "x", "f" * 16, "0" * 15, "0" * 17, "0" * 15 + "A", " " + "0" * 15, "\u0660" * 16])
def test_what_is_no_id_is_none(text: str) -> None:
    assert parse_run_id(text) is None
    assert parse_claim_id(f"{text}-1-1") is None


@each_row("name", ["", "-a", "A", "a_b", "a" * 65, "é", "a\n", "\uff11"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(PadronError):
        check_operation_name(name)


def test_a_vin_found_under_another_is_not_queued() -> None:
    sorted_out = sort_out([Vin(HUMMER)], [make_vehicle(JEEP)])
    queued, refused = sorted_out.queued, sorted_out.refused
    assert (queued, len(refused)) == ([], 1)


@each_row("before", SETTABLE_STATUSES.values())
def test_a_change_deactivates_when_it_ends_what_was_operational(before: VehicleStatus) -> None:
    vehicle = replace(make_vehicle(HUMMER), status=before)
    for now in SETTABLE_STATUSES.values():
        assert status_changed(vehicle, now).deactivates is (is_operational(before) and not is_operational(now)), now
        edited = info_changed(replace(vehicle, status=now), {}, {"axes": "2"})
        assert not edited.deactivates
