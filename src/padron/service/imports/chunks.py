"""One transaction of an import: decides each row with the locked vehicles, then writes all rows at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from padron.domain.change import (
    Change,
    WrittenChanges,
    build_status_change,
    check_vehicle_limit,
    get_only,
    word_vehicle_limit,
)
from padron.domain.errors import PadronError
from padron.domain.file_import import ImportCounts
from padron.domain.status import VehicleStatus
from padron.domain.tags import describe_mismatch, format_tag
from padron.domain.vehicle import Details, Vehicle, apply_edits, fold_text
from padron.files.columns import REVISION_COLUMN, VIN_COLUMN, ParsedRow, ParsedRows, RowFault
from padron.service.vehicles.registration import Registration, build_registration, build_update


class ChunkTransaction(Protocol):
    """What a chunk needs from a transaction. The store's transactions and a rehearsal's have this form."""

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles with these VINs, by VIN and slot."""
        ...

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the current vehicles that have any of these plates, each once."""
        ...

    async def load_details(self, vehicle_ids: Sequence[int]) -> Mapping[int, Details]:
        """Give the current core data of vehicles, by vehicle id."""
        ...

    async def count_vehicles(self) -> int:
        """Give the number of the account's current vehicles."""
        ...

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        """Write the changes, in order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkResult:
    """The outcome of the rows of one transaction, and each fault of its refused lines, by line."""

    counts: ImportCounts
    refusals: Sequence[RowFault]


class _RowEnd(Enum):
    """The outcome of a row that was not refused."""

    REGISTERED = auto()
    UPDATED = auto()
    UNCHANGED = auto()
    KEPT = auto()  # as a further vehicle with its VIN
    NO_ROOM = auto()  # for a new vehicle: the account has the maximum


@dataclass(slots=True, eq=False)
class _Record:
    """A current vehicle after the rows so far."""

    vehicle: Vehicle
    details: Details


class Chunk:
    """The rows of one transaction. Each attempt at the transaction needs a new chunk.

    A chunk with ``counts_first`` refuses each row that would register one vehicle too many. To do so it reads the
    number of vehicles first. Another chunk is quicker, but raises ``vehicle_limit_reached`` for such a row.
    """

    def __init__(
        self, *, keep_duplicates: bool, by: str, request_id: str, at: datetime, vehicles_max: int, counts_first: bool
    ) -> None:
        self._vehicles_max = vehicles_max
        self._counts_first = counts_first
        self._room: int | None = None  # how many vehicles may still be registered, if it is known
        self._keep_duplicates = keep_duplicates
        self._by = by
        self._request_id = request_id
        self._at = at
        self._by_vin: dict[str, list[_Record]] = {}
        self._by_plate: dict[str, list[_Record]] = {}
        self._changes: list[Change] = []

    async def write(self, transaction: ChunkTransaction, parsed: ParsedRows) -> ChunkResult:
        """Write the rows and give their outcome.

        Rows that are already refused are also checked, in their places, to find their other faults.
        """
        doubtful = [one.usable for one in parsed.refused if one.usable is not None]
        lines = {row.line for row in doubtful}
        every = sorted([*parsed.rows, *doubtful], key=lambda row: row.line) if doubtful else parsed.rows
        refusals = [fault for row in parsed.refused for fault in row.faults]
        ends: Counter[_RowEnd] = Counter()
        if self._counts_first:
            self._room = max(0, self._vehicles_max - await transaction.count_vehicles())
        await self._load(transaction, every)
        for row in every:
            records = self._by_vin.setdefault(row.vin, [])
            faults = self._list_faults(row, records, is_doubtful=row.line in lines)
            if faults or row.line in lines:
                refusals += faults
            elif (end := self._take(row, records)) is _RowEnd.NO_ROOM:
                detail = word_vehicle_limit(self._vehicles_max)
                refusals.append(RowFault(line=row.line, column=VIN_COLUMN, detail=detail))
            else:
                ends[end] += 1
        written = await transaction.save_changes(self._changes)
        if ends[_RowEnd.REGISTERED] or ends[_RowEnd.KEPT]:
            check_vehicle_limit(written, self._vehicles_max)
        refusals.sort(key=lambda fault: fault.line)
        counts = ImportCounts(
            read=len(parsed.rows) + len(parsed.refused),
            registered=ends[_RowEnd.REGISTERED],
            updated=ends[_RowEnd.UPDATED],
            unchanged=ends[_RowEnd.UNCHANGED],
            kept_duplicates=ends[_RowEnd.KEPT],
            refused=len({fault.line for fault in refusals}),
        )
        return ChunkResult(counts=counts, refusals=refusals)

    async def _load(self, transaction: ChunkTransaction, rows: Sequence[ParsedRow]) -> None:
        found = await transaction.lock_vehicles(sorted({row.vin for row in rows}))
        plates = sorted({str(row.edits["plate"]) for row in rows if row.edits.get("plate") is not None})
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

    def _list_faults(self, row: ParsedRow, records: list[_Record], *, is_doubtful: bool) -> list[RowFault]:
        """Give all faults that keep a row from being written. A doubtful row has unusable cells."""
        faults: list[RowFault] = []
        if len(records) > 1 and not self._keep_duplicates:
            try:
                get_only([record.vehicle for record in records], row.vin)
            except PadronError as error:
                faults.append(RowFault(line=row.line, column=VIN_COLUMN, detail=error.detail))
        if row.revision is not None:
            faults += self._check_edit(row, records, is_doubtful=is_doubtful)
        if not (self._keep_duplicates and records):
            faults += self._check_plate(row, records)
        return faults

    def _take(self, row: ParsedRow, records: list[_Record]) -> _RowEnd:
        if self._keep_duplicates:
            return self._keep(row, records)
        return self._update(row, records[0]) if records else self._register(row)

    def _keep(self, row: ParsedRow, records: list[_Record]) -> _RowEnd:
        same = sum(record.details == row.edits and row.status in (None, record.vehicle.status) for record in records)
        if same >= row.copies:
            return _RowEnd.UNCHANGED
        if not records:
            return self._register(row)
        slot = 1 + max(record.vehicle.slot for record in records)
        return _RowEnd.KEPT if self._add(row, slot) else _RowEnd.NO_ROOM

    def _register(self, row: ParsedRow) -> _RowEnd:
        return _RowEnd.REGISTERED if self._add(row, 0) else _RowEnd.NO_ROOM

    def _add(self, row: ParsedRow, slot: int) -> bool:
        """Add a vehicle, unless there is no room for it."""
        if self._room is not None:
            if self._room == 0:
                return False
            self._room -= 1
        change = build_registration(
            self._give_registration(row),
            by=self._by,
            at=self._at,
            status=VehicleStatus.ACTIVE if row.status is None else row.status,
            slot=slot,
        )
        self._changes.append(change)
        self._remember(_Record(change.vehicle, change.details or {}))
        return True

    def _check_edit(self, row: ParsedRow, records: list[_Record], *, is_doubtful: bool) -> list[RowFault]:
        """Give why an exported row cannot update a vehicle. After a later change, its other cells are outdated."""
        if not records:
            detail = (
                f"The row has a revision, as exported rows have, but the register has no vehicle {row.vin}. "
                "Clear the revision to register the vehicle."
            )
            return [RowFault(line=row.line, column=VIN_COLUMN, detail=detail)]
        (record, *more) = records
        if not more and row.revision != format_tag(record.vehicle) and (is_doubtful or _differs(row, record)):
            why = describe_mismatch(record.vehicle, {row.revision or ""})
            detail = f"{why} Export the vehicle again and repeat the edit."
            return [RowFault(line=row.line, column=REVISION_COLUMN, detail=detail)]
        return []

    def _check_plate(self, row: ParsedRow, own: list[_Record]) -> list[RowFault]:
        """Give why the vehicle cannot have the row's plate: another vehicle has it."""
        plate = row.edits.get("plate")
        if plate is None or any(record.details.get("plate") == plate for record in own):
            return []
        others = [record for record in self._by_plate.get(fold_text(str(plate)), []) if record not in own]
        if not others:
            return []
        detail = f"The vehicle {others[0].vehicle.vin} already has the plate {plate}."
        return [RowFault(line=row.line, column="plate", detail=detail)]

    def _update(self, row: ParsedRow, record: _Record) -> _RowEnd:
        changes_before = len(self._changes)
        change = build_update(self._give_registration(row), record.vehicle, record.details, by=self._by, at=self._at)
        if change is not None:
            self._apply(record, change)
        if row.status is not None and row.status is not record.vehicle.status:
            self._apply(record, self._build_status_change(record.vehicle, row.status))
        return _RowEnd.UPDATED if len(self._changes) > changes_before else _RowEnd.UNCHANGED

    def _apply(self, record: _Record, change: Change) -> None:
        self._changes.append(change)
        record.vehicle = change.vehicle
        if change.details is not None:
            if "plate" in record.details:
                self._by_plate[fold_text(str(record.details["plate"]))].remove(record)
            record.details = change.details
            self._note_plate(record)

    def _build_status_change(self, vehicle: Vehicle, status: VehicleStatus) -> Change:
        return build_status_change(vehicle, status, at=self._at, by=self._by, request_id=self._request_id)

    def _give_registration(self, row: ParsedRow) -> Registration:
        return Registration(vin=row.vin, edits=row.edits, request_id=self._request_id)


def _differs(row: ParsedRow, record: _Record) -> bool:
    """Say whether the row would change the vehicle."""
    return bool(apply_edits(record.details, row.edits).differences) or row.status not in (None, record.vehicle.status)
