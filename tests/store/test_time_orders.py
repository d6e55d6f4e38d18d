"""Pages by an instant follow the record on SQLite, however far its bits are behind."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from padron.domain.query import Position, VehicleQuery
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import VehicleVersion
from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.orders import walking
from padron.store.sqlite.orders.marks import OrderBounds
from tests.cast import NOON, after, info_changed, make_vin, registered, restored, retired, save, status_changed
from tests.order import fits_filters, give_place

SMALL = OrderBounds(
    large=1, block=8, portion=16, looked_max=10_000, spread_max=10_000, few=1, few_by_status=1
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


@pytest.fixture
def engine() -> str:
    return "sqlite"


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


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[Register]:
    path = str(tmp_path / "padron.db")
    store = await sqlite.open_store(path)
    store.orders.bounds = SMALL
    account = await store.directory.add_account("Acme", NOON)
    yield Register(path=path, store=store, account_id=account.account_id)
    await store.close()


async def change_at_random(register: Register, chance: random.Random, at_s: float) -> None:
    """Make some changes of any kind in one transaction, at one instant."""
    store, account_id, at = register.store, register.account_id, after(at_s)
    present = await register.list_present()
    former = register.select("SELECT vin, vehicle_id FROM vehicles WHERE slot < 0")
    chosen = chance.sample(present, min(len(present), chance.choice([1, 1, 2, 5])))
    changes = []
    for version in chosen:
        vehicle = version.vehicle
        match chance.choice(["status", "status", "status", "info", "retire"]):
            case "status":
                others = [status for status in STATUSES if status is not vehicle.status]
                changes.append(status_changed(vehicle, chance.choice(others), at=at))
            case "info":
                changes.append(info_changed(vehicle, version.details, {"doors": chance.choice([2, 3])}, at=at))
            case _:
                changes.append(retired(vehicle, at=at))
    if chance.random() < 0.3:
        number = 1 + len(present) + len(former)
        brand = chance.choice(["Jeep", "Seat", "Kia"])
        changes.append(registered(make_vin(number), at=at, brandName=brand, doors=3))
    if former and chance.random() < 0.7:
        vin, vehicle_id = chance.choice(former)
        found = await find_former(register, vin, vehicle_id)
        changes.append(restored(found, {"brandName": "Jeep", "doors": 3}, chance.choice(STATUSES), at=at))
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
                    key=lambda version: give_place(version.vehicle, version.details, sort, descending=descending),  # noqa: B023
                    reverse=descending,
                )
                found = await register.list_pages(query)
                assert [one.vehicle.vehicle_id for one in found] == [one.vehicle.vehicle_id for one in wanted], query


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_pages_are_exact_however_far_the_bits_are(
    register: Register, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    answers: list[bool] = []
    find_page = walking.find_page

    def note(*given: Any) -> list[int] | None:  # noqa: ANN401
        answers.append((found := find_page(*given)) is not None)
        return found

    monkeypatch.setattr("padron.store.sqlite.engine.find_page", note)
    vins = [registered(make_vin(n), at=after(n // 3), brandName="Jeep", doors=n % 3) for n in range(1, 21)]
    await save(register.store, register.account_id, *vins)
    at_s = 10.0
    await register.follow(1)
    for _ in range(5):
        for _ in range(chance.choice([1, 5, 15])):
            at_s += chance.choice([0, 0, 1, 2])
            await change_at_random(register, chance, at_s)
        await register.follow(chance.choice([0, 1, 2, 100]))
        await compare_all(register, chance.choice([1, 3, 7]))
    assert any(answers)
    await register.follow()
    answers.clear()
    await compare_all(register, 3)
    assert all(answers)
    ((next_number, last),) = register.select("SELECT next_number, last_change FROM last_change_marks, counters")
    assert 0 <= last - next_number < SMALL.portion


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


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_bits_are_those_of_last_changes_whether_surveyed_or_followed(register: Register) -> None:
    async def change(first_s: float, chance: random.Random) -> None:
        for number in range(40):
            await change_at_random(register, chance, first_s + number)

    await fill(register, 20)
    await change(100, random.Random(1))
    await register.follow()  # these are surveyed
    await change(200, random.Random(2))
    await register.follow()  # and these followed
    ((end,),) = register.select("SELECT next_number FROM last_change_marks")
    for sort, kinds in (("updatedAt", "type <> ''"), ("statusSince", "type IN ('registered', 'statusChanged')")):
        last = register.select(f"SELECT max(number) FROM changes WHERE {kinds} AND number < {end} GROUP BY vehicle_id")  # noqa: S608
        assert list_bits(register, sort) == sorted(number for (number,) in last)


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_a_page_reads_few_changes_and_gives_up_after_a_limit(register: Register) -> None:
    await fill(register, 400)
    vehicle = (await register.list_present())[-1].vehicle
    for number in range(400):  # one vehicle changes all the time
        change = status_changed(
            vehicle, VehicleStatus.STOLEN if number % 2 else VehicleStatus.SOLD, at=after(1_000 + number)
        )  # fmt: skip
        await save(register.store, register.account_id, change)
        vehicle = change.vehicle
    await register.follow()
    connection = open_connection(register.path, read_only=True)
    bounds = replace(SMALL, looked_max=60)
    newest = VehicleQuery(filters={}, sort="statusSince", descending=True, limit=5)
    asked = (connection, register.account_id)
    assert walking.find_page(*asked, newest, bounds) == [400, 399, 398, 397, 396]
    register.write(  # as if nobody had taken any bit away
        "INSERT OR REPLACE INTO last_changes SELECT 1, 'statusSince', number - 1, x'ff' FROM changes WHERE number <= 100"
    )
    assert walking.find_page(*asked, newest, bounds) is None
    assert walking.find_page(*asked, newest, SMALL) == [400, 399, 398, 397, 396]
    # Where a filter leaves few vehicles, they are sorted.
    few = replace(newest, status=VehicleStatus.STOLEN)
    assert walking.find_page(*asked, few, replace(SMALL, few_by_status=2)) is None
    assert walking.find_page(*asked, replace(newest, filters={"vin": make_vin(7)}), replace(SMALL, few=2)) is None
    connection.close()


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_many_vehicles_of_one_instant_are_in_order(register: Register) -> None:
    changes = [registered(make_vin(number), at=NOON) for number in range(1, 301)]
    await save(register.store, register.account_id, *changes)
    await save(register.store, register.account_id, registered(make_vin(301), at=after(1)))
    await register.follow()
    connection = open_connection(register.path, read_only=True)
    bounds = replace(SMALL, looked_max=50)
    for descending in (False, True):
        query = VehicleQuery(filters={}, sort="updatedAt", descending=descending, limit=7)
        place, ids = None, list[int]()
        for _ in range(6):
            page = walking.find_page(connection, register.account_id, replace(query, after=place), bounds)
            assert page is not None
            ids += page
            at = NOON if page[-1] < 301 else after(1)
            key = int(at.timestamp()) * 1_000_000
            place = Position(key=key, vehicle_id=page[-1], began=0)
        assert ids == (list(range(301, 259, -1)) if descending else list(range(1, 43)))
    # A change among them, of which the order says nothing: the walk gives up, and the list sorts.
    ((number,),) = register.select("SELECT max(number) - 1 FROM changes")
    register.write(f"UPDATE changes SET type = 'infoChanged' WHERE number = {number}")  # noqa: S608
    ascending = VehicleQuery(filters={}, sort="updatedAt", limit=7)
    assert walking.find_page(connection, register.account_id, ascending, bounds) is None
    connection.close()


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_a_record_whose_instants_fall_is_not_followed(register: Register) -> None:
    await fill(register, 50)
    register.write("UPDATE changes SET changed_at = 0 WHERE number = 33")
    await register.follow()
    assert register.select("SELECT is_ordered FROM last_change_marks") == [(0,)]
    connection = open_connection(register.path, read_only=True)
    query = VehicleQuery(filters={}, sort="updatedAt")
    assert walking.find_page(connection, register.account_id, query, SMALL) is None
    connection.close()
    assert len(await register.list_pages(query)) == 50


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_the_last_changes_of_the_beginning_are_looked_at_too(register: Register) -> None:
    await fill(register, 50)
    register.write("UPDATE changes SET changed_at = 0 WHERE number = 50")
    await register.follow()
    assert register.select("SELECT is_ordered FROM last_change_marks") == [(0,)]


async def test_a_small_account_has_no_bits(register: Register) -> None:
    register.store.orders.bounds = replace(SMALL, large=51)
    await fill(register, 50)
    assert await register.follow() == 0
    await save(register.store, register.account_id, registered(make_vin(51), at=after(99)))
    assert await register.follow() > 0


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_an_account_that_is_being_deleted_gets_no_bits_and_its_pages_are_as_before(register: Register) -> None:
    await fill(register, 50)
    await register.follow(2)

    async def begin(transaction: Any) -> None:  # noqa: ANN401
        await transaction.removal.begin(after(100) + timedelta(seconds=1))

    await register.store.write(register.account_id, begin)
    assert await register.follow() == 0


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_a_step_that_was_interrupted_is_repeated(register: Register) -> None:
    await fill(register, 60)
    await register.follow(2)
    before = register.select("SELECT next_number FROM last_change_marks")
    register.write(
        "CREATE TRIGGER stop BEFORE UPDATE ON last_change_marks BEGIN SELECT raise(ABORT, 'killed'); END"
    )  # fmt: skip
    with pytest.raises(Exception, match="killed"):
        await register.follow()
    assert register.select("SELECT next_number FROM last_change_marks") == before
    vehicle = (await register.list_present())[0].vehicle
    await save(register.store, register.account_id, status_changed(vehicle, at=after(200)))
    await compare_all(register, 7)
    register.write("DROP TRIGGER stop")
    await register.follow()
    await compare_all(register, 7)
    assert list_bits(register, "updatedAt") == list(range(1, 48))  # in three whole portions


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_another_process_that_was_faster_is_noticed(register: Register) -> None:
    await fill(register, 60)
    await register.follow(1)
    store = register.store

    def overtake(connection: apsw.Connection, *given: Any) -> Any:  # noqa: ANN401
        portion = gather(connection, *given)
        register.write("UPDATE last_change_marks SET next_number = 32")
        return portion

    from padron.store.sqlite.orders import following  # noqa: PLC0415

    gather = following.gather
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "gather", overtake)
        await store.follow_record()
    assert register.select("SELECT next_number FROM last_change_marks") == [(32,)]
    assert register.select("SELECT count(*) FROM last_changes") == [(0,)]
