"""Which changes an endpoint hears of, when a delivery is tried again, and when an endpoint is switched off."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.domain import webhook
from padron.domain.change import ChangeType, FeedEntry, HistoryEntry
from padron.domain.errors import PadronError
from padron.domain.status import VehicleStatus
from padron.domain.webhook import (
    EVENT_TYPES,
    FAILING_MAX,
    JITTER,
    RETRY_AFTER_MAX,
    SCHEDULE,
    TRIES_MAX,
    Answer,
    Delivery,
    DeliveryState,
    Endpoint,
    EventType,
    Filter,
    OffReason,
    give_pause,
    note_answer,
    parse_filter,
    settle,
)
from tests.cast import HUMMER, NOON
from tests.tables import each_row

ALL = frozenset(EventType)


def test_each_kind_of_change_is_told_as_one_event_and_each_event_tells_of_one_kind() -> None:
    assert {*EVENT_TYPES} == {*ChangeType}
    assert [*EVENT_TYPES.values()] == [*EventType]


chances = st.floats(0, 1)
settable = st.sampled_from([status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED])


def answered(status: int | None, retry_after: timedelta | None = None) -> Answer:
    return Answer(status=status, retry_after=retry_after, duration=timedelta(0))


def make_endpoint() -> Endpoint:
    return Endpoint(
        endpoint_id="e" * 22,
        url="https://fleet.example/hook",
        description="",
        filter=Filter(event_types=ALL),
        secret="whsec_" + "A" * 43 + "=",
        position=0,
        created_at=NOON,
        updated_at=NOON,
    )


def make_delivery(number: int = 1) -> Delivery:
    return Delivery(
        endpoint_id="e" * 22,
        number=number,
        vehicle_id=1,
        state=DeliveryState.PENDING,
        tries=0,
        attempts=0,
        due_at=NOON,
        settled_at=None,
    )


def make_entry(
    kind: ChangeType = ChangeType.STATUS_CHANGED,
    left: VehicleStatus | None = VehicleStatus.ACTIVE,
    entered: VehicleStatus = VehicleStatus.STOLEN,
    number: int = 1,
) -> FeedEntry:
    change = HistoryEntry(
        number=number,
        type=kind,
        at=NOON,
        by="Acme",
        request_id="r",
        from_status=left,
        to_status=entered,
        reason=None,
        differences=None,
    )
    return FeedEntry(change=change, vehicle_id=1, vin=HUMMER, is_operational=False)


def test_the_schedule_has_ten_attempts_within_75_hours_and_35_minutes() -> None:
    assert TRIES_MAX == 10
    assert sum(SCHEDULE, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)
    assert SCHEDULE[0] == timedelta(0)
    assert list(SCHEDULE) == sorted(SCHEDULE)


@given(st.integers(1, TRIES_MAX - 1), chances)
def test_a_pause_lies_within_a_tenth_of_the_schedule(tries: int, chance: float) -> None:
    pause = give_pause(tries, chance)
    assert pause is not None
    assert SCHEDULE[tries] * (1 - JITTER) <= pause <= SCHEDULE[tries] * (1 + JITTER)


@given(st.integers(1, TRIES_MAX - 1))
def test_the_jitter_uses_its_whole_room(tries: int) -> None:
    assert give_pause(tries, 0) != give_pause(tries, 1)


@given(st.lists(chances, min_size=TRIES_MAX, max_size=TRIES_MAX))
def test_a_delivery_that_always_fails_is_tried_ten_times_in_about_75_hours(drawn: list[float]) -> None:
    delivery = make_delivery()
    for chance in drawn[:-1]:
        before = delivery
        delivery = settle(delivery, answered(500), delivery.due_at, chance)
        assert delivery.state is DeliveryState.PENDING
        assert delivery.due_at > before.due_at
    assert timedelta(hours=68) <= delivery.due_at - NOON <= timedelta(hours=84)
    last = settle(delivery, answered(500), delivery.due_at, drawn[-1])
    assert (last.state, last.tries, last.settled_at) == (DeliveryState.FAILED, TRIES_MAX, delivery.due_at)


@given(st.integers(200, 299), st.integers(0, TRIES_MAX - 1))
def test_any_2xx_is_success(status: int, tries: int) -> None:
    after = settle(replace(make_delivery(), tries=tries), answered(status), NOON, 0.5)
    assert (after.state, after.settled_at) == (DeliveryState.DELIVERED, NOON)


@given(st.one_of(st.none(), st.integers(100, 199), st.integers(300, 599)))
def test_everything_else_is_failure_redirects_too(status: int | None) -> None:
    assert settle(make_delivery(), answered(status), NOON, 0.5).state is DeliveryState.PENDING


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@given(seconds=st.integers(0, 10**9), chance=chances)
def test_retry_after_is_honoured_up_to_a_day_and_never_shortens_the_schedule(
    status: int, seconds: int, chance: float
) -> None:
    asked = timedelta(seconds=seconds)
    after = settle(make_delivery(), answered(status, asked), NOON, chance)
    pause = give_pause(1, chance)
    assert pause is not None
    assert after.due_at - NOON == max(pause, min(asked, RETRY_AFTER_MAX))
    endpoint = note_answer(make_endpoint(), answered(status, asked), NOON)
    assert endpoint.rest_until == (NOON + min(asked, RETRY_AFTER_MAX) if seconds else None)


@each_row("status", [200, 301, 400, 404, 500])
def test_retry_after_counts_with_no_other_status(status: int) -> None:
    assert note_answer(make_endpoint(), answered(status, timedelta(hours=1)), NOON).rest_until is None


def test_a_rest_is_never_shortened_by_a_later_answer() -> None:
    endpoint = note_answer(make_endpoint(), answered(503, timedelta(hours=2)), NOON)
    endpoint = note_answer(endpoint, answered(503, timedelta(hours=1)), NOON)
    assert endpoint.rest_until == NOON + timedelta(hours=2)
    assert not endpoint.may_send(NOON + timedelta(minutes=119))
    assert endpoint.may_send(NOON + timedelta(hours=2))


def test_410_switches_the_endpoint_off_and_the_delivery_waits() -> None:
    endpoint = note_answer(make_endpoint(), answered(410), NOON)
    assert (endpoint.off_reason, endpoint.off_at) == (OffReason.GONE, NOON)
    assert settle(replace(make_delivery(), tries=TRIES_MAX - 1), answered(410), NOON, 0).state is DeliveryState.PENDING


def test_five_days_of_failures_switch_it_off_and_one_success_begins_anew() -> None:
    endpoint = note_answer(make_endpoint(), answered(500), NOON)
    late = NOON + FAILING_MAX - timedelta(seconds=1)
    assert note_answer(endpoint, answered(None), late).off_reason is None
    assert note_answer(endpoint, answered(None), NOON + FAILING_MAX).off_reason is OffReason.FAILING
    healed = note_answer(endpoint, answered(204), late)
    assert healed.failing_since is None
    assert note_answer(healed, answered(500), NOON + FAILING_MAX).off_reason is None


def test_the_first_reason_stays_until_it_is_switched_on() -> None:
    off = webhook.switch_off(make_endpoint(), OffReason.GONE, NOON)
    assert webhook.switch_off(off, OffReason.FAILING, NOON + FAILING_MAX) == off
    on = webhook.revive(replace(off, failing_since=NOON, rest_until=NOON), NOON)
    assert (on.off_reason, on.off_at, on.failing_since, on.rest_until) == (None, None, None, None)
    assert on.wake_at == NOON


@given(st.sampled_from(ChangeType), settable, settable, st.frozensets(settable), st.frozensets(settable))
def test_only_status_changes_are_filtered_by_status(
    kind: ChangeType,
    left: VehicleStatus,
    entered: VehicleStatus,
    statuses_left: frozenset[VehicleStatus],
    statuses_entered: frozenset[VehicleStatus],
) -> None:
    chosen = Filter(event_types=ALL, statuses_left=statuses_left, statuses_entered=statuses_entered)
    fits = chosen.fits(make_entry(kind, left, entered))
    if kind is not ChangeType.STATUS_CHANGED or not (statuses_left | statuses_entered):
        assert fits
    else:
        assert fits == (left in statuses_left or entered in statuses_entered)


@given(st.sampled_from(ChangeType), st.frozensets(st.sampled_from(EventType), min_size=1))
def test_an_event_type_that_was_not_chosen_is_left_out(kind: ChangeType, types: frozenset[EventType]) -> None:
    assert Filter(event_types=types).fits(make_entry(kind)) == (webhook.EVENT_TYPES[kind] in types)


def test_cutting_moves_behind_every_change_and_delivers_those_that_fit() -> None:
    endpoint = replace(make_endpoint(), filter=Filter(event_types=frozenset({EventType.VEHICLE_REGISTERED})))
    entries = [make_entry(number=1), make_entry(ChangeType.REGISTERED, None, number=2), make_entry(number=3)]
    cut = webhook.cut(endpoint, entries, NOON)
    moved, deliveries = cut.endpoint, cut.deliveries
    assert moved.position == 3
    assert [delivery.number for delivery in deliveries] == [2]
    assert webhook.cut(endpoint, [], NOON) == webhook.Cut(endpoint=endpoint, deliveries=[])


@each_row(
    "types, statuses", [([], []), (["vehicle.sold"], []), (["webhook.test"], []), (list(ALL), [2]), (list(ALL), [10])]
)
def test_a_filter_that_nothing_could_fit_is_refused(types: list[str], statuses: list[int]) -> None:
    with pytest.raises(PadronError):
        parse_filter(types, statuses, [])
    if types == list(ALL):
        with pytest.raises(PadronError):
            parse_filter(types, [], statuses)


@pytest.mark.parametrize("after", [-1, 8, 2**64])
def test_a_replay_goes_back_and_never_ahead(after: int) -> None:
    endpoint = replace(make_endpoint(), position=7)
    webhook.check_replay(endpoint, 7)
    webhook.check_replay(endpoint, 0)
    with pytest.raises(PadronError):
        webhook.check_replay(endpoint, after)


def test_a_replaced_secret_signs_for_a_day_and_is_in_no_printed_form() -> None:
    rotated = webhook.rotate_secret(make_endpoint(), "whsec_new", NOON)
    assert rotated.list_secrets(NOON) == ["whsec_new", make_endpoint().secret]
    assert rotated.list_secrets(NOON + timedelta(hours=24)) == ["whsec_new"]
    assert "whsec_" not in repr(rotated)
