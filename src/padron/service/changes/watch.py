"""Wakes those who wait when an account has new changes, on whichever server they were made.

While somebody waits, one task asks the database every 50 ms for the last change of each watched
account. One small statement covers all accounts. The result is only a hint: the feed itself is read
from the record.
"""

import asyncio
import logging
from time import perf_counter

from padron.loop import Loop
from padron.store.base import Store
from padron.store.settling import settle

LOOK_EVERY_S = 0.05
WOKEN_AT_ONCE = 8  # clients take a millisecond of the event loop together, and then others have it for as long
WOKEN_BY_A_LOOK = 40  # of an account; the others are woken by the next look, which comes at once
REST_S_MIN = 0.001
REST_S_MAX = 0.05
STOP_S_MAX = 3.0  # for a current look

Gone = asyncio.Future[None]  # done when the waiting client has hung up

_log = logging.getLogger("padron.watch")


class ChangeWatch:
    """The waiting clients of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # By account: who waits, with the change after which there is something to tell. Those who came first are first.
        self._waiting: dict[int, dict[asyncio.Future[int | None], int]] = {}
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

    async def wait(self, account_id: int, after: int, wait_s: float, gone: Gone) -> int | None:
        """Give the account's last change once it is later. None after ``wait_s``, or when the wait must end."""
        if self.is_stopping or gone.done():
            return None
        loop = asyncio.get_running_loop()
        came: asyncio.Future[int | None] = loop.create_future()
        waiting = self._waiting.setdefault(account_id, {})
        waiting[came] = after
        if self._looking.is_asleep:
            self._looking.wake()

        def end(_: object = None) -> None:
            settle(came, None)

        # Not asyncio.wait, because a thousand streams wake at once, and it costs them one more step each.
        timer = loop.call_later(wait_s, end)
        gone.add_done_callback(end)
        try:
            number = await came
        finally:
            timer.cancel()
            gone.remove_done_callback(end)
            del waiting[came]
            if not waiting and self._waiting.get(account_id) is waiting:
                del self._waiting[account_id]
        return None if self._looking.is_stopping else number  # it may stop by now

    def look_now(self) -> None:
        """Look without the usual pause, because somebody waits for those who wait here to have applied a change."""
        if self._waiting:
            self._looking.wake()

    def stop(self) -> None:
        """Release everybody who waits, now and from now on."""
        self._looking.tell_to_stop()
        for waiting in self._waiting.values():
            for came in waiting:
                settle(came, None)

    async def close(self) -> None:
        """Stop, and wait for a current look."""
        self.stop()
        await self._looking.stop(STOP_S_MAX)

    async def _look(self) -> float | None:
        if not self._waiting:
            return None
        numbers = await self._store.load_last_changes(list(self._waiting))
        woken, is_left = 0, False
        for account_id, number in numbers.items():
            late = [came for came, after in self._waiting.get(account_id, {}).items() if after < number]
            is_left = is_left or len(late) > WOKEN_BY_A_LOOK
            for came in late[:WOKEN_BY_A_LOOK]:
                settle(came, number)
                woken += 1
                if woken % WOKEN_AT_ONCE == 0:
                    await _rest()
        return 0 if is_left else LOOK_EVERY_S


async def _rest() -> None:
    """Let those who were woken go on. Then leave the event loop to others for as long as that took."""
    began_s = perf_counter()
    await asyncio.sleep(0)
    await asyncio.sleep(min(max(perf_counter() - began_s, REST_S_MIN), REST_S_MAX))
