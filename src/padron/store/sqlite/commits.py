"""Group commit: concurrent transactions of any accounts share one sync to the disk.

Statements run on the event loop. Only the commit, which waits for the disk, runs on a thread. Meanwhile further
transactions gather. No caller gets an answer before the commit.

When a transaction of a group fails, the whole group runs again, each transaction in its own savepoint.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any, TypeVar

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.trace_context import TraceContext
from padron.meters import SIZES, Histogram
from padron.store.settling import fail, fail_all, settle
from padron.store.sqlite.connection import translate_errors
from padron.store.sqlite.log_copies import LogCopier
from padron.store.sqlite.soundness.guard import FileGuard
from padron.traces import CURRENT, Tracer

T = TypeVar("T")

GROUP_SIZE_MAX = 256
LOCK_WAIT_S_MAX = 2.0
_LOCK_RETRY_S = 0.002

_log = logging.getLogger("padron.store")


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[apsw.Connection], Awaitable[Any]]
    done: asyncio.Future[Any]
    trace: TraceContext | None
    result: Any = None
    error: BaseException | None = None


class GroupCommitter:
    """Owns the write connection. One task runs the queue, a group at a time, until the committer is closed."""

    def __init__(self, connection: apsw.Connection, copier: LogCopier, guard: FileGuard) -> None:
        self._connection = connection
        self._copier = copier
        self._guard = guard
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._step_began_s: float | None = None  # None while there is nothing to do
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-commit")
        self.commit_s = Histogram()
        self.group_sizes = Histogram(SIZES)
        self.tracer: Tracer | None = None
        self._task = asyncio.create_task(self._run(), name="padron-sqlite-writer")

    async def run(self, work: Callable[[apsw.Connection], Awaitable[T]]) -> T:
        """Give the result of ``work`` once it is on the disk. ``work`` must not wait for anything."""
        if self._closing or self._task.done():
            raise PadronError(Code.STORE_UNAVAILABLE, "The server is closing the database. Try again shortly.")
        self._guard.check()
        trace = None if self.tracer is None else CURRENT.get()
        job = _Job(work, asyncio.get_running_loop().create_future(), trace)
        self._jobs.append(job)
        self._wake.set()
        result: T = await job.done  # cancelling the caller cancels only the future; the work continues
        return result

    async def empty_log(self) -> bool:
        """Copy the whole log into the file and cut it off. Gives False when a reader still needs it."""
        self._copier.is_to_empty = True
        for _ in range(2):  # the log is copied after the first transaction, and so before the second ends
            await self.run(_do_nothing)
        return self._copier.is_empty

    @property
    def waiting_count(self) -> int:
        """How many transactions wait for the next group."""
        return len(self._jobs)

    @property
    def is_alive(self) -> bool:
        """Say whether the writing task runs."""
        return not self._task.done()

    @property
    def stalled_s(self) -> float:
        """Give the seconds since the current step began, 0 between two steps, infinity if the task has ended."""
        if self._task.done() and not self._closing:
            return inf
        return 0.0 if self._step_began_s is None else time.monotonic() - self._step_began_s

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        self._closing = True
        self._wake.set()
        await self._task
        self._thread.shutdown()
        await asyncio.to_thread(self._copier.close)  # a backup may take seconds to end
        self._connection.close()

    async def _run(self) -> None:
        while self._jobs or not self._closing:
            if not self._jobs:
                self._wake.clear()
                self._step_began_s = None
                await self._wake.wait()
                continue
            self._step_began_s = time.monotonic()
            await self._run_group()
            await self._copy_log()

    async def _copy_log(self) -> None:
        try:
            if self._copier.advance():
                await asyncio.get_running_loop().run_in_executor(self._thread, self._copier.finish)
        except Exception:  # noqa: BLE001 - no error, such as a missing thread, may end the committing
            _log.exception("The database's log could not be copied into its file.")

    async def _run_group(self) -> None:
        jobs: list[_Job] = []
        try:
            await self._begin()
            changes_before = self._connection.total_changes()
            try:
                await self._run_jobs(jobs)
            except Exception as error:
                if not self._connection.in_transaction:
                    raise  # SQLite rolled the whole group back (disk full, I/O error)
                self._roll_back()
                if len(jobs) > 1:
                    await self._begin()
                    for job in jobs:
                        await self._run_undoable(job)
                else:
                    jobs[0].error = error
            if self._connection.total_changes() == changes_before:
                self._roll_back()  # nothing was written, so there is no need to wait for the disk
            elif self._connection.in_transaction:
                began_s = perf_counter()
                await asyncio.get_running_loop().run_in_executor(self._thread, self._commit)
                self._note_commit(began_s, jobs)
        except Exception as error:  # noqa: BLE001 - every waiting caller must get any error
            self._roll_back()
            worded = _word(error)
            self._guard.note_error(worded)
            fail_all((job.done for job in jobs or self._take_waiting()), worded)
            return
        for job in jobs:
            if job.error is None:
                settle(job.done, job.result)
            else:
                self._guard.note_error(job.error)
                fail(job.done, job.error)

    def _note_commit(self, began_s: float, jobs: list[_Job]) -> None:
        self.commit_s.observe(perf_counter() - began_s)
        self.group_sizes.observe(len(jobs))
        if self.tracer is not None:
            self.tracer.note_commit("sqlite", "group", began_s, [job.trace for job in jobs])

    async def _run_jobs(self, jobs: list[_Job]) -> None:
        """Run the waiting jobs, and those that arrive meanwhile, until one fails. The failed one is last in ``jobs``.

        There are no savepoints here, because they take a third of the time of a batch of status calls. While one is
        open, SQLite copies each page before it changes the page. Beyond 16 pages the copies go into a file.
        """
        with translate_errors():
            while self._jobs and len(jobs) < GROUP_SIZE_MAX:
                job = self._jobs.popleft()
                jobs.append(job)
                job.result = await job.work(self._connection)

    async def _run_undoable(self, job: _Job) -> None:
        execute = self._connection.execute
        with translate_errors():
            execute("SAVEPOINT job")
            try:
                job.result = await job.work(self._connection)
            except Exception as error:
                if not self._connection.in_transaction:
                    raise
                execute("ROLLBACK TO job")
                job.error = error
            execute("RELEASE job")

    async def _begin(self) -> None:
        """Take the write lock. Wait for another program without blocking the event loop."""
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT_S_MAX
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_LOCK_RETRY_S)
            else:
                return

    def _commit(self) -> None:
        self._connection.execute("COMMIT")
        self._guard.note_written()
        self._guard.look()  # nothing is answered that was written to a file without a name

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _take_waiting(self) -> list[_Job]:
        waiting = list(self._jobs)
        self._jobs.clear()
        return waiting


async def _do_nothing(_: apsw.Connection) -> None:
    return None


def _word(error: Exception) -> Exception:
    try:
        with translate_errors():
            raise error  # noqa: TRY301 - translate_errors translates it
    except Exception as worded:  # noqa: BLE001 - raised a line above
        return worded
