"""Undoes what one request changed, for each vehicle without later changes. An undo is a normal change.

A transaction undoes a thousand vehicles. If the process ends between two transactions, the
remaining vehicles are as they were. The same undo, sent again, continues with them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from padron.domain.account import Principal, Scope
from padron.domain.change import Change, ChangeType, FeedEntry, check_vehicle_limit
from padron.domain.deletion import UNDOABLE_DAYS, is_undoable
from padron.domain.erasure import strip_erased
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote
from padron.domain.tags import format_tag
from padron.domain.undo import UNDONE_CHANGES_MAX, Former, LeftReason, UndoAct, build_undo, gather_former
from padron.domain.vehicle import Details, Vehicle, fold_text
from padron.domain.vin import Vin
from padron.service.plans.listing import cancel_pending, has_pending, list_pending
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

CHUNK_VEHICLES = 1_000
EITHER_SCOPE = (Scope.VEHICLES_STATUS, Scope.VEHICLES_WRITE, Scope.VEHICLES_REPAIR, Scope.VEHICLES_DELETE)

_SCOPES = {
    ChangeType.STATUS_CHANGED: Scope.VEHICLES_STATUS,
    ChangeType.INFO_CHANGED: Scope.VEHICLES_WRITE,
    ChangeType.DELETED: Scope.VEHICLES_DELETE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoneVehicle:
    """The outcome for one vehicle: the vehicle after the undo, why it was left, or that nothing had to change.

    A cancelled plan is named by its id, beside the outcome of its vehicle.
    """

    vin: Vin
    after: Vehicle | None = None
    cancelled_plan_id: str | None = None
    left: LeftReason | None = None
    detail: str | None = None

    @property
    def revision(self) -> str | None:
        """The vehicle's new tag, if something was undone. The tag means nothing in a dry run."""
        return None if self.after is None else format_tag(self.after)


async def undo_request(
    runtime: Runtime,
    principal: Principal,
    undone_id: str,
    request_id: str,
    reason: str | None,
    *,
    dry_run: bool = False,
) -> list[UndoneVehicle]:
    """Undo what a request changed, and give the outcome of each vehicle, in the order of the undo.

    The request's pending plans are cancelled first, so that they are not executed afterwards. They
    come first in the answer. ``dry_run`` makes the same decisions and writes nothing. Raises
    ``forbidden``, ``request_too_large``, ``archived``, ``request_not_found`` for a request that changed
    and planned nothing, and ``vehicle_limit_reached`` for a deleted vehicle that is one too many.
    """
    principal.check_either_scope(EITHER_SCOPE)
    has_plans = await has_pending(runtime, principal, undone_id)
    entries = await _load_changes(runtime, principal, undone_id)
    if has_plans:
        await _check_reach(runtime, principal, undone_id, entries)
    if not entries and not has_plans:
        kept = await runtime.store.read(principal.account_id).find_record_start()
        since = f" since {format_instant(kept.at)}; what was before is archived" if kept.number else ""
        raise PadronError(
            Code.REQUEST_NOT_FOUND, f"No request {quote(undone_id)} has changed anything in the account{since}."
        )
    cancelled: list[UndoneVehicle] = []
    if has_plans:
        if dry_run:
            plans = await list_pending(runtime, principal, undone_id)
        else:
            plans = await cancel_pending(runtime, principal, undone_id, request_id)
        cancelled = [UndoneVehicle(vin=plan.vin, cancelled_plan_id=plan.plan_id) for plan in plans]
        entries = await _load_changes(runtime, principal, undone_id)  # a plan may have been executed just before
    formers = sorted(gather_former(entries), key=_give_turn)
    repaired = frozenset(former.vin for former in formers if former.was_retired or former.was_restored)
    returning = frozenset(former.vin for former in formers if former.was_retired)
    act = UndoAct(undone_id=undone_id, request_id=request_id, by=principal.actor, at=runtime.clock(), reason=reason)
    done: list[UndoneVehicle] = []
    for start in range(0, len(formers), CHUNK_VEHICLES):
        chunk = formers[start : start + CHUNK_VEHICLES]

        async def work(transaction: WriteTransaction, chunk: Sequence[Former] = chunk) -> list[UndoneVehicle]:
            undone = _Chunk(transaction, act, repaired, returning, dry_run, runtime.limits.vehicles)
            return await undone.undo(chunk)

        done += await runtime.store.write(principal.account_id, work)
    if not dry_run:
        # An undo may deactivate, delete, bring duplicates back or change a VIN.
        has_written = any(one.after is not None for one in done)
        await runtime.leases.confirm(principal.account_id, has_written=has_written)
    in_order = sorted(zip(formers, done, strict=True), key=lambda pair: pair[0].first_number)
    return [*cancelled, *(one for _, one in in_order)]


async def _check_reach(
    runtime: Runtime, principal: Principal, undone_id: str, entries: Sequence[FeedEntry]
) -> None:  # fmt: skip
    """Raise ``forbidden`` if the request changed and planned something of several vehicles, for a key for single ones.

    Only such a key pays for the list of the plans.
    """
    if Scope.VEHICLES_BULK.value in principal.scopes:
        return
    plans = await list_pending(runtime, principal, undone_id)
    if len({entry.vehicle_id for entry in entries} | {plan.vehicle_id for plan in plans}) > 1:
        principal.check_scope(Scope.VEHICLES_BULK)


