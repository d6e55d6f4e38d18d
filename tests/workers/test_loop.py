"""What every loop in the background rests on: when its step comes, what a failure does, and how it ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from padron import loop as loop_module
from padron.domain.errors import Code, PadronError
from padron.loop import Loop

SOON_S = 0.01
LONG_S = 30.0

AWAY = PadronError(Code.STORE_UNAVAILABLE, "The database is away.")
FULL = PadronError(Code.OVERLOADED, "Too many.")

_log = logging.getLogger("padron.test")


class Steps:
    """Steps that do and give what they are told, the last one again and again; their times are noted."""

    def __init__(self, *told: float | Exception | None) -> None:
        self._told = list(told)
        self.times: list[float] = []

    async def __call__(self) -> float | None:
        self.times.append(asyncio.get_running_loop().time())
        one = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        if isinstance(one, Exception):
            raise one
        return one

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.times) < count:  # noqa: ASYNC110 - a loop has no event for it
                await asyncio.sleep(0.001)

    def list_pauses(self) -> list[float]:
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


def build(step: Callable[[], Awaitable[float | None]], **settings: Any) -> Loop:  # noqa: ANN401
    return Loop(step, name="padron-test", log=_log, failure="tests wait", **{"trouble_s": SOON_S, **settings})


def count_tasks() -> int:
    return sum(task.get_name() == "padron-test" for task in asyncio.all_tasks())


async def test_each_step_says_when_the_next_one_comes() -> None:
    steps = Steps(SOON_S, 5 * SOON_S, LONG_S)
    loop = build(steps)
    loop.start()
    await steps.wait_for(3)
    await loop.stop()
    first, second = steps.list_pauses()
    assert SOON_S * 0.9 <= first < LONG_S / 10
    assert SOON_S * 4.5 <= second < LONG_S / 10
    await asyncio.sleep(2 * SOON_S)
    assert len(steps.times) == 3


async def test_the_first_step_may_come_later() -> None:
    steps = Steps(LONG_S)
    loop = build(steps, first_s=5 * SOON_S)
    began_s = asyncio.get_running_loop().time()
    loop.start()
    loop.start()
    await steps.wait_for(1)
    await loop.stop()
    assert SOON_S * 4.5 <= steps.times[0] - began_s < LONG_S / 10
    assert len(steps.times) == 1


async def test_steps_without_a_pause_leave_room_for_others() -> None:
    steps = Steps(0.0)
    loop = build(steps)
    loop.start()
    for _ in range(20):
        await asyncio.sleep(0)
    assert 3 <= len(steps.times) <= 20
    await loop.stop()


async def test_a_pause_is_cut_short_by_waking() -> None:
    steps = Steps(LONG_S)
    loop = build(steps)
    loop.start()
    await steps.wait_for(1)
    loop.wake(5 * SOON_S)
    loop.wake(2 * LONG_S)  # which puts nothing off
    await steps.wait_for(2)
    await loop.stop()
    assert SOON_S * 4.5 <= steps.list_pauses()[0] < LONG_S / 10


async def test_a_loop_that_sleeps_begins_with_its_first_waking() -> None:
    steps = Steps(None)
    loop = build(steps, first_s=None)
    asleep = [loop.is_asleep]
    loop.wake()
    asleep.append(loop.is_asleep)
    await steps.wait_for(1)
    await asyncio.sleep(SOON_S)
    asleep.append(loop.is_asleep)
    loop.wake()
    await steps.wait_for(2)
    await loop.stop()
    assert (asleep, len(steps.times)) == ([True, False, True], 2)


async def test_whoever_wakes_it_during_a_step_gets_another_one() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    count = 0

    async def step() -> float | None:
        nonlocal count
        count += 1
        began.set()
        await may_end.wait()
        return None

    loop = build(step)
    loop.start()
    await began.wait()
    assert not loop.is_asleep
    loop.wake()
    may_end.set()
    async with asyncio.timeout(5):
        while count < 2:  # noqa: ASYNC110 - a loop has no event for it
            await asyncio.sleep(0.001)
    await asyncio.sleep(SOON_S)
    await loop.stop()
    assert count == 2


async def test_a_failure_is_followed_by_a_pause_that_nobody_cuts_short() -> None:
    steps = Steps(AWAY, ValueError("a mistake"), 0.0, LONG_S)
    loop = build(steps, trouble_s=10 * SOON_S)
    loop.start()
    await steps.wait_for(1)
    loop.wake()
    await steps.wait_for(4)
    await loop.stop()
    first, second, third = steps.list_pauses()
    assert 9 * SOON_S <= first < LONG_S / 10
    assert 9 * SOON_S <= second < LONG_S / 10
    assert third < 9 * SOON_S


async def test_an_outage_is_logged_when_it_begins_when_it_changes_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    steps = Steps(AWAY, AWAY, AWAY, KeyError("x"), KeyError("y"), FULL, 0.0, 0.0, AWAY, LONG_S)
    loop = build(steps, trouble_s=0.001)
    loop.start()
    await steps.wait_for(10)
    await loop.stop()
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("WARNING", "tests wait: The database is away."),
        ("ERROR", "tests wait"),
        ("WARNING", "tests wait: Too many."),
        ("INFO", "tests wait: this is over, after 6 failures"),
        ("WARNING", "tests wait: The database is away."),
        ("INFO", "tests wait: this is over, after 1 failures"),
    ]
    assert caplog.records[1].exc_info is not None


async def test_stopping_ends_a_pause_at_once_and_nothing_begins_again() -> None:
    steps = Steps(LONG_S)
    loop = build(steps)
    loop.start()
    await steps.wait_for(1)
    async with asyncio.timeout(1):
        await loop.stop(LONG_S)
    assert count_tasks() == 0
    loop.wake()
    loop.start()
    await asyncio.sleep(SOON_S)
    assert (len(steps.times), count_tasks(), loop.is_stopping) == (1, 0, True)


async def test_stopping_a_loop_that_never_began_does_nothing() -> None:
    loop = build(Steps(LONG_S))
    await loop.stop(LONG_S)
    loop.start()
    assert count_tasks() == 0


async def test_stopping_waits_for_the_step_under_way() -> None:
    began, ended = asyncio.Event(), []

    async def step() -> float:
        began.set()
        await asyncio.sleep(5 * SOON_S)
        ended.append(True)
        return 0.0

    loop = build(step)
    loop.start()
    await began.wait()
    await loop.stop(LONG_S)
    assert ended == [True]


async def test_a_step_that_takes_too_long_is_cancelled() -> None:
    began, cancelled = asyncio.Event(), []

    async def step() -> float:
        began.set()
        try:
            await asyncio.sleep(LONG_S)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return 0.0

    loop = build(step)
    loop.start()
    await began.wait()
    async with asyncio.timeout(1):
        await loop.stop(SOON_S)
    assert (cancelled, count_tasks()) == ([True], 0)


async def test_stopping_does_not_wait_for_ever_for_a_step_that_cannot_be_cancelled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop_module, "CANCEL_S_MAX", SOON_S)
    may_end = asyncio.Event()

    async def step() -> float:
        for _ in range(2):  # a step that was never to end would outlive this very test
            with suppress(asyncio.CancelledError):
                await may_end.wait()
        return 0.0

    loop = build(step)
    loop.start()
    await asyncio.sleep(SOON_S)
    async with asyncio.timeout(1):
        await loop.stop()
    assert "the task padron-test does not end" in caplog.text
    may_end.set()
    async with asyncio.timeout(1):
        while count_tasks():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)


async def test_whoever_stops_it_can_be_cancelled_meanwhile() -> None:
    began = asyncio.Event()

    async def step() -> float:
        began.set()
        await asyncio.sleep(LONG_S)
        return 0.0

    loop = build(step)
    loop.start()
    await began.wait()
    stopping = asyncio.create_task(loop.stop(LONG_S))
    await asyncio.sleep(SOON_S)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await loop.stop()


async def test_a_cancelled_loop_ends_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps(LONG_S)
    loop = build(steps)
    loop.start()
    await steps.wait_for(1)
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "padron-test"]
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()
    assert caplog.records == []
    await loop.stop()


async def test_a_loop_that_is_cancelled_in_the_middle_of_a_step_ends_and_logs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began = asyncio.Event()

    async def step() -> float:
        began.set()
        await asyncio.sleep(LONG_S)
        return 0.0

    build(step).start()
    await began.wait()
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "padron-test"]
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()
    assert caplog.records == []


async def test_no_step_begins_once_the_loop_is_told_to_stop() -> None:
    steps = Steps(0.0)
    loop = build(steps)
    loop.start()
    await steps.wait_for(3)
    before = len(steps.times)
    loop.tell_to_stop()
    await loop.stop(LONG_S)
    assert len(steps.times) == before


async def test_a_pause_inside_of_a_step_ends_when_the_loop_is_to_stop() -> None:
    async def step() -> float:
        await loop.pause(LONG_S)
        return LONG_S

    loop = build(step)
    loop.start()
    await asyncio.sleep(SOON_S)
    async with asyncio.timeout(1):
        await loop.stop(LONG_S)
    assert count_tasks() == 0
