"""The texts in which vehicles are found: each way that a vehicle changes keeps them, and so does an upgrade."""

import json
from pathlib import Path

import pytest

from padron.domain.query import VehicleQuery
from padron.domain.searching import give_search_text, list_grams, parse_words
from padron.domain.vehicle import FIELDS, Details, fold_text
from padron.service.vehicles.searching import search_vehicles
from padron.store import postgres, sqlite
from padron.store.base import Store
from padron.store.postgres.engine import MIGRATIONS
from padron.store.sql.searching import BLOCK_BITS, give_elements, write_tokens
from padron.store.sqlite.engine import MIGRATIONS as SQLITE_MIGRATIONS
from tests.cast import (
    HUMMER,
    JEEP,
    get_one,
    info_changed,
    make_vin,
    registered,
    restored,
    retired,
    save,
    status_changed,
)
from tests.conftest import Select
from tests.database import write
from tests.postgres import Postgres
from tests.store.test_schema import VEHICLE_OF_BEFORE

SEARCH = next(migration.number for migration in MIGRATIONS if migration.name == "search")
TEXTS = "SELECT account_id, vehicle_id, text FROM search_texts ORDER BY 1, 2"
# What a written text leaves: another place of its row, or another size of the index.
TRACES = {
    "sqlite": "SELECT sum(length(block)) FROM search_index_data",
    "postgres": "SELECT ctid::text FROM search_texts",
}


async def find(store: Store, account_id: int, text: str) -> list[str]:
    query = VehicleQuery(filters={}, words=parse_words(text))
    return [row.version.vehicle.vin for row in (await search_vehicles(store.read(account_id), query)).rows]


async def test_each_way_that_a_vehicle_changes_keeps_its_text(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER, ownerName="José"), registered(JEEP, plate="ABC123"))
    await save(store, acme, info_changed(await get_one(store, acme), {"ownerName": "José"}, {"ownerName": "Ana"}))
    assert await find(store, acme, "jose") == []
    assert await find(store, acme, "ana") == [HUMMER]
    details: Details = {"ownerName": "Ana"}
    await save(store, acme, info_changed(await get_one(store, acme), details, {}, vin=make_vin(7)))
    assert await find(store, acme, "137za") == []
    assert await find(store, acme, "0007 ana") == [make_vin(7)]
    change = retired(await get_one(store, acme, make_vin(7)))
    await save(store, acme, change)
    assert await find(store, acme, "ana") == []
    assert await select(TEXTS) == [(acme, 2, "1c4rjeag2ec476429\nabc123\n\n")]
    await save(store, acme, restored(change.vehicle, details))
    assert await find(store, acme, "ana 3padr") == [make_vin(7)]
    assert (await select(TEXTS))[0] == (acme, 1, give_search_text(make_vin(7), details))


async def test_changes_of_one_vehicle_in_one_call_leave_its_last_text(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER, ownerName="José"))
    first = info_changed(await get_one(store, acme), {"ownerName": "José"}, {"ownerName": "Ana"})
    second = info_changed(first.vehicle, {"ownerName": "Ana"}, {"ownerName": "Eva Paz"})
    await save(store, acme, first, second)
    assert await find(store, acme, "ana") == await find(store, acme, "jose") == []
    assert await find(store, acme, "eva paz") == [HUMMER]
    assert await select(TEXTS) == [(acme, 1, "137za903x1e412677\n\n\neva paz")]


async def test_a_change_of_status_or_of_no_searched_value_writes_no_text(
    engine: str, store: Store, acme: int, select: Select
) -> None:
    await save(store, acme, registered(HUMMER, ownerName="José"))
    before = await select(TRACES[engine])
    await save(store, acme, status_changed(await get_one(store, acme)))
    await save(store, acme, info_changed(await get_one(store, acme), {"ownerName": "José"}, {"doors": 5}))
    assert await select(TRACES[engine]) == before
    await save(store, acme, info_changed(await get_one(store, acme), {"ownerName": "José"}, {"ownerName": "Ana"}))
    assert await select(TRACES[engine]) != before


@pytest.mark.long("postgres")
async def test_vehicles_of_before_are_found_after_the_migration(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    database = str(tmp_path / "padron.db") if server is None else await server.create_database(migrated=False)

    async def migrate() -> None:
        await postgres.migrate(database) if server is not None else sqlite.migrate(database)

    with monkeypatch.context() as earlier:
        known = MIGRATIONS if server is not None else SQLITE_MIGRATIONS
        earlier.setattr(f"padron.store.{engine}.engine.MIGRATIONS", known[: SEARCH - 1])
        await migrate()
    for number, owner in enumerate(["José Núñez", "Flota Norte", "Ærø"], start=1):
        folded = {field.column: fold_text(owner) if field.is_text else "-1" for field in FIELDS} | {"plate": ""}
        statement = VEHICLE_OF_BEFORE.format(
            now="now()" if server else "0",
            number=number,
            columns=", ".join(folded),
            values=", ".join(value if value == "-1" else f"'{value}'" for value in folded.values()),
            details=json.dumps({"ownerName": owner}),
        )
        await write(engine, database, statement if number == 1 else statement.partition(";")[2])
    await write(engine, database, "INSERT INTO counters (account_id, last_change, vehicle_count) VALUES (1, 3, 3)")
    await migrate()
    store = await (postgres.open_store(database) if server is not None else sqlite.open_store(database))
    assert [await find(store, 1, text) for text in ("nunez", "NORTE flo", "aero", "v", "zorro")] == [
        ["V1"], ["V2"], ["V3"], ["V1", "V2", "V3"], [],
    ]  # fmt: skip
    await store.close()
    if server is not None:
        await server.drop_database(database)


def test_the_tokens_of_a_text_are_those_that_the_other_text_lacks() -> None:
    assert write_tokens("abcabc", "") == " ".join(map(str, list_grams(["abcabc"])))
    assert write_tokens("abcd", "xabc") == str(list_grams(["bcd"])[0])
    assert write_tokens("abc", "abc") == ""


def test_elements_of_each_account_and_block_are_apart() -> None:
    places = [(1, 5), (1, 5 + (1 << BLOCK_BITS)), (2, 5), (3, 70_000_000)]
    elements = [set(give_elements(*place, "abcd")) for place in places]
    assert len(set[int]().union(*elements)) == 2 * len(places)
    assert all(-(2**31) <= element < 2**31 for one in elements for element in one)
