"""Takes back what one request changed, for each vehicle that nobody has changed since; that is a change like any other.

A thousand vehicles go into a transaction. A process that ends in between leaves the later ones taken back and the
others as they were: the same undo, sent again, goes on with those.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from padron.domain.account import Principal, Scope
from padron.domain.change import Change, ChangeType, FeedEntry
from padron.domain.errors import Code, PadronError
from padron.domain.undo import UNDONE_CHANGES_MAX, Former, LeftReason, UndoAct, build_undo, gather_former
from padron.domain.vehicle import Details, Vehicle, fold_text
from padron.domain.vin import Vin
from padron.service.plans import cancel_pending, has_pending
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

CHUNK_VEHICLES = 1_000
EITHER_SCOPE = (Scope.VEHICLES_STATUS, Scope.VEHICLES_WRITE)

_SCOPES = {ChangeType.STATUS_CHANGED: Scope.VEHICLES_STATUS, ChangeType.INFO_CHANGED: Scope.VEHICLES_WRITE}


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoneVehicle:
    """What became of one vehicle: its revision when something was taken back, or why it was left, or nothing to do.

    A planned change that was cancelled is named by its id, beside what became of its vehicle.
    """

    vin: Vin
    revision: int | None = None
    cancelled_plan_id: str | None = None
    left: LeftReason | None = None
    detail: str | None = None


async def undo_request(
    runtime: Runtime, principal: Principal, undone_id: str, request_id: str, reason: str | None
) -> list[UndoneVehicle]:
    """Take back what a request changed and give what became of each vehicle, in the order in which it came to them.

    What the request planned and is still pending is cancelled first, so that it does not happen afterwards; those come
    first in the answer. Raises ``forbidden``, ``request_not_found`` when it changed and planned nothing, and
    ``request_too_large``.
    """
    principal.check_either_scope(EITHER_SCOPE)
    has_plans = await has_pending(runtime, principal, undone_id)
    entries = await _load_changes(runtime, principal, undone_id)
    if not entries and not has_plans:
        raise PadronError(Code.REQUEST_NOT_FOUND, f"No request {undone_id!a} has changed anything in the account.")
    cancelled: list[UndoneVehicle] = []
    if has_plans:
        plans = await cancel_pending(runtime, principal, undone_id, request_id)
        cancelled = [UndoneVehicle(vin=plan.vin, cancelled_plan_id=plan.plan_id) for plan in plans]
        entries = await _load_changes(runtime, principal, undone_id)  # one may have been executed just before
    # Backwards, so that a plate or VIN that went from one vehicle to another finds its place free.
    formers = sorted(gather_former(entries), key=lambda former: former.last_number, reverse=True)
    act = UndoAct(undone_id=undone_id, request_id=request_id, by=principal.actor, at=runtime.clock(), reason=reason)
    done: list[UndoneVehicle] = []
    for start in range(0, len(formers), CHUNK_VEHICLES):
        chunk = formers[start : start + CHUNK_VEHICLES]

        async def work(transaction: WriteTransaction, chunk: Sequence[Former] = chunk) -> list[UndoneVehicle]:
            return await _Chunk(transaction, act).undo(chunk)

        done += await runtime.store.write(principal.account_id, work)
    in_order = sorted(zip(formers, done, strict=True), key=lambda pair: pair[0].first_number)
    return [*cancelled, *(one for _, one in in_order)]


async def _load_changes(runtime: Runtime, principal: Principal, undone_id: str) -> list[FeedEntry]:
    """Give what a request changed. Raises ``forbidden`` for what the key may not change, ``request_too_large``."""
    reader = runtime.store.read(principal.account_id)
    entries = await reader.list_request_changes(undone_id, 0, UNDONE_CHANGES_MAX + 1)
    for kind in {entry.change.type for entry in entries} & _SCOPES.keys():
        principal.check_scope(_SCOPES[kind])
    if len(entries) > UNDONE_CHANGES_MAX:
        detail = f"The request {undone_id} made more than {UNDONE_CHANGES_MAX:,} changes, which is what can be undone."
        raise PadronError(Code.REQUEST_TOO_LARGE, detail)
    return entries


@dataclass(slots=True, eq=False)
class _Chunk:
    """The vehicles of one transaction, as they are after those that were taken back before them."""

    transaction: WriteTransaction
    act: UndoAct
    vehicles: dict[int, Vehicle] = field(default_factory=dict)
    details: dict[int, Details] = field(default_factory=dict)
    later: dict[int, FeedEntry] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    by_vin: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_plate: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    async def undo(self, formers: Sequence[Former]) -> list[UndoneVehicle]:
        """Take back, write, and give what became of each."""
        await self._load(formers)
        done = [self._undo_one(former) for former in formers]
        await self.transaction.save_changes(self.changes)
        return done

    async def _load(self, formers: Sequence[Former]) -> None:
        vins = {former.vin for former in formers} | {former.former_vin for former in formers if former.former_vin}
        plates = sorted({str(former.edits["plate"]) for former in formers if former.edits.get("plate") is not None})
        found = await self.transaction.lock_vehicles(sorted(vins))
        found += await self.transaction.lock_plates(plates) if plates else []
        self.vehicles = {vehicle.vehicle_id: vehicle for vehicle in found}
        spans = {former.vehicle_id: (former.first_number, former.last_number) for former in formers}
        self.later = await self.transaction.find_later_changes(spans, self.act.undone_id)
        self.details = await self.transaction.load_details(sorted(self.vehicles)) if self.vehicles else {}
        for vehicle in self.vehicles.values():
            self._note(vehicle)

    def _undo_one(self, former: Former) -> UndoneVehicle:
        vehicle, later = self.vehicles.get(former.vehicle_id), self.later.get(former.vehicle_id)
        if former.obstacle is not None:
            return _leave(former, former.obstacle, _OBSTACLES[former.obstacle])
        if later is not None or vehicle is None:
            return _leave(former, LeftReason.CHANGED_SINCE, _describe_later(later))
        plate = former.edits.get("plate")
        bearers = set() if plate is None else self.by_plate[fold_text(str(plate))] - {former.vehicle_id}
        if bearers:
            detail = f"The vehicle {self.vehicles[min(bearers)].vin} bears the plate {plate} now."
            return _leave(former, LeftReason.PLATE_IN_USE, detail)
        if former.former_vin is not None and self.by_vin[former.former_vin] - {former.vehicle_id}:
            return _leave(former, LeftReason.VIN_IN_USE, f"Another vehicle has the VIN {former.former_vin} now.")
        changes = build_undo(vehicle, self.details[former.vehicle_id], former, self.act)
        if not changes:
            return UndoneVehicle(vin=vehicle.vin)
        self.changes += changes
        after = changes[-1].vehicle
        self._forget(vehicle)
        self.vehicles[former.vehicle_id] = after
        if changes[-1].details is not None:
            self.details[former.vehicle_id] = changes[-1].details
        self._note(after)
        return UndoneVehicle(vin=after.vin, revision=after.revision)

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
    LeftReason.NOT_UNDOABLE: "The request changed the vehicle in a way that cannot be undone.",
}


def _leave(former: Former, left: LeftReason, detail: str) -> UndoneVehicle:
    return UndoneVehicle(vin=former.vin, left=left, detail=detail)


def _describe_later(later: FeedEntry | None) -> str:
    if later is None:
        return "The vehicle has another VIN by now."
    return f"The request {later.change.request_id} of {later.change.by} changed the vehicle since."
