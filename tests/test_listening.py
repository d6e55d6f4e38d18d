"""A server of a test closes each connection that it accepted, whenever the test ends."""

import asyncio
import gc
import socket

import pytest

from tests.listening import listen


@pytest.mark.parametrize("turns", range(6))
async def test_no_connection_is_forgotten_at_the_end(turns: int) -> None:
    """A forgotten one would be reported as a warning, which fails the test in which it is found."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listen(serve) as port:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for client in clients:
            client.close()
    await asyncio.sleep(0.05)
    gc.collect()
