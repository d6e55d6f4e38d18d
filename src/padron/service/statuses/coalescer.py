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
from padron.service.statuses.changing import StatusOutcome, decide_all, list_vins
from padron.store.base import Store
from padron.store.settling import fail, fail_all, settle

BATCH_SIZE_MAX = 256
# Turns of the event loop between two batches. In these, those who were just answered send their answers,
# and what their clients call next is read: so it is in the next batch and need not wait for the one after.
GATHER_TURNS = 3
APART_S = 1.0
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
        """Run a batch of several accounts and settle its calls. Give back those of the accounts that have to go apart.

        Raises what the store raises, when all are told.
        """
        decision = _Decision(batch, self._clock())
        left = dict(batch)
        try:
            async for saved in self._store.write_together(decision.vins, decision.decide):
                for account_id in saved:
                    _answer_all(left.pop(account_id), decision.outcomes[account_id])
        except (PadronError, asyncio.CancelledError) as error:
            for calls in left.values():
                _fail_all(calls, error)
            raise
        except Exception:  # noqa: BLE001 - one account must not take the others down with it: each is tried by itself
            return left
        return left

    async def _work_apart(self, account_id: int, calls: list[_Call]) -> None:
        """Run an account's calls by themselves, these first, until nothing waits or some time has passed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + APART_S
        try:
            await self._run_apart(account_id, calls)
            await _gather()
            while account_id in self._waiting and loop.time() < until:
                calls = self._take_of(account_id, BATCH_SIZE_MAX)
                await self._run_apart(account_id, calls)
                await _gather()
        except PadronError as error:
            _fail_all(calls, error)
            self._fail([account_id], error)
        except asyncio.CancelledError as error:
            _fail_all(calls, error)
            self._fail([account_id], error)
            raise
        finally:
            self._busy.discard(account_id)
            if account_id in self._waiting:
                self._begin()

    async def _run_apart(self, account_id: int, calls: list[_Call]) -> None:
        """Run calls of one account, which wait for whoever is in the way there, and settle them.

        Raises what the store raises.
        """
        decision = _Decision({account_id: calls}, self._clock())
        try:
            await self._store.write_apart(account_id, decision.vins[account_id], decision.decide)
        except (PadronError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, no caller may be left waiting
            if len(calls) == 1:
                fail(calls[0].done, error)
                return
            for call in calls:  # one request must not take the others down with it: each is tried by itself
                await self._run_apart(account_id, [call])
        else:
            _answer_all(calls, decision.outcomes[account_id])

    def _fail(self, account_ids: Iterable[int], error: PadronError | asyncio.CancelledError) -> None:
        """Tell those who wait."""
        for account_id in account_ids:
            _fail_all(self._waiting.pop(account_id, ()), error)


class _Decision:
    """What a batch asks for, and what was decided when its vehicles were looked at last."""

    def __init__(self, batch: _Batch, at: datetime) -> None:
        self._requests = {account_id: [call.request for call in calls] for account_id, calls in batch.items()}
        self._at = at
        self.vins = {account_id: list_vins(asked) for account_id, asked in self._requests.items()}
        self.outcomes: dict[int, list[StatusOutcome]] = {}

    def decide(self, account_id: int, vehicles: Sequence[Vehicle]) -> list[Change]:
        """Decide an account's requests, again if its vehicles had to be read again."""
        decided = decide_all(vehicles, self._requests[account_id], self._at)
        self.outcomes[account_id] = decided.outcomes
        return decided.changes


async def _gather() -> None:
    for _ in range(GATHER_TURNS):
        await asyncio.sleep(0)


def _fail_all(calls: Collection[_Call], error: PadronError | asyncio.CancelledError) -> None:
    if isinstance(error, asyncio.CancelledError):
        error = PadronError(Code.STORE_UNAVAILABLE, "The server is being stopped.")
    fail_all((call.done for call in calls), error)


def _answer_all(calls: Collection[_Call], outcomes: Collection[StatusOutcome]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        if isinstance(outcome, PadronError):
            fail(call.done, outcome)
        else:
            settle(call.done, outcome)
