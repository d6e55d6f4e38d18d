"""The server of the conformance trials closes each connection that it accepted, whenever a trial ends."""

import asyncio
import gc
import socket
from contextlib import suppress

import pytest

from padron_client.conformance.http_server import HttpServer, Reply, Request


async def answer(_: Request) -> Reply:
    return Reply()


@pytest.mark.parametrize("turns", range(8))
async def test_no_connection_is_forgotten_at_the_end(turns: int) -> None:
    """A forgotten one would be reported as a warning, which fails the test in which it is found."""
    server = HttpServer(answer)
    await server.start()
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await server.stop()
    for client in clients:
        client.settimeout(5)
        with client, suppress(ConnectionResetError):
            assert client.recv(1) == b""
    gc.collect()


async def test_it_listens_on_the_same_port_again() -> None:
    server = HttpServer(answer)
    await server.start()
    port = server.port
    await server.stop()
    await server.start()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert (await asyncio.to_thread(client.recv, 100)).startswith(b"HTTP/1.1 200 ")
    await server.stop()
