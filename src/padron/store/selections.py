"""Selections on both engines: one account's sets of vehicles, the faults of lists and the outcome for each vehicle.

Locks: a selection's row comes after vehicles and the counter. A transaction that adds one first locks the account's
row, and locks no vehicle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from padron.domain.naming_list import FaultReason, ListFault
from padron.domain.selection import (
    OutcomeCounts,
    PresentVehicle,
    SelectedOutcome,
    SelectedVehicle,
    SelectionSource,
    SelectionState,
    VehicleSelection,
    WaitingSelection,
    WantedStatus,
)
from padron.domain.sorting import give_field_key
from padron.domain.vehicle import Details, Vehicle
from padron.store.port import BoardPort, Columns, ReadPort, Row, ToInstant, WritePort, give_or_none
from padron.store.vehicles import give_status, give_status_id, to_details, to_vehicle

SELECTION = Columns(
    "selection_id", "state", "source", "created_by", "created_at", "expires_at", "count", "fault_count", "digest",
    "wanted_status", "reason", "effective_at", "until", "request_id", "applied_by", "applied_at", "ended_at",
    "position", "changed", "unchanged", "planned", "refused", "changed_since", "detail", "tries", "attempt",
    "lease_holder", "lease_until",
)  # fmt: skip
SELECTED = Columns("vehicle_id", "vin", "tag", "status", "outcome", "detail")
SELECTION_FAULT = Columns("place", "line", "text", "reason", "detail")


class SelectionTransaction:
    """One account's selections, in its open transaction. What ``lock_`` reads cannot change until its end."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def list_all(self) -> list[VehicleSelection]:
        """Give all selections. No other transaction can add one meanwhile."""
        await self._port.fetch("lock_selector")
        return [_to_selection(row, self._port.to_instant) for row in await self._port.fetch("list_all_selections")]

    async def is_account_enabled(self) -> bool:
        """Say whether the account is enabled."""
        return bool(await self._port.fetch("find_enabled_account"))

    async def add_selection(self, new: VehicleSelection) -> None:
        """Add a selection without vehicles."""
        await self._port.write_rows("insert_selection", [_from_selection(new)])

    async def find_selection(self, selection_id: int) -> VehicleSelection | None:
        """Give a selection, not locked."""
        rows = await self._port.fetch("find_selection", selection_id)
        return _to_selection(rows[0], self._port.to_instant) if rows else None

    async def lock_selection(self, selection_id: int) -> VehicleSelection | None:
        """Give a selection, locked against other transactions."""
        rows = await self._port.fetch("lock_selection", selection_id)
        return _to_selection(rows[0], self._port.to_instant) if rows else None

    async def save_selection(self, changed: VehicleSelection) -> None:
        """Write a selection that is locked."""
        await self._port.write_rows("save_selection", [_from_selection(changed)])

    async def delete_selection(self, selection_id: int) -> None:
        """Delete a selection that has neither vehicles nor faults."""
        await self._port.write_rows("delete_selection", [(selection_id,)])

    async def list_expired(self, now: datetime) -> list[int]:
        """Give the selections that have expired and are not being applied."""
        return [row[0] for row in await self._port.fetch("list_expired_selections", now)]

    async def add_vehicles(self, selection_id: int, vehicles: Sequence[SelectedVehicle]) -> None:
        """Add vehicles that the selection does not have yet."""
        rows = [(selection_id, *_from_selected(one)) for one in vehicles]
        await self._port.write_rows("insert_selected", rows)

    async def save_vehicles(self, selection_id: int, vehicles: Sequence[SelectedVehicle]) -> None:
        """Write vehicles of a locked selection."""
        rows = [(selection_id, *_from_selected(one)) for one in vehicles]
        await self._port.write_rows("save_selected", rows)

    async def list_vehicles(self, selection_id: int, after: int, limit: int) -> list[SelectedVehicle]:
        """Give vehicles of a selection with a higher id, by id."""
        return [_to_selected(row) for row in await self._port.fetch("list_selected", selection_id, after, limit)]

    async def list_among(self, selection_id: int, vehicle_ids: Sequence[int]) -> list[SelectedVehicle]:
        """Give those of some vehicles that the selection has, by id."""
        rows = await self._port.fetch("list_selected_among", selection_id, list(vehicle_ids))
        return [_to_selected(row) for row in rows]

    async def delete_vehicles(self, selection_id: int, limit: int) -> int:
        """Delete at most ``limit`` vehicles of a selection and give their number. The vehicles themselves stay."""
        return len(await self._port.fetch("delete_selected", selection_id, limit))

    async def add_faults(self, selection_id: int, faults: Sequence[ListFault]) -> None:
        """Add the faults of a list."""
        rows = [(selection_id, *_from_fault(one)) for one in faults]
        await self._port.write_rows("insert_selection_fault", rows)

    async def delete_faults(self, selection_id: int, limit: int) -> int:
        """Delete at most ``limit`` faults and give their number."""
        return len(await self._port.fetch("delete_selection_faults", selection_id, limit))


