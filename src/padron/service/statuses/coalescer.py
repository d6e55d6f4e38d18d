"""Joins concurrent single calls. While a transaction runs, the next calls of all accounts gather.

There is no timer and no added wait: a call that is alone starts at once. One task takes the waiting
calls in batches. It ends in the same step as its last look at the queue, so no call is left behind.
An account that is blocked by somebody else runs apart for a while, so that the other accounts do
not wait.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import Change, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.vehicle import Vehicle
from padron.meters import SIZES, Histogram
from padron.service.operations.lease_watch import LeaseWatch
from padron.service.statuses.changing import StatusOutcome, decide_all, list_vins, tells_deactivated
from padron.store.base import Store
from padron.store.settling import Waiting, fail, fail_all, settle
from padron.traces import Tracer

BATCH_SIZE_MAX = 256
# Turns of the event loop between two batches. In these turns, the answers of the last batch are
# sent and the next calls of these clients are read. So these calls are in the next batch, not in
# the one after.
GATHER_TURNS = 3
APART_S = 1.0


@dataclass(slots=True, eq=False)
class _Call:
    request: StatusRequest
    done: Waiting[Vehicle]


_Batch = Mapping[int, list[_Call]]


class Coalescer:
    """Runs single status calls in batches. The calls of an account keep their order.

    At most ``waiting_max`` calls of an account wait. More are refused at once, which keeps the admitted ones fast.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        waiting_max: int = DEFAULT_LIMITS.queued_changes,
        tracer: Tracer | None = None,
        leases: LeaseWatch | None = None,
    ) -> None:
        self._store = store
        self._leases = leases or LeaseWatch(store)
        self._waiting_max = waiting_max
        self._tracer = tracer
        self._clock = clock
        self._waiting: dict[int, deque[_Call]] = {}  # by account, the next one first
        self._busy: set[int] = set()  # the accounts that have a running batch
        self._is_running = False  # a batch of several accounts is running
        self._tasks: set[asyncio.Task[None]] = set()
        self.batch_sizes = Histogram(SIZES)

    @property
    def waiting_count(self) -> int:
        """How many calls wait for a batch."""
        return sum(map(len, self._waiting.values()))

    def submit(self, account_id: int, request: StatusRequest) -> Awaitable[Vehicle]:
        """Give the outcome of this request, once it is durable. If the caller is cancelled, the call continues.

        Raises what ``decide_all`` decides for this request, ``overloaded`` and
        ``store_unavailable``.
        """
        done: asyncio.Future[Vehicle] = asyncio.get_running_loop().create_future()
        self.enqueue(account_id, request, done)
        return done

    def enqueue(self, account_id: int, request: StatusRequest, done: Waiting[Vehicle]) -> None:
        """Let ``done`` get the outcome of this request, once it is durable. Raises ``overloaded`` at once."""
        waiting = self._waiting.get(account_id)
        if waiting is None:
            waiting = self._waiting[account_id] = deque()
        elif len(waiting) >= self._waiting_max:
            raise PadronError(Code.OVERLOADED, "Too many calls of this account are waiting. Try again shortly.")
        waiting.append(_Call(request, done))
        self._begin()

    async def close(self) -> None:
        """Wait until no call is waiting."""
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
        """Take waiting calls of the accounts that are not busy, up to the size of a batch."""
        batch: dict[int, list[_Call]] = {}
        room = BATCH_SIZE_MAX
        for account_id in [account_id for account_id in self._waiting if account_id not in self._busy]:
            batch[account_id] = self._take_of(account_id, room)
            room -= len(batch[account_id])
            if room == 0:
                break
        if batch:
            self.batch_sizes.observe(BATCH_SIZE_MAX - room)
        self._busy.update(batch)
        return batch

    def _take_of(self, account_id: int, room: int) -> list[_Call]:
        """Take calls of an account, at most ``room``. If more remain, the account goes to the end of the line."""
        waiting = self._waiting.pop(account_id)
        calls = [waiting.popleft() for _ in range(min(len(waiting), room))]
        if waiting:
            self._waiting[account_id] = waiting
        return calls

    async def _work_together(self) -> None:
        batch: _Batch = {}
        try:
            while batch := self._take():
                if self._tracer is None:
                    left = await self._run_together(batch)
                else:
                    with self._tracer.trace_batch(_list_requests(batch)):
                        left = await self._run_together(batch)
                self._busy.difference_update(batch.keys() - left.keys())
                batch = {}
                for account_id, calls in left.items():
                    self._start(self._work_apart(account_id, calls))
                await _gather()
        except PadronError as error:
            self._fail([*self._waiting], error)  # the next batch would fail, too
        except asyncio.CancelledError as error:
            self._fail([*self._waiting], error)
            raise
        finally:
            self._is_running = False
            self._busy.difference_update(batch)
            # Whoever gets an error may call again at once, before this task has ended.
            if not self._busy.issuperset(self._waiting):
                self._begin()

    async def _run_together(self, batch: _Batch) -> _Batch:
        """Run a batch of several accounts and settle its calls. Give the calls of accounts that must run apart.

        Raises what the store raises, after every call has its answer.
        """
        decision = _Decision(batch, self._clock())
        left = dict(batch)
        try:
            async for saved in self._store.write_together(decision.vins, decision.decide):
                for account_id in saved:
                    self._answer(account_id, left.pop(account_id), decision.outcomes[account_id])
        except (PadronError, asyncio.CancelledError) as error:
            for calls in left.values():
                _fail_all(calls, error)
            raise
        except Exception:  # noqa: BLE001 - one account must not make the others fail: each is tried alone
            return left
        return left

    async def _work_apart(self, account_id: int, calls: list[_Call]) -> None:
        """Run an account's calls apart, these first, until no call waits or some time has passed."""
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
        """Run and settle calls of one account. They wait for whoever blocks the account.

        Raises what the store raises.
        """
        decision = _Decision({account_id: calls}, self._clock())
        trace = nullcontext() if self._tracer is None else self._tracer.trace_batch(_list_requests({account_id: calls}))
        try:
            with trace:
                await self._store.write_apart(account_id, decision.vins[account_id], decision.decide)
        except (PadronError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - after any error, no caller may be left waiting
            if len(calls) == 1:
                fail(calls[0].done, error)
                return
            for call in calls:  # one request must not make the others fail: each is tried alone
                await self._run_apart(account_id, [call])
        else:
            self._answer(account_id, calls, decision.outcomes[account_id])

    def _answer(self, account_id: int, calls: Collection[_Call], outcomes: Collection[StatusOutcome]) -> None:
        """Answer the calls of an account. Where local gates have leases, those that end with a deactivation wait."""
        if not self._leases.is_strict(account_id):
            _answer_all(calls, outcomes)
            return
        waiting: list[tuple[_Call, StatusOutcome]] = []
        for call, outcome in zip(calls, outcomes, strict=True):
            if tells_deactivated(outcome):
                waiting.append((call, outcome))
            else:
                _answer_all((call,), (outcome,))
        if waiting:
            self._leases.hold(account_id, lambda: _answer_all(*zip(*waiting, strict=True)))

    def _fail(self, account_ids: Iterable[int], error: PadronError | asyncio.CancelledError) -> None:
        """Answer all waiting calls of these accounts with the error."""
        for account_id in account_ids:
            _fail_all(self._waiting.pop(account_id, ()), error)


class _Decision:
    """The requests of a batch, and the decisions from the last look at its vehicles."""

    def __init__(self, batch: _Batch, at: datetime) -> None:
        self._requests = {account_id: [call.request for call in calls] for account_id, calls in batch.items()}
        self._at = at
        self.vins = {account_id: list_vins(asked) for account_id, asked in self._requests.items()}
        self.outcomes: dict[int, list[StatusOutcome]] = {}

    def decide(self, account_id: int, vehicles: Sequence[Vehicle]) -> list[Change]:
        """Decide an account's requests, and decide again after its vehicles were read again."""
        decided = decide_all(vehicles, self._requests[account_id], self._at)
        self.outcomes[account_id] = decided.outcomes
        return decided.changes


def _list_requests(batch: _Batch) -> list[str]:
    return [call.request.request_id for calls in batch.values() for call in calls]


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
