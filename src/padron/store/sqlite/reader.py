"""One account's committed records. Point reads run on the event loop, pages on threads with their own connections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from padron.domain.change import START
from padron.store.listing import Dialect, build_list, build_sums
from padron.store.repair import gather_groups
from padron.store.sqlite.rows import (
    from_instant,
    to_details,
    to_feed_entry,
    to_history_entry,
    to_instant,
    to_place,
    to_position,
    to_refusal,
    to_status_time,
    to_vehicle,
    to_version,
)
from padron.store.sqlite.transaction import REPAIR_SQL, SQL
from padron.store.statements import load_statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from padron.domain.change import FeedEntry, HistoryEntry, Place
    from padron.domain.duplicates import DuplicateGroup, DuplicateQuery
    from padron.domain.gate import Refusal, RefusalQuery
    from padron.domain.query import Position, VehicleQuery
    from padron.domain.time_in_status import StatusTime, TimeQuery
    from padron.domain.vehicle import Details, Vehicle, VehicleVersion
    from padron.store.sqlite.connections import ReadConnections

DIALECT = Dialect(mark="?{}".format, store_instant=int, use_index="INDEXED BY {}".format)
PAST = load_statements("padron.store.sqlite", "past.sql")

POINT_VINS_MAX = 20  # more are looked up on a thread
_NUMBER_MAX = 2**63 - 1


class SqliteReader:
    """Reads of one account."""

    def __init__(self, connections: ReadConnections, account_id: int) -> None:
        self._connections = connections
        self._account_id = account_id

    async def list_by_vin(self, vin: str) -> list[Vehicle]:
        """Give the current vehicles with this VIN."""
        rows = await self._connections.read_point(SQL["list_by_vin"], (self._account_id, vin))
        return [to_vehicle(row) for row in rows]

    async def load_details(self, vehicle_id: int) -> Details:
        """Give a current vehicle's core data."""
        rows = await self._connections.read_point(SQL["load_details"], (self._account_id, vehicle_id))
        return to_details(rows[0][0]) if rows else {}

    async def list_versions_by_vin(self, vin: str) -> list[VehicleVersion]:
        """Give the current vehicles with this VIN and their core data."""
        rows = await self._connections.read_point(SQL["list_versions_by_vin"], (self._account_id, vin))
        return [to_version(row) for row in rows]

    async def list_vehicles(self, query: VehicleQuery) -> list[tuple[VehicleVersion, Position]]:
        """Give a page of vehicles."""
        template = SQL["list_vehicles"] if query.up_to is None else PAST["list_past"]
        statement, parameters = build_list(template, self._account_id, query, DIALECT)
        rows = await self._connections.read_page(statement, tuple(parameters))
        return [(to_version(row), to_position(row, query)) for row in rows]

    async def find_cut(self, at: datetime) -> int:
        """Give the number of the last change up to an instant."""
        ((cut,),) = await self._connections.read_page(PAST["find_cut"], (self._account_id, from_instant(at)))
        return cast("int", cut)

    async def sum_statuses(self, query: TimeQuery) -> list[StatusTime]:
        """Give how long some vehicles had which status."""
        period = (query.until, query.since, from_instant(query.from_at), from_instant(query.to_at))
        given = [self._account_id, *period, query.after, query.limit]
        statement, parameters = build_sums(PAST["sum_statuses"], given, query.filters, DIALECT)
        return [to_status_time(row) for row in await self._connections.read_page(statement, tuple(parameters))]

    async def list_history(self, vehicle_id: int, before: int | None, limit: int) -> list[HistoryEntry]:
        """Give a page of a vehicle's changes."""
        below = _NUMBER_MAX if before is None else before
        rows = await self._connections.read_page(SQL["list_history"], (self._account_id, vehicle_id, below, limit))
        return [to_history_entry(row) for row in rows]

    async def list_duplicates(self, query: DuplicateQuery) -> list[DuplicateGroup]:
        """Give the VINs that several current vehicles have, with these vehicles."""
        parameters = (self._account_id, query.after, query.vins_max, query.rows_max)
        rows = await self._connections.read_page(REPAIR_SQL["list_duplicates"], parameters)
        return gather_groups([(to_version(row), row[14]) for row in rows])

    async def has_vehicle(self, vehicle_id: int, vin: str) -> bool:
        """Say whether a vehicle, current or former, has this VIN."""
        return bool(await self._connections.read_point(REPAIR_SQL["has_vehicle"], (self._account_id, vehicle_id, vin)))

    async def list_request_changes(self, request_id: str, after: int, limit: int) -> list[FeedEntry]:
        """Give what one request changed."""
        parameters = (self._account_id, request_id, after, limit)
        rows = await self._connections.read_page(SQL["list_request_changes"], parameters)
        return [to_feed_entry(row) for row in rows]

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes above a number."""
        rows = await self._connections.read_page(SQL["list_changes"], (self._account_id, after, limit))
        return [to_feed_entry(row) for row in rows]

    async def load_gate(self, vins: Sequence[str]) -> tuple[list[Vehicle], Place]:
        """Give the current vehicles with these VINs and the account's last change, of one instant."""
        read = self._connections.read_point if len(vins) <= POINT_VINS_MAX else self._connections.read_page
        rows = await read(SQL["load_gate"], (self._account_id, json.dumps(vins)))
        return [to_vehicle(row) for row in rows if row[0] is not None], to_place(*rows[0][10:])

    async def list_refusals(self, query: RefusalQuery) -> list[Refusal]:
        """Give a page of the refusals that fit."""
        period = [None if at is None else from_instant(at) for at in (query.from_at, query.to_at)]
        last = query.after
        place = (None,) * 4 if last is None else (from_instant(last.hour_at), last.vin, last.operation, last.actor)
        parameters = (self._account_id, query.operation, query.vin, *period, *place, query.limit)
        return [to_refusal(row) for row in await self._connections.read_page(SQL["list_refusals"], parameters)]

    async def find_last_change(self) -> int:
        """Give the number of the account's last change."""
        ((last,),) = await self._connections.read_point(SQL["find_last_change"], (self._account_id,))
        return cast("int", last)

    async def find_last_instant(self) -> datetime:
        """Give the instant of the account's last change."""
        ((last_at,),) = await self._connections.read_point(SQL["find_last_instant"], (self._account_id,))
        return to_instant(last_at)

    async def find_place(self, number: int) -> Place | None:
        """Give the place after a change."""
        rows = await self._connections.read_point(SQL["find_change"], (self._account_id, number)) if number else []
        return to_place(number, *rows[0]) if rows else None if number else START

    async def find_request_end(self, request_id: str) -> int:
        """Give the number of a request's last change, or of the account's."""
        ((last,),) = await self._connections.read_point(SQL["find_request_end"], (self._account_id, request_id))
        return cast("int", last)
