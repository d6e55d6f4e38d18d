"""Any search, in any order and with any filters, against what plain Python finds in all vehicles."""

import asyncio
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from padron.domain.query import SORT_FIELDS, Position, VehicleQuery
from padron.domain.searching import give_search_text, matches, parse_words
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vehicle import Details, VehicleVersion
from padron.service.vehicles.searching import BOUNDS, SearchBounds, search_vehicles
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, after, get_one, info_changed, make_vin, registered, restored, retired, save, status_changed
from tests.order import fits_filters, give_place
from tests.postgres import Postgres

VEHICLES = 40
OWNERS = ("José Núñez", "JOSE NUNEZ", "Flota Norte", "flota del norte", "Ærø Straße", "Иванов", "車両 管理", "a b", "")
UNITS = ("U-0042", "unit 42", "42", "ß", "x\u0301y", "")
# Whole values, parts of them, parts of two values, one or two characters, and what nobody has.
SEARCHES = (
    "jose", "JOSÉ", "nun", "ñ", "núñez jose", "norte", "nor flo", "flota del", "straße", "strasse", "aero", "иван",
    "車", "u-0", "42", "4", "ab0", "3padr", "3PADR000000000007", "0007", "00", "a", "b a", "e\u0301", "xy", "qqq", "zz",
    "jose 42", "norte u-0042", "000 000", "padr ab00 flota",
)  # fmt: skip

queries = st.builds(
    VehicleQuery,
    filters=st.sampled_from([{}, {}, {"doors": 3}, {"brandName": "álamo"}, {"ownerName": "flota norte", "doors": 1}]),
    words=st.sampled_from(SEARCHES).map(parse_words),
    status=st.none() | st.sampled_from([VehicleStatus.ACTIVE, VehicleStatus.STOLEN, VehicleStatus.SOLD]),
    operational=st.sampled_from([None, None, True, False]),
    sort=st.none() | st.sampled_from(SORT_FIELDS),
    descending=st.booleans(),
    limit=st.integers(1, VEHICLES + 1),
)
# The first is what the program has, and always enough. With the others every page needs several steps, or is short.
bounds = st.sampled_from([
    BOUNDS,
    SearchBounds(glance=2, chosen_max=3, proposals=(1, 2, 4), sifts=(3, 5), sift_s=10),
    SearchBounds(glance=1, chosen_max=0, proposals=(7,), sifts=(1,), sift_s=10),
    SearchBounds(glance=1, chosen_max=VEHICLES, proposals=(1,), sifts=(2, 1, 30), sift_s=10),
    SearchBounds(glance=1, chosen_max=0, proposals=(1,), sifts=(2, 30), sift_s=0),  # time for one step or one vehicle
    SearchBounds(glance=1, chosen_max=VEHICLES, proposals=(1,), sifts=(9,), sift_s=10, look_up=0, looked_up=2),
    SearchBounds(
        glance=1, chosen_max=VEHICLES, proposals=(1,), sifts=(9,), sift_s=10, look_up=0, looked_up=2, choose_s=0
    ),
])  # fmt: skip


def give_details(number: int) -> Details:
    details: dict[str, str | int] = {"doors": number % 5}
    for name, texts in (("ownerName", OWNERS), ("customId", UNITS), ("brandName", ("Álamo", "ÁLAMO", "Zorro", ""))):
        text = texts[number * 7 % len(texts)]
        details |= {name: text} if text else {}
    return details | ({"plate": f"AB{number:04d}"} if number % 3 else {})