class SelectionReader:
    """One account's committed selections, and what their making and their preview read."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def list_selections(self, before: int, limit: int) -> list[VehicleSelection]:
        """Give selections with an id below ``before``, newest first."""
        rows = await self._port.read_page("list_selections", before, limit)
        return [_to_selection(row, self._port.to_instant) for row in rows]

    async def find_selection(self, selection_id: int) -> VehicleSelection | None:
        """Give one selection, if there is one."""
        rows = await self._port.read_point("find_selection", selection_id)
        return _to_selection(rows[0], self._port.to_instant) if rows else None

    async def list_vehicles(self, selection_id: int, after: int, limit: int) -> list[SelectedVehicle]:
        """Give vehicles of a selection with a higher id, by id."""
        return [_to_selected(row) for row in await self._port.read_page("list_selected", selection_id, after, limit)]

    async def list_faults(self, selection_id: int, after: int, limit: int) -> list[ListFault]:
        """Give faults of a list after a place, in order."""
        rows = await self._port.read_page("list_selection_faults", selection_id, after, limit)
        return [_to_fault(row) for row in rows]

    async def load_present(self, vehicle_ids: Sequence[int]) -> dict[int, PresentVehicle]:
        """Give those of some vehicles that are current, with what a decision on them needs."""
        ids = list(vehicle_ids)
        rows = await self._port.read_page("list_present", ids)
        returning = {row[0] for row in await self._port.read_page("list_with_return", ids)}
        work = {row[0]: int(row[1]) for row in await self._port.read_page("count_open_work", ids)}
        found: dict[int, PresentVehicle] = {}
        for row in rows:
            vehicle: Vehicle = to_vehicle(row, self._port.to_instant)
            found[vehicle.vehicle_id] = PresentVehicle(
                vehicle=vehicle,
                namesake_count=int(row[-1]),
                is_returning=vehicle.vehicle_id in returning,
                work_count=work.get(vehicle.vehicle_id, 0),
            )
        return found

    async def load_details(self, vehicle_ids: Sequence[int]) -> dict[int, Details]:
        """Give the core data of those of some vehicles that are current, by vehicle id."""
        rows = await self._port.read_page("load_details", list(vehicle_ids))
        return {vehicle_id: to_details(details) for vehicle_id, details in rows}

    async def find_named(self, keys: Sequence[str]) -> Mapping[str, frozenset[int]]:
        """Give the current vehicles of each folded VIN, plate or unit number."""
        vins = {key.upper(): key for key in keys if key.isascii()}
        units = {give_field_key("customId", key): key for key in keys}
        found: dict[str, set[int]] = {}
        for kind, name, vehicle_id in await self._port.read_page("find_named", list(vins), list(keys), list(units)):
            key = vins[name] if kind == "vin" else units[name] if kind == "unit" else name
            found.setdefault(key, set()).add(vehicle_id)
        return {name: frozenset(ids) for name, ids in found.items()}


class SelectionBoard:
    """The work for workers, in all accounts: for the server itself, never for a request."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def list_waiting(self, now: datetime, holder: str, limit: int) -> list[WaitingSelection]:
        """Give selections that wait for a worker. One that the holder itself has also counts."""
        rows = await self._port.read_point("list_waiting_selections", now, holder, limit)
        return [WaitingSelection(row[0], row[1]) for row in rows]

    async def survey_selections(self) -> dict[SelectionState, int]:
        """Give the number of selections of all accounts that wait for a worker or have one, by state."""
        return {SelectionState(state): count for state, count in await self._port.read_page("survey_selections")}


