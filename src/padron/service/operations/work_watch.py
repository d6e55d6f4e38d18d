"""Lets claims wait for work without holding a connection.

All claims that wait for one operation share one look at the database. The first looks follow soon,
later ones come five times a second.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from padron.store.base import Store

PAUSE_S_MIN = 0.02
PAUSE_S_MAX = 0.2


@dataclass(slots=True, eq=False)
class _Watch:
    task: asyncio.Task[None]
    waiting: int = 0


class WorkWatch:
    """Knows the waiting claims, by account and operation."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._watches: dict[tuple[int, str], _Watch] = {}
        self._stopping = asyncio.Event()

    @property
    def waiting_count(self) -> int:
        """How many claims wait for work."""
        return sum(watch.waiting for watch in self._watches.values())

    async def wait(self, account_id: int, operation: str, wait_s: float, gone: "asyncio.Future[None]") -> bool:
        """Return True when there is work. False after ``wait_s``, when ``gone`` is done, or when the server stops."""
        if self._stopping.is_set():
            return False
        key = (account_id, operation)
        watch = self._watches.get(key)
        if watch is None or watch.task.done():
            watch = self._watches[key] = _Watch(asyncio.create_task(self._look(*key), name=f"padron-watch-{operation}"))
        stopping = asyncio.ensure_future(self._stopping.wait())
        watch.waiting += 1
        try:
            await asyncio.wait((watch.task, gone, stopping), timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() or not watch.task.done():
                return False
            watch.task.result()  # raises the database's error
            return True
        finally:
            stopping.cancel()
            watch.waiting -= 1
            if not watch.waiting:
                watch.task.cancel()
                if self._watches.get(key) is watch:
                    del self._watches[key]

    def stop(self) -> None:
        """Release everybody who waits, now and from now on."""
        self._stopping.set()

    async def close(self) -> None:
        """Stop, and wait for the looking tasks."""
        self.stop()
        tasks = [watch.task for watch in self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, account_id: int, operation: str) -> None:
        reader = self._store.read(account_id).operations
        pause_s = PAUSE_S_MIN
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S_MAX)
            if await reader.has_work(operation, self._clock()):
                return
