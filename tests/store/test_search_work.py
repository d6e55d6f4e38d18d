"""A search learns early how many vehicles it may find, and asks the index for no more than it needs."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from padron.domain.query import VehicleQuery
from padron.domain.searching import choose_grams
from padron.service.vehicles.counting import _estimate
from padron.service.vehicles.searching import BOUNDS, _walk, search_vehicles
from padron.store.base import Store
from padron.store.port import Row
from padron.store.reader import Reader
from padron.store.sql.listing import BuiltStatement
from padron.store.sql.searching import BLOCK_BITS, give_elements
from padron.store.vehicles import VehicleReader
from tests.cast import HUMMER, make_vin, registered, save
from tests.database import write

BLOCKS, OF_BLOCK = 32, 10
SPREAD = [(block << BLOCK_BITS) + number for block in range(BLOCKS) for number in range(2, OF_BLOCK + 2)]
TOGETHER = [(4 << BLOCK_BITS) + number for number in range(1, len(SPREAD) + 1)]
NORTE = choose_grams(["norte"])


class WatchedPort:
    """Reads as another port does, and keeps the statements that were built."""

    def __init__(self, port: object, delay_s: float = 0) -> None:
        self._port: Any = port
        self._delay_s = delay_s
        self.built: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)

    async def read_built(self, built: BuiltStatement) -> Sequence[Row]:
        self.built.append(built.text)
        await asyncio.sleep(self._delay_s)
        rows: Sequence[Row] = await self._port.read_built(built)
        return rows


async def plant(engine: str, database: str, account_id: int, texts: Iterable[tuple[int, str]]) -> None:
    """Write texts of vehicles that are nowhere else."""
    values = []
    for vehicle_id, text in texts:
        grams = f", ARRAY{give_elements(account_id, vehicle_id, text)}::integer[]" if engine == "postgres" else ""
        values.append(f"({account_id}, {vehicle_id}, '{text}'{grams})")
    columns = "account_id, vehicle_id, text" + (", grams" if engine == "postgres" else "")
    await write(engine, database, f"INSERT INTO search_texts ({columns}) VALUES {', '.join(values)}")  # noqa: S608
    await write(engine, database, f"UPDATE counters SET last_change = {BLOCKS << BLOCK_BITS}")  # noqa: S608


async def test_a_short_look_says_that_an_index_proposes_many(
    engine: str, database: str, store: Store, acme: int
) -> None:
    await plant(engine, database, acme, ((number, "flota norte") for number in SPREAD))
    reader = store.read(acme)
    assert await reader.propose_more(NORTE, 100)
    assert not await reader.propose_more(NORTE, 400)
    assert not await reader.propose_more(choose_grams(["sur"]), 0)
    assert not await store.read(acme + 1).propose_more(NORTE, 0)


async def test_vehicles_that_were_registered_together_are_not_taken_for_many(
    engine: str, database: str, store: Store, acme: int
) -> None:
    await plant(engine, database, acme, ((number, "flota norte") for number in TOGETHER))
    assert not await store.read(acme).propose_more(NORTE, 400)


async def test_no_text_is_read_for_proposals_that_are_too_many(
    engine: str, database: str, store: Store, acme: int
) -> None:
    await save(store, acme, registered(HUMMER))  # one vehicle for the list
    await plant(engine, database, acme, ((number, "flota norte") for number in SPREAD))
    query = VehicleQuery(filters={}, words=("norte",), sort="vehicleStatusId")
    asked = {}
    for chosen_max in (100, 400):
        port = WatchedPort(store.read(acme)._port)
        reader = cast("Reader", VehicleReader(cast("Any", port), acme))
        await search_vehicles(reader, query, replace(BOUNDS, glance=1, chosen_max=chosen_max))
        asked[chosen_max] = sum("proposed AS MATERIALIZED" in statement for statement in port.built)
    assert asked == {100: 0, 400: 1}


@pytest.mark.parametrize("look_up, is_walked", [(20, True), (0, False)])
async def test_a_page_of_many_proposed_vehicles_is_met_along_the_order(
    store: Store, acme: int, look_up: int, *, is_walked: bool
) -> None:
    numbers = [number * 7 % 30 for number in range(30)]
    owners = ("Sur", "Norte", "Norte")
    await save(
        store,
        acme,
        *(registered(make_vin(n), plate=f"AB{99 - n:04d}", ownerName=owners[n % 3]) for n in numbers),
    )
    port = WatchedPort(store.read(acme)._port)
    reader = cast("Reader", VehicleReader(cast("Any", port), acme))
    query = VehicleQuery(filters={}, words=("norte",), sort="plate", limit=4)
    found = await search_vehicles(reader, query, replace(BOUNDS, glance=1, look_up=look_up, looked_up=8))
    expected = [make_vin(n) for n in range(29, 0, -1) if n % 3][:4]
    assert [row.version.vehicle.vin for row in found.rows] == expected
    assert sum("AS walked" in statement for statement in port.built) == is_walked
    # Without the walk 20 vehicles are looked up in three parts, and then the first ones of each.
    assert len(port.built) == 4 + (1 if is_walked else 4)  # before: a glance and its vehicle, the look, the proposals


async def test_a_walk_that_meets_too_few_vehicles_is_followed_by_look_ups(store: Store, acme: int) -> None:
    vehicles = [registered(make_vin(n), plate=f"AB{n:04d}", ownerName="Sur" if n < 40 else "Norte") for n in range(60)]
    await save(store, acme, *vehicles)
    port = WatchedPort(store.read(acme)._port)
    reader = cast("Reader", VehicleReader(cast("Any", port), acme))
    query = VehicleQuery(filters={}, words=("norte",), sort="plate", limit=3)
    rows = await _walk(reader, query, [9], replace(BOUNDS, look_up=1000))
    assert (rows, port.built) == (None, [])  # all of these fit on a page
    found = await search_vehicles(reader, query, replace(BOUNDS, glance=1))
    assert [row.version.vehicle.vin for row in found.rows] == [make_vin(n) for n in (40, 41, 42)]


async def test_a_sift_asks_for_fewer_vehicles_if_those_before_took_the_time(store: Store, acme: int) -> None:
    await save(store, acme, *(registered(make_vin(number), plate=f"AB{number:04d}") for number in range(40)))
    port = WatchedPort(store.read(acme)._port, delay_s=0.2)
    reader = cast("Reader", VehicleReader(cast("Any", port), acme))
    query = VehicleQuery(filters={}, words=("zz",), sort="plate")
    await search_vehicles(reader, query, replace(BOUNDS, sifts=(16, 16, 16), sift_s=0.3, sift_min=3))
    sizes = [int(size) for statement in port.built for size in re.findall(r"LIMIT (\d+)\) AS part_0", statement)]
    assert sizes[0] == 16
    assert sizes[1] < 16
    assert len(port.built) == 2  # the time is over


async def test_on_postgres_the_time_ends_a_step_of_a_sift_and_the_proposals(
    engine: str, database: str, store: Store, acme: int
) -> None:
    await save(store, acme, *(registered(make_vin(number), ownerName="Norte") for number in range(6)))
    reader = store.read(acme)
    query = VehicleQuery(filters={}, words=("norte",), limit=5)
    (first, *_), (second, *_) = [(await reader.sift_vehicles(query, 4, seconds)).hits for seconds in (0, 60)]
    assert first == second
    cut = await reader.sift_vehicles(query, 4, 0)
    whole = await reader.sift_vehicles(query, 4, 60)
    assert len(whole.hits) == 4
    if engine == "postgres":
        assert (list(cut.hits), cut.last) == ([whole.hits[0]], whole.hits[0])
        assert (await reader.propose_vehicles(["norte"], NORTE, 9, 0)).count == 9
    assert (await reader.propose_vehicles(["norte"], NORTE, 9)).count == 6
    del database


@pytest.mark.parametrize("sort", ["plate", "statusSince"])
async def test_a_sift_takes_all_its_steps_in_an_order_that_has_an_index(
    engine: str, store: Store, acme: int, sort: str
) -> None:
    vehicles = [registered(make_vin(number), plate=f"AB{number:04d}", ownerName="Norte") for number in range(7)]
    await save(store, acme, *vehicles)
    query = VehicleQuery(filters={}, words=("norte",), sort=sort)
    bounds = replace(BOUNDS, glance=1, chosen_max=0, sifts=(2, 1, 3), sift_s=60)
    found = await search_vehicles(store.read(acme), query, bounds)
    assert len(found.rows) == (2 if engine == "sqlite" and sort == "statusSince" else 6)
    assert found.last is not None


async def test_a_word_that_most_vehicles_have_is_no_question_to_the_index(
    engine: str, database: str, store: Store, acme: int
) -> None:
    owners = ("flota sur", "flota norte")  # the second half of the vehicles is another owner's
    texts = ((number, f"{owners[number > 30]} u-{number:04d}") for number in range(1, 61))
    await plant(engine, database, acme, texts)
    reader = store.read(acme)
    assert await reader.choose_grams(["flota", "u-0042"]) == choose_grams(["u-0042"])
    assert len({*await reader.choose_grams(["norte", "u-0042"])} - {*choose_grams(["u-0042"])}) == 1
    assert await reader.choose_grams(["u-0041", "u-0042"]) == choose_grams(["u-0041", "u-0042"])
    assert len(await reader.choose_grams(["flota", "u-0"])) == 2  # all vehicles have both
    assert await reader.choose_grams(["norte"]) == NORTE
    assert await store.read(acme + 1).choose_grams(["norte", "flota"]) == choose_grams(["norte", "flota"])
    found = await reader.propose_vehicles(["norte", "u-0042"], await reader.choose_grams(["norte", "u-0042"]), 50)
    assert list(found.hits) == [42]


@pytest.mark.parametrize("filters, found", [({}, len(SPREAD)), ({"doors": 4}, 0)])
async def test_a_count_without_filters_looks_up_no_vehicle(
    engine: str, database: str, store: Store, acme: int, *, filters: dict[str, int], found: int
) -> None:
    await plant(engine, database, acme, ((number, "flota norte") for number in SPREAD))
    counted = await _estimate(store.read(acme), VehicleQuery(filters=filters, words=("norte",)))
    assert (counted.count, counted.is_exact) == (found, True)
