"""Adds vehicles to runs, a few hundred in each transaction, with pauses for other calls.

Accounts take turns, one portion each, and an account's runs follow one another. So ten runs over a
whole fleet use no more of the server at once than one run.

The transaction that adds work also saves the run's progress. So any server process can continue a
run whose process ended. The next claim, or the next look at a run without progress for ten seconds,
starts this.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from padron.domain.errors import Code, PadronError
from padron.domain.operation import REFUSALS_KEPT_MAX, RUN_CHUNK_SIZE, STALLED_AFTER, Run, RunRefusal, sort_out
from padron.domain.query import Position, VehicleQuery
from padron.domain.vin import Vin
from padron.store.base import Store, WriteTransaction
from padron.store.settling import fail, fail_all, settle
from padron.traces import leave_trace

TASKS_MAX = 2  # portions at once, of different accounts
SMALL = 100  # so few VINs are queued at once, without a turn
REST_S_MAX = 0.25  # after a portion its account rests for the time that the portion took

_AFTER_ALL_VERSIONS = 2**62  # above any change number: the position after all versions of a vehicle

_log = logging.getLogger("padron.operations")


@dataclass(frozen=True, kw_only=True, slots=True)
class _VehicleChunk:
    vins: list[Vin]
    ends_at: int
    is_last: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """A run after a portion was queued, and the portion's refused vehicles."""

    run: Run
    refusals: list[RunRefusal]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A run whose next portion somebody awaits."""

    run: Run
    done: asyncio.Future[Portion]


@dataclass(slots=True, eq=False)
class _RunLine:
    """The waiting runs of an account. An awaited answer comes before background work."""

    asked: deque[_Asked] = field(default_factory=deque)
    going_on: deque[Run] = field(default_factory=deque)

    @property
    def is_empty(self) -> bool:
        return not self.asked and not self.going_on


class Queueing:
    """The queueing of one process. Each run has at most one task here."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._lines: dict[int, _RunLine] = {}  # by account, the next one first
        self._busy: set[int] = set()  # accounts that have their turn, or rest after it
        self._known: set[tuple[int, int]] = set()  # account and run, for the runs that continue here
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def waiting_count(self) -> int:
        """How many accounts wait for their turn to queue vehicles."""
        return len(self._lines)

    async def add_in_turn(self, account_id: int, run: Run) -> Portion:
        """Do what ``add_chunk`` does, when it is the account's turn. A small run needs no turn."""
        vins = run.question.vins
        if self._closing or (vins is not None and len(vins) <= SMALL):
            return await self.add_chunk(account_id, run)
        done: asyncio.Future[Portion] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(account_id, _RunLine()).asked.append(_Asked(run=run, done=done))
        self._wake()
        return await done

    async def add_chunk(self, account_id: int, run: Run) -> Portion:
        """Add the next vehicles to a run. Give the changed run, and the refused vehicles.

        When another process has advanced the run meanwhile, nothing is added.
        """
        chunk = await self._find_chunk(account_id, run)
        at = self._clock()

        async def work(transaction: WriteTransaction) -> Portion:
            operations = transaction.operations
            present = await operations.lock_run(run.run_id)
            if present is None or not present.is_queueing or present.position != run.position:
                return Portion(run=present or replace(run, is_queueing=False), refusals=[])
            found = await operations.hold_vehicles(chunk.vins)
            chosen = sort_out(chunk.vins, found)
            added = await operations.queue_vehicles(present, chosen.queued)
            after = replace(
                present,
                is_queueing=not chunk.is_last,
                position=chunk.ends_at,
                queued_count=present.queued_count + added,
                refused_count=present.refused_count + len(chosen.refused),
                moved_at=at,
            )
            room = max(0, REFUSALS_KEPT_MAX - present.refused_count)
            await operations.save_run(after, chosen.refused[:room])
            return Portion(run=after, refusals=chosen.refused)

        return await self._store.write(account_id, work)

    def go_on(self, account_id: int, run: Run) -> None:
        """Add the rest of a run's vehicles in the background, unless this process already does."""
        key = (account_id, run.run_id)
        if self._closing or key in self._known:
            return
        self._known.add(key)
        self._lines.setdefault(account_id, _RunLine()).going_on.append(run)
        self._wake()

    def go_on_if_stalled(self, account_id: int, run: Run) -> None:
        """Continue a run whose process seems to have ended."""
        if run.is_queueing and run.moved_at < self._clock() - STALLED_AFTER:
            self.go_on(account_id, run)

    async def close(self) -> None:
        """End after the current portions. A process continues the unfinished runs later."""
        self._closing = True
        stopped = PadronError(Code.STORE_UNAVAILABLE, "The server is being stopped.")
        for line in self._lines.values():
            fail_all((asked.done for asked in line.asked), stopped)
        self._lines.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _wake(self) -> None:
        """Start a task for each account that may have its turn, within the maximum of tasks."""
        free = len(self._lines.keys() - self._busy)
        for _ in range(min(free, TASKS_MAX - len(self._tasks))):
            task = asyncio.create_task(self._work(), name="padron-queueing")
            self._tasks.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._closing:
            self._wake()  # a run may have arrived since the last look

    async def _work(self) -> None:
        leave_trace()
        loop = asyncio.get_running_loop()
        while (account_id := self._take()) is not None:
            began_s = loop.time()
            try:
                await self._do_next(account_id)
                if account_id in self._lines:
                    await asyncio.sleep(min(loop.time() - began_s, REST_S_MAX))
            finally:
                self._busy.discard(account_id)

    def _take(self) -> int | None:
        """Take the account whose turn it is, and put it at the end of the line."""
        for account_id, line in self._lines.items():
            if account_id not in self._busy:
                self._busy.add(account_id)
                self._lines[account_id] = self._lines.pop(account_id, line)
                return account_id
        return None

    async def _do_next(self, account_id: int) -> None:
        """Add one portion of an account."""
        line = self._lines[account_id]
        if line.asked:
            asked = line.asked.popleft()
            self._drop_empty(account_id, line)
            if not asked.done.done():  # otherwise the caller has gone
                await self._answer(account_id, asked)
            return
        run = line.going_on.popleft()
        after = await self._add_or_leave(account_id, run)
        if after is None or not after.is_queueing or self._closing:
            self._known.discard((account_id, run.run_id))
        else:
            line.going_on.appendleft(after)
        self._drop_empty(account_id, line)

    def _drop_empty(self, account_id: int, line: _RunLine) -> None:
        if line.is_empty:
            self._lines.pop(account_id, None)

    async def _answer(self, account_id: int, asked: _Asked) -> None:
        try:
            portion = await self.add_chunk(account_id, asked.run)
        except Exception as error:  # noqa: BLE001 - whoever waits gets the error, whatever it is
            fail(asked.done, error)
        else:
            settle(asked.done, portion)

    async def _add_or_leave(self, account_id: int, run: Run) -> Run | None:
        """Add a portion, and give the changed run. None when another attempt must continue it later."""
        try:
            return (await self.add_chunk(account_id, run)).run
        except PadronError as error:
            _log.warning("run %d of account %d waits to be taken up: %s", run.run_id, account_id, error.detail)
        except Exception:  # noqa: BLE001 - nobody waits for this task, and a later attempt can continue the run
            _log.exception("run %d of account %d waits to be taken up", run.run_id, account_id)
        return None

    async def _find_chunk(self, account_id: int, run: Run) -> _VehicleChunk:
        question = run.question
        if question.vins is not None:
            ends_at = min(run.position + RUN_CHUNK_SIZE, run.position_max)
            vins = list(question.vins[run.position : ends_at])
            return _VehicleChunk(vins=vins, ends_at=ends_at, is_last=ends_at >= run.position_max)
        after = Position(key=None, vehicle_id=run.position, began=_AFTER_ALL_VERSIONS)
        query = VehicleQuery(filters=question.filters or {}, status=question.status, limit=RUN_CHUNK_SIZE, after=after)
        rows = await self._store.read(account_id).list_vehicles(query)
        vehicles = [version.vehicle for version, _ in rows if version.vehicle.vehicle_id <= run.position_max]
        return _VehicleChunk(
            vins=[vehicle.vin for vehicle in vehicles],
            ends_at=vehicles[-1].vehicle_id if vehicles else run.position,
            is_last=len(vehicles) < RUN_CHUNK_SIZE,
        )