def _to_selection(row: Row, to_instant: ToInstant) -> VehicleSelection:
    named = SELECTION.name(row)
    wanted = named["wanted_status"]
    return VehicleSelection(
        selection_id=named["selection_id"],
        state=SelectionState(named["state"]),
        source=SelectionSource(named["source"]),
        created_by=named["created_by"],
        created_at=to_instant(named["created_at"]),
        expires_at=to_instant(named["expires_at"]),
        count=named["count"],
        fault_count=named["fault_count"],
        digest=named["digest"],
        wanted=None
        if wanted is None
        else WantedStatus(
            status=give_status(wanted),
            reason=named["reason"],
            effective_at=give_or_none(to_instant, named["effective_at"]),
            until=give_or_none(to_instant, named["until"]),
        ),
        request_id=named["request_id"],
        applied_by=named["applied_by"],
        applied_at=give_or_none(to_instant, named["applied_at"]),
        ended_at=give_or_none(to_instant, named["ended_at"]),
        position=named["position"],
        counts=OutcomeCounts(
            changed=named["changed"],
            unchanged=named["unchanged"],
            planned=named["planned"],
            refused=named["refused"],
            changed_since=named["changed_since"],
        ),
        detail=named["detail"],
        tries=named["tries"],
        attempt=named["attempt"],
        lease_holder=named["lease_holder"],
        lease_until=give_or_none(to_instant, named["lease_until"]),
    )


def _from_selection(one: VehicleSelection) -> Sequence[object]:
    wanted = one.wanted
    return SELECTION.order(
        {
            "selection_id": one.selection_id,
            "state": one.state.value,
            "source": one.source.value,
            "created_by": one.created_by,
            "created_at": one.created_at,
            "expires_at": one.expires_at,
            "count": one.count,
            "fault_count": one.fault_count,
            "digest": one.digest,
            "wanted_status": None if wanted is None else give_status_id(wanted.status),
            "reason": None if wanted is None else wanted.reason,
            "effective_at": None if wanted is None else wanted.effective_at,
            "until": None if wanted is None else wanted.until,
            "request_id": one.request_id,
            "applied_by": one.applied_by,
            "applied_at": one.applied_at,
            "ended_at": one.ended_at,
            "position": one.position,
            "changed": one.counts.changed,
            "unchanged": one.counts.unchanged,
            "planned": one.counts.planned,
            "refused": one.counts.refused,
            "changed_since": one.counts.changed_since,
            "detail": one.detail,
            "tries": one.tries,
            "attempt": one.attempt,
            "lease_holder": one.lease_holder,
            "lease_until": one.lease_until,
        }
    )


def _to_selected(row: Row) -> SelectedVehicle:
    named = SELECTED.name(row)
    outcome = named["outcome"]
    return SelectedVehicle(
        vehicle_id=named["vehicle_id"],
        vin=named["vin"],
        tag=named["tag"],
        status=give_status(named["status"]),
        outcome=None if outcome is None else SelectedOutcome(outcome),
        detail=named["detail"],
    )


def _from_selected(one: SelectedVehicle) -> Sequence[object]:
    return SELECTED.order(
        {
            "vehicle_id": one.vehicle_id,
            "vin": one.vin,
            "tag": one.tag,
            "status": one.status.value,
            "outcome": None if one.outcome is None else one.outcome.value,
            "detail": one.detail,
        }
    )


def _to_fault(row: Row) -> ListFault:
    named = SELECTION_FAULT.name(row)
    return ListFault(
        place=named["place"],
        line=named["line"],
        text=named["text"],
        reason=FaultReason(named["reason"]),
        detail=named["detail"],
    )


def _from_fault(fault: ListFault) -> Sequence[object]:
    return SELECTION_FAULT.order(
        {
            "place": fault.place,
            "line": fault.line,
            "text": fault.text,
            "reason": fault.reason.value,
            "detail": fault.detail,
        }
    )
