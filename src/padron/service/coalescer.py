"""Joins concurrent single calls of one account: while its transaction is under way, the next calls gather.

No timer and no added wait: alone, a call goes at once. One task works for each busy account; it takes the
account off the table in the same step as its last look at the queue, so no call can be left behind.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import Vehicle
from padron.service.status_changes import change_statuses
from padron.store.base import StatusTransaction, Store

BATCH_SIZE_MAX = 256
# Turns of the event loop between two batches of an account. In these, those who were just answered send their answers,
# and what their clients call next is read: so it is in the next batch and need not wait for the one after.
GATHER_TURNS = 3
WAITING_MAX = 4_096  # calls of one account; more are refused at once, so that those admitted keep their pace


@dataclass(slots=True, eq=False)
class _Call:
    request: StatusRequest
    done: asyncio.Future[Vehicle]


class Coalescer:
    """Takes single status calls and runs them in batches, in the order in which they came, for each account."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[int, deque[_Call]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, account_id: int, request: StatusRequest) -> Awaitable[Vehicle]:
        """Give the outcome of this request, once it is durable. A caller may be cancelled; the call goes on.

        Raises what ``change_statuses`` decides for this request, ``overloaded`` and ``store_unavailable``.
        """
        call = _Call(request, asyncio.get_running_loop().create_future())
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = self._waiting[account_id] = deque()
            task = asyncio.create_task(self._work(account_id, waiting), name=f"padron-account-{account_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(waiting) >= WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "Too many calls of this account are waiting: try again shortly.")
        waiting.append(call)
        return call.done

    async def close(self) -> None:
        """Wait until nothing is waiting."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self, account_id: int, waiting: deque[_Call]) -> None:
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(len(waiting), BATCH_SIZE_MAX))]
                if not await self._run(account_id, batch):
                    _fail([*waiting], PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached."))
                    waiting.clear()
                for _ in range(GATHER_TURNS):
                    await asyncio.sleep(0)
        finally:
            del self._waiting[account_id]
            _fail([*waiting], PadronError(Code.STORE_UNAVAILABLE, "The server is being stopped."))

    async def _run(self, account_id: int, batch: list[_Call]) -> bool:
        """Run a batch and settle its calls. Give False when the store could not be reached."""
        requests = [call.request for call in batch]
        at = self._clock()

        async def work(transaction: StatusTransaction) -> list[Vehicle | PadronError]:
            return await change_statuses(transaction, requests, at)

        try:
            outcomes = await self._store.write_statuses(account_id, work)
        except PadronError as error:
            _fail(batch, error)
            return error.code is not Code.STORE_UNAVAILABLE
        except asyncio.CancelledError:
            _fail(batch, PadronError(Code.STORE_UNAVAILABLE, "The server is being stopped."))
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, no caller may be left waiting
            if len(batch) == 1:
                _fail(batch, error)
                return True
            # One request must not take the others down with it: each is tried by itself.
            return all([await self._run(account_id, [call]) for call in batch])
        for call, outcome in zip(batch, outcomes, strict=True):
            _settle(call, outcome)
        return True


def _settle(call: _Call, outcome: Vehicle | BaseException) -> None:
    if call.done.done():
        return  # the caller has gone
    if isinstance(outcome, BaseException):
        call.done.set_exception(outcome)
    else:
        call.done.set_result(outcome)


def _fail(calls: list[_Call], error: Exception) -> None:
    for call in calls:
        _settle(call, error)