async def fill(store: Store, account_id: int) -> None:
    """Register vehicles, some together, give them statuses, and edit, retire and restore some."""
    changes = [registered(make_vin(number * 11 % VEHICLES), details=give_details(number)) for number in range(VEHICLES)]
    await save(store, account_id, *changes[:20])
    for change in changes[20:]:
        await save(store, account_id, change)
    for number in range(0, VEHICLES, 4):
        vehicle = await get_one(store, account_id, make_vin(number))
        status = VehicleStatus.STOLEN if number % 8 else VehicleStatus.SOLD
        await save(store, account_id, status_changed(vehicle, status, at=after(100 + number // 9)))
    for number in range(0, VEHICLES, 3):
        version = await read_one(store, account_id, number)
        edits = {"ownerName": None if number % 2 else "Núñez y Hijos", "customId": f"U-{number:04d}", "doors": 3}
        vin = make_vin(number + VEHICLES) if number % 5 == 0 else None
        await save(store, account_id, info_changed(version.vehicle, version.details, edits, vin=vin, at=after(200)))
    for number in (1, 4, 7):
        version = await read_one(store, account_id, number)
        change = retired(version.vehicle, at=after(300))
        await save(store, account_id, change)
        if number == 7:
            await save(store, account_id, restored(change.vehicle, version.details, at=after(301)))


async def read_one(store: Store, account_id: int, number: int) -> VehicleVersion:
    ((version, _),) = await store.read(account_id).list_vehicles(VehicleQuery(filters={"vin": make_vin(number)}))
    return version


async def list_found(store: Store, account_id: int, query: VehicleQuery, given: SearchBounds) -> list[VehicleVersion]:
    """Give all pages of a search, each asked for from where the one before ended."""
    versions: list[VehicleVersion] = []
    place: Position | None = None
    for _ in range(10 * VEHICLES):
        found = await search_vehicles(store.read(account_id), replace(query, after=place), given)
        assert len(found.rows) <= query.limit
        versions += [version for version, _ in found.rows]
        if found.last is None and len(found.rows) < query.limit:
            return versions
        place = found.last or found.rows[-1].position
    raise AssertionError("The pages do not end.")


def fits(version: VehicleVersion, query: VehicleQuery) -> bool:
    status = version.vehicle.status
    if query.status not in {None, status} or query.operational not in {None, is_operational(status)}:
        return False
    if not matches(give_search_text(version.vehicle.vin, version.details), query.words):
        return False
    return fits_filters(version.details, query)


def work_out(all_of_them: list[VehicleVersion], query: VehicleQuery) -> list[VehicleVersion]:
    def give_key(version: VehicleVersion) -> tuple[object, ...]:
        return give_place(version.vehicle, version.details, query.sort, descending=query.descending)

    return sorted((one for one in all_of_them if fits(one, query)), key=give_key, reverse=query.descending)


@pytest.mark.campaign
@pytest.mark.long("postgres")
def test_any_search_finds_what_a_plain_filter_finds_in_order(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async def open_filled() -> tuple[Store, str]:
        store: Store
        if kind == "sqlite":
            store, url = await sqlite.open_store(str(tmp_path / "padron.db")), ""
        else:
            server: Postgres = request.getfixturevalue("postgres_server")
            url = await server.create_database(is_spread=kind == "spread")
            store = await postgres.open_store(url)
        for name in ("Acme", "Beta"):  # who must find nothing of each other
            account = await store.directory.add_account(name, NOON)
            await fill(store, account.account_id)
        return store, url

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        store, url = runner.run(open_filled())
        current = [one for one, _ in runner.run(store.read(1).list_vehicles(VehicleQuery(filters={}, limit=200)))]
        assert len(current) == VEHICLES - 2

        @effort.try_examples(effort.LIST_QUESTIONS)
        @given(query=queries, given_bounds=bounds)
        def ask(query: VehicleQuery, given_bounds: SearchBounds) -> None:
            expected = work_out(current, query)
            assert runner.run(list_found(store, 1, query, given_bounds)) == expected
            event("something found" if expected else "nothing found")

        ask()
        # Each text alone is not left to chance, nor is the order.
        for text, sort in zip(SEARCHES, cycle((None, "ownerName")), strict=False):
            query = VehicleQuery(filters={}, words=parse_words(text), sort=sort, limit=5)
            assert runner.run(list_found(store, 1, query, BOUNDS)) == work_out(current, query), text
        runner.run(store.close())
        if url:
            server: Postgres = request.getfixturevalue("postgres_server")
            runner.run(server.drop_database(url))
