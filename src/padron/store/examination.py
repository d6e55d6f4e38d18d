"""Reads what ``padron doctor`` compares, in portions, beside a running server. It writes nothing.

Each portion is one statement and so sees one instant. What it compares cannot change in between.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from padron.domain.finding import Finding
from padron.domain.searching import give_search_text
from padron.store.port import Port, Row, give_or_none
from padron.store.vehicles import to_details

LAST_ID = 2**62  # after every id and number
GRAMS_EACH = 100  # of every so many vehicles, the index of the search is looked at

Note = Callable[[str], None]  # hears what is being checked


class ExaminedPort(Port, Protocol):
    """Reads the register, across accounts, and never writes."""

    async def read(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement. Raises ``store_unavailable``."""
        ...

    def give_grams(self, account_id: int, vehicle_id: int, text: str) -> object:
        """Give the grams of a vehicle's text as the engine compares them."""
        ...


class Examination(Protocol):
    """A register that is open for an examination."""

    @property
    def records(self) -> "Records":
        """What the register has, in portions."""
        ...

    def examine_engine(self, note: Note) -> AsyncIterator[Finding]:
        """Give what only the engine knows: its files, versions, settings and pages, one finding after the other."""
        ...

    async def close(self) -> None:
        """End the examination."""
        ...


OpenExamination = Callable[[], Awaitable[Examination]]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSums:
    """What an account's counters say, and what there is. None where there is no counter or no change."""

    is_account: bool
    is_being_deleted: bool
    last_change: int | None
    last_number: int | None
    last_at: datetime | None
    vehicle_count: int | None
    current_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberPortion:
    """A portion of the record: how many changes, from where to where, and how many of them are of no vehicle.

    Changes up to ``archived_to`` are archived and left out.
    """

    count: int
    first: int
    last: int
    stray_count: int
    archived_to: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VehiclePortion:
    """A portion of the vehicles: those after an id, up to another one."""

    after: int
    last: int
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultyHistory:
    """A vehicle whose record does not lead to what it is now."""

    vehicle_id: int
    vin: str
    revision: int
    change_count: int
    status: int
    last_status: int | None
    broken_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultyVehicle:
    """A vehicle with something wrong."""

    vehicle_id: int
    vin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphans:
    """Rows of one kind that lack what they belong to."""

    what: str
    count: int


class Records:
    """The rows of a register, by account and in portions."""

    def __init__(self, port: ExaminedPort) -> None:
        self._port = port

    async def find_next_account(self, after: int) -> int | None:
        """Give the next account id that any table knows."""
        ((found,),) = await self._port.read("examine_next_account", after)
        return None if found is None else int(found)

    async def load_sums(self, account_id: int) -> AccountSums:
        """Give what an account's counters say, and what there is."""
        (
            (accounts, deleting, last_change, last_number, last_at, vehicle_count, current_count),
        ) = await self._port.read("examine_account", account_id)
        return AccountSums(
            is_account=accounts > 0,
            is_being_deleted=deleting > 0,
            last_change=last_change,
            last_number=last_number,
            last_at=give_or_none(self._port.to_instant, last_at),
            vehicle_count=vehicle_count,
            current_count=current_count,
        )

    async def load_numbers(self, account_id: int, after: int, limit: int) -> NumberPortion | None:
        """Give the next portion of the record; None at the end."""
        ((count, first, last, stray_count, archived_to),) = await self._port.read(
            "examine_numbers", account_id, after, limit
        )
        if not count:
            return None
        return NumberPortion(
            count=count, first=first, last=last, stray_count=stray_count, archived_to=archived_to
        )  # fmt: skip

    async def find_portion(self, account_id: int, after: int, limit: int) -> VehiclePortion | None:
        """Give the next portion of the vehicles; None at the end."""
        ((last, count),) = await self._port.read("examine_portion", account_id, after, limit)
        return VehiclePortion(after=after, last=last, count=count) if count else None

    async def list_faulty_histories(self, account_id: int, portion: VehiclePortion) -> list[FaultyHistory]:
        """Give the first vehicles of a portion whose record does not lead to what they are now."""
        rows = await self._port.read("examine_histories", account_id, portion.after, portion.last)
        return [
            FaultyHistory(
                vehicle_id=vehicle_id, vin=vin, revision=revision, change_count=change_count, status=status,
                last_status=last_status, broken_count=broken_count,
            )
            for vehicle_id, vin, revision, change_count, status, last_status, broken_count in rows
        ]  # fmt: skip

    async def list_without_details(self, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        """Give the first vehicles of a portion whose core data is missing, doubled or another vehicle's."""
        return await self._list_vehicles("examine_versions", account_id, portion)

    async def list_misnamed(self, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        """Give the first vehicles of a portion that are found by something else than what they are."""
        return await self._list_vehicles("examine_identities", account_id, portion)

    async def list_unfindable(self, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        """Give the vehicles of a portion that a search would not find by what they are.

        Each one's text is compared, and of every hundredth one what the index has.
        """
        rows = await self._port.read("examine_search_texts", account_id, portion.after, portion.last)
        found = []
        for place, (vehicle_id, vin, details, text) in enumerate(rows):
            is_wrong = text != give_search_text(vin, to_details(details))
            if not is_wrong and place % GRAMS_EACH == 0:
                grams = self._port.give_grams(account_id, vehicle_id, text)
                is_wrong = bool(await self._port.read("examine_grams", account_id, vehicle_id, text, grams))
            if is_wrong:
                found.append(FaultyVehicle(vehicle_id=vehicle_id, vin=vin))
        return found

    async def list_unlisted(self, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        """Give the first vehicles of a portion that pages by an instant would leave out."""
        return await self._list_vehicles("examine_orders", account_id, portion)

    async def list_namesakes(self, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        """Give the first vehicles of a portion whose VIN or plate is not unique."""
        return await self._list_vehicles("examine_namesakes", account_id, portion)

    async def count_orphans(self, account_id: int) -> list[Orphans]:
        """Give the kinds of rows that lack what they belong to."""
        return [
            Orphans(what=what, count=count)
            for what, count in await self._port.read("examine_orphans", account_id)
            if count
        ]

    async def _list_vehicles(self, name: str, account_id: int, portion: VehiclePortion) -> list[FaultyVehicle]:
        rows = await self._port.read(name, account_id, portion.after, portion.last)
        return [FaultyVehicle(vehicle_id=row[0], vin=row[1]) for row in rows]
