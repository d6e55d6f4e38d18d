"""Reads all vehicles that fit a question, a page at a time: what exports are made of.

Each page is of one instant, and the next one begins after the last vehicle of the one before, whatever became of that
meanwhile. In order of registration a vehicle that exists throughout therefore comes exactly once.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from padron.domain.account import Principal, Scope
from padron.domain.query import VehicleQuery
from padron.domain.vehicle import VehicleVersion
from padron.service.runtime import Runtime

PAGE = 1_000


async def export_vehicles(
    runtime: Runtime, principal: Principal, query: VehicleQuery
) -> AsyncIterator[list[VehicleVersion]]:
    """Give the vehicles, a thousand at a time; the question's limit does not count. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_READ)
    reader = runtime.store.read(principal.account_id)
    asked = replace(query, limit=PAGE, after=None)
    while rows := await reader.list_vehicles(asked):
        yield [version for version, _ in rows]
        if len(rows) < PAGE:
            return
        asked = replace(asked, after=rows[-1][1])


async def find_last_vehicle(runtime: Runtime, principal: Principal) -> int:
    """Give the id of the vehicle that was registered last, by which an export's progress is told; 0 without any."""
    principal.check_scope(Scope.VEHICLES_READ)
    newest = VehicleQuery(filters={}, descending=True, limit=1)
    rows = await runtime.store.read(principal.account_id).list_vehicles(newest)
    return rows[0][0].vehicle.vehicle_id if rows else 0
