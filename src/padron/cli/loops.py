"""The event loop of a serving process: uvloop, with limits on the time that a client may take for TLS.

The protocol class sees a connection only after its handshake, so it cannot limit the time until then.
"""

import asyncio
import signal

import uvloop

HANDSHAKE_S_MAX = 10.0
GOODBYE_S_MAX = 2.0  # for a client to confirm that the connection ends, before it is cut

LOOP = "padron.cli.loops:make_loop"


class ServingLoop(uvloop.Loop):
    """Limits the time for the beginning and the end of TLS."""

    async def create_server(self, *positional: object, **named: object) -> asyncio.AbstractServer:  # type: ignore[override]
        """Listen as the base class does."""
        if named.get("ssl") is not None:
            named |= {"ssl_handshake_timeout": HANDSHAKE_S_MAX, "ssl_shutdown_timeout": GOODBYE_S_MAX}
        server: asyncio.AbstractServer = await super().create_server(*positional, **named)  # type: ignore[call-overload]
        return server


def make_loop() -> asyncio.AbstractEventLoop:
    """Give the loop. uvicorn calls this first in each process, so from now on SIGHUP does not end it."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return ServingLoop()
