"""The watch over the event loops finds what holds one up, and nothing else."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable

import pytest

from tests import loop_watch as watching
from tests.loop_watch import CALLBACK_S_MAX, LoopWatch

LOW_S = 0.015  # the limit of the tests that need not have the real one


@pytest.fixture
def low_limit(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(watching, "CALLBACK_S_MAX", LOW_S)
    return LOW_S


def work(seconds: float) -> None:
    """Take processor time of this thread."""
    started = time.thread_time()
    while time.thread_time() - started < seconds:
        pass


async def run_late(callback: Callable[[], None]) -> None:
    """Have a callback run by the loop, and wait until it has."""
    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.slow_callback("is what the watch is to find")
async def test_a_slow_callback_is_found_and_named(loop_watch: LoopWatch) -> None:
    await run_late(lambda: work(6 * CALLBACK_S_MAX))
    (line,) = loop_watch.take_slow()
    assert "ms of processor time" in line
    assert "lambda" in line
    assert loop_watch.take_slow() == []


@pytest.mark.slow_callback("is what the watch is to find")
async def test_a_slow_step_of_a_task_is_found(loop_watch: LoopWatch, low_limit: float) -> None:
    async def step() -> None:
        await asyncio.sleep(0)
        work(6 * low_limit)

    await asyncio.create_task(step())
    assert len(loop_watch.take_slow()) == 1


@pytest.mark.slow_callback("is what the watch is to find")
def test_a_loop_of_another_thread_is_watched(loop_watch: LoopWatch, low_limit: float) -> None:
    thread = threading.Thread(target=lambda: asyncio.run(run_late(lambda: work(6 * low_limit))))
    thread.start()
    thread.join()
    assert len(loop_watch.take_slow()) == 1


async def test_waiting_is_not_working(loop_watch: LoopWatch, low_limit: float) -> None:
    await run_late(lambda: time.sleep(2 * low_limit))  # as on a machine that is busy with something else
    await asyncio.to_thread(work, 2 * low_limit)
    assert loop_watch.take_slow() == []


async def test_the_collector_of_garbage_does_not_count(loop_watch: LoopWatch, low_limit: float) -> None:
    class Loop:
        def __init__(self) -> None:
            self.itself = self

    kept = [Loop() for _ in range(20_000)]

    def collect() -> None:
        started = time.thread_time()
        while time.thread_time() - started < 6 * low_limit:
            gc.collect()

    await run_late(collect)
    assert loop_watch.take_slow() == []
    del kept


@pytest.mark.slow_callback("has three tests run, two of which are to be slow")
@pytest.mark.usefixtures("low_limit")
def test_a_test_fails_for_a_callback_that_it_made_slow(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import asyncio

        import pytest

        from tests.conftest import _watched_loop, loop_watch

        @pytest.fixture
        def event_loop_of_all():
            loop = asyncio.new_event_loop()
            yield loop
            loop.close()
        """
    )
    pytester.makepyfile(
        """
        import asyncio
        import time

        import pytest

        def work():
            started = time.thread_time()
            while time.thread_time() - started < 0.09:
                pass

        async def hold_up():
            await asyncio.sleep(0)
            work()

        def test_slow():
            asyncio.run(hold_up())

        @pytest.mark.slow_callback("for a reason")
        def test_exempt():
            asyncio.run(hold_up())

        def test_fast():
            asyncio.run(asyncio.sleep(0))
        """
    )
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = slow_callback(reason): x")
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_slow*"])
