"""One account's committed records. Point reads have connections of their own, which no scan can take."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, cast

import asyncpg

from padron.domain.change import START, FeedEntry, HistoryEntry, Place
from padron.domain.duplicates import DuplicateGroup, DuplicateQuery
from padron.domain.gate import Refusal, RefusalQuery
from padron.domain.query import Position, VehicleQuery
from padron.domain.time_in_status import StatusTime, TimeQuery
from padron.domain.vehicle import Details, Vehicle, VehicleVersion
from padron.store.listing import Dialect, build_list, build_sums
from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.rows import (
    from_key,
    to_details,
    to_feed_entry,
    to_history_entry,
    to_place,
    to_position,
    to_refusal,
    to_status_time,
    to_vehicle,
    to_version,
)
from padron.store.postgres.transaction import REPAIR_SQL, SQL
from padron.store.repair import gather_groups
from padron.store.statements import load_statements

DIALECT = Dialect(mark="${}".format, store_instant=from_key, use_index=lambda _: "")
PAST = load_statements("padron.store.postgres", "past.sql")

_NUMBER_MAX = 2**63 - 1


class Source(Protocol):
    """Where rows come from: a set of connections, or a choice between two."""

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement. Raises ``store_unavailable``."""
        ...


class PostgresReader:
    """Reads of one account."""

    def __init__(self, points: Source, pages: Source, account_id: int) -> None:
        self._points = points
        self._pages = pages
        self._account_id = account_id

    async def list_by_vin(self, vin: str) -> list[Vehicle]:
        rows = await self._points.fetch(SQL["list_by_vin"], (self._account_id, vin))
        return [to_vehicle(row) for row in rows]

    async def load_details(self, vehicle_id: int) -> Details:
        rows = await self._points.fetch(SQL["load_details"], (self._account_id, [vehicle_id]))
        return to_details(rows[0][1]) if rows else {}

    async def list_versions_by_vin(self, vin: str) -> list[VehicleVersion]:
        rows = await self._points.fetch(SQL["list_versions_by_vin"], (self._account_id, vin))
        return [to_version(row) for row in rows]

    async def list_vehicles(self, query: VehicleQuery) -> list[tuple[VehicleVersion, Position]]:
        template = SQL["list_vehicles"] if query.up_to is None else PAST["list_past"]
        statement, parameters = build_list(template, self._account_id, query, DIALECT)
        rows = await self._pages.fetch(statement, tuple(parameters), PAGE_S_MAX)
        return [(to_version(row), to_position(row, query)) for row in rows]

    async def find_cut(self, at: datetime) -> int:
        rows = await self._pages.fetch(PAST["find_cut"], (self._account_id, at), PAGE_S_MAX)
        return cast("int", rows[0][0])

    async def sum_statuses(self, query: TimeQuery) -> list[StatusTime]:
        period = (query.until, query.since, query.from_at, query.to_at)
        given = [self._account_id, *period, query.after, query.limit]
        statement, parameters = build_sums(PAST["sum_statuses"], given, query.filters, DIALECT)
        return [to_status_time(row) for row in await self._pages.fetch(statement, tuple(parameters), PAGE_S_MAX)]

    async def list_history(self, vehicle_id: int, before: int | None, limit: int) -> list[HistoryEntry]:
        below = _NUMBER_MAX if before is None else before
        parameters = (self._account_id, vehicle_id, below, limit)
        rows = await self._pages.fetch(SQL["list_history"], parameters, PAGE_S_MAX)
        return [to_history_entry(row) for row in rows]

    async def list_duplicates(self, query: DuplicateQuery) -> list[DuplicateGroup]:
        parameters = (self._account_id, query.after, query.vins_max, query.rows_max)
        rows = await self._pages.fetch(REPAIR_SQL["list_duplicates"], parameters, PAGE_S_MAX)
        return gather_groups([(to_version(row), row[14]) for row in rows])

    async def has_vehicle(self, vehicle_id: int, vin: str) -> bool:
        return bool(await self._points.fetch(REPAIR_SQL["has_vehicle"], (self._account_id, vehicle_id, vin)))

    async def list_request_changes(self, request_id: str, after: int, limit: int) -> list[FeedEntry]:
        parameters = (self._account_id, request_id, after, limit)
        rows = await self._pages.fetch(SQL["list_request_changes"], parameters, PAGE_S_MAX)
        return [to_feed_entry(row) for row in rows]

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        rows = await self._pages.fetch(SQL["list_changes"], (self._account_id, after, limit), PAGE_S_MAX)
        return [to_feed_entry(row) for row in rows]

    async def load_gate(self, vins: Sequence[str]) -> tuple[list[Vehicle], Place]:
        rows = await self._points.fetch(SQL["load_gate"], (self._account_id, vins))
        return [to_vehicle(row) for row in rows if row[0] is not None], to_place(*rows[0][10:])

    async def list_refusals(self, query: RefusalQuery) -> list[Refusal]:
        last = query.after
        place = (None,) * 4 if last is None else (last.hour_at, last.vin, last.operation, last.actor)
        period = (query.from_at, query.to_at)
        parameters = (self._account_id, query.operation, query.vin, *period, *place, query.limit)
        return [to_refusal(row) for row in await self._pages.fetch(SQL["list_refusals"], parameters, PAGE_S_MAX)]

    async def find_last_change(self) -> int:
        rows = await self._points.fetch(SQL["find_last_change"], (self._account_id,))
        return cast("int", rows[0][0]) if rows else 0  # a replica may not have a new account yet

    async def find_last_instant(self) -> datetime:
        rows = await self._points.fetch(SQL["find_last_instant"], (self._account_id,))
        return cast("datetime", rows[0][0])

    async def find_place(self, number: int) -> Place | None:
        rows = await self._points.fetch(SQL["find_change"], (self._account_id, number)) if number else []
        return to_place(number, *rows[0]) if rows else None if number else START

    async def find_request_end(self, request_id: str) -> int:
        rows = await self._points.fetch(SQL["find_request_end"], (self._account_id, request_id))
        return cast("int", rows[0][0])
