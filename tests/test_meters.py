"""Counters and histograms: each observation is in one bucket, and a part that fails takes no other with it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padron.meters import Family, Histogram, MeterBoard, give_gauge


@given(st.lists(st.floats(0, 100)))
def test_each_observation_is_in_the_bucket_of_its_size(values: list[float]) -> None:
    histogram = Histogram((1.0, 5.0, 25.0))
    for value in values:
        histogram.observe(value)
    copied = histogram.copy()
    assert copied.counts == (
        sum(value <= 1 for value in values),
        sum(1 < value <= 5 for value in values),
        sum(5 < value <= 25 for value in values),
        sum(value > 25 for value in values),
    )
    assert copied.total == pytest.approx(sum(values))


def test_a_copy_does_not_change() -> None:
    histogram = Histogram((1.0,))
    copied = histogram.copy()
    histogram.observe(0.5)
    assert copied.counts == (0, 0)


def test_a_part_that_fails_is_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    board = MeterBoard()
    is_failing = True

    def fail() -> list[Family]:
        if is_failing:
            raise ValueError("a planted fault")
        return [give_gauge("second", "", 2)]

    board.add(fail)
    board.add(lambda: [give_gauge("first", "", 1)])
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert [family.name for family in board.collect()] == ["first"]
    assert caplog.text.count("some metrics are left out") == 1
    is_failing = False
    assert [family.name for family in board.collect()] == ["second", "first"]
