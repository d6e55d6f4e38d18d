"""The worker of one process: takes imports that wait, under a lease, and works through them in the background.

Any number of processes may do so beside each other: of an account one import runs at a time, in one process.
"""

import asyncio
import logging
import random
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

from padron.domain.errors import Code, PadronError
from padron.domain.file_import import LEASE, ImportState
from padron.service.imports import file_imports, steps
from padron.service.imports.steps import Run
from padron.service.runtime import Runtime

POLL_S_MIN = 0.3
POLL_S_MAX = 0.7
RENEW_S = LEASE.total_seconds() / 3
HOLD_S = 0.5  # between two looks whether the import was cancelled: its place is then free at once
TROUBLE_S = 1.0  # the pause after the database could not be reached
STOP_S_MAX = 3.0  # for the transaction under way when the server ends
RELEASE_S_MAX = 1.5
RUNS_MAX = 2  # imports of one process at once, so that they do not take its time from the calls

_log = logging.getLogger("padron.imports")


class ImportWorker:
    """Imports uploaded files from one process, beside any number of others."""

    def __init__(
        self, runtime: Runtime, *, holder: str | None = None, poll_s: tuple[float, float] = (POLL_S_MIN, POLL_S_MAX)
    ) -> None:
        """``holder`` is a name that no living worker but this one has; what a dead one of that name held is its own."""
        self._runtime = runtime
        self._poll_s = poll_s
        self._holder = holder or secrets.token_hex(8)
        self._runs: dict[int, Run] = {}  # that have a place, by account
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for imports."""
        self._watching = asyncio.create_task(self._watch(), name="padron-imports-watch")

    async def stop(self) -> None:
        """Take nothing new, let the transactions under way end, and give the leases back."""
        self._stopping.set()
        if self._watching is not None:
            await self._watching
        for run in self._runs.values():
            run.halt()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S_MAX)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            pause_s = random.uniform(*self._poll_s)  # noqa: S311 - so that processes do not look in step
            try:
                await self._take()
            except PadronError as error:
                _log.warning("imports wait for the database: %s", error.detail)
                pause_s = TROUBLE_S
            except Exception:  # noqa: BLE001 - this loop must outlive anything
                _log.exception("the search for imports failed")
                pause_s = TROUBLE_S
            await self._pause(pause_s)

    async def _take(self) -> None:
        if len(self._runs) >= RUNS_MAX:
            return
        for account_id in await steps.list_waiting(self._runtime, self._holder, RUNS_MAX * 2):
            if account_id in self._runs or len(self._runs) >= RUNS_MAX or self._stopping.is_set():
                continue
            run = await steps.take_import(self._runtime, account_id, self._holder)
            if run is not None:
                task = asyncio.create_task(self._run(run), name=f"padron-import-{run.taken.import_id:x}")
                self._runs[account_id] = run
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, run: Run) -> None:
        renewing = asyncio.create_task(self._keep_lease(run), name="padron-import-lease")
        try:
            await self._import(run)
        except asyncio.CancelledError:
            await self._try("given back", run, steps.release_import(self._runtime, run))
        except PadronError as error:
            if error.code is Code.STORE_UNAVAILABLE:
                await self._wait_for_database(run, error.detail)
            elif not run.is_lost:
                ending = steps.end_import(self._runtime, run, ImportState.FAILED, error.detail)
                await self._try("ended", run, ending)
        except Exception:  # noqa: BLE001 - nobody waits for this task
            # It may be this process that is ill, so the import is tried again, a few times, once its lease runs out.
            _log.exception("import %x of account %d met an error", run.taken.import_id, run.account_id)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            del self._runs[run.account_id]
            if run.is_lost:  # perhaps because it was cancelled, and then nobody needs its bytes any more
                clearing = file_imports.clear_parts(self._runtime, run.account_id, run.taken.import_id)
                await self._try("cleared", run, clearing)

    async def _import(self, run: Run) -> None:
        summary = await steps.import_file(self._runtime, run, self._stopping.is_set)
        if run.is_lost:
            return
        if summary.stopped is not None:
            await self._wait_for_database(run, summary.stopped)
        elif summary.interrupted:
            await steps.release_import(self._runtime, run)
        else:
            await steps.end_import(self._runtime, run, ImportState.DONE)

    async def _wait_for_database(self, run: Run, detail: str) -> None:
        _log.warning("import %x of account %d waits: %s", run.taken.import_id, run.account_id, detail)
        await self._pause(TROUBLE_S)
        await self._try("given back", run, steps.release_import(self._runtime, run))

    async def _keep_lease(self, run: Run) -> None:
        while True:
            for _ in range(round(RENEW_S / HOLD_S)):
                await asyncio.sleep(HOLD_S)
                await self._try("looked at", run, steps.check_hold(self._runtime, run))
            await self._try("renewed", run, steps.renew_lease(self._runtime, run))

    async def _try(self, what: str, run: Run, work: Awaitable[None]) -> None:
        """Do what the next worker can do without: when it fails, the lease runs out."""
        try:
            async with asyncio.timeout(RELEASE_S_MAX if self._stopping.is_set() else None):
                await work
        except (PadronError, TimeoutError) as error:
            _log.warning(
                "import %x of account %d could not be %s: %s", run.taken.import_id, run.account_id, what, error
            )

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


@asynccontextmanager
async def run_imports(runtime: Runtime, holder: str | None = None) -> AsyncIterator[None]:
    """Import uploaded files while the block runs; ``holder`` as for ``ImportWorker``."""
    worker = ImportWorker(runtime, holder=holder)
    worker.start()
    try:
        yield
    finally:
        await worker.stop()
