"""The import worker of one process: takes waiting imports, under a lease, and works on them.

Any number of processes may do so. Each account has one running import at a time, in one process.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable

from padron.domain.errors import PadronError
from padron.domain.file_import import LEASE, ImportState
from padron.domain.file_reading import UnreadableFileError
from padron.loop import TROUBLE_S, Loop
from padron.service.imports import file_imports, steps
from padron.service.imports.steps import ImportRun
from padron.service.runtime import Runtime
from padron.workers.base import RELEASE_S_MAX, PauseRange, Worker

POLL = PauseRange(s_min=0.3, s_max=0.7)
RENEW_S = LEASE.total_seconds() / 3
HOLD_S = 0.5  # between two checks for a cancelled import, whose place is then free at once
RUNS_MAX = 2  # imports of one process at once, which leaves time for the calls

_log = logging.getLogger("padron.imports")


class ImportWorker(Worker):
    """Imports uploaded files from one process. Other processes may do so, too."""

    def __init__(self, runtime: Runtime, *, holder: str | None = None, poll: PauseRange = POLL) -> None:
        """``holder`` is a name that no other living worker has. A new worker inherits a dead one's leases."""
        super().__init__("imports-watch", _log, "imports wait", trouble_s=TROUBLE_S)
        self._runtime = runtime
        self._poll = poll
        self._holder = holder or secrets.token_hex(8)
        self._runs: dict[int, ImportRun] = {}  # runs that have a place, by account

    async def _look(self) -> float:
        if len(self._runs) < RUNS_MAX:
            await self._take()
        return self._poll.draw()

    def _hasten(self) -> None:
        for run in self._runs.values():
            run.halt()

    async def _take(self) -> None:
        for account_id in await steps.list_waiting(self._runtime, self._holder, RUNS_MAX * 2):
            if account_id in self._runs or len(self._runs) >= RUNS_MAX or self.is_stopping:
                continue
            run = await steps.take_import(self._runtime, account_id, self._holder)
            if run is not None:
                self._runs[account_id] = run
                self._begin(self._run(run), f"import-{run.taken.import_id:x}")

    async def _run(self, run: ImportRun) -> None:
        keeping = self._keep_lease(run)
        try:
            await self._import(run)
        except asyncio.CancelledError:
            await self._try("given back", run, steps.release_import(self._runtime, run))
        except PadronError as error:
            await self._wait_for_database(run, error.detail)
        except Exception:  # noqa: BLE001 - nobody waits for this task
            # The cause may be this process, so the import is retried a few times after its lease
            # expires.
            _log.exception("import %x of account %d met an error", run.taken.import_id, run.account_id)
        finally:
            await keeping.stop()
            del self._runs[run.account_id]
            if run.is_lost:  # perhaps because it was cancelled, and then nobody needs its bytes
                clearing = file_imports.clear_parts(self._runtime, run.account_id, run.taken.import_id)
                await self._try("cleared", run, clearing)

    async def _import(self, run: ImportRun) -> None:
        summary = await steps.import_file(self._runtime, run, lambda: self.is_stopping)
        if run.is_lost:
            return
        match summary.stopped:
            case None if summary.is_interrupted:
                await steps.release_import(self._runtime, run)
            case None:
                await steps.end_import(self._runtime, run, ImportState.DONE)
            case UnreadableFileError() as error:
                await steps.end_import(self._runtime, run, ImportState.FAILED, error.detail)
            case error:
                await self._wait_for_database(run, error.detail)

    async def _wait_for_database(self, run: ImportRun, detail: str) -> None:
        _log.warning("import %x of account %d waits: %s", run.taken.import_id, run.account_id, detail)
        await self.pause(TROUBLE_S)
        await self._try("given back", run, steps.release_import(self._runtime, run))

    def _keep_lease(self, run: ImportRun) -> Loop:
        """Begin to check that this worker still holds the import, and renew its lease from time to time."""
        clock = asyncio.get_running_loop().time
        renewed_s = clock()

        async def step() -> float:
            nonlocal renewed_s
            await steps.check_hold(self._runtime, run)
            if clock() >= renewed_s + RENEW_S:
                await steps.renew_lease(self._runtime, run)
                renewed_s = clock()
            return HOLD_S

        failure = f"import {run.taken.import_id:x} of account {run.account_id} could not be looked at"
        keeping = Loop(step, name="padron-import-lease", log=_log, failure=failure, first_s=HOLD_S, trouble_s=HOLD_S)
        keeping.start()
        return keeping

    async def _try(self, what: str, run: ImportRun, work: Awaitable[None]) -> None:
        """Do work that may fail. If it fails, the lease expires and the next worker continues."""
        try:
            async with asyncio.timeout(RELEASE_S_MAX if self.is_stopping else None):
                await work
        except (PadronError, TimeoutError) as error:
            _log.warning(
                "import %x of account %d could not be %s: %s", run.taken.import_id, run.account_id, what, error
            )
