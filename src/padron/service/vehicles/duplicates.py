"""Repairs duplicates: finds VINs that several current vehicles have, and keeps one vehicle of each.

The others become former versions, by normal changes. These changes are in history and in the feed,
and can be undone.
"""

from dataclasses import replace

from padron.domain.account import Principal, Scope
from padron.domain.duplicates import DuplicateGroup, DuplicateQuery, Repair, Repaired, check_choices, decide_repair
from padron.domain.errors import Code, PadronError
from padron.domain.status import is_operational
from padron.domain.vin import Vin
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

ROWS_MAX = 1_000  # vehicles of a page


async def list_duplicates(
    runtime: Runtime, principal: Principal, vin: Vin | None, limit: int, cursor: str | None
) -> Page[DuplicateGroup]:
    """Give the VINs that several current vehicles have, with these vehicles, in order. Or only one VIN.

    The page has at most ``limit`` VINs, and fewer when they have more than a thousand vehicles.
    Raises ``forbidden``, and ``bad_parameters`` for a cursor that belongs to another question.
    """
    principal.check_scope(Scope.VEHICLES_REPAIR)
    epoch = runtime.store.epoch
    after = cursors.parse_duplicate_cursor(epoch, cursor)
    reader = runtime.store.read(principal.account_id)
    if vin is not None:
        found = sorted(await reader.list_versions_by_vin(vin), key=lambda version: version.vehicle.vehicle_id)
        is_asked = len(found) > 1 and vin > after
        group = DuplicateGroup(vin=vin, count=len(found), versions=found[:ROWS_MAX])
        return Page(rows=[group] if is_asked else [], next_cursor=None)
    question = DuplicateQuery(after=after, vins_max=look_beyond(limit), rows_max=look_beyond(ROWS_MAX))
    groups = await reader.list_duplicates(question)
    if sum(len(group.versions) for group in groups) <= ROWS_MAX:
        return cut_page(groups, limit, lambda last: cursors.format_duplicate_cursor(epoch, last.vin))
    if len(groups) > 1:
        groups.pop()  # the page may lack some of its vehicles, so it is the first of the next page
    else:
        groups = [replace(groups[0], versions=groups[0].versions[:ROWS_MAX])]
    page = groups[:limit]
    return Page(rows=page, next_cursor=cursors.format_duplicate_cursor(epoch, page[-1].vin))


async def repair_duplicates(
    runtime: Runtime, principal: Principal, repair: Repair, *, dry_run: bool = False
) -> Repaired:
    """Keep one of the vehicles with a VIN, make the others former versions, and give the outcome.

    A dry run writes nothing. Raises ``forbidden``, ``vehicle_not_found``, ``no_duplicates``,
    ``revision_mismatch``, ``plate_in_use``, and ``bad_parameters`` for a vehicle that is not one of
    them.
    """
    principal.check_scope(Scope.VEHICLES_REPAIR)
    check_choices(repair.take, repair.edits, repair.status)
    at = runtime.clock()

    async def work(transaction: WriteTransaction) -> Repaired:
        found = await transaction.lock_vehicles([repair.vin])
        details = await transaction.load_details(sorted(vehicle.vehicle_id for vehicle in found)) if found else {}
        done = decide_repair(found, details, repair, at)
        own = {vehicle.vehicle_id for vehicle in found}
        await _check_plate_free(transaction, done, own)
        if not dry_run:
            await transaction.save_changes(done.changes)
            if done.vehicle.slot != 0:
                # Last: only now slot 0 is free, and the vehicle's own plate is final.
                await transaction.move_vehicles({done.vehicle.vehicle_id: 0})
        return replace(done, vehicle=replace(done.vehicle, slot=0))

    done = await runtime.store.write(principal.account_id, work)
    if not dry_run and not is_operational(done.vehicle.status):
        await runtime.leases.confirm(principal.account_id, has_written=bool(done.changes))
    return done


async def _check_plate_free(transaction: WriteTransaction, done: Repaired, own: set[int]) -> None:
    """Raise ``plate_in_use`` when a vehicle with another VIN has the plate. Only duplicates may share a plate."""
    plate = done.details.get("plate")
    if plate is None:
        return
    others = [one for one in await transaction.lock_plates([str(plate)]) if one.vehicle_id not in own]
    if others:
        detail = (
            f"The vehicle {others[0].vin} also has the plate {plate}. Only one vehicle may have it after the repair. "
            "Keep another vehicle, or give this one another plate."
        )
        raise PadronError(Code.PLATE_IN_USE, detail)
