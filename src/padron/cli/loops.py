"""The event loop of a serving process: uvloop, with limits on what a client may take for TLS.

uvloop's own TLS shows a connection to the protocol class only after the handshake. Nobody could count it until then.
"""

import asyncio
import signal
import ssl
from collections.abc import Callable
from typing import Protocol, cast

import uvloop

HANDSHAKE_S_MAX = 10.0
GOODBYE_S_MAX = 2.0  # for a client to confirm that the connection ends, before it is cut

LOOP = "padron.cli.loops:make_loop"


class Secured(Protocol):
    """The protocol of a connection, which also has one for the time before."""

    def shake_hands(
        self, context: ssl.SSLContext, handshake_s_max: float, goodbye_s_max: float
    ) -> asyncio.BaseProtocol:
        """Give the protocol for the time until the connection has TLS."""
        ...


class ServingLoop(uvloop.Loop):
    """Lets a connection count from its first moment, and limits the time for the beginning and the end of TLS."""

    async def create_server(  # type: ignore[override]
        self, make_protocol: Callable[[], Secured], *positional: object, **named: object
    ) -> asyncio.AbstractServer:
        """Listen as the base class does. With TLS the port is plain, and each connection shakes hands itself."""
        context = named.pop("ssl", None)

        def begin_handshake() -> asyncio.BaseProtocol:
            return make_protocol().shake_hands(cast("ssl.SSLContext", context), HANDSHAKE_S_MAX, GOODBYE_S_MAX)

        make = make_protocol if context is None else begin_handshake
        server: asyncio.AbstractServer = await super().create_server(make, *positional, **named)  # type: ignore[call-overload]
        return server


def make_loop() -> asyncio.AbstractEventLoop:
    """Give the loop. uvicorn calls this first in each process, so from now on SIGHUP does not end it."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return ServingLoop()
