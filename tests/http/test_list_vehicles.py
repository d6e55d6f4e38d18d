"""GET /api/v2/vehicles and GET /api/vehicles: filters, order, pages."""

import itertools
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from padron.domain.query import FILTER_FIELDS, SORT_FIELDS
from padron.domain.vehicle import FIELDS, Field
from tests.cast import HUMMER, JEEP, make_vin
from tests.http.api import LIST, Api
from tests.tables import each_row

LIST_V1 = "/api/vehicles"
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def be_long(*rows: str) -> list[Any]:  # pytest has no public name for a row
    """Mark rows of a table as long: shorter ones ask in the same ways."""
    return [pytest.param(row, marks=pytest.mark.long) for row in rows]


def give_value(field: Field, number: int) -> str | int:
    """Give one of three values of a field."""
    if not field.is_text:
        return number
    return f"NAND{number}" if field.name == "plate" else f"Ñandú {field.name} {number}"


async def fill(api: Api, count: int) -> None:
    for number in range(count):
        values = {field.name: give_value(field, number) for field in FIELDS}
        assert (await api.acme.put(f"{LIST}/{make_vin(number)}", values)).status == 201


async def list_all(api: Api, query: dict[str, str], limit: int) -> list[list[dict[str, Any]]]:
    """Give all pages."""
    pages, cursor = [], None
    for _ in range(60):
        given = {**query, "limit": str(limit), **({} if cursor is None else {"cursor": cursor})}
        reply = await api.acme.get(f"{LIST}?{urlencode(given)}")
        assert reply.status == 200, reply.content
        pages.append(reply.body["vehicles"])
        cursor = reply.body["nextCursor"]
        if cursor is None:
            return pages
    raise AssertionError("The pages do not end.")


@pytest.mark.long("postgres")
async def test_an_empty_list_is_a_list(api: Api) -> None:
    for path in (LIST, LIST_V1):
        assert (await api.acme.get(path)).body == {"vehicles": [], "nextCursor": None, "more": False}


@pytest.mark.long("postgres")
async def test_both_addresses_give_the_same(api: Api) -> None:
    await fill(api, 3)
    for query in ("", "?limit=2", "?doors=1", "?sort=-vin", "?x=1"):
        one, other = await api.acme.get(LIST + query), await api.acme.get(LIST_V1 + query)
        assert one.without(*(["instance"] if one.status == 400 else [])) == other.without(
            *(["instance"] if other.status == 400 else [])
        )


@pytest.mark.long("postgres")
async def test_the_list_shows_vehicles_as_they_are_shown_alone(api: Api) -> None:
    await fill(api, 2)
    vehicles = await api.acme.list_vehicles()
    assert vehicles == [await api.acme.get_vehicle(make_vin(number)) for number in range(2)]


async def test_an_account_lists_its_own_vehicles_only(api: Api) -> None:
    await api.acme.register()
    await api.beta.register(JEEP)
    assert await api.acme.list_vins() == await api.gamma.list_vins() == [HUMMER]
    assert await api.beta.list_vins() == [JEEP]
    assert await api.beta.list_vins(f"vin={HUMMER}") == []
    assert await api.beta.list_vins("plate=RTA412C&sort=plate") == [JEEP]


async def test_each_filter_finds_the_vehicles_with_that_value_and_no_others(api: Api) -> None:
    await fill(api, 3)
    for field in FILTER_FIELDS.values():
        found = await api.acme.list_vins(f"{field.name}={quote(str(give_value(field, 1)))}")
        assert found == [make_vin(1)], field.name


@pytest.mark.long("postgres")
async def test_each_text_filter_ignores_case(api: Api) -> None:
    await fill(api, 2)
    for field in FILTER_FIELDS.values():
        if field.is_text:
            for value in (str(give_value(field, 1)).upper(), str(give_value(field, 1)).lower()):
                assert await api.acme.list_vins(f"{field.name}={quote(value)}") == [make_vin(1)], field.name


@pytest.mark.long("postgres")
async def test_each_text_filter_matches_whole_values_only(api: Api) -> None:
    await fill(api, 2)
    for field in FILTER_FIELDS.values():
        if field.is_text:
            value = str(give_value(field, 1))
            for part in (value[:-1], value[1:], f"{value} ", "%", "_" * len(value), "*"):
                assert await api.acme.list_vins(f"{field.name}={quote(part)}") == [], (field.name, part)


@pytest.mark.long("postgres")
async def test_the_vin_is_a_filter_in_any_letter_case(api: Api) -> None:
    await fill(api, 2)
    assert await api.acme.list_vins(f"vin={make_vin(1).lower()}") == [make_vin(1)]
    assert await api.acme.list_vins("vin=3PADR") == []


