"""One connection without its requests: its way out, the time that its client has, and its place among the others."""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from padron.http.edge.edge import Edge
from padron.http.edge.handshakes import Handshake
from padron.http.edge.outlet import Outlet
from padron.http.edge.peers import Peer


class Link(asyncio.Protocol):
    """What each connection has, whatever it is used for."""

    def __init__(self, edge: Edge, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self._edge = edge
        self._state = state
        self._loop = loop
        self._transport: asyncio.Transport
        self._beneath: asyncio.Transport | None = None  # of a connection with TLS
        self._flow: FlowControl
        self._outlet: Outlet
        self._peer: Peer
        self._deadline_s = inf  # when the client must have done its part
        self._on_deadline: Callable[[], None]

    def shake_hands(self, context: ssl.SSLContext, handshake_s_max: float, goodbye_s_max: float) -> Handshake:
        """Give the protocol for the time until the connection has TLS. Then it begins here."""
        return Handshake(
            self,
            context,
            self._edge.connections,
            self._state,
            handshake_s_max=handshake_s_max,
            goodbye_s_max=goodbye_s_max,
        )

    def note_beneath(self, beneath: asyncio.Transport) -> None:
        """Take the transport beneath TLS, before the connection begins."""
        self._beneath = beneath

    def _open(self, transport: asyncio.Transport) -> bool:
        """Take a place among the connections. Without one, the connection is closed."""
        self._transport = transport
        self._flow = FlowControl(transport)
        self._outlet = Outlet(transport, self._loop, self._beneath, self._stall)
        self._peer = Peer(transport, self._edge.meet)
        if not self._edge.connections.admit(self, self._peer.address):
            self._outlet.abort()
            return False
        self._state.connections.add(cast("HttpToolsProtocol", self))
        return True

    def _leave(self) -> None:
        """Give the place back, because the connection has ended."""
        self._edge.connections.leave(self)
        self._state.connections.discard(cast("HttpToolsProtocol", self))
        self._flow.resume_writing()
        self._wait_for_nobody()

    @property
    def unsent_bytes(self) -> int:
        """How many bytes wait until the client takes them."""
        return self._outlet.unsent_bytes

    def abort(self) -> None:
        """End the connection at once."""
        self._outlet.abort()

    def pause_writing(self) -> None:
        """Note that the client does not take what was sent."""
        self._flow.pause_writing()
        self._stall()

    def resume_writing(self) -> None:
        """Note that the client takes answers again."""
        self._resume()
        self._flow.resume_writing()

    def _stall(self) -> None:
        self._outlet.stall()
        self._edge.connections.stall(self)

    def _resume(self) -> None:
        self._outlet.resume()
        self._edge.connections.resume(self)

    def check_time(self, now_s: float) -> None:
        """End the connection when its client has not done its part in time."""
        if now_s > self._deadline_s:
            self._deadline_s = inf
            self._on_deadline()
        if self._outlet.is_taken_beneath():
            self._resume()
        self._outlet.check_pace(now_s)

    def _wait(self, seconds: float, on_deadline: Callable[[], None]) -> None:
        self._deadline_s = self._loop.time() + seconds
        self._on_deadline = on_deadline

    def _wait_for_nobody(self) -> None:
        self._deadline_s = inf

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:  # type: ignore[explicit-any]  # as asyncio has it
        """Run a task that ends with the answer. A server that stops waits for it."""
        task = self._loop.create_task(work)
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)
