"""Repeats a step in the background: one way to start, wait, wake, fail, log and stop.

It is below all rooms that repeat something, so each of them may use it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf

from padron.domain.errors import PadronError
from padron.traces import leave_trace

TROUBLE_S = 1.0  # the pause after a failed step
CANCEL_S_MAX = 1.0  # for a cancelled step to end

# A step does the work that is ready, and gives the seconds until the next step. None means to sleep
# until somebody wakes the loop.
Step = Callable[[], Awaitable[float | None]]


class Loop:
    """Repeats a step. After a failure, the loop pauses and repeats the step.

    The log shows the first failure of an outage and its end. It also shows each failure of another
    kind in between.
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
        """``name`` is the task's. The log shows ``failure``. ``first_s`` is the pause before the first step."""
        self._step = step
        self._name = name
        self._log = log
        self._failure = failure
        self._first_s = first_s
        self._trouble_s = trouble_s
        self._due_s = inf  # by the event loop's clock
        self._rests_until_s = -inf  # after a failure; nobody can wake the loop earlier
        self._failing: object = None  # the kind of the current failure
        self._failures_count = 0
        self._is_stepping = False
        self._moved = asyncio.Event()  # set when the next step is due sooner, or when the loop must stop
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_asleep(self) -> bool:
        """Say whether there is no step until somebody wakes the loop."""
        return self._due_s == inf and not self._is_stepping

    @property
    def is_stopping(self) -> bool:
        """Say whether the loop must stop. A long step may then end early."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Start the loop, unless it was already started or stopped."""
        if self._task is None and not self.is_stopping:
            self._plan(self._first_s)
            self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self, after_s: float = 0.0) -> None:
        """Plan a step after these seconds, if none is due sooner. This also starts the loop."""
        self.start()
        self._plan(after_s)
        self._moved.set()

    def tell_to_stop(self) -> None:
        """Begin no more steps. A pause ends at once."""
        self._stopping.set()
        self._moved.set()

    async def stop(self, within_s: float = 0.0) -> None:
        """Return when the loop has ended. A current step that takes longer than ``within_s`` is cancelled."""
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
        """Wait within a step, but no longer than until the loop must stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _run(self) -> None:
        leave_trace()  # a request may have woken the loop for the first time
        while await self._wait():
            self._due_s = inf  # whoever wakes the loop after this line needs another step after this one
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
                await asyncio.sleep(0)  # steps without a pause must let other tasks run
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
        except Exception as error:  # noqa: BLE001 - the loop must survive any error
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
