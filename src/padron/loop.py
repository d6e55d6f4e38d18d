"""Calls a step again and again in the background: one way to start, wait, wake, fail, log and stop.

It lies below the rooms that have something to repeat, so that each of them may use it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf

from padron.domain.errors import PadronError

TROUBLE_S = 1.0  # the pause after a step that failed
CANCEL_S_MAX = 1.0  # for a step that was cancelled to end

# Does what is to be done now, and gives the seconds until the next step; None sleeps until the loop is woken.
Step = Callable[[], Awaitable[float | None]]


class Loop:
    """Repeats a step. A step that fails is repeated after a pause, and stops nothing.

    The first failure of an outage is logged, and its end; what fails in another way meanwhile is logged too.
    """

    def __init__(
        self,
        step: Step,
        *,
        name: str,
        log: logging.Logger,
        failure: str,
        first_s: float | None = 0.0,
        trouble_s: float = TROUBLE_S,
    ) -> None:
        """``name`` is the task's, ``failure`` the words in the log; ``first_s`` is as what a step gives."""
        self._step = step
        self._name = name
        self._log = log
        self._failure = failure
        self._first_s = first_s
        self._trouble_s = trouble_s
        self._due_s = inf  # by the event loop's clock
        self._rests_until_s = -inf  # after a failure; nobody can wake the loop before
        self._failing: object = None  # how the steps fail at present
        self._failures_count = 0
        self._is_stepping = False
        self._moved = asyncio.Event()  # the next step is due sooner, or never
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_asleep(self) -> bool:
        """Say whether there will be no step until somebody wakes the loop."""
        return self._due_s == inf and not self._is_stepping

    @property
    def is_stopping(self) -> bool:
        """Say whether the loop must stop: a long step may end early then."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin, unless it has begun or was stopped."""
        if self._task is None and not self.is_stopping:
            self._plan(self._first_s)
            self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self, after_s: float = 0.0) -> None:
        """Have a step after so many seconds, if none is due sooner. Starts a loop that has not begun."""
        self.start()
        self._plan(after_s)
        self._moved.set()

    def tell_to_stop(self) -> None:
        """Begin no further step. A pause ends at once."""
        self._stopping.set()
        self._moved.set()

    async def stop(self, within_s: float = 0.0) -> None:
        """Return when the loop has ended. A step under way is cancelled if it takes longer than ``within_s``."""
        self.tell_to_stop()
        if self._task is None:
            return
        _, late = await asyncio.wait([self._task], timeout=within_s)
        if late:
            self._task.cancel()
            _, late = await asyncio.wait([self._task], timeout=CANCEL_S_MAX)
        if late:
            self._log.error("the task %s does not end", self._name)

    async def pause(self, seconds: float) -> None:
        """Wait inside of a step, or until the loop must stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _run(self) -> None:
        while await self._wait():
            self._due_s = inf  # whoever wakes the loop from here on wants another step after this one
            self._is_stepping = True
            try:
                self._plan(await self._try_step())
            finally:
                self._is_stepping = False

    async def _wait(self) -> bool:
        """Wait until a step is due, and say whether to do it."""
        clock = asyncio.get_running_loop().time
        while not self.is_stopping:
            self._moved.clear()
            left_s = max(self._due_s, self._rests_until_s) - clock()
            if left_s <= 0:
                await asyncio.sleep(0)  # steps without a pause must leave room for others
                return not self.is_stopping
            with suppress(TimeoutError):
                async with asyncio.timeout(None if left_s == inf else left_s):
                    await self._moved.wait()
        return False

    async def _try_step(self) -> float | None:
        try:
            pause_s = await self._step()
        except PadronError as error:
            return self._note_failure(error.code, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop must outlive it
            return self._note_failure(type(error), error)
        if self._failures_count:
            self._log.info("%s: this is over, after %d failures", self._failure, self._failures_count)
            self._failing, self._failures_count = None, 0
        return pause_s

    def _note_failure(self, kind: object, error: Exception) -> float:
        self._failures_count += 1
        if kind != self._failing:
            self._failing = kind
            if isinstance(error, PadronError):
                self._log.warning("%s: %s", self._failure, error.detail)
            else:
                self._log.error("%s", self._failure, exc_info=error)
        self._rests_until_s = asyncio.get_running_loop().time() + self._trouble_s
        return self._trouble_s

    def _plan(self, after_s: float | None) -> None:
        if after_s is not None:
            self._due_s = min(self._due_s, asyncio.get_running_loop().time() + after_s)
