"""Adds vehicles to runs, a thousand in a transaction, so that no transaction holds many for long.

How far a run has come is written in the same transaction as the work it added, so it can be taken up where it was
left, by any server process: the next claim or look at a run that has not moved for ten seconds does that.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from padron.domain.errors import PadronError
from padron.domain.operation import REFUSALS_KEPT_MAX, RUN_CHUNK_SIZE, STALLED_AFTER, Refusal, Run, sort_out
from padron.domain.query import Position, VehicleQuery
from padron.domain.vin import Vin
from padron.store.base import Store
from padron.store.operations import OperationTransaction

_AFTER_ALL_VERSIONS = 2**62  # above any change number: the position after all versions of a vehicle

_log = logging.getLogger("padron.operations")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chunk:
    vins: list[Vin]
    ends_at: int
    is_last: bool


class Queueing:
    """One process's share of queueing runs. Each run has at most one task here."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._tasks: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._closing = False

    async def add_chunk(self, account_id: int, run: Run) -> tuple[Run, list[Refusal]]:
        """Add the next vehicles to a run; give the run as it is then, and the vehicles left out.

        When another process has taken the run further meanwhile, nothing is added.
        """
        chunk = await self._find_chunk(account_id, run)
        at = self._clock()

        async def work(transaction: OperationTransaction) -> tuple[Run, list[Refusal]]:
            present = await transaction.lock_run(run.run_id)
            if present is None or not present.is_queueing or present.position != run.position:
                return present or replace(run, is_queueing=False), []
            found = await transaction.hold_vehicles(chunk.vins)
            queued, refused = sort_out(chunk.vins, found)
            added = await transaction.queue_vehicles(present, queued)
            after = replace(
                present,
                is_queueing=not chunk.is_last,
                position=chunk.ends_at,
                queued_count=present.queued_count + added,
                refused_count=present.refused_count + len(refused),
                moved_at=at,
            )
            room = max(0, REFUSALS_KEPT_MAX - present.refused_count)
            await transaction.save_run(after, refused[:room])
            return after, refused

        return await self._store.operations.write(account_id, work)

    def go_on(self, account_id: int, run: Run) -> None:
        """Add the rest of a run's vehicles in the background, unless this process does so already."""
        key = (account_id, run.run_id)
        if self._closing or key in self._tasks:
            return
        task = asyncio.create_task(self._work(account_id, run), name=f"padron-run-{run.run_id}")
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def go_on_if_stalled(self, account_id: int, run: Run) -> None:
        """Take up a run whose process seems to have ended."""
        if run.is_queueing and run.moved_at < self._clock() - STALLED_AFTER:
            self.go_on(account_id, run)

    async def close(self) -> None:
        """End after the chunks under way. What is not queued yet is taken up later."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _work(self, account_id: int, run: Run) -> None:
        try:
            while run.is_queueing and not self._closing:
                run, _ = await self.add_chunk(account_id, run)
        except PadronError as error:
            _log.warning("run %d of account %d waits to be taken up: %s", run.run_id, account_id, error.detail)
        except Exception:  # noqa: BLE001 - nobody waits for this task, and it can be taken up
            _log.exception("run %d of account %d waits to be taken up", run.run_id, account_id)

    async def _find_chunk(self, account_id: int, run: Run) -> _Chunk:
        question = run.question
        if question.vins is not None:
            ends_at = min(run.position + RUN_CHUNK_SIZE, run.position_max)
            vins = list(question.vins[run.position : ends_at])
            return _Chunk(vins=vins, ends_at=ends_at, is_last=ends_at >= run.position_max)
        after = Position(key=None, vehicle_id=run.position, began=_AFTER_ALL_VERSIONS)
        query = VehicleQuery(filters=question.filters or {}, status=question.status, limit=RUN_CHUNK_SIZE, after=after)
        rows = await self._store.read(account_id).list_vehicles(query)
        vehicles = [version.vehicle for version, _ in rows if version.vehicle.vehicle_id <= run.position_max]
        return _Chunk(
            vins=[vehicle.vin for vehicle in vehicles],
            ends_at=vehicles[-1].vehicle_id if vehicles else run.position,
            is_last=len(vehicles) < RUN_CHUNK_SIZE,
        )
