"""Executes planned changes when they are due. Every server process has this worker.

The database makes sure that exactly one worker executes each plan. The worker only looks and waits.
"""

import asyncio
import logging

from padron.domain.errors import PadronError
from padron.loop import TROUBLE_S
from padron.service.plans.execution import execute_chunk, find_next_instant, list_due_accounts
from padron.service.runtime import Runtime
from padron.workers.base import Worker

LOOK_EVERY_S = 0.25  # while nothing is due: another process may have added a plan
LOOK_AGAIN_S = 0.05  # while a plan is due, here or in a process that is about to execute it
REST_S = 10.0  # for an account whose plans met an internal error
CHUNKS_AT_ONCE = 4  # leaves connections for the calls

_log = logging.getLogger("padron.plans")


class PlanWorker(Worker):
    """Executes due plans from one process. Other processes may do so, too. Each account has its own task."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__("plans", _log, "planned changes wait")
        self._runtime = runtime
        self._places = asyncio.Semaphore(CHUNKS_AT_ONCE)
        self._busy: set[int] = set()  # accounts that have a task
        self._resting: dict[int, float] = {}  # accounts to leave alone, until this time of the event loop

    async def execute_due(self) -> None:
        """Execute all plans that are due now, in every account, and return when this is done."""
        await self._begin_due()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self) -> float:
        next_at = await find_next_instant(self._runtime)
        if next_at is None:
            return LOOK_EVERY_S
        ahead_s = (next_at - self._runtime.clock()).total_seconds()
        if ahead_s > 0:
            return min(ahead_s, LOOK_EVERY_S)
        await self._begin_due()
        return LOOK_AGAIN_S

    async def _begin_due(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for account_id in await list_due_accounts(self._runtime):
            if account_id not in self._busy and self._resting.get(account_id, now_s) <= now_s:
                self._busy.add(account_id)
                self._begin(self._execute_account(account_id), f"plans-{account_id}")

    async def _execute_account(self, account_id: int) -> None:
        """Execute all due plans of an account, in turns with other accounts. An error stops no other account."""
        try:
            ended = 1
            while ended and not self.is_stopping:
                async with self._places:
                    ended = await execute_chunk(self._runtime, account_id)
        except PadronError as error:
            _log.warning("the planned changes of account %d wait: %s", account_id, error.detail)
            self._rest(account_id, TROUBLE_S)
        except Exception:  # noqa: BLE001 - nobody waits for this task
            _log.exception("the planned changes of account %d wait", account_id)
            self._rest(account_id, REST_S)
        else:
            self._resting.pop(account_id, None)
        finally:
            self._busy.discard(account_id)

    def _rest(self, account_id: int, seconds: float) -> None:
        self._resting[account_id] = asyncio.get_running_loop().time() + seconds
