"""The time between a connection and its TLS. The connection has a place among the others from its first moment.

uvloop shows a protocol only after the handshake, when half of it may have taken ten seconds and 55 kB. So the port
itself is plain, and TLS begins here.
"""

import asyncio
import ssl
from collections.abc import Awaitable
from typing import Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from padron.http.edge.connections import OpenConnections
from padron.http.edge.resumed import begin_without_task


class SecuredProtocol(Protocol):
    """The protocol of the connection once it has TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        ...

    def note_beneath(self, beneath: asyncio.Transport) -> None:
        """Take the transport beneath TLS, before the connection begins."""
        ...


class Handshake(asyncio.Protocol):
    """One connection until its handshake is over. Then ``inner`` takes it, and its place."""

    unsent_bytes = 0

    def __init__(
        self,
        inner: SecuredProtocol,
        context: ssl.SSLContext,
        connections: OpenConnections,
        state: ServerState,
        *,
        handshake_s_max: float,
        goodbye_s_max: float,
    ) -> None:
        self._inner = inner
        self._context = context
        self._connections = connections
        self._state = state
        self._handshake_s_max = handshake_s_max
        self._goodbye_s_max = goodbye_s_max
        self._beneath: asyncio.Transport
        self._task: asyncio.Task[None]
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, or close the connection when there are too many."""
        self._beneath = cast("asyncio.Transport", transport)
        remote = get_remote_addr(self._beneath)
        if not self._connections.admit(self, remote[0] if remote else ""):
            self.abort()
            return
        self._state.connections.add(cast("HttpToolsProtocol", self))
        loop = asyncio.get_running_loop()
        # Its first step must be done now, because uvloop reads as soon as this method has returned.
        shaking = begin_without_task(
            loop.start_tls(
                self._beneath,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._handshake_s_max,
                ssl_shutdown_timeout=self._goodbye_s_max,
            )
        )
        self._task = loop.create_task(self._finish(shaking))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Give the place back."""
        self._is_over = True
        self._leave()

    def check_time(self, now_s: float) -> None:
        """Do nothing: the handshake has a timeout of its own."""

    def shutdown(self) -> None:
        """End the connection. uvicorn calls this when the server stops."""
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._is_over = True
        self._beneath.abort()

    async def _finish(self, shaking: Awaitable[asyncio.Transport | None]) -> None:
        """Hand the connection over, or close it without a word: half a handshake tells nothing worth a log."""
        secured = None
        try:
            secured = await shaking
        except OSError:  # also what is wrong with TLS, and the end of the time
            self._beneath.abort()
        finally:
            self._leave()
        if secured is None or self._is_over or secured.is_closing():
            self._beneath.abort()
            return
        self._inner.note_beneath(self._beneath)
        secured.set_protocol(cast("asyncio.Protocol", self._inner))
        self._inner.connection_made(secured)  # before any data: the loop gives it only after this step

    def _leave(self) -> None:
        self._connections.leave(self)
        self._state.connections.discard(cast("HttpToolsProtocol", self))
