"""What a planned change does once it is due, and which instants may be asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain.change import (
    REASON_LENGTH_MAX,
    NumberedChange,
    PlanRequest,
    StatusRequest,
    build_status_change,
    decide,
)
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant, parse_instant
from padron.domain.plan import (
    PLANNED_WITHIN,
    LaterChange,
    Plan,
    PlanKind,
    PlanState,
    Target,
    build_change_plan,
    build_return_plan,
    cancel,
    check_times,
    execute,
    format_plan_id,
    move_return,
)
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from tests.cast import HUMMER, NOON, after, make_vehicle
from tests.tables import each_row

statuses = st.sampled_from(list(SETTABLE_STATUSES.values()))
instants = st.builds(
    lambda microseconds, minutes: (datetime(2, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(
        timezone(timedelta(minutes=minutes))
    ),
    st.integers(0, 9_996 * 365 * 86_400 * 1_000_000),
    st.integers(-14 * 60, 14 * 60),
)
LATER = LaterChange(by="Gamma", request_id="r-9")


def make_request(
    effective_at: datetime | None = None,
    until: datetime | None = None,
    *,
    status: VehicleStatus = VehicleStatus.IN_THE_SHOP,
    reason: str | None = "Brakes",
    revisions: frozenset[str] | None = None,
) -> PlanRequest:
    return PlanRequest(
        vin=HUMMER, status=status, reason=reason, revisions=revisions, by="Acme", request_id="r-1",
        effective_at=effective_at, until=until,
    )  # fmt: skip


def make_plan(status: VehicleStatus = VehicleStatus.IN_THE_SHOP, until: datetime | None = None) -> Plan:
    request = make_request(after(60), until, status=status)
    return build_change_plan(request, make_vehicle(vehicle_id=7), "p-1", NOON)


def make_return(to: VehicleStatus = VehicleStatus.ACTIVE, reason: str | None = "Brakes") -> Plan:
    vehicle = replace(make_vehicle(vehicle_id=7), status=to)
    change = build_status_change(
        vehicle, VehicleStatus.IN_THE_SHOP, at=NOON, by="Acme", request_id="r-1", reason=reason
    )
    return build_return_plan(NumberedChange(number=5, change=change), until=after(60), plan_id="p-2")


@given(planned=statuses, present=statuses, until=st.none() | st.just(after(90)))
def test_a_plan_makes_its_change_or_finds_the_status_there(
    planned: VehicleStatus, present: VehicleStatus, until: datetime | None
) -> None:
    vehicle = replace(make_vehicle(vehicle_id=7), status=present)
    executed = execute(make_plan(planned, until), Target(vehicle=vehicle), after(61))
    ended, change = executed.plan, executed.change
    assert (ended.state, ended.ended_at, ended.ended_by) == (PlanState.EXECUTED, after(61), None)
    assert (change is None) is (planned is present)
    assert (ended.detail is None) is (change is not None)
    if change is not None:
        assert (change.from_status, change.vehicle.status, change.at) == (present, planned, after(61))
        assert (change.by, change.request_id, change.reason) == ("Acme", "r-1", "Brakes")
        assert change.vehicle.revision == vehicle.revision + 1


@given(to=statuses, present=statuses, later=st.booleans())
def test_a_return_is_void_once_another_change_of_status_came(
    to: VehicleStatus,
    present: VehicleStatus,
    later: bool,  # noqa: FBT001
) -> None:
    vehicle = replace(make_vehicle(vehicle_id=7), status=present)
    target = Target(vehicle=vehicle, later=LATER if later else None)
    executed = execute(make_return(to), target, after(61))
    ended, change = executed.plan, executed.change
    if later:
        assert (ended.state, change) == (PlanState.LAPSED, None)
        assert ended.detail == "The request r-9 of Gamma set another status before that."
    else:
        assert ended.state is PlanState.EXECUTED
        assert (change is None) is (to is present)


def test_a_later_change_does_not_void_a_planned_change() -> None:
    vehicle = make_vehicle(vehicle_id=7)
    executed = execute(make_plan(), Target(vehicle=vehicle, later=LATER), after(61))
    ended, change = executed.plan, executed.change
    assert (ended.state, change is not None) == (PlanState.EXECUTED, True)


@each_row("plan", [make_plan(), make_return()])
@each_row(
    "target, said",
    [
        (Target(vehicle=None, namesake_count=0), "no longer in the register"),
        (Target(vehicle=make_vehicle(vehicle_id=7), namesake_count=2), "2 current vehicles with the VIN"),
    ],
)
def test_a_plan_whose_vehicle_is_not_the_only_one_any_more_is_refused(plan: Plan, target: Target, said: str) -> None:
    executed = execute(plan, target, after(61))
    ended, change = executed.plan, executed.change
    assert (ended.state, change) == (PlanState.REFUSED, None)
    assert ended.detail is not None
    assert said in ended.detail


def test_a_return_says_what_it_ends_within_the_length_of_a_reason() -> None:
    assert make_return().reason == "Back from In the Shop, as planned: Brakes"
    assert make_return(reason=None).reason == "Back from In the Shop, as planned"
    assert len(make_return(reason="x" * REASON_LENGTH_MAX).reason or "") == REASON_LENGTH_MAX
    plan = make_return()
    assert (plan.kind, plan.reverts, plan.vehicle_id, plan.request_id) == (PlanKind.RETURN, 5, 7, "r-1")


@each_row("state", [state for state in PlanState if state is not PlanState.PENDING])
def test_only_what_is_pending_can_be_cancelled(state: PlanState) -> None:
    cancelled = cancel(make_plan(), at=after(5), by="Gamma", request_id="r-2")
    assert (cancelled.state, cancelled.ended_at) == (PlanState.CANCELLED, after(5))
    assert (cancelled.ended_by, cancelled.ended_request_id) == ("Gamma", "r-2")
    with pytest.raises(PadronError) as refusal:
        cancel(replace(make_plan(), state=state, ended_at=after(5)), at=after(6), by="Gamma", request_id="r-3")
    assert refusal.value.code is Code.PLAN_ENDED
    assert f"it ended at 2026-03-01T12:00:05Z ({state.value})" in refusal.value.detail


def test_a_return_moves_to_another_instant_only() -> None:
    plan = make_return()
    assert move_return(plan, make_request(until=plan.effective_at), "p-3", after(5)) is None
    moved = move_return(plan, make_request(until=after(90)), "p-3", after(5))
    assert moved is not None
    assert moved.cancelled.state is PlanState.CANCELLED
    assert moved.added == replace(plan, plan_id="p-3", effective_at=after(90), created_at=after(5))


def test_what_is_for_later_changes_nothing_now_but_must_name_one_vehicle_at_its_revision() -> None:
    vehicle = make_vehicle(vehicle_id=7)
    later = make_request(after(60))
    assert decide([vehicle], later) is None
    assert decide([vehicle], make_request(until=after(60))) is vehicle
    for current, request, code in (
        ([], later, Code.VEHICLE_NOT_FOUND),
        ([vehicle, vehicle], later, Code.MULTIPLE_VEHICLES_FOUND),
        ([vehicle], make_request(after(60), revisions=frozenset({"9"})), Code.REVISION_MISMATCH),
        ([vehicle], make_request(until=after(60), status=VehicleStatus.ACTIVE), Code.NOTHING_TO_BRING_BACK),
    ):
        with pytest.raises(PadronError) as refusal:
            decide(current, request)
        assert refusal.value.code is code
    keeps = replace(make_request(until=after(60), status=VehicleStatus.ACTIVE), is_returning=True)
    assert decide([vehicle], keeps) is None
    plain = StatusRequest(
        vin=HUMMER, status=VehicleStatus.ACTIVE, reason=None, revisions=None, by="Acme", request_id="r-1"
    )
    assert decide([vehicle], plain) is None


@each_row(
    "begins, ends, is_right",
    [
        (0.000001, None, True),
        (0, None, False),
        (-1, None, False),
        (None, 0.000001, True),
        (None, 0, False),
        (5, 5, False),
        (5, 5.000001, True),
        (5, 4, False),
        (PLANNED_WITHIN.total_seconds(), None, True),
        (PLANNED_WITHIN.total_seconds() + 0.000001, None, False),
        (None, PLANNED_WITHIN.total_seconds(), True),
        (1, PLANNED_WITHIN.total_seconds() + 0.000001, False),
    ],
)
def test_instants_lie_ahead_in_order_and_within_ten_years(
    begins: float | None,
    ends: float | None,
    is_right: bool,  # noqa: FBT001
) -> None:
    request = make_request(*(None if one is None else after(one) for one in (begins, ends)))
    if is_right:
        check_times(request, NOON)
        return
    with pytest.raises(PadronError) as refusal:
        check_times(request, NOON)
    assert refusal.value.code is Code.BAD_PARAMETERS


@given(instants)
def test_an_instant_is_read_as_it_is_written(at: datetime) -> None:
    assert parse_instant("until", at.isoformat()) == at
    assert parse_instant("until", format_instant(at.astimezone(UTC))) == at


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?[Z+-]?.{0,6}"))
def test_any_other_text_is_refused_and_never_guessed(text: str) -> None:
    try:
        at = parse_instant("until", text)
    except PadronError as refusal:
        assert refusal.detail.isprintable()  # noqa: PT017 - whether it is refused is for the text to say
        return
    assert at.utcoffset() == timedelta(0)
    assert text[10] in "Tt"
    assert text[-1] in "Zz" or text[-6] in "+-"


@given(st.integers(0, 2**56 - 1), st.integers(0, 998))
def test_ids_sort_as_they_were_made(microseconds: int, place: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    first, second = format_plan_id(at, place, 2**48 - 1), format_plan_id(at, place + 1, 0)
    assert first < second
    assert len(first) == len(second) == 30
