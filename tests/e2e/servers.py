"""Servers that end and come back while clients go on: one on SQLite, two on PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

from tests.e2e.client import connect
from tests.e2e.load import Call, Load
from tests.e2e.program import STOP_S_MAX, Server, run_server

AGAIN_S = 0.01  # before a client that was cut off tries again
SIZES = {"sqlite": 1, "postgres": 2}


class Servers:
    """The servers of one register."""

    def __init__(
        self, start: Callable[[], AbstractAsyncContextManager[Server]], size: int, stack: AsyncExitStack
    ) -> None:
        self._start = start
        self._size = size
        self._stack = stack
        self._running: list[Server] = []

    @property
    def running(self) -> list[Server]:
        return list(self._running)

    @property
    def ports(self) -> list[int]:
        """The ports of those that run or are about to end."""
        return [server.port for server in self._running]

    async def start_missing(self) -> None:
        while len(self._running) < self._size:
            self._running.append(await self._stack.enter_async_context(self._start()))

    async def end_oldest(self, *, kill: bool, seconds_max: float = STOP_S_MAX) -> None:
        """End the one that has run longest, by ``kill -9`` or by SIGTERM."""
        if kill:
            self.kill_oldest()
            return
        server = self._running[0]
        server.ask_to_stop()
        assert await server.wait(seconds_max) == 0, server.read_log()
        check_log(server.read_log())
        del self._running[0]

    def kill_oldest(self) -> None:
        """End the one that has run longest by ``kill -9``."""
        self._running.pop(0).kill()

    async def stay_connected(self, use: Callable[[int], Awaitable[None]], ended: asyncio.Event) -> None:
        """Use the port of one server after the other: of the next one whenever the use is over or was cut off."""
        for turn in count(random.randrange(self._size)):
            if ended.is_set():
                return
            if self._running:
                with suppress(OSError, EOFError):
                    await use(self.ports[turn % len(self._running)])
            await asyncio.sleep(AGAIN_S)

    @asynccontextmanager
    async def written_by(
        self, writers: int, load: Load, make_call: Callable[[], Call], *, pause_s: float = 0
    ) -> AsyncIterator[None]:
        """Let so many clients write until the block ends, through every restart."""
        ended = asyncio.Event()

        async def write(port: int) -> None:
            async with connect(port) as connection:
                while not ended.is_set():
                    await load.send(connection, make_call())
                    await asyncio.sleep(pause_s)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(writers):
                tasks.create_task(self.stay_connected(write, ended))
            try:
                yield
            finally:
                ended.set()


def check_log(log: str) -> None:
    """Check that a server's log has no traceback."""
    _, found, rest = log.partition("Traceback")
    assert not found, f"...{log[: -len(rest)][-2_000:]}{rest[:4_000]}"


@asynccontextmanager
async def run_servers(
    url: str,
    folder: Path,
    engine: str,
    *,
    webhook_allow: str = "",
    backup_to: Path | None = None,
    options: Sequence[str] = (),
) -> AsyncIterator[Servers]:
    """Give as many servers as the engine takes, ready; at the end they are gone."""
    start = partial(
        run_server, url, folder, webhook_allow=webhook_allow, backup_to=backup_to, options=options
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        servers = Servers(start, SIZES[engine], stack)
        await servers.start_missing()
        yield servers
