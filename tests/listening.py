"""Servers of tests on this machine, which lose no connection when they end."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

SETTLE_TURNS = 20  # of the event loop, for what begins or ends within a few of them

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listen(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Give the port of a server that calls ``serve`` for each connection."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await end_listening(server)


async def end_listening(server: asyncio.Server) -> None:
    """Close a server once what it has accepted has begun.

    When Python 3.11 closes a server between the two, it forgets the connection and never closes it.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())  # it accepts nothing more
    await settle()
    server.close()


async def settle() -> None:
    """Let a connection begin that was accepted, or one end that was aborted.

    A wait by the clock is no such thing: on a busy machine it may be over in a single turn.
    """
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)
