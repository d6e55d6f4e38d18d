"""A search learns early how many vehicles it may find, and asks the index for no more than it needs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from padron.domain.query import VehicleQuery
from padron.domain.searching import choose_grams
from padron.service.vehicles.counting import _estimate
from padron.service.vehicles.searching import BOUNDS, search_vehicles
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

    def __init__(self, port: object) -> None:
        self._port: Any = port
        self.built: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)

    async def read_built(self, built: BuiltStatement) -> Sequence[Row]:
        self.built.append(built.text)
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
