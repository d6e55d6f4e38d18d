"""A bounded set of connections. None that broke or was left in the middle of something goes back.

A new connection is made whenever none is idle, so a server that was away is used again as soon as it is back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import monotonic
from typing import Any

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.store.postgres.connection import ANSWER_S_MAX, open_connection, translate_errors

CLOSE_S_MAX = 1.0
PROBE_EVERY_S = 1.0
PROBE_S_MAX = 0.7  # with the pause before it less than two seconds

_PING = "SELECT 1"

Condition = Callable[[asyncpg.Connection], Awaitable[bool]]


class Connections:
    """At most ``size_max`` connections to one database."""

    def __init__(self, url: str, size_max: int, answer_s_max: float = ANSWER_S_MAX) -> None:
        self._url = url
        self._answer_s_max = answer_s_max
        self._places = asyncio.Semaphore(size_max)
        self._idle: list[asyncpg.Connection] = []
        self._closed = False

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement, which is a transaction of its own. Raises ``store_unavailable``."""
        limit_s = self._answer_s_max if answer_s_max is None else answer_s_max
        deadline = monotonic() + limit_s
        with translate_errors():
            async with self._reach(limit_s) as connection:
                return await self._ask(connection, statement, parameters, deadline, limit_s)

    async def fetch_if(
        self,
        condition: Condition,
        statement: str,
        parameters: tuple[object, ...],
        answer_s_max: float | None = None,
    ) -> list[asyncpg.Record] | None:
        """Give the rows, or None when the server does not meet the condition, asked before on the same connection."""
        limit_s = self._answer_s_max if answer_s_max is None else answer_s_max
        deadline = monotonic() + limit_s
        with translate_errors():
            async with self._reach(limit_s) as connection:
                async with asyncio.timeout(deadline - monotonic()):
                    is_met = await condition(connection)
                return await self._ask(connection, statement, parameters, deadline, limit_s) if is_met else None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[asyncpg.Connection]:
        """Give a connection in a transaction that is undone unless the block commits it."""
        async with self._take(ANSWER_S_MAX, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as connection:
            try:
                yield connection
            except TimeoutError:
                raise  # a server that hangs would not answer this either
            except Exception:
                with suppress(Exception):
                    await connection.execute("ROLLBACK")
                raise

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[asyncpg.Connection]:
        """Give a connection for statements that are each a transaction of their own."""
        async with self._take(ANSWER_S_MAX) as connection:
            yield connection

    async def close(self) -> None:
        """Close the idle connections; those in use close when they come back."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CLOSE_S_MAX)
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    def _reach(self, limit_s: float) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Give a connection to a server that may take so many seconds to answer.

        A statement that may take longer shows too late that the server hangs: so it is asked something short, before
        and then every second.
        """
        return self._take(min(limit_s, self._answer_s_max), _PING if self._is_slow(limit_s) else None)

    async def _ask(
        self,
        connection: asyncpg.Connection,
        statement: str,
        parameters: tuple[object, ...],
        deadline: float,
        limit_s: float,
    ) -> list[asyncpg.Record]:
        answer = connection.fetch(statement, *parameters, timeout=deadline - monotonic())
        return await (self._watch(answer) if self._is_slow(limit_s) else answer)

    def _is_slow(self, limit_s: float) -> bool:
        return limit_s > self._answer_s_max

    async def _watch(self, answer: Coroutine[Any, Any, list[asyncpg.Record]]) -> list[asyncpg.Record]:
        """Give the answer. Raises TimeoutError once the server does not even let another connection in."""
        waiting = asyncio.ensure_future(answer)
        try:
            while not (await asyncio.wait([waiting], timeout=PROBE_EVERY_S))[0]:
                with suppress(PadronError):  # one that refuses us, as too many, lives
                    async with asyncio.timeout(PROBE_S_MAX):
                        probe = await open_connection(self._url)
                    probe.terminate()
            return waiting.result()
        finally:
            waiting.cancel()

    @asynccontextmanager
    async def _take(self, wait_s_max: float, opening: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        deadline = monotonic() + wait_s_max
        if self._places.locked():
            async with asyncio.timeout(deadline - monotonic()):
                await self._places.acquire()
        else:
            await self._places.acquire()  # which does not wait: a timer is a tenth of what a short read costs
        connection: asyncpg.Connection | None = None
        try:
            connection = self._find_idle()
            if connection is None:
                async with asyncio.timeout(deadline - monotonic()):
                    connection = await open_connection(self._url)
            if opening is not None:
                await connection.execute(opening, timeout=deadline - monotonic())
            yield connection
        except (asyncio.CancelledError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            if connection is not None:
                connection.terminate()  # it was cut off in the middle of something and may answer that later
            raise
        finally:
            self._places.release()
            if connection is not None:
                self._give_back(connection)

    def _find_idle(self) -> asyncpg.Connection | None:
        if self._closed:
            raise PadronError(Code.STORE_UNAVAILABLE, "The database is being closed.")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _give_back(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed():
            return
        if self._closed or connection.is_in_transaction():
            connection.terminate()
            return
        self._idle.append(connection)
