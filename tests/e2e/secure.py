"""A ``padron serve`` with any options, with TLS or without, and a client for it."""

import asyncio
import os
import re
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from tests.cast import wait_until
from tests.certificates import NAME
from tests.e2e.client import Connection
from tests.e2e.program import START_S_MAX, Server
from tests.processes import list_workers
from tests.starting import start_program

_find_address = re.compile(r"Listening on (https?)://127\.0\.0\.1:(\d+)(\S*),").search


class Program:
    """A server that listens, and what it says."""

    def __init__(self, server: Server, trust: ssl.SSLContext | None) -> None:
        self._server = server
        self._trust = trust
        self.scheme, self.root_path = "", ""

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def pid(self) -> int:
        return self._server.pid

    @property
    def worker_pids(self) -> set[int]:
        """The processes that serve, where the parent does not serve itself."""
        return {child.pid for child in list_workers(self.pid)}

    def read_log(self) -> str:
        return self._server.read_log()

    def hang_up(self) -> None:
        """Send SIGHUP."""
        psutil.Process(self.pid).send_signal(signal.SIGHUP)

    async def stop(self) -> int:
        return await self._server.stop()

    async def wait_for_log(self, text: str, times: int = 1) -> None:
        async def was_said() -> bool:
            assert not self._server.has_ended, self.read_log()
            return self.read_log().count(text) >= times

        await wait_until(was_said, seconds_max=START_S_MAX)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Give a connection, over TLS if the server has it."""
        streams = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self._trust, server_hostname=None if self._trust is None else NAME
        )
        connection = Connection(*streams)
        try:
            yield connection
        finally:
            await connection.close()

    async def get_serial(self) -> str:
        """Give the number of the certificate that a new connection gets, which must be one that clients accept."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self._trust, server_hostname=NAME)
        try:
            return str(writer.get_extra_info("peercert")["serialNumber"])
        finally:
            writer.close()

    async def get(self, target: str) -> int:
        async with self.connect() as connection:
            return (await connection.request("GET", target)).status

    async def _wait_until_ready(self) -> None:
        await self.wait_for_log("Listening on")
        found = _find_address(self.read_log())
        assert found is not None, self.read_log()
        self.scheme, self.root_path = found[1], found[3]
        self._server.port = int(found[2])

        async def is_ready() -> bool:
            with suppress(OSError, EOFError):
                return await self.get("/readyz") == 200
            return False

        await wait_until(is_ready, seconds_max=START_S_MAX)


@asynccontextmanager
async def run_program(
    url: str, folder: Path, *options: str, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Program]:
    """Give a server that is ready; at the end it is gone."""
    log = folder / "server.log"
    words = ["serve", "--database-url", url, "--port", "0", *options]
    with log.open("wb") as stderr, Path(os.devnull).open("wb") as stdout:
        server = Server(start_program(*words, stdout=stdout, stderr=stderr), log)
    try:
        program = Program(server, trust)
        await program._wait_until_ready()
        yield program
    finally:
        server.end()