async def _load_changes(runtime: Runtime, principal: Principal, undone_id: str) -> list[FeedEntry]:
    """Give what a request changed. Raises ``request_too_large``, and ``forbidden`` for a key without the right."""
    reader = runtime.store.read(principal.account_id)
    entries = await reader.list_request_changes(undone_id, 0, UNDONE_CHANGES_MAX + 1)
    _check_scopes(principal, entries)
    if entries:
        (await reader.find_record_start()).check_request(entries[0].change.number, quote(undone_id))
    if len(entries) > UNDONE_CHANGES_MAX:
        detail = f"The request {undone_id} made more than {UNDONE_CHANGES_MAX:,} changes, the maximum for an undo."
        raise PadronError(Code.REQUEST_TOO_LARGE, detail)
    return entries


@dataclass(slots=True, eq=False)
class _Chunk:
    """The vehicles of one transaction, after the undo of the vehicles before them."""

    transaction: WriteTransaction
    act: UndoAct
    repaired: frozenset[str]  # VINs with vehicles that the request made former, or current again
    returning: frozenset[str]  # VINs with vehicles that become current again
    dry_run: bool
    vehicles_max: int
    vehicles: dict[int, Vehicle] = field(default_factory=dict)
    details: dict[int, Details] = field(default_factory=dict)
    later: dict[int, FeedEntry] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    slots_before: dict[int, int] = field(default_factory=dict)  # moves to write before the changes
    slots_after: dict[int, int] = field(default_factory=dict)  # moves to write after the changes
    by_vin: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_plate: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def undo(self, formers: Sequence[Former]) -> list[UndoneVehicle]:
        """Undo the changes, write, and give the outcome of each vehicle."""
        await self._load(formers)
        done = [self._undo_one(former) for former in formers]
        if self.dry_run:
            return done
        if self.slots_before:
            await self.transaction.move_vehicles(self.slots_before)
        written = await self.transaction.save_changes(self.changes)
        if any(former.deleted_at is not None for former in formers):
            check_vehicle_limit(written, self.vehicles_max)
        if self.slots_after:
            await self.transaction.move_vehicles(self.slots_after)
        return done

    async def _load(self, formers: Sequence[Former]) -> None:
        transaction = self.transaction
        vins = {former.vin for former in formers} | {former.former_vin for former in formers if former.former_vin}
        found = await transaction.lock_vehicles(sorted(vins))
        retired = sorted(former.vehicle_id for former in formers if former.was_retired)
        gone = await transaction.lock_former(retired) if retired else []
        former_details = await transaction.load_former_details(retired) if gone else {}
        self.details = {vehicle_id: strip_erased(details) for vehicle_id, details in former_details.items()}
        if self.repaired and found:
            self.details |= await transaction.load_details(sorted(vehicle.vehicle_id for vehicle in found))
        # Vehicles whose plate comes back, or must be unique. For these, all vehicles with the plate
        # are checked.
        values = [*(former.edits for former in formers), *self.details.values()]
        plates = sorted({str(value["plate"]) for value in values if value.get("plate") is not None})
        found += await transaction.lock_plates(plates) if plates else []
        self.vehicles = {vehicle.vehicle_id: vehicle for vehicle in (*found, *gone)}
        spans = {former.vehicle_id: former.span for former in formers}
        self.later = await transaction.find_later_changes(spans, self.act.undone_id)
        if unknown := sorted(self.vehicles.keys() - self.details.keys()):
            self.details |= await transaction.load_details(unknown)
        for vehicle in found:
            self._note(vehicle)

    def _undo_one(self, former: Former) -> UndoneVehicle:
        vehicle, later = self.vehicles.get(former.vehicle_id), self.later.get(former.vehicle_id)
        obstacle = former.obstacle
        if obstacle is None and former.deleted_at is not None and not is_undoable(former.deleted_at, self.act.at):
            obstacle = LeftReason.TOO_LATE
        if obstacle is not None:
            return _leave(former, obstacle, _OBSTACLES[obstacle])
        if later is not None or vehicle is None:
            return _leave(former, LeftReason.CHANGED_SINCE, _describe_later(later))
        # A deleted vehicle never becomes a duplicate of one that was registered since.
        vin = former.vin if former.deleted_at is not None and former.former_vin is None else former.former_vin
        if vin is not None and self.by_vin[vin] - {former.vehicle_id}:
            return _leave(former, LeftReason.VIN_IN_USE, f"Another vehicle now has the VIN {vin}.")
        if former.was_restored:
            slot = self._clear_for_retirement(former, vehicle) or vehicle.slot
        else:
            slot = self._find_slot(former, vehicle)
        if isinstance(slot, UndoneVehicle):
            return slot
        changes = build_undo(vehicle, self.details[former.vehicle_id], former, self.act, slot)
        if not changes:
            return UndoneVehicle(vin=vehicle.vin)
        self.changes += changes
        after = changes[-1].vehicle
        self._forget(vehicle)
        self.vehicles[former.vehicle_id] = after
        if changes[-1].details is not None:
            self.details[former.vehicle_id] = changes[-1].details
        if not former.was_restored:
            self._note(after)
        return UndoneVehicle(vin=after.vin, after=after)

    def _find_slot(self, former: Former, vehicle: Vehicle) -> UndoneVehicle | int:
        """Give why the vehicle must be left, or its new slot.

        Vehicles that become duplicates again may share plates with others, as before: at a slot
        above 0.
        """
        is_repaired = vehicle.vin in self.repaired
        fellows = self.by_vin[vehicle.vin] - {vehicle.vehicle_id} if is_repaired else set()
        plate = self.details[vehicle.vehicle_id].get("plate") if former.was_retired else former.edits.get("plate")
        bearers = self._find_bearers(plate, vehicle) - fellows
        if not fellows or vehicle.vin not in self.returning:
            if bearers:
                return _leave_plate(former, plate, self.vehicles[min(bearers)])
            return 0 if former.was_retired else vehicle.slot
        if former.was_retired or (vehicle.slot == 0 and bearers):
            slot = 1 + max(0, *(self.vehicles[one].slot for one in fellows))
            if not former.was_retired:
                self.slots_before[vehicle.vehicle_id] = slot
            return slot
        return vehicle.slot

    def _clear_for_retirement(self, former: Former, vehicle: Vehicle) -> UndoneVehicle | None:
        """Give why the vehicle cannot be former again. Otherwise make the remaining vehicle the only one."""
        fellows = self.by_vin[vehicle.vin] - {vehicle.vehicle_id}
        if not fellows:
            return _leave(former, LeftReason.ONLY_VEHICLE, f"No other vehicle now has the VIN {vehicle.vin}.")
        if len(fellows) > 1:
            return None
        (kept,) = (self.vehicles[one] for one in fellows)
        plate = self.details[kept.vehicle_id].get("plate")
        if bearers := self._find_bearers(plate, kept) - {vehicle.vehicle_id}:
            return _leave_plate(former, plate, self.vehicles[min(bearers)])
        if kept.slot != 0:
            self.slots_after[kept.vehicle_id] = 0
            self.vehicles[kept.vehicle_id] = replace(kept, slot=0)
        return None

    def _find_bearers(self, plate: str | int | None, vehicle: Vehicle) -> set[int]:
        return set() if plate is None else self.by_plate[fold_text(str(plate))] - {vehicle.vehicle_id}

    def _note(self, vehicle: Vehicle) -> None:
        self.by_vin[vehicle.vin].add(vehicle.vehicle_id)
        self.by_plate[self._give_plate(vehicle)].add(vehicle.vehicle_id)

    def _forget(self, vehicle: Vehicle) -> None:
        self.by_vin[vehicle.vin].discard(vehicle.vehicle_id)
        self.by_plate[self._give_plate(vehicle)].discard(vehicle.vehicle_id)

    def _give_plate(self, vehicle: Vehicle) -> str:
        return fold_text(str(self.details[vehicle.vehicle_id].get("plate", "")))


