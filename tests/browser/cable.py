"""A cable between a browser and a server, which a test can cut and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.listening import end_listening

PIECE_BYTES = 65_536


class Cable:
    """Passes on what comes to its port. While it is cut, each connection ends at once."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self._server_port = server_port
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
            if self._is_cut:
                return
            back, forth = await asyncio.open_connection("127.0.0.1", self._server_port)
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
async def run_cable(server_port: int) -> AsyncIterator[Cable]:
    """Give a cable to a server of this machine."""
    cable = Cable(server_port)
    listening = await asyncio.start_server(cable.take, "127.0.0.1", 0)
    cable.port = listening.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        await end_listening(listening)
        await cable.cut()