@pytest.mark.long("postgres")
async def test_filters_are_joined_by_and(api: Api) -> None:
    await fill(api, 3)
    assert await api.acme.list_vins("doors=1&stateId=1") == [make_vin(1)]
    assert await api.acme.list_vins("doors=1&stateId=2") == []
    every = {field.name: str(give_value(field, 2)) for field in FILTER_FIELDS.values() if field.length_max != 300}
    assert await api.acme.list_vins(urlencode({**every, "vin": make_vin(2), "assetStatusId": "1"})) == [make_vin(2)]


@pytest.mark.long("postgres")
async def test_a_value_that_was_removed_is_found_no_more(api: Api) -> None:
    await api.acme.register()
    await api.acme.put_vehicle(HUMMER, brandName="", doors="")
    assert await api.acme.list_vins("brandName=hummer") == []
    assert await api.acme.list_vins("doors=4") == []


@pytest.mark.long("postgres")
@pytest.mark.parametrize("status", [0, 1, 3, 4, 5, 6, 7, 8, 9])
async def test_the_status_is_a_filter(api: Api, status: int) -> None:
    await fill(api, 3)
    await api.acme.patch_status(make_vin(0), 8 if status != 8 else 9)
    await api.acme.patch_status(make_vin(1), status)
    await api.acme.patch_status(make_vin(2), 8 if status != 8 else 9)
    assert await api.acme.list_vins(f"assetStatusId={status}") == [make_vin(1)]


@pytest.mark.long("postgres")
async def test_without_a_status_all_current_vehicles_are_listed_and_no_former_version(api: Api) -> None:
    await fill(api, 2)
    await api.acme.patch_status(make_vin(0), 9)
    await api.acme.put_vehicle(make_vin(1), doors=5)
    assert await api.acme.list_vins() == [make_vin(0), make_vin(1)]


async def test_status_2_lists_former_versions_by_their_former_values(api: Api) -> None:
    await fill(api, 2)
    await api.acme.put_vehicle(make_vin(1), doors=5)
    (former,) = await api.acme.list_vehicles("assetStatusId=2")
    assert (former["vin"], former["doors"], former["vehicleStatusId"]) == (make_vin(1), 1, 2)
    assert await api.acme.list_vins("assetStatusId=2&doors=1") == [make_vin(1)]
    assert await api.acme.list_vins("assetStatusId=2&doors=5") == []
    assert await api.acme.list_vins("doors=1") == []


@on_sqlite
async def test_each_field_sorts_both_ways(api: Api) -> None:
    for number in (1, 2, 0):
        values = {field.name: give_value(field, number) for field in FIELDS}
        await api.acme.put(f"{LIST}/{make_vin(number)}", values)
    for name in SORT_FIELDS:
        by_time = name in {"statusSince", "createdAt", "updatedAt"}
        same = name == "vehicleStatusId"  # all are Active: in order of registration
        expected = [make_vin(number) for number in ([1, 2, 0] if by_time or same else [0, 1, 2])]
        assert await api.acme.list_vins(f"sort={name}") == expected, name
        assert await api.acme.list_vins(f"sort=-{name}") == expected[::-1], name


async def test_text_is_sorted_ignoring_case_and_vehicles_without_a_value_come_last(api: Api) -> None:
    brands = {0: "beta", 1: "Alfa", 2: "BETA", 3: "", 4: "alfa", 5: "Zeta"}
    for number, brand in brands.items():
        await api.acme.put_vehicle(make_vin(number), brandName=brand)
    ascending = [make_vin(number) for number in (1, 4, 0, 2, 5)]
    assert await api.acme.list_vins("sort=brandName") == [*ascending, make_vin(3)]
    assert await api.acme.list_vins("sort=-brandName") == [*ascending[::-1], make_vin(3)]


@pytest.mark.long("postgres")
async def test_numbers_are_sorted_as_numbers(api: Api) -> None:
    for number, doors in enumerate((10, 9, 2)):
        await api.acme.put_vehicle(make_vin(number), doors=doors)
    assert [vehicle["doors"] for vehicle in await api.acme.list_vehicles("sort=doors")] == [2, 9, 10]


