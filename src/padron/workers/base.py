"""The common part of the workers: they look for work repeatedly, and do it in concurrent tasks."""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from padron.loop import TROUBLE_S, Loop

STOP_S_MAX = 3.0  # for current work when the server stops; with RELEASE_S_MAX, stopping takes less than five seconds
RELEASE_S_MAX = 1.5  # for a cancelled task to give its work back


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseRange:
    """The pause between two looks. It varies at random, so that processes do not look at the same time."""

    s_min: float
    s_max: float

    def draw(self) -> float:
        """Give the seconds of the next pause."""
        return random.uniform(self.s_min, self.s_max)  # noqa: S311 - not a secret


class Worker(ABC):
    """One kind of background work in a process. Other processes may do the same work at the same time."""

    stop_s_max = STOP_S_MAX

    def __init__(
        self, name: str, log: logging.Logger, failure: str, *, first_s: float = 0.0, trouble_s: float = TROUBLE_S
    ) -> None:
        """``failure`` is the text for the log: it names the work that waits while looking for work fails."""
        self._looking = Loop(
            self._look, name=f"padron-{name}", log=log, failure=failure, first_s=first_s, trouble_s=trouble_s
        )
        self._loops = [self._looking]
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def _look(self) -> float:
        """Begin the work that is ready, and give the seconds until the next look."""

    def _hasten(self) -> None:  # noqa: B027 - most kinds of work need no help
        """Help current work to end, after the worker stopped beginning new work."""

    @property
    def is_stopping(self) -> bool:
        """Say whether the worker begins no new work."""
        return self._looking.is_stopping

    def start(self) -> None:
        """Begin to look for work."""
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        """Begin no new work, and wait for current work. After some seconds, cancel it."""
        clock = asyncio.get_running_loop().time
        ends_s = clock() + self.stop_s_max
        for loop in self._loops:
            loop.tell_to_stop()
        for loop in self._loops:
            await loop.stop(max(ends_s - clock(), 0.0))
        self._hasten()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=max(ends_s - clock(), 0.0))
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds, but no longer than until the worker must stop."""
        await self._looking.pause(seconds)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do this work in a task of its own."""
        task = asyncio.create_task(work, name=f"padron-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def run_workers(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """Run the workers while the block runs. The one that started last stops first."""
    async with AsyncExitStack() as running:
        for worker in workers:
            running.push_async_callback(worker.stop)
            worker.start()
        yield
