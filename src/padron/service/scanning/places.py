"""The places for reading pictures in one process: few processes at once, and of each account one after the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from padron.domain.errors import Code, PadronError

AT_ONCE_MAX = 2
ACCOUNT_MAX = 4  # pictures of an account that are read or wait
WAIT_S_MAX = 10.0


@dataclass(kw_only=True, slots=True)
class _OwnQueue:
    """The pictures of one account. They are read one after the other, so that no account has all places."""

    count: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class ScanPlaces:
    """Lends the places."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._accounts: dict[int, _OwnQueue] = {}

    @asynccontextmanager
    async def take(self, account_id: int) -> AsyncIterator[None]:
        """Keep a place for the block. Raises ``overloaded`` when too many pictures wait, or wait too long."""
        own = self._accounts.setdefault(account_id, _OwnQueue())
        if own.count >= ACCOUNT_MAX:
            raise _refuse(f"This account has {ACCOUNT_MAX} pictures that are being read, the maximum.")
        own.count += 1
        try:
            async with AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(WAIT_S_MAX):
                        await held.enter_async_context(own.turn)
                        await held.enter_async_context(self._places)
                except TimeoutError:
                    raise _refuse("Other pictures are being read.") from None
                yield
        finally:
            own.count -= 1
            if not own.count:
                del self._accounts[account_id]


def _refuse(why: str) -> PadronError:
    return PadronError(Code.OVERLOADED, f"{why} Try again in a moment.")
