"""A register on SQLite with few vehicles whose pages by an instant follow the record, and the order in Python."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apsw

from padron.domain.query import Position, VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import VehicleVersion
from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.orders.marks import OrderBounds
from tests.cast import NOON, after, info_changed, make_vin, registered, restored, retired, save, status_changed
from tests.order import fits_filters, give_place

SMALL = OrderBounds(
    large=1, block=8, portion_min=16, portion_max=32, portion_share=4, looked_min=10_000, spread_max=10_000,
    few_square=0, few_by_status=1,
)  # fmt: skip
STATUSES = (VehicleStatus.ACTIVE, VehicleStatus.STOLEN, VehicleStatus.SOLD, VehicleStatus.INACTIVE)
SORTS = ("statusSince", "updatedAt")
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"status": VehicleStatus.ACTIVE},
    {"status": VehicleStatus.STOLEN},
    {"statuses": frozenset({VehicleStatus.ACTIVE, VehicleStatus.SOLD})},
    {"operational": False},
    {"filters": {"brandName": "Jeep"}},
    {"filters": {"brandName": ("jeep", "seat"), "doors": 3}, "operational": True},
)


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register of one account, whose bits a test follows by itself."""

    path: str
    store: SqliteStore
    account_id: int

    async def follow(self, steps: int = 1_000) -> int:
        """Take up to so many steps, and give how many there were."""
        for step in range(steps):
            if not await self.store.follow_record():
                return step
        return steps

    async def list_present(self) -> list[VehicleVersion]:
        rows = await self.store.read(self.account_id).list_vehicles(VehicleQuery(filters={}, limit=1_000))
        return [row.version for row in rows]

    async def list_pages(self, query: VehicleQuery) -> list[VehicleVersion]:
        found: list[VehicleVersion] = []
        place: Position | None = None
        while True:
            rows = await self.store.read(self.account_id).list_vehicles(replace(query, after=place))
            found += [row.version for row in rows]
            if len(rows) < query.limit:
                return found
            place = rows[-1].position

    def select(self, statement: str) -> list[Any]:
        connection = open_connection(self.path, read_only=True)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def write(self, statement: str) -> None:
        connection = apsw.Connection(self.path)
        connection.set_busy_timeout(5_000)
        connection.execute(statement)
        connection.close()


@asynccontextmanager
async def open_register(path: Path, bounds: OrderBounds = SMALL) -> AsyncIterator[Register]:
    """Open a register, and make its account if it has none."""
    store = await sqlite.open_store(str(path))
    store.orders.bounds = bounds
    accounts = await store.directory.list_accounts()
    account = accounts[0] if accounts else await store.directory.add_account("Acme", NOON)
    try:
        yield Register(path=str(path), store=store, account_id=account.account_id)
    finally:
        await store.close()


async def change_at_random(register: Register, chance: random.Random, at_s: float) -> None:
    """Make some changes of any kind in one transaction, at one instant."""
    store, account_id, at = register.store, register.account_id, after(at_s)
    present = await register.list_present()
    former = register.select("SELECT vin, vehicle_id FROM vehicles WHERE slot < 0")
    request_id = f"r-{at_s}"
    chosen = chance.sample(present, min(len(present), chance.choice([1, 1, 2, 5])))
    changes = []
    for version in chosen:
        vehicle = version.vehicle
        match chance.choice(["status", "status", "status", "info", "retire"]):
            case "status":
                others = [status for status in STATUSES if status is not vehicle.status]
                changes.append(status_changed(vehicle, chance.choice(others), at=at, request_id=request_id))
            case "info":
                changes.append(
                    info_changed(
                        vehicle, version.details, {"doors": chance.choice([2, 3])}, at=at, request_id=request_id
                    )
                )
            case _:
                changes.append(retired(vehicle, at=at, request_id=request_id))
    if chance.random() < 0.3:
        number = 1 + len(present) + len(former)
        brand = chance.choice(["Jeep", "Seat", "Kia"])
        changes.append(registered(make_vin(number), at=at, request_id=request_id, brandName=brand, doors=3))
    if former and chance.random() < 0.7:
        vin, vehicle_id = chance.choice(former)
        found = await find_former(register, vin, vehicle_id)
        changes.append(
            restored(found, {"brandName": "Jeep", "doors": 3}, chance.choice(STATUSES), at=at, request_id=request_id)
        )
    chance.shuffle(changes)
    await save(store, account_id, *changes)


async def find_former(register: Register, vin: str, vehicle_id: int) -> Any:  # noqa: ANN401 - a vehicle
    del vin

    async def work(transaction: Any) -> Any:  # noqa: ANN401
        (vehicle,) = await transaction.lock_former([vehicle_id])
        return vehicle

    return await register.store.write(register.account_id, work)


def fits(version: VehicleVersion, query: VehicleQuery) -> bool:
    status = version.vehicle.status
    return (
        query.status in {None, status}
        and (not query.statuses or status in query.statuses)
        and query.operational in {None, is_operational(status)}
        and fits_filters(version.details, query)
    )


async def compare_all(register: Register, limit: int) -> None:
    """Compare each question in both orders and both ways with the order in Python."""
    present = await register.list_present()
    for sort in SORTS:
        for descending in (False, True):
            for question in QUESTIONS:
                query = VehicleQuery(**{"filters": {}, **question}, sort=sort, descending=descending, limit=limit)
                wanted = sorted(
                    (version for version in present if fits(version, query)),
                    key=lambda version: give_place(version.vehicle, version.details, sort, descending=descending),
                    reverse=descending,
                )
                found = await register.list_pages(query)
                assert [one.vehicle.vehicle_id for one in found] == [one.vehicle.vehicle_id for one in wanted], query


async def fill(register: Register, count: int) -> None:
    changes = [registered(make_vin(number), at=after(number)) for number in range(1, count + 1)]
    await save(register.store, register.account_id, *changes)


def list_bits(register: Register, sort: str) -> list[int]:
    """Give the numbers of the changes that have a bit."""
    rows = register.select(f"SELECT block, bits FROM last_changes WHERE sort = '{sort}' ORDER BY block")  # noqa: S608
    return [
        block * SMALL.block + place * 8 + bit
        for block, bits in rows
        for place, byte in enumerate(bits)
        for bit in range(8)
        if byte >> bit & 1
    ]
