"""Joins concurrent single calls: while a transaction is under way, the next calls gather, of whatever accounts.

No timer and no added wait: alone, a call goes at once. One task takes what waits, a batch at a time, and ends in the
same step as its last look at the queue, so no call can be left behind. An account in which somebody else stands in the
way goes apart for a while, so that the others need not wait with it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import Change, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import Vehicle
from padron.service.statuses.changing import StatusOutcome, change_statuses, decide_all, list_vins
from padron.store.base import Patience, Store, WriteTransaction

BATCH_SIZE_MAX = 256
# Turns of the event loop between two batches. In these, those who were just answered send their answers,
# and what their clients call next is read: so it is in the next batch and need not wait for the one after.
GATHER_TURNS = 3
APART_S = 1.0
CROWDED_S = 1.0
WAITING_MAX = 4_096  # calls of one account; more are refused at once, so that those admitted keep their pace


@dataclass(slots=True, eq=False)
class _Call:
    request: StatusRequest
    done: asyncio.Future[Vehicle]


_Batch = Mapping[int, list[_Call]]


class Coalescer:
    """Takes single status calls and runs them in batches, each account's in the order in which they came."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[int, deque[_Call]] = {}  # by account, those whose turn is next first
        self._busy: set[int] = set()  # the accounts of which a batch is under way
        self._is_running = False  # a batch of several accounts is under way
        self._crowded_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, account_id: int, request: StatusRequest) -> Awaitable[Vehicle]:
        """Give the outcome of this request, once it is durable. A caller may be cancelled; the call goes on.

        Raises what ``decide_all`` decides for this request, ``overloaded`` and ``store_unavailable``.
        """
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = self._waiting[account_id] = deque()
        elif len(waiting) >= WAITING_MAX:
            raise PadronError(Code.OVERLOADED, "Too many calls of this account are waiting: try again shortly.")
        call = _Call(request, asyncio.get_running_loop().create_future())
        waiting.append(call)
        self._begin()
        return call.done

    async def close(self) -> None:
        """Wait until nothing is waiting."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._start(self._work_together())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="padron-status-calls")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self) -> _Batch:
        """Take calls of the accounts that are not busy, as many as there is room for."""
        batch: dict[int, list[_Call]] = {}
        room = BATCH_SIZE_MAX
        for account_id in [account_id for account_id in self._waiting if account_id not in self._busy]:
            batch[account_id] = self._take_of(account_id, room)
            room -= len(batch[account_id])
            if room == 0:
                break
        self._busy.update(batch)
        return batch

    def _take_of(self, account_id: int, room: int) -> list[_Call]:
        """Take an account's calls. With more than there is room for it goes to the end of the line."""
        waiting = self._waiting.pop(account_id)
        calls = [waiting.popleft() for _ in range(min(len(waiting), room))]
        if waiting:
            self._waiting[account_id] = waiting
        return calls

    async def _work_together(self) -> None:
        batch: _Batch = {}
        try:
            while batch := self._take():
                left = await self._run_together(batch)
                self._busy.difference_update(batch.keys() - left.keys())
                batch = {}
                for account_id, calls in left.items():
                    self._start(self._work_apart(account_id, calls))
                await _gather()
        except PadronError as error:
            self._fail([*self._waiting], error)  # the next batch would fare no better
        except asyncio.CancelledError as error:
            self._fail([*self._waiting], error)
            raise
        finally:
            self._is_running = False
            self._busy.difference_update(batch)

    async def _run_together(self, batch: _Batch) -> _Batch:
        """Run a batch of several accounts and give back those that have to go apart.

        Where several are in the way at once, another server is at work on the same accounts: two that take turns get
        further than two that pass each other over, so for a while this one waits for the other first.
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._crowded_until:
            left = await self._run(batch, Patience.BRIEF)
            if left:
                self._crowded_until = 0.0
                left = await self._run(left, Patience.NONE)
        else:
            left = await self._run(batch, Patience.NONE)
            if len(left) > 1:
                self._crowded_until = loop.time() + CROWDED_S
                left = await self._run(left, Patience.BRIEF)
        return left

    async def _work_apart(self, account_id: int, calls: list[_Call]) -> None:
        """Run an account's calls by themselves, these first, until nothing waits or some time has passed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + APART_S
        try:
            await self._run_locked(account_id, calls)
            await _gather()
            while account_id in self._waiting and loop.time() < until:
                batch = {account_id: self._take_of(account_id, BATCH_SIZE_MAX)}
                for left in (await self._run(batch, Patience.FULL)).values():
                    await self._run_locked(account_id, left)
                await _gather()
        except PadronError as error:
            self._fail([account_id], error)
        except asyncio.CancelledError as error:
            self._fail([account_id], error)
            raise
        finally:
            self._busy.discard(account_id)
            if account_id in self._waiting:
                self._begin()

    async def _run(self, batch: _Batch, patience: Patience) -> _Batch:
        """Run a batch and settle its calls. Give back those of the accounts in which somebody stood in the way.

        Raises what the store raises, when all are told.
        """
        requests = {account_id: [call.request for call in calls] for account_id, calls in batch.items()}
        at, outcomes = self._clock(), dict[int, list[StatusOutcome]]()

        def decide(account_id: int, vehicles: Sequence[Vehicle]) -> list[Change]:
            outcomes[account_id], changes = decide_all(vehicles, requests[account_id], at)
            return changes

        vins = {account_id: list_vins(asked) for account_id, asked in requests.items()}
        try:
            saved = await self._store.write_together(vins, decide, patience)
        except (PadronError, asyncio.CancelledError) as error:
            for calls in batch.values():
                _fail_all(calls, error)
            raise
        except Exception:  # noqa: BLE001 - one account must not take the others down with it: each is tried by itself
            return batch
        for account_id in saved:
            _settle_all(batch[account_id], outcomes[account_id])
        return {account_id: calls for account_id, calls in batch.items() if account_id not in saved}

    async def _run_locked(self, account_id: int, calls: list[_Call]) -> None:
        """Run calls of one account in a transaction that lets nobody in between, and settle them.

        Raises what the store raises, when all are told.
        """
        requests = [call.request for call in calls]
        at = self._clock()

        async def work(transaction: WriteTransaction) -> list[StatusOutcome]:
            return await change_statuses(transaction, requests, at)

        try:
            outcomes = await self._store.write(account_id, work)
        except (PadronError, asyncio.CancelledError) as error:
            _fail_all(calls, error)
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, no caller may be left waiting
            if len(calls) == 1:
                _settle_all(calls, [error])
                return
            for call in calls:  # one request must not take the others down with it: each is tried by itself
                await self._run_locked(account_id, [call])
        else:
            _settle_all(calls, outcomes)

    def _fail(self, account_ids: Iterable[int], error: PadronError | asyncio.CancelledError) -> None:
        """Tell those who wait."""
        for account_id in account_ids:
            _fail_all(self._waiting.pop(account_id, ()), error)


async def _gather() -> None:
    for _ in range(GATHER_TURNS):
        await asyncio.sleep(0)


def _fail_all(calls: Collection[_Call], error: PadronError | asyncio.CancelledError) -> None:
    if isinstance(error, asyncio.CancelledError):
        error = PadronError(Code.STORE_UNAVAILABLE, "The server is being stopped.")
    _settle_all(calls, [error] * len(calls))


def _settle_all(calls: Collection[_Call], outcomes: Collection[StatusOutcome | Exception]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.done.done():
            continue  # the caller has gone
        if isinstance(outcome, BaseException):
            call.done.set_exception(outcome)
        else:
            call.done.set_result(outcome)
