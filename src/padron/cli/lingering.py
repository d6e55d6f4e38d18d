"""The web server of each process, which stops without hanging up on clients that have just connected."""

import asyncio
import socket

import uvicorn

LINGER_S = 0.3


class LingeringServer(uvicorn.Server):
    """Waits a moment between its last connection and the end of the idle ones.

    A client that connected just before has its request under way. uvicorn would close this connection as idle.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no connection, answer what comes on the open ones for a moment, then end as uvicorn does."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(LINGER_S)
        await super().shutdown(sockets)
