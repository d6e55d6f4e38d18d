"""The list: filters, order and pages, on both engines."""

import itertools
from dataclasses import dataclass, replace

import pytest

from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, Position, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, Field, VehicleVersion
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, NOON, after, get_one, info_changed, make_vin, registered, save, status_changed
from tests.order import give_place
from tests.shared_registers import SharedRegisters

NO_FILTER: dict[str, str | int] = {}
ANY = VehicleQuery(filters=NO_FILTER)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """An account with vehicles that no test changes."""

    store: Store
    account_id: int


@pytest.fixture
async def store(kind: str, shared_registers: SharedRegisters) -> Store:
    """The register of all tests, in which each has accounts of its own."""
    return (await shared_registers.lend(kind)).store


@pytest.fixture
async def acme(store: Store, request: pytest.FixtureRequest) -> int:
    return (await store.directory.add_account(f"Acme {request.node.name}", NOON)).account_id


@pytest.fixture
async def beta(store: Store, request: pytest.FixtureRequest) -> int:
    return (await store.directory.add_account(f"Beta {request.node.name}", NOON)).account_id


async def list_all(store: Store, account_id: int, query: VehicleQuery) -> list[VehicleVersion]:
    """Give all pages, each asked for from the last row of the one before."""
    versions: list[VehicleVersion] = []
    after_row: Position | None = None
    while True:
        rows = await store.read(account_id).list_vehicles(replace(query, after=after_row))
        assert len(rows) <= query.limit
        versions += [version for version, _ in rows]
        if len(rows) < query.limit:
            return versions
        after_row = rows[-1][1]


async def list_vins(store: Store, account_id: int, query: VehicleQuery) -> list[str]:
    return [version.vehicle.vin for version in await list_all(store, account_id, query)]


@pytest.mark.parametrize("field", FILTER_FIELDS.values(), ids=FILTER_FIELDS)
async def test_each_field_filters_by_its_whole_value(store: Store, acme: int, field: Field) -> None:
    right, near, wrong = ("Straße Á1", "Straße Á12", "B2") if field.is_text else (7, 17, 0)
    await save(
        store,
        acme,
        registered(make_vin(1), details={field.name: right}),
        registered(make_vin(2), details={field.name: near}),
        registered(make_vin(3), details={field.name: wrong}),
        registered(make_vin(4)),
    )
    for value, vin in ((right, 1), (near, 2), (wrong, 3)):
        found = await list_vins(store, acme, VehicleQuery(filters={field.name: value}))
        assert found == [make_vin(vin)]
    nothing: str | int = "C3" if field.is_text else 9
    assert await list_vins(store, acme, VehicleQuery(filters={field.name: nothing})) == []


async def test_text_is_compared_ignoring_case_accents_kept(store: Store, acme: int) -> None:
    await save(
        store,
        acme,
        registered(make_vin(1), ownerName="José ÁVILA"),
        registered(make_vin(2), ownerName="jose avila"),
        registered(make_vin(3), ownerName="Große Straße"),
        registered(make_vin(4), ownerName="Jose\u0301 A\u0301vila"),
    )

    async def find(name: str) -> list[str]:
        return await list_vins(store, acme, VehicleQuery(filters={"ownerName": name}))

    assert await find("JOSÉ ávila") == [make_vin(1), make_vin(4)]
    assert await find("JOSE AVILA") == [make_vin(2)]
    assert await find("GROSSE STRASSE") == [make_vin(3)]
    assert await find("große straße") == [make_vin(3)]
    assert await find("José") == []


async def test_filters_are_joined_by_and(store: Store, acme: int) -> None:
    await save(
        store,
        acme,
        registered(make_vin(1), brandName="Jeep", doors=5),
        registered(make_vin(2), brandName="Jeep", doors=3),
        registered(make_vin(3), brandName="Seat", doors=5),
    )
    both = VehicleQuery(filters={"brandName": "jeep", "doors": 5})
    assert await list_vins(store, acme, both) == [make_vin(1)]
    with_vin = VehicleQuery(filters={"vin": make_vin(3), "doors": 5})
    assert await list_vins(store, acme, with_vin) == [make_vin(3)]


async def test_the_status_filters(store: Store, acme: int) -> None:
    await save(store, acme, *(registered(make_vin(n)) for n in range(4)))
    for number, status in ((1, VehicleStatus.STOLEN), (3, VehicleStatus.SOLD)):
        await save(store, acme, status_changed(await get_one(store, acme, make_vin(number)), status))
    expected: dict[VehicleStatus | None, list[int]] = {
        VehicleStatus.STOLEN: [1],
        VehicleStatus.ACTIVE: [0, 2],
        VehicleStatus.INACTIVE: [],
        None: [0, 1, 2, 3],
    }
    for asked, vins in expected.items():
        found = await list_vins(store, acme, VehicleQuery(filters=NO_FILTER, status=asked))
        assert found == [make_vin(number) for number in vins]


