"""A cable between a client and its server, which a test can cut and mend."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.listening import listen

PIECE_BYTES = 65_536

Reach = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Cable:
    """Passes on what comes to its port. While it is cut, each connection ends at once."""

    def __init__(self, reach: Reach, may_pass: Callable[[], bool]) -> None:
        """``reach`` connects to the server. ``may_pass`` is asked at each connection that comes."""
        self.port = 0
        self._reach = reach
        self._may_pass = may_pass
        self._is_cut = False
        self._passing: set[asyncio.Task[None]] = set()

    async def cut(self) -> None:
        """End all connections."""
        self._is_cut = True
        for task in tuple(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.create_task(self._join(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._is_cut or not self._may_pass():
                return
            back, forth = await self._reach()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass_on(reader, forth))
                    group.create_task(_pass_on(back, writer))
            finally:
                forth.transport.abort()
        finally:
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one end has gone
    writer.close()


@asynccontextmanager
async def run_cable(reach: Reach, may_pass: Callable[[], bool] = lambda: True) -> AsyncIterator[Cable]:
    """Give a cable to a server of this machine."""
    cable = Cable(reach, may_pass)
    try:
        async with listen(cable.take) as cable.port:
            yield cable
    finally:
        await cable.cut()
