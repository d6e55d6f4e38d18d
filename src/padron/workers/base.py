"""What the workers have in common: they look for work again and again, and do it in tasks beside each other."""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from padron.loop import TROUBLE_S, Loop

STOP_S_MAX = 3.0  # for what is under way when the server ends; with what gives it back it makes under five
RELEASE_S_MAX = 1.5  # for a task that was cancelled to give its work back


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseRange:
    """How long to pause between two looks: a little different each time, so that processes do not look in step."""

    s_min: float
    s_max: float

    def draw(self) -> float:
        """Give the seconds of the next pause."""
        return random.uniform(self.s_min, self.s_max)  # noqa: S311 - not a secret


class Worker(ABC):
    """One kind of work in the background of a process, beside any number of other processes."""

    stop_s_max = STOP_S_MAX

    def __init__(
        self, name: str, log: logging.Logger, failure: str, *, first_s: float = 0.0, trouble_s: float = TROUBLE_S
    ) -> None:
        """``failure`` says in the log what does not go on while the search for work fails."""
        self._looking = Loop(
            self._look, name=f"padron-{name}", log=log, failure=failure, first_s=first_s, trouble_s=trouble_s
        )
        self._loops = [self._looking]
        self._tasks: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def _look(self) -> float:
        """Begin what is to be done, and give the seconds until the next look."""

    def _hasten(self) -> None:  # noqa: B027 - most kinds of work need no help
        """Help what is under way to end, once nothing new begins."""

    @property
    def is_stopping(self) -> bool:
        """Say whether nothing new may begin."""
        return self._looking.is_stopping

    def start(self) -> None:
        """Begin to look for work."""
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        """Begin nothing new, and wait for what is under way; after some seconds it is cancelled."""
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
        """Wait, or until nothing new may begin."""
        await self._looking.pause(seconds)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        """Do this in a task beside the others."""
        task = asyncio.create_task(work, name=f"padron-{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def run_workers(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """Have them work as long as the block runs. The one that was started last is stopped first."""
    async with AsyncExitStack() as running:
        for worker in workers:
            running.push_async_callback(worker.stop)
            worker.start()
        yield