_OBSTACLES = {
    LeftReason.REGISTERED: "The request registered the vehicle, which cannot be undone.",
    LeftReason.TOO_LATE: f"The vehicle was deleted more than {UNDOABLE_DAYS} days ago. Register it again if needed.",
    LeftReason.ERASED: "An earlier value of the vehicle was erased from the record, and cannot be restored.",
    LeftReason.NOT_UNDOABLE: "The request changed the vehicle in a way that cannot be undone.",
}


def _check_scopes(principal: Principal, entries: Sequence[FeedEntry]) -> None:
    if any(entry.change.is_repair for entry in entries):
        principal.check_scope(Scope.VEHICLES_REPAIR)  # alone, because its vehicles share one VIN
        return
    if len({entry.vehicle_id for entry in entries}) > 1:
        principal.check_scope(Scope.VEHICLES_BULK)
    for kind in {entry.change.type for entry in entries} & _SCOPES.keys():
        principal.check_scope(_SCOPES[kind])


def _give_turn(former: Former) -> tuple[bool, bool, int]:
    """Give the place in the order of the undo.

    Vehicles that come back are first, so that the ones beside them are duplicates again. Vehicles
    that go are last. The others go backwards, so that a plate or VIN that moved between vehicles
    finds its place free.
    """
    return former.was_restored, not former.was_retired, -former.last_number


def _leave_plate(former: Former, plate: str | int | None, bearer: Vehicle) -> UndoneVehicle:
    return _leave(former, LeftReason.PLATE_IN_USE, f"The vehicle {bearer.vin} now has the plate {plate}.")


def _leave(former: Former, left: LeftReason, detail: str) -> UndoneVehicle:
    return UndoneVehicle(vin=former.vin, left=left, detail=detail)


def _describe_later(later: FeedEntry | None) -> str:
    if later is None:
        return "The vehicle now has another VIN."
    return f"The request {later.change.request_id} of {later.change.by} changed the vehicle later."
