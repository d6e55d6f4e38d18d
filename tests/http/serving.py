"""The application behind a real uvicorn on loopback, in a thread of its own: what only a socket can show."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import uvicorn

from padron.http.app import build_app
from padron.http.edge.protocol import EdgeProtocol
from padron.http.reach import DIRECT, Reach
from padron.http.watching.tally import Tally
from padron.mounting import Mount
from padron.service.runtime import Runtime
from tests.listening import end_listening, settle


@contextmanager
def serve_in_thread(
    open_runtime: Callable[[], Awaitable[Runtime]],
    *,
    is_fast: bool = True,
    reach: Reach = DIRECT,
    tally: Tally | None = None,
    mounts: Sequence[Mount] = (),
) -> Iterator[int]:
    """Give the port of a running server, which may have a fast path and limits of its own."""
    app = build_app(open_runtime, is_fast=is_fast, reach=reach, tally=tally, mounts=mounts)
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: object = None) -> None:
            await super().startup(sockets)  # type: ignore[arg-type]
            started.set()

        async def shutdown(self, sockets: object = None) -> None:
            for server in self.servers:
                await end_listening(server)
            await super().shutdown(sockets)  # type: ignore[arg-type]
            # Clients that are slow to end have what they need. A process would end their connections by its own end.
            for connection in [*self.server_state.connections]:
                cast("EdgeProtocol", connection).abort()
            await settle()

    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=EdgeProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    server = Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), name="uvicorn")
    thread.start()
    try:
        assert started.wait(20), "the server did not start"
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()
