"""Wakes those who wait when an account has new changes, on whichever server they were made.

While somebody waits, one task asks the database every 50 ms for the last change of each watched
account. One small statement covers all accounts. The result is only a hint: the feed itself is read
from the record.
"""

import asyncio
import logging

from padron.loop import Loop
from padron.store.base import Store
from padron.store.settling import settle

LOOK_EVERY_S = 0.05
WOKEN_AT_ONCE = 20
STOP_S_MAX = 3.0  # for a current look

Gone = asyncio.Future[None]  # done when the waiting client has hung up

_log = logging.getLogger("padron.watch")


class ChangeWatch:
    """The waiting clients of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[int, set[tuple[int, asyncio.Future[None]]]] = {}
        self._looking = Loop(
            self._look,
            name="padron-watch",
            log=_log,
            failure="the watch cannot see new changes",
            first_s=None,
            trouble_s=LOOK_EVERY_S,
        )

    @property
    def is_stopping(self) -> bool:
        """Say whether the server is about to stop. Then nobody should wait."""
        return self._looking.is_stopping

    @property
    def waiting_count(self) -> int:
        """How many clients wait for a change."""
        return sum(map(len, self._waiting.values()))

    def read_time(self) -> float:
        """Give the event loop's time in seconds. It never goes backwards."""
        return asyncio.get_running_loop().time()

    async def wait(self, account_id: int, after: int, wait_s: float, gone: Gone) -> bool:
        """Return True when the account has a later change. False after ``wait_s``, or when the wait must end."""
        if self.is_stopping or gone.done():
            return False
        came: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(account_id, set())
        waiting.add((after, came))
        if self._looking.is_asleep:
            self._looking.wake()
        try:
            await asyncio.wait([came, gone], timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.discard((after, came))
            if not waiting and self._waiting.get(account_id) is waiting:
                del self._waiting[account_id]
        return came.done() and not self.is_stopping

    def stop(self) -> None:
        """Release everybody who waits, now and from now on."""
        self._looking.tell_to_stop()
        for waiting in self._waiting.values():
            for _, came in waiting:
                settle(came, None)

    async def close(self) -> None:
        """Stop, and wait for a current look."""
        self.stop()
        await self._looking.stop(STOP_S_MAX)

    async def _look(self) -> float | None:
        if not self._waiting:
            return None
        numbers = await self._store.load_last_changes(list(self._waiting))
        woken = 0
        for account_id, number in numbers.items():
            for after, came in tuple(self._waiting.get(account_id, ())):
                if number > after:
                    settle(came, None)
                    woken += 1
                    if woken % WOKEN_AT_ONCE == 0:
                        await asyncio.sleep(0)  # a thousand streams that wake at once would delay everybody else
        return LOOK_EVERY_S
