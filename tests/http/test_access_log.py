"""Which requests get a line in the log, and what is in it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.http.watching.access_log import AccessLog, Answered, Sampler

ANSWERED = Answered(
    method="GET", route="/livez", status=200, duration_s=0.00123, byte_count=9, request_id="r-1"
)  # fmt: skip


@given(st.lists(st.floats(0, 0.3), max_size=400), st.integers(1, 50))
def test_each_event_is_in_one_line_or_waits_for_the_next(pauses: list[float], per_s: int) -> None:
    sampler = Sampler(per_s)
    now_s = 0.0
    stands_for = 0
    waiting = 0
    for pause_s in pauses:
        now_s += pause_s
        taken = sampler.take(now_s)
        waiting += 1
        stands_for += taken
        if taken:
            assert taken == waiting
            waiting = 0
    assert stands_for + waiting == len(pauses)


def test_few_events_have_a_line_each() -> None:
    sampler = Sampler(100)
    assert {sampler.take(number / 50) for number in range(500)} == {1}


@pytest.mark.parametrize("rate", [200, 5_000, 50_000])
def test_many_events_have_about_as_many_lines_a_second_as_they_may(rate: int) -> None:
    sampler = Sampler(100)
    lines = [0] * 5
    stands_for = 0
    for number in range(rate * 5):
        taken = sampler.take(number / rate)
        lines[number // rate] += taken > 0
        stands_for += taken
    assert rate * 5 - 2 * rate / 100 - 1 <= stands_for <= rate * 5  # the last ones wait for the next line
    assert lines[0] < 1_200  # a second that begins without warning
    assert all(80 <= count <= 220 for count in lines[2:]), lines


def test_after_a_busy_second_a_quiet_one_has_every_line() -> None:
    sampler = Sampler(100)
    for number in range(10_000):
        sampler.take(number / 10_000)
    assert sampler.take(5.0) > 0
    assert [sampler.take(5.1 + number / 10) for number in range(5)] == [1] * 5


def test_successes_take_no_lines_from_failures() -> None:
    log = AccessLog()
    for _ in range(5_000):
        log.take(204, 1.0)
    assert [log.take(status, 1.0) for status in (400, 404, 503)] == [1, 1, 1]


def test_a_line_has_what_is_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "padron.access")
    log = AccessLog()
    log.write(ANSWERED, 1)
    log.write(ANSWERED, 20)
    fields = [record.__dict__["fields"] for record in caplog.records]
    assert fields[0] == {
        "method": "GET", "route": "/livez", "status": 200, "durationMs": 1.23, "bytes": 9, "requestId": "r-1",
    }  # fmt: skip
    assert fields[1] == {**fields[0], "standsFor": 20}
