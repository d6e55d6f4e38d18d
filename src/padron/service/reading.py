"""Reading vehicles, their status and their history."""

from dataclasses import dataclass

from padron.domain.account import Principal, Scope
from padron.domain.change import HistoryEntry, get_only
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.vehicle import Vehicle, VehicleVersion
from padron.domain.vin import Vin
from padron.service import cursors
from padron.service.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class VehiclePage:
    """A page of vehicles; ``next_cursor`` is None on the last one."""

    vehicles: list[VehicleVersion]
    next_cursor: str | None
    cursor: str | None  # of the feed: all changes up to it are in this page; only for the filter operational


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryPage:
    """A page of a vehicle's history, newest first; ``next_cursor`` is None on the last one."""

    entries: list[HistoryEntry]
    next_cursor: str | None


async def get_vehicle(runtime: Runtime, principal: Principal, vin: Vin) -> VehicleVersion:
    """Give a current vehicle with its core data. Raises ``vehicle_not_found``, ``multiple_vehicles_found``."""
    principal.check_scope(Scope.VEHICLES_READ)
    found = await runtime.store.read(principal.account_id).list_versions_by_vin(vin)
    only = get_only([version.vehicle for version in found], vin)
    return next(version for version in found if version.vehicle is only)


async def get_status(runtime: Runtime, principal: Principal, vin: Vin) -> Vehicle:
    """Give a current vehicle's status. Raises ``vehicle_not_found``, ``multiple_vehicles_found``."""
    principal.check_scope(Scope.VEHICLES_READ)
    return get_only(await runtime.store.read(principal.account_id).list_by_vin(vin), vin)


async def list_vehicles(runtime: Runtime, principal: Principal, query: VehicleQuery, cursor: str | None) -> VehiclePage:
    """Give a page of the list. Raises ``bad_parameters`` for a cursor that belongs to another question."""
    principal.check_scope(Scope.VEHICLES_READ)
    asked = cursors.continue_list(query, cursor)
    reader = runtime.store.read(principal.account_id)
    # Read before the list: going on from here may tell a change again, but misses none.
    last_change = None if query.operational is None else await reader.find_last_change()
    rows = await reader.list_vehicles(asked)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return VehiclePage(
        vehicles=[version for version, _ in page],
        next_cursor=cursors.format_list_cursor(query, *page[-1]) if more else None,
        cursor=None if last_change is None else cursors.format_feed_cursor(last_change),
    )


async def list_history(
    runtime: Runtime, principal: Principal, vin: Vin, *, limit: int, cursor: str | None, vehicle_id: int | None = None
) -> HistoryPage:
    """Give a page of a current vehicle's history, or of one of those with the VIN, current or former, by its id.

    Raises as ``get_status``, and for a bad cursor.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    before = cursors.parse_history_cursor(cursor)
    reader = runtime.store.read(principal.account_id)
    if vehicle_id is None:
        vehicle_id = get_only(await reader.list_by_vin(vin), vin).vehicle_id
    elif not await reader.has_vehicle(vehicle_id, vin):
        raise PadronError(Code.VEHICLE_NOT_FOUND, f"The account has no vehicle {vehicle_id} with the VIN {vin}.")
    entries = await reader.list_history(vehicle_id, before, limit + 1)
    more = len(entries) > limit
    return HistoryPage(
        entries=entries[:limit],
        next_cursor=cursors.format_history_cursor(entries[limit - 1].number) if more else None,
    )