@pytest.mark.long("postgres")
async def test_without_an_order_vehicles_come_as_they_were_registered(api: Api) -> None:
    vins = [make_vin(number) for number in (5, 1, 9, 3)]
    for vin in vins:
        await api.acme.register(vin, doors=1)
    assert await api.acme.list_vins() == vins


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "sort", ["", "-vin", "brandName", "-doors", "updatedAt", *be_long("vin", "-brandName", "doors", "-createdAt")]
)
async def test_pages_neither_repeat_nor_skip_a_vehicle_however_small_they_are(api: Api, sort: str) -> None:
    for number in range(11):
        values: dict[str, str | int] = {"brandName": f"Brand {number % 3}", "doors": number % 2} if number % 4 else {}
        await api.acme.put_vehicle(make_vin(number), **values)
    query = {"sort": sort} if sort else {}
    ((whole),) = await list_all(api, query, 500)
    assert len(whole) == 11
    for limit in (1, 2, 5, 10, 11):
        pages = await list_all(api, query, limit)
        assert [*itertools.chain.from_iterable(pages)] == whole
        assert {len(page) for page in pages[:-1]} <= {limit}
        assert pages[-1]


@pytest.mark.long("postgres")
@pytest.mark.parametrize("sort", ["", "-vin", "brandName", *be_long("vin", "-brandName", "createdAt")])
async def test_a_vehicle_that_is_edited_after_its_page_does_not_come_again(api: Api, sort: str) -> None:
    for number in range(6):
        await api.acme.put_vehicle(make_vin(number), brandName="x")
    query = f"?limit=2{f'&sort={sort}' if sort else ''}"
    seen: list[str] = []
    page = (await api.acme.get(f"{LIST}{query}")).body
    while True:
        vins = [vehicle["vin"] for vehicle in page["vehicles"]]
        seen += vins
        for vin in vins:
            await api.acme.put_vehicle(vin, doors=3)
        if page["nextCursor"] is None:
            break
        page = (await api.acme.get(f"{LIST}{query}&cursor={page['nextCursor']}")).body
    assert sorted(seen) == [make_vin(number) for number in range(6)]


@pytest.mark.long("postgres")
async def test_pages_of_former_versions_neither_repeat_nor_skip_one(api: Api) -> None:
    for doors in range(7):
        await api.acme.put_vehicle(HUMMER, doors=doors, brandName="x")
    for sort in ("", "doors", "-doors", "brandName", "-vin", "statusSince"):
        query = {"assetStatusId": "2", **({"sort": sort} if sort else {})}
        pages = await list_all(api, query, 2)
        doors_seen = [vehicle["doors"] for vehicle in itertools.chain.from_iterable(pages)]
        assert sorted(doors_seen) == [*range(6)]


@pytest.mark.long("postgres")
async def test_pages_stay_steady_while_vehicles_are_registered(api: Api) -> None:
    await fill(api, 4)
    first = await api.acme.get(f"{LIST}?limit=2&sort=vin")
    await api.acme.register("1AAAA000000000000", doors=1)
    await api.acme.register("9ZZZZ000000000000", doors=1)
    rest = await api.acme.get(f"{LIST}?limit=9&sort=vin&cursor={first.body['nextCursor']}")
    assert [vehicle["vin"] for vehicle in rest.body["vehicles"]] == [
        make_vin(2), make_vin(3), "9ZZZZ000000000000",
    ]  # fmt: skip


@pytest.mark.long("postgres")
async def test_a_page_has_50_vehicles_unless_asked_for(api: Api) -> None:
    for number in range(51):
        await api.acme.put_vehicle(make_vin(number))
    page = (await api.acme.get(LIST)).body
    assert len(page["vehicles"]) == 50
    assert page["nextCursor"] is not None
    assert len(await api.acme.list_vehicles("limit=51")) == 51


@pytest.mark.long("postgres")
async def test_the_last_page_has_no_cursor_even_when_it_is_full(api: Api) -> None:
    await fill(api, 2)
    assert (await api.acme.get(f"{LIST}?limit=2")).body["nextCursor"] is None


UNCLEAR = [
    ("plat=RTA412C", "plat"),
    ("Plate=RTA412C", "Plate"),
    ("engineNumber=1", "engineNumber"),
    ("legalName=1", "legalName"),
    ("vehicleStatusId=1", "vehicleStatusId"),
    ("cylinders=4", "cylinders"),
    ("page=2", "page"),
    ("offset=1", "offset"),
    ("=1", "''"),
    ("a%20b=1", "a b"),
    ("sort=plate&sort=plate", "sort"),
    ("limit=5&limit=6", "limit"),
    ("s%6Frt=plate&sort=vin", "sort"),
    ("plate=", "plate"),
    ("plate", "plate"),
    ("sort=", "sort"),
    ("cursor=", "cursor"),
    ("limit=", "limit"),
    ("limit=0", "limit"),
    ("limit=501", "limit"),
    ("limit=-1", "limit"),
    ("limit=1.0", "limit"),
    ("limit=%2B5", "limit"),
    ("limit=5%20", "limit"),
    ("limit=%EF%BC%91", "limit"),
    ("limit=9999999999999999999999", "limit"),
    ("doors=31", "doors"),
    ("doors=-1", "doors"),
    ("doors=four", "doors"),
    ("doors=1_0", "doors"),
    ("stateId=2147483648", "stateId"),
    ("assetStatusId=10", "assetStatusId"),
    ("assetStatusId=-1", "assetStatusId"),
    ("assetStatusId=Active", "assetStatusId"),
    ("sort=colour", "sort"),
    ("sort=--vin", "sort"),
    ("sort=%2Bvin", "sort"),
    ("sort=vin,plate", "sort"),
    ("sort=-", "sort"),
    ("vin=1C4RJEAG2EC4764290", "vin"),
    ("brandName=%00", "brandName"),
    ("brandName=a%0Ab", "brandName"),
]


