"""Operations in PostgreSQL: claims by SKIP LOCKED, on as many server processes as there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import asyncpg

from padron.domain.operation import ClaimKey, Operation, Result, ResultEntry, Run, RunRefusal, Work, WorkState
from padron.domain.status import OPERATIONAL_STATUSES
from padron.domain.vehicle import Vehicle
from padron.store.operations import OperationTransaction
from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.connections import Connections
from padron.store.postgres.idempotency import KeyedWriter
from padron.store.postgres.operation_rows import (
    from_result,
    from_run,
    to_operation,
    to_refusal,
    to_result,
    to_result_entry,
    to_run,
    to_work,
)
from padron.store.postgres.rows import to_vehicle
from padron.store.postgres.writes import Writer
from padron.store.statements import load_statements

T = TypeVar("T")

SQL = load_statements("padron.store.postgres", "operations.sql")

_OPERATIONAL = [status.value for status in OPERATIONAL_STATUSES]
_NEWEST = (datetime(9999, 12, 31, tzinfo=UTC), 2**63 - 1, 2**31 - 1)


class PostgresOperationTransaction:
    """An open transaction on the operations of an account."""

    def __init__(self, connection: asyncpg.Connection, account_id: int) -> None:
        self._connection = connection
        self._account_id = account_id

    async def lock_declarer(self) -> None:
        await self._fetch("lock_declarer")

    async def list_operations(self) -> list[Operation]:
        return [to_operation(row) for row in await self._fetch("list_operations")]

    async def save_operation(self, operation: Operation) -> None:
        await self._connection.execute(
            SQL["save_operation"],
            self._account_id,
            operation.name,
            operation.description,
            operation.lease_s,
            operation.attempts_max,
            operation.created_at,
            operation.updated_at,
        )

    async def list_filling_runs(self, limit: int) -> list[Run]:
        return [to_run(row) for row in await self._fetch("list_filling_runs", limit)]

    async def add_run(self, run: Run) -> bool:
        return bool(await self._fetch("insert_run", *from_run(run)))

    async def lock_run(self, run_id: int) -> Run | None:
        rows = await self._fetch("lock_run", run_id)
        return to_run(rows[0]) if rows else None

    async def hold_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        return [to_vehicle(row) for row in await self._fetch("hold_vehicles", vins)]

    async def queue_vehicles(self, run: Run, vehicles: Sequence[Vehicle]) -> int:
        vehicle_ids = [vehicle.vehicle_id for vehicle in vehicles]
        inserted = await self._connection.execute(
            SQL["insert_work"], self._account_id, run.run_id, run.operation, vehicle_ids
        )
        return int(inserted.rpartition(" ")[2])

    async def save_run(self, run: Run, refusals: Sequence[RunRefusal]) -> None:
        kept = (int(run.is_queueing), run.position, run.queued_count, run.refused_count, run.moved_at)
        await self._connection.execute(SQL["update_run"], *kept, self._account_id, run.run_id)
        first = run.refused_count - len(refusals)
        rows = [
            (self._account_id, run.run_id, place, refusal.vin, refusal.reason.value, refusal.status, refusal.since)
            for place, refusal in enumerate(refusals, start=first)
        ]
        if rows:
            await self._connection.executemany(SQL["insert_refusal"], rows)

    async def lock_expired(self, operation: str, now: datetime, limit: int) -> list[Work]:
        return [to_work(row) for row in await self._fetch("lock_expired", operation, now, limit, _OPERATIONAL)]

    async def lock_queued(self, operation: str, limit: int) -> list[Work]:
        return [to_work(row) for row in await self._fetch("lock_queued", operation, limit, _OPERATIONAL)]

    async def lock_work(self, keys: Sequence[ClaimKey]) -> list[Work]:
        rows = list({(key.run_id, key.vehicle_id) for key in keys})
        found = await self._fetch("lock_work", [row[0] for row in rows], [row[1] for row in rows])
        return [to_work(row) for row in found]

    async def load_results(self, keys: Sequence[ClaimKey]) -> list[Result]:
        once = list(set(keys))
        columns = ([key.run_id for key in once], [key.vehicle_id for key in once], [key.attempt for key in once])
        return [to_result(row) for row in await self._fetch("load_results", *columns)]

    async def save_work(self, works: Sequence[Work]) -> None:
        if not works:
            return
        await self._connection.execute(
            SQL["update_work"],
            self._account_id,
            [work.run_id for work in works],
            [work.vehicle_id for work in works],
            [work.state.value for work in works],
            [work.attempts for work in works],
            [work.lease_until for work in works],
            [work.claimed_by for work in works],
            [work.ended_at for work in works],
        )

    async def add_results(self, results: Sequence[Result]) -> None:
        if results:
            columns = zip(*(from_result(result) for result in results), strict=True)
            await self._connection.execute(SQL["insert_result"], self._account_id, *map(list, columns))

    async def _fetch(self, name: str, *parameters: object) -> list[asyncpg.Record]:
        return await self._connection.fetch(SQL[name], self._account_id, *parameters)


class PostgresOperationReader:
    """Reads of one account's operations."""

    def __init__(self, points: Connections, pages: Connections, account_id: int) -> None:
        self._points = points
        self._pages = pages
        self._account_id = account_id

    async def list_operations(self) -> list[Operation]:
        return [to_operation(row) for row in await self._read_page("list_operations")]

    async def find_operation(self, name: str) -> Operation | None:
        rows = await self._read_point("find_operation", name)
        return to_operation(rows[0]) if rows else None

    async def find_run(self, operation: str, run_id: int) -> Run | None:
        rows = await self._read_point("find_run", operation, run_id)
        return to_run(rows[0]) if rows else None

    async def list_stalled_runs(self, operation: str, before: datetime) -> list[Run]:
        return [to_run(row) for row in await self._read_point("list_stalled_runs", operation, before)]

    async def count_work(self, run_id: int, now: datetime, attempts_max: int) -> Mapping[WorkState, int]:
        rows = await self._read_page("count_work", run_id, now, attempts_max)
        return {WorkState(state): count for state, count in rows}

    async def list_refusals(self, run_id: int) -> list[RunRefusal]:
        return [to_refusal(row) for row in await self._read_page("list_refusals", run_id)]

    async def has_work(self, operation: str, now: datetime) -> bool:
        return cast("bool", (await self._read_point("has_work", operation, now))[0][0])

    async def list_run_results(self, run_id: int, after: tuple[int, int], limit: int) -> list[ResultEntry]:
        return [to_result_entry(row) for row in await self._read_page("list_run_results", run_id, *after, limit)]

    async def list_vehicle_results(
        self, vehicle_id: int, before: tuple[datetime, int, int] | None, limit: int
    ) -> list[ResultEntry]:
        place = _NEWEST if before is None else before
        rows = await self._read_page("list_vehicle_results", vehicle_id, *place, limit)
        return [to_result_entry(row) for row in rows]

    async def _read_point(self, name: str, *parameters: object) -> list[Any]:
        return await self._points.fetch(SQL[name], (self._account_id, *parameters))

    async def _read_page(self, name: str, *parameters: object) -> list[Any]:
        return await self._pages.fetch(SQL[name], (self._account_id, *parameters), PAGE_S_MAX)


class PostgresOperationStore:
    """The operations of one database."""

    def __init__(self, writer: Writer | KeyedWriter, points: Connections, pages: Connections) -> None:
        self._writer = writer
        self._points = points
        self._pages = pages

    def read(self, account_id: int) -> PostgresOperationReader:
        return PostgresOperationReader(self._points, self._pages, account_id)

    async def write(self, account_id: int, work: Callable[[OperationTransaction], Awaitable[T]]) -> T:
        async def run(connection: asyncpg.Connection) -> T:
            return await work(PostgresOperationTransaction(connection, account_id))

        return await self._writer.run(run, account_id)
