"""Long reads take the event loop in portions, few at a time for each account, with as long a rest after each.

A page of an export takes some milliseconds of the event loop, and an account may ask for many at once. Without turns,
the status calls of all other accounts would wait for all of these pages. With them they wait for few pages at most, and
get half of the time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REST_S_MAX = 0.05  # most of a longer portion was a wait for the database
TURNS_BESIDE_DATABASE = 2  # at once, where much of a portion is a wait for PostgreSQL


class _Lane:
    __slots__ = ("places", "users")

    def __init__(self, width: int) -> None:
        self.places = asyncio.Semaphore(width)  # gives places in the order of asking
        self.users = 0


class Turns:
    """The turns of one process: at most ``width`` at once for each account, or for whoever else an ``owner`` is."""

    def __init__(self, width: int = 1) -> None:
        self._width = width
        self._lanes: dict[int | str, _Lane] = {}  # of those that have a turn, wait for one or rest

    def count(self, owner: int | str) -> int:
        """Give how many have a turn of this owner, wait for one or rest."""
        lane = self._lanes.get(owner)
        return 0 if lane is None else lane.users

    @asynccontextmanager
    async def take(self, owner: int | str) -> AsyncIterator[None]:
        """Wait for the owner's turn, and keep it for the block. Keep the block to some milliseconds of work.

        An account is its id.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.get(owner)
        if lane is None:
            lane = self._lanes[owner] = _Lane(self._width)
        lane.users += 1
        try:
            await lane.places.acquire()
        except BaseException:
            self._leave(owner, lane)
            raise
        began_s = loop.time()
        try:
            yield
        finally:
            # The rest keeps the place. It is over even if nobody of the account asks any more.
            loop.call_later(min(loop.time() - began_s, REST_S_MAX), self._end, owner, lane)

    def _end(self, owner: int | str, lane: _Lane) -> None:
        lane.places.release()
        self._leave(owner, lane)

    def _leave(self, owner: int | str, lane: _Lane) -> None:
        lane.users -= 1
        if not lane.users:
            del self._lanes[owner]
