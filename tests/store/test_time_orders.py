"""Pages by an instant follow the record on SQLite, however far its bits are behind."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from padron.domain.query import Position, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.orders import walking
from tests.cast import NOON, after, make_vin, registered, save, status_changed
from tests.store.time_orders import (
    SMALL,
    STATUSES,
    Register,
    change_at_random,
    compare_all,
    fill,
    list_bits,
    open_register,
)


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[Register]:
    async with open_register(tmp_path / "padron.db") as opened:
        yield opened


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_pages_are_exact_however_far_the_bits_are(
    register: Register, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    register.store.orders.bounds = replace(SMALL, few_square=chance.choice([0, 5, 1_000]))
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
    assert all(answers) or register.store.orders.bounds.few_square
    ((next_number, last),) = register.select("SELECT next_number, last_change FROM last_change_marks, counters")
    assert 0 <= last - next_number < SMALL.portion_max


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_bits_are_those_of_last_changes_whether_surveyed_or_followed(register: Register) -> None:
    async def change(first_s: float, chance: random.Random) -> None:
        for number in range(40):
            await change_at_random(register, chance, first_s + number)

    await fill(register, 20)
    await change(100, random.Random(1))
    vehicle = (await register.list_present())[0].vehicle
    for status in [status for status in STATUSES if status is not vehicle.status][:2]:  # one right after the other
        changed = status_changed(vehicle, status, at=after(150))
        await save(register.store, register.account_id, changed)
        vehicle = changed.vehicle
    await save(register.store, register.account_id, *(registered(make_vin(n), at=after(160)) for n in range(900, 910)))
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
    bounds = replace(SMALL, looked_min=60)
    newest = VehicleQuery(filters={}, sort="statusSince", descending=True, limit=5)
    asked = (connection, register.account_id)
    assert walking.find_page(*asked, newest, bounds) == [400, 399, 398, 397, 396]
    assert walking.find_page(*asked, replace(newest, descending=False), bounds) == [1, 2, 3, 4, 5]
    nowhere = replace(newest, status=VehicleStatus.INACTIVE)
    assert walking.find_page(*asked, nowhere, replace(bounds, few_by_status=0)) is None
    assert walking.find_page(*asked, nowhere, replace(SMALL, few_by_status=0)) == []
    # Where a filter leaves few vehicles, they are sorted.
    few = replace(newest, status=VehicleStatus.STOLEN)
    assert walking.find_page(*asked, few, replace(SMALL, few_by_status=2)) is None
    assert (
        walking.find_page(*asked, replace(newest, filters={"vin": make_vin(7)}), replace(SMALL, few_square=1)) is None
    )
    connection.close()


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_many_vehicles_of_one_instant_are_in_order(register: Register) -> None:
    changes = [registered(make_vin(number), at=NOON) for number in range(1, 301)]
    await save(register.store, register.account_id, *changes)
    await save(register.store, register.account_id, registered(make_vin(301), at=after(1)))
    await register.follow()
    connection = open_connection(register.path, read_only=True)
    bounds = replace(SMALL, looked_min=50)
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
    connection.close()


@pytest.mark.slow_callback("the test itself reads on the event loop")
async def test_among_many_vehicles_of_one_instant_a_change_is_not_overlooked(register: Register) -> None:
    await fill(register, 5)
    first = (await register.list_present())[0].vehicle
    await save(register.store, register.account_id, *(registered(make_vin(n), at=after(9)) for n in range(100, 200)))
    await save(register.store, register.account_id, status_changed(first, at=after(9)))
    await save(register.store, register.account_id, *(registered(make_vin(n), at=after(9)) for n in range(200, 300)))
    await register.follow()
    connection = open_connection(register.path, read_only=True)
    query = VehicleQuery(filters={}, sort="updatedAt", limit=7)
    # The walk gives up before it reaches that change, and finds it if it may look at more.
    assert walking.find_page(connection, register.account_id, query, replace(SMALL, looked_min=50)) is None
    assert walking.find_page(connection, register.account_id, query, SMALL) == [2, 3, 4, 5, 1, 6, 7]
    connection.close()
    await compare_all(register, 60)


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
