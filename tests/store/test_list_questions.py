"""Any question to the list, in pages of any size, against the answer that Python works out from all vehicles."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, FilterValues, Position, VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus, is_operational
from padron.domain.vehicle import FIELDS, Details, VehicleVersion
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, after, get_one, info_changed, make_vin, registered, restored, retired, save, status_changed
from tests.order import fits_filters, give_place
from tests.postgres import Postgres

VEHICLES = 30
TEXTS = ("", "álamo", "Zorro", "zebra", "Álamo", "ß", "ss", "", "a b", "車", "\U0001d537", "A")

SEVERAL: dict[str, tuple[str | int, ...]] = {"brandName": ("ZEBRA", "álamo", "none has this"), "doors": (3, 1, 9, 1)}

values = st.sampled_from([text for text in TEXTS if text] + ["none has this"])
numbers = st.integers(0, 5)
filters = st.dictionaries(st.sampled_from([*FILTER_FIELDS, "vin"]), st.none(), max_size=2).flatmap(
    lambda names: st.fixed_dictionaries({name: give_one_or_several(name) for name in names})
)


def give_one_or_several(name: str) -> st.SearchStrategy[FilterValues]:
    """Give one value, or several of which a vehicle may have any."""
    one = give_values(name)
    return st.one_of(one, st.lists(one, min_size=1, max_size=4).map(tuple))


def give_values(name: str) -> st.SearchStrategy[str] | st.SearchStrategy[int]:
    """Give values that some vehicles have, one has or none has."""
    if name == "vin":
        return st.integers(0, VEHICLES).map(make_vin)
    if name == "plate":
        return st.integers(0, VEHICLES).map(give_plate)
    return values if FILTER_FIELDS[name].is_text else numbers


queries = st.builds(
    VehicleQuery,
    filters=st.one_of(st.just({}), st.just({}), filters),
    status=st.none() | st.sampled_from(list(VehicleStatus)),
    operational=st.sampled_from([None, None, True, False]),
    sort=st.none() | st.sampled_from(SORT_FIELDS),
    descending=st.booleans(),
    limit=st.integers(1, VEHICLES + 1),
)


def give_plate(number: int) -> str:
    return f"Ab{number:04d}"


def give_details(number: int) -> Details:
    """Give details in which every field is absent, shared by several, or of its own."""
    details: dict[str, str | int] = {}
    for place, field in enumerate(FIELDS):
        if field.is_text:
            text = TEXTS[(number * (place + 1)) % len(TEXTS)]
            details |= {field.name: text} if text else {}
        elif (number + place) % 4:
            details[field.name] = (number * 7) % 5
    if "plate" in details:
        details["plate"] = give_plate(number)
    return {} if number % 7 == 5 else details


async def fill(store: Store, account_id: int) -> None:
    """Register vehicles in no order, give them statuses, and edit, retire and restore some."""
    for number in range(VEHICLES):
        # Several at one instant, and a clock that goes back.
        change = registered(make_vin(number * 11 % VEHICLES), at=after(50 - number // 5), details=give_details(number))
        await save(store, account_id, change)
    # One of the ten statuses nobody has, and Inactive only who is retired: a status is no proof of being current.
    given = [status for status in SETTABLE_STATUSES.values() if status not in {VehicleStatus.INACTIVE, 9}]
    for number in range(0, VEHICLES, 2):
        vehicle = await get_one(store, account_id, make_vin(number))
        await save(store, account_id, status_changed(vehicle, given[number % len(given)], at=after(100 + number // 9)))
    reader = store.read(account_id)
    for number in range(0, VEHICLES, 3):
        ((version, _),) = await reader.list_vehicles(VehicleQuery(filters={"vin": make_vin(number)}))
        edits = {"doors": None if number % 2 else 3, "brandName": "ÁLAMO", "engineNumber": "", "plate": None}
        await save(store, account_id, info_changed(version.vehicle, version.details, edits, at=after(200 - number)))
    for number in (1, 4, 9):
        ((version, _),) = await reader.list_vehicles(VehicleQuery(filters={"vin": make_vin(number)}))
        change = retired(version.vehicle, at=after(300))
        await save(store, account_id, change)
        if number == 9:
            await save(store, account_id, restored(change.vehicle, version.details, at=after(301)))


async def list_pages(store: Store, account_id: int, query: VehicleQuery) -> list[VehicleVersion]:
    """Give all pages, each asked for from the last row of the one before."""
    versions: list[VehicleVersion] = []
    place: Position | None = None
    while True:
        rows = await store.read(account_id).list_vehicles(replace(query, after=place))
        versions += [version for version, _ in rows]
        if len(rows) < query.limit:
            return versions
        place = rows[-1][1]
        assert len(versions) <= 10 * VEHICLES, "The pages do not end."


def fits(version: VehicleVersion, query: VehicleQuery) -> bool:
    status = version.vehicle.status
    if query.status not in {None, VehicleStatus.INFO_CHANGED, status}:
        return False
    if query.operational is not None and is_operational(status) is not query.operational:
        return False
    details = {"vin": version.vehicle.vin, **version.details}
    return fits_filters(details, query)


def work_out(all_of_them: list[VehicleVersion], query: VehicleQuery) -> list[VehicleVersion]:
    def give_key(version: VehicleVersion) -> tuple[object, ...]:
        place = give_place(version.vehicle, version.details, query.sort, descending=query.descending)
        return (*place, version.began)

    return sorted((one for one in all_of_them if fits(one, query)), key=give_key, reverse=query.descending)


def ask_for_several() -> Iterator[VehicleQuery]:
    for name, several in SEVERAL.items():
        for sort, descending in product((None, name, "updatedAt"), (False, True)):
            yield VehicleQuery(filters={name: several}, sort=sort, descending=descending, limit=2)


@pytest.mark.campaign
@pytest.mark.long("postgres")
def test_any_question_is_answered_in_order_without_repeating_or_skipping(
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
        for name in ("Acme", "Beta"):  # who must see nothing of each other
            account = await store.directory.add_account(name, NOON)
            await fill(store, account.account_id)
        return store, url

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        store, url = runner.run(open_filled())
        plain = VehicleQuery(filters={}, limit=200)
        current = runner.run(list_pages(store, 1, plain))
        former = runner.run(list_pages(store, 1, replace(plain, status=VehicleStatus.INFO_CHANGED)))
        assert (len(current), len(former)) == (VEHICLES - 2, VEHICLES // 3 + 3)
        assert [version.vehicle.vehicle_id for version in current] == sorted({v.vehicle.vehicle_id for v in current})

        @effort.try_examples(effort.LIST_QUESTIONS)
        @given(query=queries)
        def ask(query: VehicleQuery) -> None:
            expected = work_out(former if query.status is VehicleStatus.INFO_CHANGED else current, query)
            assert runner.run(list_pages(store, 1, query)) == expected
            event("something listed" if expected else "nothing listed")

        ask()
        # Each order alone, whole and in small pages, is not left to chance.
        kinds = product((None, *SORT_FIELDS), (None, VehicleStatus.INFO_CHANGED), (False, True), effort.PAGE_SIZES)
        for sort, status, descending, limit in kinds:
            query = VehicleQuery(filters={}, status=status, sort=sort, descending=descending, limit=limit)
            assert runner.run(list_pages(store, 1, query)) == work_out(former if status else current, query)
        for query in ask_for_several():
            expected = work_out(current, query)
            assert len({str(one.details[name]) for one in expected for name in query.filters}) > 1
            assert runner.run(list_pages(store, 1, query)) == expected
        runner.run(store.close())
        if url:
            server: Postgres = request.getfixturevalue("postgres_server")
            runner.run(server.drop_database(url))
