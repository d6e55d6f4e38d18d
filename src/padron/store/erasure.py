"""Erasing personal values on both engines: the rows that have them, and the copies beside the record.

Locks: the vehicle, the counter, then what belongs to imports and keys, as in every transaction.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from padron.domain.erasure import ERASED_TEXT, PERSONAL_FIELDS, Selection, StoredVersion
from padron.domain.sorting import give_field_key
from padron.domain.vehicle import FIELDS_BY_NAME, Difference, Differences, Vehicle
from padron.store.port import WritePort
from padron.store.vehicles import to_details, to_vehicle

PERSONAL_COLUMNS = tuple(FIELDS_BY_NAME[name].column for name in PERSONAL_FIELDS)  # in the order of the statements


class AnswerPlace(NamedTuple):
    """Names a kept answer."""

    actor: str
    key: str


class ErasureTransaction:
    """One account's personal values, in its open transaction."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def find_by_vin(self, vin: str) -> list[int]:
        """Give the ids of the vehicles with a VIN, current and former."""
        return sorted(row[0] for row in await self._port.fetch("find_by_any_vin", vin))

    async def find_by_value(self, selection: Selection, limit: int) -> list[int]:
        """Give the ids of vehicles that had the selection's value in one of its fields at any time."""
        value = selection.value or ""
        keys = [give_field_key(name, value) if name in selection.fields else None for name in PERSONAL_FIELDS]
        return [row[0] for row in await self._port.fetch("find_by_personal_value", limit, *keys)]

    async def lock_vehicle(self, vehicle_id: int) -> Vehicle | None:
        """Give a vehicle, current or former, locked."""
        rows = await self._port.fetch("lock_any_vehicle", vehicle_id)
        return to_vehicle(rows[0], self._port.to_instant) if rows else None

    async def load_versions(self, vehicle_id: int) -> list[StoredVersion]:
        """Give all core data that a locked vehicle ever had, in order."""
        return [
            StoredVersion(began=began, details=to_details(details), is_former=is_former == 1)
            for began, details, is_former in await self._port.fetch("load_versions", vehicle_id)
        ]

    async def load_differences(self, vehicle_id: int) -> dict[int, Differences]:
        """Give the differences of all changes of a locked vehicle's core data, by their numbers."""
        rows = await self._port.fetch("load_differences", vehicle_id)
        return {
            number: msgspec.json.decode(text, type=dict[str, Difference]) for number, text in rows if text is not None
        }

    async def rewrite(
        self, vehicle_id: int, versions: Sequence[StoredVersion], differences: Mapping[int, Differences]
    ) -> None:
        """Write versions and differences of a locked vehicle over the former ones."""
        await self._port.write_rows("rewrite_version", [_from_version(vehicle_id, version) for version in versions])
        rows = [(number, msgspec.json.encode(changed).decode()) for number, changed in differences.items()]
        await self._port.write_rows("rewrite_differences", rows)

    async def empty_attempts(self, numbers: Sequence[int]) -> None:
        """Remove what receivers answered to webhooks about some changes."""
        await self._port.fetch("empty_attempts", list(numbers))

    async def erase_import_refusals(self, text: str) -> None:
        """Remove the sentences of refused lines that contain a text."""
        await self._port.fetch("erase_import_refusals", text, ERASED_TEXT)

    async def erase_answers(self, after: AnswerPlace, limit: int, text: str) -> AnswerPlace | None:
        """Remove those of the next kept answers that contain a text. Give the last place looked at, None at the end.

        The request of a removed answer still counts as done, so that nobody repeats it by its key.
        """
        written = msgspec.json.encode(text)[1:-1]  # as an answer has it, without the quotes
        rows = await self._port.fetch("list_answers", *after, limit, written)
        found = [(actor, key, length) for actor, key, length, has_text in rows if has_text]
        for actor, key, length in found:
            if await self._port.fetch("lose_answer", actor, key):
                await self._port.fetch("add_key_totals", 0, -length)
        return AnswerPlace(rows[-1][0], rows[-1][1]) if len(rows) == limit else None


def _from_version(vehicle_id: int, version: StoredVersion) -> Sequence[object]:
    keys = [give_field_key(name, str(version.details.get(name, ""))) for name in PERSONAL_FIELDS]
    return (vehicle_id, version.began, msgspec.json.encode(version.details).decode(), *keys)
