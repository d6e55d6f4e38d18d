"""Watches every event loop of the tests: a callback that takes over 250 ms of processor time holds up all calls.

The watch measures processor time of the callback's thread, not time by the clock. It leaves out the time of the
garbage collector, because tests make much more garbage than a server does. On a busy machine the same work takes more
processor time too: cores share their units and caches. So the limit grows by as much as a fixed piece of work is slower
at that moment than it was at its best.
"""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

CALLBACK_S_MAX = 0.25  # a quarter of what trust allows; half as much was now and then the machine's own work
TRACED_FACTOR = 4  # what measuring coverage makes of it
PACE_STEPS = 30_000  # of the fixed piece of work: about a millisecond
PACE_ROUNDS = 5

_RunHandle = Callable[[asyncio.Handle], None]


class LoopWatch:
    """Collects what was slow since it was last asked, in whatever thread a loop ran."""

    def __init__(self) -> None:
        self._slow: list[str] = []
        self._collecting = threading.local()
        self._run: _RunHandle | None = None
        self._best_s = measure_pace()

    def install(self) -> None:
        """Begin to watch: every callback of every loop of Python's own comes through ``Handle._run``."""
        handle: Any = asyncio.Handle
        self._run = run = handle._run
        thread_time, clock, collecting = time.thread_time, time.perf_counter, self._collecting

        def run_watched(handle: asyncio.Handle) -> None:
            collected_s = getattr(collecting, "total_s", 0.0)
            started_s, began_s = thread_time(), clock()
            run(handle)
            if clock() - began_s > CALLBACK_S_MAX:  # asking this clock costs a tenth of asking the other one
                taken_s = thread_time() - started_s
                if taken_s > CALLBACK_S_MAX:
                    self._note(handle, taken_s - (getattr(collecting, "total_s", 0.0) - collected_s))

        handle._run = run_watched
        gc.callbacks.append(self._count_collection)

    def uninstall(self) -> None:
        """Watch no more."""
        handle: Any = asyncio.Handle
        handle._run = self._run
        gc.callbacks.remove(self._count_collection)

    def take_slow(self) -> list[str]:
        """Give a line for each callback that was slow, and forget it."""
        slow, self._slow = self._slow, []
        return slow

    def _note(self, handle: asyncio.Handle, taken_s: float) -> None:
        is_traced = sys.gettrace() is not None or "coverage" in sys.modules
        pace_s = measure_pace()
        self._best_s = min(self._best_s, pace_s)
        if taken_s > CALLBACK_S_MAX * (TRACED_FACTOR if is_traced else 1) * pace_s / self._best_s:
            self._slow.append(f"{taken_s * 1_000:.0f} ms of processor time in {repr(handle)[:300]}")

    def _count_collection(self, phase: str, _: dict[str, int]) -> None:
        own = self._collecting
        if phase == "start":
            own.began_s = time.thread_time()
        elif hasattr(own, "began_s"):
            own.total_s = getattr(own, "total_s", 0.0) + time.thread_time() - own.began_s


def measure_pace() -> float:
    """Give the seconds of processor time that a fixed piece of work takes now: the median of some rounds."""
    times = []
    for _ in range(PACE_ROUNDS):
        started_s = time.thread_time()
        sum(range(PACE_STEPS))
        times.append(time.thread_time() - started_s)
    return sorted(times)[PACE_ROUNDS // 2]
