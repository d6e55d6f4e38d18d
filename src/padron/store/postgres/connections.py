"""A bounded set of connections. A broken connection, or one with an unfinished transaction, does not go back.

The set makes a new connection whenever no connection is idle. So it uses a server again as soon as the server is back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.store.postgres.connection import (
    ANSWER_S_MAX,
    KEPT_STATEMENTS_MAX,
    open_connection,
    translate_errors,
)
from padron.store.postgres.troubles import ServerTroubles

CLOSE_S_MAX = 1.0
PROBE_EVERY_S = 1.0
ASKED_MAX = 3  # times for one question, if each time PostgreSQL ended it to undo a deadlock
PROBE_S_MAX = 0.7  # together with the pause before it, less than two seconds

_PING = "SELECT 1"
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

_HOLD = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

HELD_MAX = 2
HELD_WAIT_S_MAX = 30.0
# A plan that was made while the tables were small must not walk the whole table for each part of it.
HELD_SETTINGS = {"enable_seqscan": "off", "enable_bitmapscan": "off"}

Condition = Callable[[asyncpg.Connection], Awaitable[bool]]


class Connections:
    """At most ``size_max`` connections to one database."""

    def __init__(
        self,
        url: str,
        size_max: int,
        answer_s_max: float = ANSWER_S_MAX,
        troubles: ServerTroubles | None = None,
        settings: Mapping[str, str] | None = None,
        kept_max: int = KEPT_STATEMENTS_MAX,
    ) -> None:
        self.troubles = troubles or ServerTroubles()
        self._open_connection = partial(open_connection, url, settings=settings, kept_max=kept_max)
        self._answer_s_max = answer_s_max
        self._places = asyncio.Semaphore(size_max)
        self.size_max = size_max
        self.used_count = 0
        self.waiting_count = 0
        self.failed_count = 0  # connections that could not be made
        self._idle: list[asyncpg.Connection] = []
        self._closed = False

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement in a transaction of its own. Raises ``store_unavailable``."""
        limit_s = self._answer_s_max if answer_s_max is None else answer_s_max
        deadline = monotonic() + limit_s
        try:
            async with self._reach(limit_s) as connection:
                return await self._ask(connection, statement, parameters, deadline, limit_s)
        except Exception:
            with self.troubles.note_errors(), translate_errors():
                raise

    async def fetch_if(
        self,
        condition: Condition,
        statement: str,
        parameters: tuple[object, ...],
        answer_s_max: float | None = None,
    ) -> list[asyncpg.Record] | None:
        """Check the condition, then give the rows on the same connection; None if the server does not meet it."""
        limit_s = self._answer_s_max if answer_s_max is None else answer_s_max
        deadline = monotonic() + limit_s
        with self.troubles.note_errors(), translate_errors():
            async with self._reach(limit_s) as connection:
                async with asyncio.timeout(deadline - monotonic()):
                    is_met = await condition(connection)
                return await self._ask(connection, statement, parameters, deadline, limit_s) if is_met else None

    @asynccontextmanager
    async def begin(self, opening: str = "") -> AsyncIterator[asyncpg.Connection]:
        """Give a connection in a transaction. If the block does not commit it, it is undone.

        A statement without parameters may open the transaction, in the same round trip.
        """
        async with self._take(ANSWER_S_MAX, f"{_BEGIN};{opening}" if opening else _BEGIN) as connection:
            try:
                yield connection
            except TimeoutError:
                raise  # a hanging server would not answer this either
            except Exception:
                with suppress(Exception):
                    await connection.execute("ROLLBACK")
                raise

    @asynccontextmanager
    async def hold_instant(self, opening: str = "") -> AsyncIterator[asyncpg.Connection]:
        """Give a connection whose statements see the same instant, and that only reads.

        A statement without parameters may open the transaction. Others that also read wait longer for a connection
        here than elsewhere, because such a read takes seconds.
        """
        with self.troubles.note_errors(), translate_errors():
            text = f"{_HOLD};{opening}" if opening else _HOLD
            async with self._take(ANSWER_S_MAX, text, HELD_WAIT_S_MAX) as connection:
                yield connection
                await connection.execute("ROLLBACK")  # an error in the block ends the connection instead

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[asyncpg.Connection]:
        """Give a connection on which each statement is a transaction of its own."""
        async with self._take(ANSWER_S_MAX) as connection:
            yield connection

    async def close(self) -> None:
        """Close the idle connections. Connections in use close when they come back."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CLOSE_S_MAX)
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    def _reach(self, limit_s: float) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Give a connection for a statement that may take ``limit_s`` seconds.

        A slow statement shows too late that the server hangs. So we first send the server a short statement, and
        probe the server every second.
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
        """Give the rows of a statement that is alone in its transaction, so that it can be asked again."""
        for _ in range(ASKED_MAX):
            answer = connection.fetch(statement, *parameters, timeout=deadline - monotonic())
            with suppress(asyncpg.DeadlockDetectedError):  # a migration holds what it needs, and needs what it holds
                return await (self._watch(answer) if self._is_slow(limit_s) else answer)
        raise PadronError(
            Code.STORE_UNAVAILABLE, "The question and other work waited for each other three times. Try again shortly."
        )

    def _is_slow(self, limit_s: float) -> bool:
        return limit_s > self._answer_s_max

    async def _watch(self, answer: Coroutine[Any, Any, list[asyncpg.Record]]) -> list[asyncpg.Record]:
        """Give the answer. Raises TimeoutError once the server does not even accept another connection."""
        waiting = asyncio.ensure_future(answer)
        try:
            while not (await asyncio.wait([waiting], timeout=PROBE_EVERY_S))[0]:
                with suppress(PadronError):  # a server that refuses one more connection is alive
                    async with asyncio.timeout(PROBE_S_MAX):
                        probe = await self._open_connection()
                    probe.terminate()
            return waiting.result()
        finally:
            waiting.cancel()

    @asynccontextmanager
    async def _take(
        self, wait_s_max: float, opening: str | None = None, place_s_max: float | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        deadline = monotonic() + wait_s_max
        if self._places.locked():
            self.waiting_count += 1
            try:
                async with asyncio.timeout(wait_s_max if place_s_max is None else place_s_max):
                    await self._places.acquire()
            finally:
                self.waiting_count -= 1
            if place_s_max is not None:
                deadline = monotonic() + wait_s_max
        else:
            await self._places.acquire()  # without a timer, which costs a tenth of a short read; this never waits
        self.used_count += 1
        connection: asyncpg.Connection | None = None
        try:
            connection = self._find_idle()
            if connection is None:
                connection = await self._open(deadline)
            if opening is not None:
                await connection.execute(opening, timeout=deadline - monotonic())
            yield connection
        except (asyncio.CancelledError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            if connection is not None:
                connection.terminate()  # it was interrupted, and a late answer may still arrive on it
            raise
        finally:
            self.used_count -= 1
            self._places.release()
            if connection is not None:
                self._give_back(connection)

    async def _open(self, deadline: float) -> asyncpg.Connection:
        try:
            async with asyncio.timeout(deadline - monotonic()):
                return await self._open_connection()
        except Exception:
            self.failed_count += 1
            raise

    def _find_idle(self) -> asyncpg.Connection | None:
        if self._closed:
            raise PadronError(Code.STORE_UNAVAILABLE, "The server is closing the database. Try again shortly.")
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
