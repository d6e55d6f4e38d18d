"""Connections to PostgreSQL that one test leaves to the next.

A new connection is a new process of the server, which knows no table and has no plan: it costs ten times as much as
what a test then asks of it. So while the tests run, the driver's ``connect`` gives a connection that an earlier test
closed, as good as new: the server resets its settings, locks and cursors, and it stays in its database. The program's
own connections, pools and time limits are untouched. Tests for which it matters who is connected call ``leave_alone``.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

_CONNECT = asyncpg.connect
_IDLE_MAX = 8  # for each database: what a test with more of them closes is really closed

_Key = tuple[object, ...]


class KeptConnection(asyncpg.Connection):
    """A connection that is put aside when it is closed."""

    shelf: "_Shelf | None" = None

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the driver's signature
        """Put the connection aside, or end it when it is not fit for another test."""
        if self.shelf is None or not self.shelf.take(self):
            await super().close(timeout=timeout)


@dataclass(kw_only=True)
class _Shelf:
    """The idle connections to one database that were opened in the same way."""

    is_open: bool = True
    idle: list[KeptConnection] = field(default_factory=list)

    def take(self, connection: KeptConnection) -> bool:
        is_fit = not connection.is_closed() and not connection.is_in_transaction() and connection not in self.idle
        if not self.is_open or not is_fit or len(self.idle) == _IDLE_MAX:
            return False
        self.idle.append(connection)
        return True


class KeptConnections:
    """The connections that are idle between two tests, on the event loop that all tests share."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shelves: dict[str, dict[_Key, _Shelf]] = {}  # of each database

    @contextmanager
    def installed(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Stand before the driver's ``connect``, on this loop alone."""
        self._loop = loop
        driver: Any = asyncpg
        driver.connect = self._connect
        try:
            yield
        finally:
            driver.connect = _CONNECT
            self._loop = None

    def keep(self, url: str) -> None:
        """Begin to keep connections to a database."""
        self._shelves.setdefault(url, {})

    def forget(self, url: str) -> None:
        """End the idle connections to a database, and keep no more of them."""
        for shelf in self._shelves.pop(url, {}).values():
            shelf.is_open = False
            for connection in shelf.idle:
                connection.terminate()

    def forget_all(self) -> None:
        """End all of them."""
        for url in [*self._shelves]:
            self.forget(url)

    def list_backends(self, url: str) -> list[int]:
        """Give the server's processes behind the idle connections to a database."""
        idle = [connection for shelf in self._shelves.get(url, {}).values() for connection in shelf.idle]
        return [connection.get_server_pid() for connection in idle if not connection.is_closed()]

    async def _connect(self, url: str, **options: Any) -> asyncpg.Connection:  # noqa: ANN401 - the driver's options
        shelves = self._shelves.get(url)
        if shelves is None or self._loop is not asyncio.get_running_loop():
            return await _CONNECT(url, **options)
        timeout_s = options.get("timeout", 60)
        key = tuple(sorted((name, repr(value)) for name, value in options.items() if name != "timeout"))
        shelf = shelves.setdefault(key, _Shelf())
        while shelf.idle:
            kept = shelf.idle.pop()
            if await _renew(kept, timeout_s):
                return kept
        connection: KeptConnection = await _CONNECT(url, connection_class=KeptConnection, **options)
        connection.shelf = shelf
        return connection


async def _renew(connection: KeptConnection, timeout_s: float) -> bool:
    """Make a connection as good as new; False when its server has ended it meanwhile."""
    is_renewed = False
    try:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError):
            await connection.reset(timeout=timeout_s)
            is_renewed = True
    finally:
        if not is_renewed:
            connection.terminate()
    return is_renewed


KEPT = KeptConnections()
