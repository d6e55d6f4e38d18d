"""Rehearses an import. Its transactions decide as usual, but only store their changes in a temporary file.

Later transactions see the changes of earlier ones instead of the register's vehicles, by VIN and by
plate.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import apsw
import msgspec

from padron.domain.change import Change, ChangeType, WrittenChanges
from padron.domain.vehicle import Details, Vehicle, fold_text
from padron.files.memory import open_scratch, translate_scratch_errors
from padron.service.imports.chunks import ChunkTransaction

# vehicle_id is below zero for a vehicle that does not exist yet.
_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE vehicles (vehicle_id INTEGER PRIMARY KEY, vin TEXT, plate TEXT, vehicle BLOB, details BLOB);
    CREATE INDEX by_vin ON vehicles (vin);
    CREATE INDEX by_plate ON vehicles (plate) WHERE plate IS NOT NULL
"""
_SAVE = "INSERT OR REPLACE INTO vehicles (vehicle_id, vin, plate, vehicle, details) VALUES (?, ?, ?, ?, ?)"
_FIND_BY_VIN = "SELECT vehicle, details FROM vehicles WHERE vin = ?"
_FIND_BY_PLATE = "SELECT vehicle, details FROM vehicles WHERE plate = ?"
_FIND = "SELECT 1 FROM vehicles WHERE vehicle_id = ?"

_decode_vehicle = msgspec.msgpack.Decoder(Vehicle).decode
_decode_details = msgspec.msgpack.Decoder(dict[str, str | int]).decode


class RehearsedVehicle(NamedTuple):
    """A vehicle as the import would have left it so far."""

    vehicle: Vehicle
    details: Details


class Rehearsal:
    """The changes that all transactions so far would have written."""

    def __init__(self, scratch: apsw.Connection) -> None:
        self._scratch = scratch
        self._rows: list[tuple[object, ...]] = []
        self._last_id = 0
        self._next_id = -1

    def begin(self, transaction: ChunkTransaction) -> "RehearsedTransaction":
        """Give a transaction that writes nothing. Another attempt replaces the one before."""
        self._rows, self._next_id = [], self._last_id - 1
        return RehearsedTransaction(transaction, self)

    def keep(self) -> None:
        """Keep the changes that the transaction would have written."""
        with translate_scratch_errors():
            self._scratch.executemany(_SAVE, self._rows)
        self._last_id = self._next_id + 1

    @property
    def new_count(self) -> int:
        """Give how many vehicles the transactions before this one would have registered."""
        return -self._last_id

    def find_by_vin(self, vin: str) -> list[RehearsedVehicle]:
        """Give the vehicles that would now have this VIN."""
        return self._find(_FIND_BY_VIN, vin)

    def find_by_plate(self, plate: str) -> list[RehearsedVehicle]:
        """Give the vehicles that would now have this plate, in its folded form."""
        return self._find(_FIND_BY_PLATE, plate)

    def knows(self, vehicle_id: int) -> bool:
        """Say whether the vehicle would now differ from the register's."""
        return bool(list(self._scratch.execute(_FIND, (vehicle_id,))))

    def add(self, vehicle: Vehicle, details: Details) -> None:
        """Note a vehicle as the current transaction would leave it."""
        if vehicle.vehicle_id == 0:
            vehicle, self._next_id = replace(vehicle, vehicle_id=self._next_id), self._next_id - 1
        plate = fold_text(str(details["plate"])) if "plate" in details else None
        encode = msgspec.msgpack.encode
        self._rows.append((vehicle.vehicle_id, vehicle.vin, plate, encode(vehicle), encode(details)))

    def _find(self, statement: str, value: str) -> list[RehearsedVehicle]:
        rows = self._scratch.execute(statement, (value,))
        return [RehearsedVehicle(_decode_vehicle(vehicle), _decode_details(details)) for vehicle, details in rows]


class RehearsedTransaction:
    """A transaction as a chunk sees it. It writes nothing."""

    def __init__(self, transaction: ChunkTransaction, rehearsal: Rehearsal) -> None:
        self._transaction = transaction
        self._rehearsal = rehearsal
        self._details: dict[int, Details] = {}

    async def lock_vehicles(self, vins: Sequence[str]) -> list[Vehicle]:
        """Give the vehicles that would now have these VINs, by VIN and slot."""
        held = self._leave_out(await self._transaction.lock_vehicles(vins))
        found = [*held, *self._note(one for vin in vins for one in self._rehearsal.find_by_vin(vin))]
        return sorted(found, key=lambda vehicle: (vehicle.vin, vehicle.slot))

    async def lock_plates(self, plates: Sequence[str]) -> list[Vehicle]:
        """Give the vehicles that would now have these plates."""
        held = self._leave_out(await self._transaction.lock_plates(plates))
        folded = dict.fromkeys(fold_text(plate) for plate in plates)
        return [*held, *self._note(one for plate in folded for one in self._rehearsal.find_by_plate(plate))]

    async def load_details(self, vehicle_ids: Sequence[int]) -> Mapping[int, Details]:
        """Give the vehicles' core data as it would now be."""
        held = [vehicle_id for vehicle_id in vehicle_ids if vehicle_id not in self._details]
        return {**await self._transaction.load_details(held), **self._details}

    async def count_vehicles(self) -> int:
        """Give the number of current vehicles that there would now be."""
        return await self._transaction.count_vehicles() + self._rehearsal.new_count

    async def save_changes(self, changes: Sequence[Change]) -> WrittenChanges:
        """Note the vehicles that the changes would leave."""
        details: dict[int, Details] = {}
        for change in changes:
            vehicle_id = change.vehicle.vehicle_id
            if change.type is ChangeType.REGISTERED:
                self._rehearsal.add(change.vehicle, change.details or {})
                continue
            if change.details is not None:
                details[vehicle_id] = change.details
            elif vehicle_id not in details:
                details.update(await self.load_details([vehicle_id]))
            self._rehearsal.add(change.vehicle, details[vehicle_id])
        return WrittenChanges(changes=changes, first_number=0)

    def _leave_out(self, vehicles: Sequence[Vehicle]) -> list[Vehicle]:
        return [vehicle for vehicle in vehicles if not self._rehearsal.knows(vehicle.vehicle_id)]

    def _note(self, found: Iterator[RehearsedVehicle]) -> list[Vehicle]:
        vehicles = []
        for vehicle, details in found:
            self._details[vehicle.vehicle_id] = details
            vehicles.append(vehicle)
        return vehicles


@contextmanager
def open_rehearsal() -> Iterator[Rehearsal]:
    """Give an empty rehearsal. It is deleted at the end."""
    scratch = open_scratch(_SCHEMA)
    try:
        yield Rehearsal(scratch)
    finally:
        scratch.close()
