"""The read connections: one for the event loop, one for each reading thread."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import apsw

from padron.store.sqlite.connection import open_connection, translate_errors
from padron.store.sqlite.held_reads import HeldReads
from padron.store.sqlite.soundness.guard import FileGuard

READ_THREADS = 4

T = TypeVar("T")


class ReadConnections:
    """Gives rows of the last commit. It never waits for a lock on the event loop."""

    def __init__(self, path: str, guard: FileGuard) -> None:
        self._path = path
        self._guard = guard
        self._point = open_connection(path, read_only=True, busy_timeout_ms=0)
        self._threads = ThreadPoolExecutor(max_workers=READ_THREADS, thread_name_prefix="padron-read")
        self._local = threading.local()
        self.held = HeldReads(path, guard)
        self._opened: list[apsw.Connection] = []
        self.reading_count = 0  # statements on the threads, those that wait for a thread included

    async def read_point(self, statement: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Give the rows of a statement that an index answers in microseconds."""
        self._guard.check()
        try:
            return self._point.execute(statement, parameters).fetchall()
        except apsw.BusyError:  # SQLite is recovering or resetting the file: wait on a thread
            return await self.read_page(statement, parameters)
        except apsw.Error:
            with self._guard.note_errors(), translate_errors():
                raise

    async def read_page(self, statement: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Give the rows of a statement that may take a while."""
        return await self._run(lambda connection: connection.execute(statement, parameters).fetchall())

    async def read_together(self, work: Callable[[apsw.Connection], T]) -> T:
        """Give the result of work on a thread. All its statements see one instant."""

        def run(connection: apsw.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                if connection.in_transaction:  # an error may have ended it
                    connection.execute("ROLLBACK")

        return await self._run(run)

    async def _run(self, work: Callable[[apsw.Connection], T]) -> T:
        self.reading_count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run_on_thread, work)
        finally:
            self.reading_count -= 1

    def close(self) -> None:
        """End the reads under way, which nobody waits for any more, and close all connections."""
        self.held.close()
        for connection in self._opened:
            connection.interrupt()
        self._threads.shutdown(cancel_futures=True)
        for connection in [self._point, *self._opened]:
            connection.close()
        self._opened.clear()

    def _run_on_thread(self, work: Callable[[apsw.Connection], T]) -> T:
        self._guard.check()
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_connection(self._path, read_only=True)
            self._opened.append(connection)
        with self._guard.note_errors(), translate_errors():
            return work(connection)