@on_sqlite
async def test_a_query_parameter_that_cannot_be_meant_is_400_and_named(api: Api) -> None:
    await api.acme.register()
    for query, name in UNCLEAR:
        for path in (LIST, LIST_V1):
            reply = await api.acme.get(f"{path}?{query}")
            assert reply.code == (400, "BadParameters"), query
            assert name in reply.detail, query
            assert reply.detail.isprintable()


@on_sqlite
async def test_a_misspelt_filter_is_told_what_was_meant(api: Api) -> None:
    assert "did you mean plate?" in (await api.acme.get(f"{LIST}?plat=RTA412C")).detail


@on_sqlite
@pytest.mark.parametrize("query", ["plate=%FF", "plate=%ED%A0%80", "&".join(f"x{n}=1" for n in range(101))])
async def test_a_query_that_cannot_be_read_is_400(api: Api, query: str) -> None:
    assert (await api.acme.get(f"{LIST}?{query}")).code == (400, "BadParameters")


@on_sqlite
async def test_each_text_filter_may_be_as_long_as_documented_and_no_longer(api: Api) -> None:
    for field in FILTER_FIELDS.values():
        if field.length_max is not None:
            assert (await api.acme.get(f"{LIST}?{field.name}={'x' * field.length_max}")).status == 200
            reply = await api.acme.get(f"{LIST}?{field.name}={'x' * (field.length_max + 1)}")
            assert reply.code == (400, "BadParameters")
            assert field.name in reply.detail


@on_sqlite
async def test_each_number_filter_takes_its_limits(api: Api) -> None:
    for query in ("doors=0", "doors=30", "stateId=0", "stateId=2147483647", "assetStatusId=9", "limit=1", "limit=500"):
        assert (await api.acme.get(f"{LIST}?{query}")).status == 200, query


@on_sqlite
async def test_a_filter_is_percent_decoded_once_and_a_plus_is_a_space(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, brandName="100%25 a+b")
    assert await api.acme.list_vins("brandName=100%2525%20a%2Bb") == [HUMMER]
    assert await api.acme.list_vins("brandName=100%2525+a%2Bb") == [HUMMER]
    assert await api.acme.list_vins("brandName=100%25%20a%2Bb") == []


@on_sqlite
async def test_a_key_that_only_reads_may_list_and_one_that_only_writes_may_not(api: Api) -> None:
    await api.acme.register()
    assert await api.gamma.list_vins() == [HUMMER]


@pytest.mark.long("postgres")
@pytest.mark.parametrize("sort", [*SORT_FIELDS[:3], "-vehicleStatusId", "vehicleStatusId", "statusSince"])
async def test_several_statuses_are_any_of_them_in_every_order(api: Api, sort: str) -> None:
    await fill(api, 5)
    for number, status in enumerate((3, 8, 4, 3)):
        await api.acme.patch_status(make_vin(number), status)
    every = await api.acme.list_vins(f"sort={sort}")
    assert sum(map(len, await list_all(api, {"sort": sort}, 2))) == 5
    for query in ("assetStatusId=3&assetStatusId=4", "assetStatusId=4,3", "assetStatusId=3&assetStatusId=4,4"):
        assert await api.acme.list_vins(f"sort={sort}&{query}") == [
            vin for vin in every if vin not in {make_vin(1), make_vin(4)}
        ]
    assert await api.acme.list_vins("assetStatusId=1&assetStatusId=8&operational=true&doors=4") == [make_vin(4)]


@each_row(
    "query",
    [
        "assetStatusId=3&assetStatusId=2", "assetStatusId=3,", "assetStatusId=3&assetStatusId=", "assetStatusId=,",
        "assetStatusId=10&assetStatusId=3", "assetStatusId=" + ",".join(["3"] * 21), "doors=1&doors=",
    ],
)  # fmt: skip
@on_sqlite
async def test_several_values_that_cannot_be_meant_are_refused(api: Api, query: str) -> None:
    reply = await api.acme.get(f"{LIST}?{query}")
    assert (reply.status, query.partition("=")[0] in reply.body["detail"]) == (400, True)
