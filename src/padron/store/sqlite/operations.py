"""Operations in SQLite. A write transaction holds the only lock there is, so claims need not skip anything."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import apsw

from padron.domain.operation import ClaimKey, Operation, Result, ResultEntry, Run, RunRefusal, Work, WorkState
from padron.domain.status import OPERATIONAL_STATUSES
from padron.domain.vehicle import Vehicle
from padron.store.operations import OperationTransaction
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import ReadConnections, Row
from padron.store.sqlite.idempotency import KeyedCommitter
from padron.store.sqlite.operation_rows import (
    from_result,
    from_run,
    to_operation,
    to_refusal,
    to_result,
    to_result_entry,
    to_run,
    to_work,
)
from padron.store.sqlite.rows import from_instant, from_instant_or_none, to_vehicle
from padron.store.statements import load_statements

T = TypeVar("T")

SQL = load_statements("padron.store.sqlite", "operations.sql")

_OPERATIONAL = json.dumps([status.value for status in OPERATIONAL_STATUSES])
_NEWEST = (2**63 - 1, 2**63 - 1, 2**31 - 1)


class SqliteOperationTransaction:
    """The open transaction of the one write connection, bound to an account."""

    def __init__(self, connection: apsw.Connection, account_id: int) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._account_id = account_id

    async def lock_declarer(self) -> None:
        self._fetch("lock_declarer")

    async def list_operations(self) -> list[Operation]:
        return [to_operation(row) for row in self._fetch("list_operations")]

    async def save_operation(self, operation: Operation) -> None:
        self._fetch(
            "save_operation",
            operation.name,
            operation.description,
            operation.lease_s,
            operation.attempts_max,
            from_instant(operation.created_at),
            from_instant(operation.updated_at),
        )

    async def list_filling_runs(self, limit: int) -> list[Run]:
        return [to_run(row) for row in self._fetch("list_filling_runs", limit)]

    async def add_run(self, run: Run) -> bool:
        return bool(self._fetch("insert_run", *from_run(run)))

    async def lock_run(self, run_id: int) -> Run | None:
        rows = self._fetch("lock_run", run_id)
        return to_run(rows[0]) if rows else None

    async def hold_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        execute, statement = self._execute, SQL["hold_vehicles"]
        return [to_vehicle(row) for vin in dict.fromkeys(vins) for row in execute(statement, (self._account_id, vin))]

    async def queue_vehicles(self, run: Run, vehicles: Sequence[Vehicle]) -> int:
        rows = [(self._account_id, run.run_id, vehicle.vehicle_id, run.operation) for vehicle in vehicles]
        return len(self._executemany(SQL["insert_work"], rows).fetchall()) if rows else 0

    async def save_run(self, run: Run, refusals: Sequence[RunRefusal]) -> None:
        kept = (int(run.is_queueing), run.position, run.queued_count, run.refused_count, from_instant(run.moved_at))
        self._execute(SQL["update_run"], (*kept, self._account_id, run.run_id))
        first = run.refused_count - len(refusals)
        self._executemany(
            SQL["insert_refusal"],
            [
                (
                    self._account_id, run.run_id, place, refusal.vin, refusal.reason.value,
                    None if refusal.status is None else refusal.status.value, from_instant_or_none(refusal.since),
                )
                for place, refusal in enumerate(refusals, start=first)
            ],
        )  # fmt: skip

    async def lock_expired(self, operation: str, now: datetime, limit: int) -> list[Work]:
        rows = self._fetch("lock_expired", operation, from_instant(now), limit, _OPERATIONAL)
        return [to_work(row) for row in rows]

    async def lock_queued(self, operation: str, limit: int) -> list[Work]:
        return [to_work(row) for row in self._fetch("lock_queued", operation, limit, _OPERATIONAL)]

    async def lock_work(self, keys: Sequence[ClaimKey]) -> list[Work]:
        rows = {(key.run_id, key.vehicle_id) for key in keys}
        return [to_work(found) for row in rows for found in self._fetch("lock_work", *row)]

    async def load_results(self, keys: Sequence[ClaimKey]) -> list[Result]:
        return [to_result(row) for key in set(keys) for row in self._fetch("load_results", *key)]

    async def save_work(self, works: Sequence[Work]) -> None:
        self._executemany(
            SQL["update_work"],
            [
                (
                    work.state.value, work.attempts, from_instant_or_none(work.lease_until), work.claimed_by,
                    from_instant_or_none(work.ended_at), self._account_id, work.run_id, work.vehicle_id,
                )
                for work in works
            ],
        )  # fmt: skip

    async def add_results(self, results: Sequence[Result]) -> None:
        self._executemany(SQL["insert_result"], [(self._account_id, *from_result(result)) for result in results])

    def _fetch(self, name: str, *parameters: str | int | None) -> list[Row]:
        return self._execute(SQL[name], (self._account_id, *parameters)).fetchall()


class SqliteOperationReader:
    """Reads of one account's operations."""

    def __init__(self, connections: ReadConnections, account_id: int) -> None:
        self._connections = connections
        self._account_id = account_id

    async def list_operations(self) -> list[Operation]:
        return [to_operation(row) for row in await self._read_point("list_operations")]

    async def find_operation(self, name: str) -> Operation | None:
        rows = await self._read_point("find_operation", name)
        return to_operation(rows[0]) if rows else None

    async def find_run(self, operation: str, run_id: int) -> Run | None:
        rows = await self._read_point("find_run", operation, run_id)
        return to_run(rows[0]) if rows else None

    async def list_stalled_runs(self, operation: str, before: datetime) -> list[Run]:
        return [to_run(row) for row in await self._read_point("list_stalled_runs", operation, from_instant(before))]

    async def count_work(self, run_id: int, now: datetime, attempts_max: int) -> Mapping[WorkState, int]:
        rows = await self._read_page("count_work", run_id, from_instant(now), attempts_max)
        return {WorkState(state): count for state, count in rows}

    async def list_refusals(self, run_id: int) -> list[RunRefusal]:
        return [to_refusal(row) for row in await self._read_page("list_refusals", run_id)]

    async def has_work(self, operation: str, now: datetime) -> bool:
        return bool((await self._read_point("has_work", operation, from_instant(now)))[0][0])

    async def list_run_results(self, run_id: int, after: tuple[int, int], limit: int) -> list[ResultEntry]:
        return [to_result_entry(row) for row in await self._read_page("list_run_results", run_id, *after, limit)]

    async def list_vehicle_results(
        self, vehicle_id: int, before: tuple[datetime, int, int] | None, limit: int
    ) -> list[ResultEntry]:
        place = _NEWEST if before is None else (from_instant(before[0]), *before[1:])
        rows = await self._read_page("list_vehicle_results", vehicle_id, *place, limit)
        return [to_result_entry(row) for row in rows]

    async def _read_point(self, name: str, *parameters: object) -> list[Row]:
        return await self._connections.read_point(SQL[name], (self._account_id, *parameters))

    async def _read_page(self, name: str, *parameters: object) -> list[Row]:
        return await self._connections.read_page(SQL[name], (self._account_id, *parameters))


class SqliteOperationStore:
    """The operations of one file."""

    def __init__(self, committer: GroupCommitter | KeyedCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections

    def read(self, account_id: int) -> SqliteOperationReader:
        return SqliteOperationReader(self._connections, account_id)

    async def write(self, account_id: int, work: Callable[[OperationTransaction], Awaitable[T]]) -> T:
        async def run(connection: apsw.Connection) -> T:
            return await work(SqliteOperationTransaction(connection, account_id))

        return await self._committer.run(run)
