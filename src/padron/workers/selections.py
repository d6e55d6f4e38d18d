"""Applies selections from one process: takes waiting ones, under a lease, and changes their vehicles in portions.

Any number of processes may do so. Each selection has one worker at a time.
"""

import logging
import secrets
from collections.abc import Awaitable

from padron.domain.errors import PadronError
from padron.domain.selection import WaitingSelection
from padron.loop import TROUBLE_S
from padron.service.runtime import Runtime
from padron.service.selections import steps
from padron.service.selections.steps import SelectionRun
from padron.workers.base import PauseRange, Worker

POLL = PauseRange(s_min=0.2, s_max=0.4)
RUNS_MAX = 2  # selections of one process at once, which leaves time for the calls

_log = logging.getLogger("padron.selections")


class SelectionWorker(Worker):
    """Applies selections from one process. Other processes may do so, too."""

    def __init__(self, runtime: Runtime, *, holder: str | None = None, poll: PauseRange = POLL) -> None:
        """``holder`` is a name that no other living worker has. A new worker inherits a dead one's leases."""
        super().__init__("selections-watch", _log, "selections wait", trouble_s=TROUBLE_S)
        self._runtime = runtime
        self._poll = poll
        self._holder = holder or secrets.token_hex(8)
        self._runs: set[WaitingSelection] = set()

    async def _look(self) -> float:
        if len(self._runs) < RUNS_MAX:
            for waiting in await steps.list_waiting(self._runtime, self._holder, RUNS_MAX * 2):
                if waiting in self._runs or len(self._runs) >= RUNS_MAX or self.is_stopping:
                    continue
                run = await steps.take_selection(self._runtime, waiting, self._holder)
                if run is not None:
                    self._runs.add(waiting)
                    self._begin(self._run(waiting, run), f"selection-{waiting.selection_id:x}")
        return self._poll.draw()

    async def _run(self, waiting: WaitingSelection, run: SelectionRun) -> None:
        try:
            has_more = True
            while has_more and not self.is_stopping:
                async with self._runtime.turns.take(run.account_id):
                    has_more = await steps.apply_portion(self._runtime, run)
            if has_more:
                await self._try(run, steps.release_selection(self._runtime, run))
        except PadronError as error:
            _log.warning("selection %x of account %d waits: %s", waiting.selection_id, run.account_id, error.detail)
            await self.pause(TROUBLE_S)
            await self._try(run, steps.release_selection(self._runtime, run))
        except Exception:  # noqa: BLE001 - nobody waits for this task
            # It is tried again a few times, each time after its lease has expired.
            _log.exception("selection %x of account %d met an error", waiting.selection_id, run.account_id)
        finally:
            self._runs.discard(waiting)

    async def _try(self, run: SelectionRun, work: Awaitable[None]) -> None:
        """Do work that may fail. If it fails, the lease expires and the next worker continues."""
        try:
            await work
        except PadronError as error:
            _log.warning("selection %x of account %d waits: %s", run.taken.selection_id, run.account_id, error.detail)
