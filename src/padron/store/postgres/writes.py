"""Runs each write transaction in a task of its own, and again after a conflict with another one.

If the connection is lost during the commit, the outcome is unknown. This is an error and never leads to a retry.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.meters import Histogram
from padron.store.postgres.connection import translate_errors
from padron.store.postgres.connections import Connections
from padron.store.postgres.lines import AccountLines
from padron.traces import CURRENT, Tracer

T = TypeVar("T")

ATTEMPTS_MAX = 5
PAUSE_S_MIN = 0.005
PAUSE_S_MAX = 0.1
# The last one in a cluster only: there the directory's commands lock another copy of the account's row than its node.
_RACED_INDEXES = frozenset({"identities_by_vin", "identities_by_plate", "users_email_key", "administration_pkey"})
_find_index = re.compile(r'"([a-z_]+?)(?:_[0-9]+)?"').search  # a shard's index has the shard's number at its end


class WriteTasks:
    """Owns the tasks that write, so that a caller who hangs up interrupts no write."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._lines = AccountLines()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self.commit_s = Histogram()  # of transactions
        self.statement_s = Histogram()  # of work whose one statement also commits
        self.tracer: Tracer | None = None

    async def run(
        self, work: Callable[[asyncpg.Connection], Awaitable[T]], account_id: int | None = None, opening: str = ""
    ) -> T:
        """Give the result of ``work`` once it is committed. The account's transactions take turns.

        A statement without parameters may open the transaction.

        Raises the errors of ``work``, ``store_unavailable``, and ``overloaded`` after too long a wait for a turn.
        """
        run_once = partial(self._run_in_transaction, work, opening)
        return await self._shield(
            self._run(run_once if account_id is None else partial(self._wait, run_once, account_id))
        )

    async def run_alone(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Run ``work`` that writes with only one statement and so needs no transaction. It takes no turn."""
        return await self._shield(self._run(partial(self._run_statements, work)))

    async def _shield(self, running: Coroutine[Any, Any, T]) -> T:
        if self._closing:
            running.close()
            raise PadronError(Code.STORE_UNAVAILABLE, "The server is closing the database. Try again shortly.")
        task = asyncio.create_task(running, name="padron-postgres-write")
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        await asyncio.wait([task])  # unlike `await task`, this does not cancel the task when the caller is cancelled
        if task.cancelled():
            raise PadronError(Code.STORE_UNAVAILABLE, "The database does not answer in time.")
        with self._connections.troubles.note_errors():
            result = task.result()
        self._connections.troubles.note_written()
        return result

    async def close(self) -> None:
        """Finish the writes under way, and refuse later ones."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, run_once: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                with translate_errors():
                    return await run_once()
            except asyncpg.PostgresError as error:
                if not _stood_in_the_way(error):
                    raise
                if attempt == ATTEMPTS_MAX:
                    raise PadronError(
                        Code.STORE_UNAVAILABLE,
                        "The write conflicted with other transactions five times. Try again shortly.",
                    ) from error
            await asyncio.sleep(random.uniform(PAUSE_S_MIN, PAUSE_S_MAX))  # noqa: S311 - it protects no secret
        raise AssertionError  # the last attempt returns or raises

    async def _wait(self, run_once: Callable[[], Awaitable[T]], account_id: int) -> T:
        async with self._lines.turn(account_id):
            with translate_errors():
                return await run_once()

    async def _run_statements(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        async with self._connections.lend() as connection:
            began_s = perf_counter()
            result = await work(connection)
            self.statement_s.observe(perf_counter() - began_s)
            self._trace("statement", began_s)
            return result

    async def _run_in_transaction(self, work: Callable[[asyncpg.Connection], Awaitable[T]], opening: str) -> T:
        async with self._connections.begin(opening) as connection:
            result = await work(connection)
            began_s = perf_counter()
            try:
                outcome = await connection.execute("COMMIT")
            except asyncpg.InternalServerError as error:  # from a cluster that lost a node; the outcome is unknown
                raise PadronError(Code.STORE_UNAVAILABLE, "The database failed during the commit.") from error
            self.commit_s.observe(perf_counter() - began_s)
            if outcome != "COMMIT":
                # PostgreSQL answers ROLLBACK without an error when a statement failed and the work continued.
                raise RuntimeError("The work hid an error of the database, and its transaction was undone.")
            self._trace("transaction", began_s)
            return result

    def _trace(self, kind: str, began_s: float) -> None:
        if self.tracer is not None:
            self.tracer.note_commit("postgresql", kind, began_s, (CURRENT.get(),))

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # if the caller has gone, nobody else reads the exception


def _stood_in_the_way(error: asyncpg.PostgresError) -> bool:
    match error:
        case asyncpg.SerializationError() | asyncpg.DeadlockDetectedError():
            return True
        case asyncpg.UniqueViolationError():
            return _name_index(error) in _RACED_INDEXES
        case _:
            return False


def _name_index(error: asyncpg.UniqueViolationError) -> str:
    """Give the name of the index that a row hurt. By way of Citus an error has no such field, but names the index."""
    found = _find_index(f'"{error.constraint_name}"' if error.constraint_name else str(error))
    return "" if found is None else found[1]