async def test_a_list_holds_only_the_accounts_own_vehicles(store: Store, acme: int, beta: int) -> None:
    await save(store, acme, registered(HUMMER, brandName="Hummer"))
    await save(store, beta, registered(JEEP, brandName="Hummer"))
    assert await list_vins(store, acme, VehicleQuery(filters={"brandName": "hummer"})) == [HUMMER]
    assert await list_vins(store, beta, VehicleQuery(filters=NO_FILTER)) == [JEEP]
    for sort in SORT_FIELDS:
        assert await list_vins(store, beta, VehicleQuery(filters=NO_FILTER, sort=sort)) == [JEEP]


async def test_former_versions_are_listed_only_when_they_are_asked_for(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER, brandName="Hammer"), registered(JEEP))
    first = info_changed(await get_one(store, acme), {"brandName": "Hammer"}, {"brandName": "Hummer"}, at=after(1))
    await save(store, acme, first)
    second = info_changed(first.vehicle, {"brandName": "Hummer"}, {}, vin=make_vin(1), at=after(2))
    await save(store, acme, second)
    assert await list_vins(store, acme, VehicleQuery(filters=NO_FILTER)) == [make_vin(1), JEEP]
    asked = VehicleQuery(filters=NO_FILTER, status=VehicleStatus.INFO_CHANGED, limit=1)
    former = await list_all(store, acme, asked)
    assert [(version.vehicle.vin, version.details, version.valid_to) for version in former] == [
        (HUMMER, {"brandName": "Hammer"}, after(1)),
        (HUMMER, {"brandName": "Hummer"}, after(2)),
    ]
    assert [version.valid_from for version in former] == [after(0), after(1)]
    found = await list_all(store, acme, replace(asked, filters={"brandName": "HAMMER"}))
    assert [version.began for version in found] == [1]
    assert await list_vins(store, acme, VehicleQuery(filters={"brandName": "Hammer"})) == []


