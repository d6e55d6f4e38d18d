"""The places for previews of files in one process: few at once, and one for an account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from padron.domain.errors import Code, PadronError

AT_ONCE_MAX = 2
WAIT_S_MAX = 10.0


class PreviewPlaces:
    """Lends the places."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE_MAX)
        self._accounts: set[int] = set()

    @asynccontextmanager
    async def take(self, account_id: int) -> AsyncIterator[None]:
        """Keep a place for the block. Raises ``overloaded`` when all are taken for a while."""
        if account_id in self._accounts:
            raise _refuse("Another file of this account is being looked at.")
        self._accounts.add(account_id)
        try:
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    await self._places.acquire()
            except TimeoutError:
                raise _refuse("Other files are being looked at.") from None
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._accounts.discard(account_id)


def _refuse(why: str) -> PadronError:
    return PadronError(Code.OVERLOADED, f"{why} Try again in a moment.")
