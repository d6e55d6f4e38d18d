"""The server of these tests closes each connection that it accepted, however late it came."""

import asyncio
import gc
import socket
import time
from contextlib import closing
from pathlib import Path

from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.http.serving import serve_in_thread

STALL_S = 0.3  # longer than the server takes to see that it shall end


def test_connections_made_while_the_server_is_told_to_end_are_closed(tmp_path: Path) -> None:
    """A forgotten one would be reported as a warning, which fails the test in which it is found."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def open_runtime() -> Runtime:
        loops.append(asyncio.get_running_loop())
        return build_runtime(await sqlite.open_store(str(tmp_path / "padron.db")), read_clock)

    with serve_in_thread(open_runtime) as port:
        loops[0].call_soon_threadsafe(time.sleep, STALL_S)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    for client in clients:
        with closing(client):
            client.settimeout(5)
            assert client.recv(1) == b""
    gc.collect()