async def fill_with_ties(store: Store, account_id: int) -> None:
    """Register vehicles in which every field is absent, shared by several, or of its own."""
    texts = ("", "álamo", "Zorro", "zebra", "Álamo", "ß", "ss", "a b", "車", "\U0001d537", "A")
    for number in range(24):
        details: dict[str, str | int] = {}
        for place, field in enumerate(FIELDS):
            if field.is_text:
                text = texts[(number * (place + 1)) % len(texts)]
                details |= {field.name: text} if text else {}
            elif (number + place) % 4:
                details[field.name] = (number * 7) % 5
        if "plate" in details:
            details["plate"] = f"AB{number:04d}"
        await save(store, account_id, registered(make_vin((number * 5) % 24), at=after(number // 5), details=details))
    for number in range(0, 24, 3):
        vehicle = await get_one(store, account_id, make_vin(number))
        status = (VehicleStatus.STOLEN, VehicleStatus.SOLD)[number % 2]
        await save(store, account_id, status_changed(vehicle, status, at=after(100 + number // 9)))


def order(versions: list[VehicleVersion], sort: str, *, descending: bool) -> list[VehicleVersion]:
    """Give the versions in the order of the contract: those without a value at the end, either way."""

    def give_key(version: VehicleVersion) -> tuple[object, ...]:
        return (*give_place(version.vehicle, version.details, sort, descending=descending), version.began)

    return sorted(versions, key=give_key, reverse=descending)


async def test_every_order_is_total_and_pages_neither_repeat_nor_skip(store: Store, acme: int) -> None:
    await fill_with_ties(store, acme)
    everything = await list_all(store, acme, VehicleQuery(filters=NO_FILTER))
    assert [version.vehicle.vehicle_id for version in everything] == list(range(1, 25))
    for sort, descending in itertools.product(SORT_FIELDS, (False, True)):
        query = VehicleQuery(filters=NO_FILTER, sort=sort, descending=descending, limit=7)
        listed = await list_all(store, acme, query)
        assert listed == order(everything, sort, descending=descending), (sort, descending)
    backwards = await list_all(store, acme, VehicleQuery(filters=NO_FILTER, descending=True, limit=7))
    assert backwards == everything[::-1]


CHOSEN = {
    "of one status": replace(ANY, status=VehicleStatus.STOLEN),
    "that are Active": replace(ANY, status=VehicleStatus.ACTIVE),
    "operational": replace(ANY, operational=True),
    "not operational": replace(ANY, operational=False),
    "of a status and operational": replace(ANY, status=VehicleStatus.STOLEN, operational=True),
    "with a value": replace(ANY, filters={"doors": 3}),
    "with a value and a status": replace(ANY, filters={"doors": 3}, operational=True),
    "former": replace(ANY, status=VehicleStatus.INFO_CHANGED),
}


@pytest.fixture
async def edited_with_ties(store: Store) -> Filled:
    """Vehicles of which every other one was edited, filled in once for all filters."""
    account = await store.directory.find_account("Filled")
    if account is None:
        account = await store.directory.add_account("Filled", NOON)
        await fill_with_ties(store, account.account_id)
        for number in range(0, 24, 2):
            vehicle = await get_one(store, account.account_id, make_vin(number))
            details = await store.read(account.account_id).load_details(vehicle.vehicle_id)
            change = info_changed(vehicle, details, {"brandName": f"b {number % 3}"}, at=after(200))
            await save(store, account.account_id, change)
    return Filled(store=store, account_id=account.account_id)


# Of each kind one: the engine has an order by text, by number, by status, by time or by registration.
ORDERS = (None, "vin", "plate", "brandName", "doors", "vehicleStatusId", "statusSince", "createdAt", "updatedAt")


# The statement has the same parts for another filter of the list.
CHOSEN_LONG = {"that are Active", "operational", "with a value", "not operational", "of one status"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long("postgres") if name in CHOSEN_LONG else ()) for name in CHOSEN]
)
async def test_what_a_filter_chooses_comes_in_every_order(edited_with_ties: Filled, name: str) -> None:
    store, acme = edited_with_ties.store, edited_with_ties.account_id
    chosen = CHOSEN[name]
    is_former = chosen.status is VehicleStatus.INFO_CHANGED
    everything = await list_all(store, acme, replace(ANY, status=VehicleStatus.INFO_CHANGED) if is_former else ANY)
    expected = [version for version in everything if is_former or fits(version, chosen)]
    assert len(expected) in range(0 if chosen.status and chosen.operational else 2, 25)
    for sort, descending in itertools.product(ORDERS, (False, True)):
        listed = await list_all(store, acme, replace(chosen, sort=sort, descending=descending, limit=5))
        assert listed == order(expected, sort or "createdAt", descending=descending), (sort, descending)


def fits(version: VehicleVersion, query: VehicleQuery) -> bool:
    """Say whether a current vehicle is one of those asked for."""
    status = version.vehicle.status
    return (
        query.status in {None, status}
        and query.operational in {None, status is VehicleStatus.ACTIVE}
        and all(version.details.get(name) == value for name, value in query.filters.items())
    )


async def test_positions_in_an_order_by_time_are_microseconds(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER, at=after(0.123456)))
    for sort in ("statusSince", "updatedAt"):
        ((_, position),) = await store.read(acme).list_vehicles(VehicleQuery(filters=NO_FILTER, sort=sort))
        assert position == Position(key=1772366400123456, vehicle_id=1, began=1)


async def test_a_page_goes_on_rightly_while_vehicles_come_and_change(store: Store, acme: int) -> None:
    await save(store, acme, *(registered(make_vin(n), plate=f"P{n:04d}") for n in range(0, 40, 2)))
    query = VehicleQuery(filters=NO_FILTER, sort="plate", limit=5)
    seen: list[str] = []
    position: Position | None = None
    for turn in range(4):
        rows = await store.read(acme).list_vehicles(replace(query, after=position))
        seen += [version.vehicle.vin for version, _ in rows]
        position = rows[-1][1]
        await save(store, acme, registered(make_vin(turn * 2 + 1), plate=f"A{turn:04d}"))
        await save(store, acme, status_changed(await get_one(store, acme, make_vin(0)), at=after(turn)))
    assert seen == [make_vin(n) for n in range(0, 40, 2)]


async def test_history_is_newest_first_and_its_pages_join(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER), registered(JEEP))
    for number in range(10):
        status = (VehicleStatus.STOLEN, VehicleStatus.ACTIVE)[number % 2]
        await save(store, acme, status_changed(await get_one(store, acme), status, at=after(number)))
        await save(store, acme, status_changed(await get_one(store, acme, JEEP), status, at=after(number)))
    reader = store.read(acme)
    whole = await reader.list_history(1, None, 100)
    assert [entry.number for entry in whole] == [21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1]
    assert [entry.at for entry in whole] == [*(after(n) for n in range(9, -1, -1)), after(0)]
    pages, before = [], None
    while page := await reader.list_history(1, before, 3):
        pages += page
        before = page[-1].number
    assert pages == whole
    assert await reader.list_history(1, 1, 10) == []
    assert await reader.list_history(99, None, 10) == []
