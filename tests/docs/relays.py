"""Stands between a client and a server, and does to answers what a bad network does."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto

from tests.listening import listen

Deed = Callable[[], Awaitable[None]]


class Fate(Enum):
    """What becomes of a request or of its answer."""

    BUSY = auto()  # the server is not asked, and the answer is 503
    LOST = auto()  # the server is asked, and its answer does not arrive


class Relay:
    """Passes requests on. ``fates`` has what becomes of a method's next requests, ``before`` what happens first."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.methods: list[str] = []  # of the requests that came
        self.fates: dict[str, list[Fate]] = {}
        self.before: dict[str, Deed] = {}
        self._server_port = server_port

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side ends it."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._pass_on(reader, writer):
                await writer.drain()
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read_message(reader)
        method = request.split(b" ", 1)[0].decode()
        self.methods.append(method)
        fate = self.fates[method].pop(0) if self.fates.get(method) else None
        if fate is Fate.BUSY:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}")
            return True
        if method in self.before:
            await self.before.pop(method)()
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        to_server.write(request)
        answer = await _read_message(from_server)
        to_server.close()
        if fate is Fate.LOST:
            return False
        writer.write(answer)
        return True


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@asynccontextmanager
async def run_relay(server_port: int) -> AsyncIterator[Relay]:
    """Give a relay to the server, on a port of its own."""
    relay = Relay(server_port)
    async with listen(relay.answer) as relay.port:
        yield relay
