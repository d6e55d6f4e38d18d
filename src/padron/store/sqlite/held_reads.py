"""Reads of several statements that see one instant. They have connections and threads of their own.

While such a read is under way, SQLite cannot begin its log from the start again. So there are few, and each is short.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import apsw

from padron.store.sqlite.connection import open_connection, translate_errors
from padron.store.sqlite.soundness.guard import FileGuard

HELD_MAX = 2

HeldRows = list[tuple[Any, ...]]
ReadHeld = Callable[[str, tuple[object, ...]], Awaitable[HeldRows]]


class HeldReads:
    """The few connections of one process whose statements see one instant."""

    def __init__(self, path: str, guard: FileGuard) -> None:
        self._path = path
        self._guard = guard
        self._places = asyncio.Semaphore(HELD_MAX)
        self._idle: list[_HeldConnection] = []
        self._opened: list[_HeldConnection] = []

    @asynccontextmanager
    async def take(self) -> AsyncIterator[ReadHeld]:
        """Wait for a connection, and give what reads rows on it. The first statement decides on the instant."""
        async with self._places:
            held = self._idle.pop() if self._idle else self._open()
            try:
                yield held.read
            finally:
                # Its thread does this after a statement that nobody waits for any more, and before the next reader's.
                held.end()
                self._idle.append(held)

    def close(self) -> None:
        """End the reads under way, and close all connections."""
        for held in self._opened:
            held.close()
        self._opened.clear()

    def _open(self) -> "_HeldConnection":
        held = _HeldConnection(self._path, self._guard)
        self._opened.append(held)
        return held


class _HeldConnection:
    """A connection that only its own thread uses."""

    def __init__(self, path: str, guard: FileGuard) -> None:
        self._path = path
        self._guard = guard
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-held-read")
        self._connection: apsw.Connection | None = None

    async def read(self, statement: str, parameters: tuple[object, ...]) -> HeldRows:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, statement, parameters)

    def end(self) -> None:
        self._thread.submit(self._end)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.interrupt()
        self._thread.shutdown(cancel_futures=True)
        if self._connection is not None:
            self._connection.close()

    def _read(self, statement: str, parameters: tuple[object, ...]) -> HeldRows:
        self._guard.check()
        with self._guard.note_errors(), translate_errors():
            if self._connection is None:
                self._connection = open_connection(self._path, read_only=True)
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
            return self._connection.execute(statement, parameters).fetchall()

    def _end(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
