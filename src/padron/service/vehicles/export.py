"""Reads all vehicles that match a question, a page at a time, for exports.

Each page shows one instant. The next page begins after the last vehicle of the previous page, even
if that vehicle has changed meanwhile. So in order of registration, a vehicle that exists throughout
appears exactly once.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from padron.domain.account import Principal, Scope
from padron.domain.query import VehicleQuery
from padron.domain.vehicle import VehicleVersion
from padron.service.runtime import Runtime
from padron.service.vehicles.searching import search_vehicles
from padron.store.reader import Reader

PAGE = 1_000
PAGE_BESIDE_CALLS = 100  # in a server: one page takes two milliseconds of the event loop


async def export_vehicles(
    runtime: Runtime, principal: Principal, query: VehicleQuery, page_size: int | None = None
) -> AsyncIterator[list[VehicleVersion]]:
    """Give the vehicles, a page at a time. The question's limit is ignored. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_READ)
    reader = runtime.store.read(principal.account_id)
    size = page_size or PAGE
    asked = replace(query, limit=size, after=None)
    if query.words:
        async for page in _export_found(reader, asked):
            yield page
        return
    while rows := await reader.list_vehicles(asked):
        yield [version for version, _ in rows]
        if len(rows) < size:
            return
        asked = replace(asked, after=rows[-1][1])


async def _export_found(reader: Reader, query: VehicleQuery) -> AsyncIterator[list[VehicleVersion]]:
    """Give the vehicles of a search. A page is short, or even empty, when much was looked at for it."""
    asked = query
    while True:
        found = await search_vehicles(reader, asked)
        yield [version for version, _ in found.rows]
        if found.last is None and len(found.rows) < query.limit:
            return
        asked = replace(asked, after=found.last or found.rows[-1].position)


async def find_last_vehicle(runtime: Runtime, principal: Principal) -> int:
    """Give the id of the last registered vehicle, which measures an export's progress; 0 without vehicles."""
    principal.check_scope(Scope.VEHICLES_READ)
    newest = VehicleQuery(filters={}, descending=True, limit=1)
    rows = await runtime.store.read(principal.account_id).list_vehicles(newest)
    return rows[0][0].vehicle.vehicle_id if rows else 0
