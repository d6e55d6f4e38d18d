"""One transaction of an import: decides each row against the vehicles locked for it, then writes all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from padron.domain.change import Change, ChangeType, get_only
from padron.domain.errors import PadronError
from padron.domain.status import VehicleStatus
from padron.domain.tags import describe_mismatch, format_tag
from padron.domain.vehicle import Details, Vehicle, apply_edits, fold_text, give_status
from padron.files.columns import REVISION_COLUMN, VIN_COLUMN, ParsedRow, Refusal
from padron.service.registration import Registration, build_registration, build_update


class ChunkTransaction(Protocol):
    """What a chunk needs of a transaction: it is the store's, or one of a rehearsal."""

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs, by VIN and slot."""
        ...

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles that bear any of these plates, each once."""
        ...

    async def load_details(self, vehicle_ids: Sequence[int]) -> Mapping[int, Details]:
        """Give the current core data of vehicles, by vehicle id."""
        ...

    async def save_changes(self, changes: Sequence[Change]) -> None:
        """Write the changes, in order."""
        ...


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What became of the rows of one transaction."""

    registered: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_duplicates: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Record:
    """A current vehicle as it is after the rows so far."""

    vehicle: Vehicle
    details: Details


class Chunk:
    """The rows of one transaction. Made anew each time that the transaction is tried."""

    def __init__(self, *, keep_duplicates: bool, by: str, request_id: str, at: datetime) -> None:
        self._keep_duplicates = keep_duplicates
        self._by = by
        self._request_id = request_id
        self._at = at
        self._by_vin: dict[str, list[_Record]] = {}
        self._by_plate: dict[str, list[_Record]] = {}
        self._changes: list[Change] = []
        self._outcome = Outcome()

    async def write(self, transaction: ChunkTransaction, rows: Sequence[ParsedRow]) -> Outcome:
        """Write the rows and give what became of them."""
        await self._load(transaction, rows)
        for row in rows:
            records = self._by_vin.setdefault(row.vin, [])
            if row.revision is not None:
                self._edit(row, records)
            elif self._keep_duplicates:
                self._keep(row, records)
            elif not records:
                self._register(row, records)
            else:
                self._update(row, records)
        await transaction.save_changes(self._changes)
        return self._outcome

    async def _load(self, transaction: ChunkTransaction, rows: Sequence[ParsedRow]) -> None:
        found = await transaction.lock_vehicles(sorted({row.vin for row in rows}))
        plates = sorted({str(row.edits["plate"]) for row in rows if "plate" in row.edits})
        bearers = await transaction.lock_plates(plates) if plates else []
        vehicles = {vehicle.vehicle_id: vehicle for vehicle in (*found, *bearers)}
        details = await transaction.load_details(sorted(vehicles)) if vehicles else {}
        for vehicle in vehicles.values():
            self._remember(_Record(vehicle, details[vehicle.vehicle_id]))

    def _remember(self, record: _Record) -> None:
        self._by_vin.setdefault(record.vehicle.vin, []).append(record)
        self._note_plate(record)

    def _note_plate(self, record: _Record) -> None:
        if "plate" in record.details:
            self._by_plate.setdefault(fold_text(str(record.details["plate"])), []).append(record)

    def _keep(self, row: ParsedRow, records: list[_Record]) -> None:
        same = sum(record.details == row.edits and row.status in (None, record.vehicle.status) for record in records)
        if same >= row.copies:
            self._outcome.unchanged += 1
        elif not records:
            self._register(row, records)
        else:
            slot = 1 + max(record.vehicle.slot for record in records)
            self._add(row, slot)
            self._outcome.kept_duplicates += 1

    def _register(self, row: ParsedRow, records: list[_Record]) -> None:
        if not self._refuse_plate(row, records):
            self._add(row, 0)
            self._outcome.registered += 1

    def _add(self, row: ParsedRow, slot: int) -> None:
        change = build_registration(
            self._give_registration(row),
            by=self._by,
            at=self._at,
            status=VehicleStatus.ACTIVE if row.status is None else row.status,
            slot=slot,
        )
        self._changes.append(change)
        self._remember(_Record(change.vehicle, change.details or {}))

    def _edit(self, row: ParsedRow, records: list[_Record]) -> None:
        """Update a vehicle from the row of an export, unless it was changed since: the row's other cells are old."""
        if not records:
            detail = (
                f"The register has no vehicle {row.vin}, and the revision says that the row was exported from it: "
                "clear the revision to register the vehicle."
            )
            self._refuse(row, VIN_COLUMN, detail)
            return
        (record, *more) = records
        if not more and row.revision != format_tag(record.vehicle) and _differs(row, record):
            why = describe_mismatch(record.vehicle, {row.revision or ""})
            self._refuse(row, REVISION_COLUMN, f"{why} Export the vehicle again and repeat the edit.")
            return
        self._update(row, records)

    def _update(self, row: ParsedRow, records: list[_Record]) -> None:
        try:
            get_only([record.vehicle for record in records], row.vin)
        except PadronError as error:
            self._refuse(row, VIN_COLUMN, error.detail)
            return
        record = records[0]
        changes_before = len(self._changes)
        change = build_update(self._give_registration(row), record.vehicle, record.details, by=self._by, at=self._at)
        if change is not None:
            if "plate" in (change.differences or {}) and self._refuse_plate(row, records):
                return
            self._apply(record, change)
        if row.status is not None and row.status is not record.vehicle.status:
            self._apply(record, self._build_status_change(record.vehicle, row.status))
        if len(self._changes) > changes_before:
            self._outcome.updated += 1
        else:
            self._outcome.unchanged += 1

    def _apply(self, record: _Record, change: Change) -> None:
        self._changes.append(change)
        record.vehicle = change.vehicle
        if change.details is not None:
            if "plate" in record.details:
                self._by_plate[fold_text(str(record.details["plate"]))].remove(record)
            record.details = change.details
            self._note_plate(record)

    def _build_status_change(self, vehicle: Vehicle, status: VehicleStatus) -> Change:
        return Change(
            type=ChangeType.STATUS_CHANGED,
            vehicle=give_status(vehicle, status, at=self._at, by=self._by, reason=None),
            at=self._at,
            by=self._by,
            request_id=self._request_id,
            from_status=vehicle.status,
        )

    def _refuse_plate(self, row: ParsedRow, own: list[_Record]) -> bool:
        plate = row.edits.get("plate")
        bearers = [] if plate is None else self._by_plate.get(fold_text(str(plate)), [])
        others = [record for record in bearers if record not in own]
        if others:
            self._refuse(row, "plate", f"The vehicle {others[0].vehicle.vin} bears the plate {plate} already.")
        return bool(others)

    def _refuse(self, row: ParsedRow, column: str, detail: str) -> None:
        self._outcome.refusals.append(Refusal(line=row.line, column=column, detail=detail))

    def _give_registration(self, row: ParsedRow) -> Registration:
        return Registration(vin=row.vin, edits=row.edits, request_id=self._request_id)


def _differs(row: ParsedRow, record: _Record) -> bool:
    """Say whether the row says anything of the vehicle that is not so."""
    _, differences = apply_edits(record.details, row.edits)
    return bool(differences) or row.status not in (None, record.vehicle.status)
