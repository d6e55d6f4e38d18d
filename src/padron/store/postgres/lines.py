"""Lets each account's writes take turns, so that a flood of one account takes no connection from the others.

A waiting write waits for other writes of the same account, not for the database, so a wait is not a sign of an outage.
A write whose turn shows an outage fails all writes behind it, because each of them would find the same outage.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from padron.domain.errors import Code, PadronError
from padron.store.settling import fail_all

TURNS_MAX = 4  # of one account at once; its transactions wait for each other's row locks anyway
WAIT_S_MAX = 10.0
WAITING_MAX = 4_096  # of one account


@dataclass(slots=True, eq=False)
class _AccountLine:
    taken: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class AccountLines:
    """The lines of one process, by account."""

    def __init__(self) -> None:
        self._lines: dict[int, _AccountLine] = {}

    @asynccontextmanager
    async def turn(self, account_id: int) -> AsyncIterator[None]:
        """Wait for a turn of the account, and hold it until the end of the block.

        Raises ``overloaded`` after too long a wait, and ``store_unavailable`` if the turn before showed an outage.
        """
        line = self._lines.setdefault(account_id, _AccountLine())
        if line.taken < TURNS_MAX:
            line.taken += 1
        else:
            await self._wait(account_id, line)
        try:
            yield
        except PadronError as error:
            if error.code is Code.STORE_UNAVAILABLE:
                _fail(line, error)
            raise
        finally:
            self._pass_on(account_id, line)

    async def _wait(self, account_id: int, line: _AccountLine) -> None:
        if len(line.waiting) >= WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "Too many calls of this account are waiting. Try again shortly.")
        place = asyncio.get_running_loop().create_future()
        line.waiting.append(place)
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await place
        except BaseException as error:
            if place in line.waiting:
                line.waiting.remove(place)
            elif not place.cancelled() and place.exception() is None:
                self._pass_on(account_id, line)  # the turn came at the very moment of giving up
            if not isinstance(error, TimeoutError):
                raise
            detail = f"Calls of this account have waited {WAIT_S_MAX:.0f} s for each other. Try again shortly."
            raise PadronError(Code.OVERLOADED, detail) from error

    def _pass_on(self, account_id: int, line: _AccountLine) -> None:
        """Give the turn to the next write that still waits."""
        while line.waiting:
            place = line.waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        line.taken -= 1
        if line.taken == 0:
            del self._lines[account_id]


def _fail(line: _AccountLine, error: PadronError) -> None:
    waiting = [*line.waiting]
    line.waiting.clear()
    fail_all(waiting, PadronError(error.code, error.detail))
