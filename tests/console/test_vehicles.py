"""The list of vehicles: search, filters as chips, order, columns and pages, all of it in the address."""

import asyncio
import re
from dataclasses import replace

import pytest

from padron.console.fields import Fields, Pair, parse_fields, write_query
from padron.console.pages.listing_state import COLUMNS_USUAL, read_state
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.service.vehicles.searching import BOUNDS, search_vehicles
from tests.cast import HUMMER, JEEP, make_vin, wait_until
from tests.console.browser import House, Shown
from tests.console.test_vehicle import change
from tests.held_turns import hold_turns

LIST = "/console/vehicles"


def list_vins(shown: Shown) -> list[str]:
    """Give the VINs of a page, in its order."""
    return ["".join(one.text) for one in shown.page.list_all("a", **{"class": "vin"})]


def find_link(shown: Shown, text: str) -> str:
    (link,) = [one for one in shown.page.list_all("a") if "".join(one.text).strip().startswith(text)]
    return link.attributes["href"]


async def fill_lot(house: House) -> None:
    await house.register(HUMMER, plate="AAA0001", ownerName="José Ñuño", brandName="Hummer", doors=2)
    await house.register(JEEP, plate="BBB0002", ownerName="Flota Norte", brandName="Jeep", doors=4)


@pytest.mark.parametrize(
    "query, vins",
    [
        ("", [HUMMER, JEEP]),
        ("q=jose", [HUMMER]),
        ("q=flota+BB", [JEEP]),
        ("q=" + JEEP[3:9], [JEEP]),
        ("q=nobody", []),
        ("brandName=jeep", [JEEP]),
        ("doors=2&brandName=Hummer", [HUMMER]),
        ("doors=2&brandName=Jeep", []),
        ("field=brandName&value=Jeep", [JEEP]),
        ("assetStatusId=1", [HUMMER, JEEP]),
        ("assetStatusId=8", []),
        ("assetStatusId=8&assetStatusId=1", [HUMMER, JEEP]),
        ("assetStatusId=8&assetStatusId=3", []),
        ("brandName=Hummer&brandName=Jeep", [HUMMER, JEEP]),
        ("brandName=Hummer&field=brandName&value=JEEP", [HUMMER, JEEP]),
        ("operational=false", []),
        ("sort=-plate", [JEEP, HUMMER]),
        ("sort=nonsense&limit=7&column=none", [HUMMER, JEEP]),
    ],
)
async def test_the_address_says_which_vehicles_are_shown(house: House, query: str, vins: list[str]) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?{query}")
    assert shown.status == 200
    assert list_vins(shown) == vins
    assert (not vins) is ("No vehicle matches." in shown.text)
    assert f"{len(vins)} vehicle{'' if len(vins) == 1 else 's'} " in shown.text


async def test_a_count_that_would_cost_a_scan_is_a_bound_until_one_asks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill_lot(house)
    monkeypatch.setattr("padron.service.vehicles.counting.COUNTED_MAX", 1)
    shown = await house.viewer.get(f"{LIST}?operational=true")
    assert "1 or more vehicles" in shown.text
    exact = await house.viewer.get(find_link(shown, "Count exactly"))
    assert "2 vehicles " in exact.text
    assert list_vins(exact) == [HUMMER, JEEP]


@pytest.mark.parametrize(
    "query", ["doors=many", "operational=maybe", "assetStatusId=77", "q=" + "+", "cursor=x", "doors="]
)
async def test_what_cannot_be_asked_is_explained_beside_the_list(house: House, query: str) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?{query}")
    assert shown.status == 200
    assert ("cannot be used" in shown.text) is (query not in {"q=+", "doors="})
    assert "Vehicles" in shown.text


async def test_chips_show_each_filter_and_take_it_away(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?assetStatusId=1&brandName=Jeep&sort=-plate&limit=25")
    chips = [
        " ".join("".join(one.text).split())
        for one in shown.page.list_all("a")
        if "chip" in one.attributes.get("class", "")
    ]
    assert [chip.partition("\u00d7")[0] for chip in chips] == ["Make: Jeep", "Active", "Clear all"]
    several = await house.viewer.get(f"{LIST}?brandName=Jeep&brandName=Hummer")
    assert list_vins(several) == [HUMMER, JEEP]
    assert list_vins(await house.viewer.get(find_link(several, "Make: Jeep"))) == [HUMMER]
    wider = await house.viewer.get(find_link(shown, "Make: Jeep"))
    assert list_vins(wider) == [JEEP, HUMMER]
    assert "sort=-plate" in find_link(shown, "Clear all")
    assert "brandName" not in find_link(shown, "Clear all")


@pytest.mark.both_engines
async def test_pages_follow_each_other_and_keep_the_question(house: House) -> None:
    for number in range(60):
        await house.register(make_vin(number), brandName="Jeep", plate=f"PL{number:05d}")
    shown = await house.viewer.get(f"{LIST}?brandName=Jeep&sort=-plate&limit=25")
    seen = list_vins(shown)
    while "Next page" in shown.text:
        address = find_link(shown, "Next page")
        assert "brandName=Jeep" in address
        shown = await house.viewer.get(address)
        assert "First page" in shown.text
        seen += list_vins(shown)
    assert seen == [make_vin(number) for number in reversed(range(60))]


async def test_the_order_turns_round_and_begins_at_the_first_page(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?sort=plate")
    (heading,) = shown.page.list_all("th", **{"aria-sort": "ascending"})
    assert "Plate" in "".join(heading.text)
    turned = await house.viewer.get(find_link(shown, "Plate"))
    assert list_vins(turned) == [JEEP, HUMMER]
    assert turned.page.list_all("th", **{"aria-sort": "descending"})


async def test_columns_are_chosen_and_kept_in_every_link(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?column=doors&column=plate&column=createdAt")
    headings = ["".join(one.text) for one in shown.page.list_all("th", scope="col")]
    assert headings == ["VIN", "Plate", "Doors", "Registered"]
    assert "column=plate&column=doors" in find_link(shown, "Doors")


async def test_every_form_of_the_list_keeps_the_rest_of_its_state(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?q=a&assetStatusId=1&doors=4&sort=plate&limit=25&column=plate")
    for form in re.findall(r'<form action="/console/vehicles".*?</form>', shown.html, re.DOTALL):
        for name in ("q", "assetStatusId", "doors", "sort", "limit", "column"):
            assert f'name="{name}"' in form, (name, form)


async def test_an_empty_register_says_what_to_do_first(house: House) -> None:
    assert "There is no vehicle yet." in (await house.viewer.get(LIST)).text
    for browser, may_import in ((house.viewer, False), (house.owner, True)):
        main = (await browser.get(LIST)).html.partition("<main")[2]
        assert ("/console/imports" in main) is may_import


async def test_a_plate_copied_from_a_vehicle_is_found_with_one_touch(house: House) -> None:
    await house.register(HUMMER, plate="RTA412C")
    nothing = await house.viewer.get(f"{LIST}?q=RTA-412-C&sort=plate")
    assert "No vehicle matches." in nothing.text
    (link,) = [one for one in nothing.page.list_all("a") if one.text == ["Search RTA412C"]]
    found = await house.viewer.get(link.attributes["href"])
    assert "sort=plate" in link.attributes["href"]
    assert HUMMER in found.text
    assert "Search RTA" not in (await house.viewer.get(f"{LIST}?q=nobody")).text


async def test_the_script_gets_only_the_part_that_it_replaces(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?q=jeep", X_Fragment="list")
    assert "<header" not in shown.html
    assert shown.page.list_all("div", id="list")[0].attributes["data-announce"] == "0 vehicles on this page"
    assert shown.page.list_all("title")


async def test_each_status_is_shown_by_its_shape_and_name(house: House) -> None:
    await house.register(HUMMER)
    for status in (3, 4, 8):
        await change(house.editor, status=str(status))
        row = (await house.viewer.get(LIST)).html.partition("<tbody>")[2]
        badge = re.search(rf'<span class="status s{status}"><svg class="shape"[^>]*>(.*?)</svg>(.*?)</span>', row)
        assert badge is not None
        assert badge[2] == {3: "Stolen", 4: "In the Shop", 8: "Sold"}[status]
    assert VehicleStatus.SOLD


def test_a_state_read_from_its_own_address_is_the_same() -> None:
    query = parse_fields("q=a%26b&assetStatusId=4&ownerName=%C3%91u%3F&sort=-plate&column=plate&limit=100&cursor=c&x=y")
    state = read_state(query)
    assert read_state(parse_fields(write_query(state.list_pairs())[1:])) == state
    assert read_state(Fields()).columns == COLUMNS_USUAL
    assert read_state(Fields()).list_pairs() == [Pair("view", "all")]


def test_a_form_with_too_many_fields_is_refused() -> None:
    with pytest.raises(PadronError) as refusal:
        parse_fields("&".join(f"a{n}=1" for n in range(3_000)))
    assert refusal.value.code is Code.BAD_PARAMETERS
    assert write_query([Pair("a b", "c&d=é")]) == "?a%20b=c%26d%3D%C3%A9"


@pytest.mark.parametrize("query", ["q=AAA", "sort=statusSince", "doors=2&brandName=Hummer"])
async def test_a_list_that_may_take_long_waits_for_the_turn_of_its_account(house: House, query: str) -> None:
    await fill_lot(house)
    turns, account_id = house.runtime.turns, house.cast.acme.account.account_id
    async with hold_turns(house.runtime, account_id) as held:
        asked = asyncio.create_task(house.viewer.get(f"{LIST}?{query}"))

        async def is_waiting() -> bool:
            return turns.count(account_id) > held

        await wait_until(is_waiting)
        assert not asked.done()
        assert (await house.viewer.get(LIST)).status == 200
    assert list_vins(await asked) != []


async def test_a_search_that_has_found_nothing_yet_goes_on_by_itself_once_it_is_told_to(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = replace(BOUNDS, glance=1, sifts=(1,))
    monkeypatch.setattr(search_vehicles, "__defaults__", (bounds,))
    vins = [make_vin(number) for number in range(4)]
    for vin in vins:
        await house.register(vin, ownerName="Zoë Quintero" if vin == vins[2] else "Flota Norte")
    shown = await house.viewer.get(f"{LIST}?q=zo")
    assert "Nothing found so far. There are too many" in shown.text
    assert "data-poll" not in shown.html
    second = await house.viewer.get(find_link(shown, "Search on"))
    assert "The search goes on by itself" in second.text
    (region,) = second.page.list_all("div", id="list")
    assert region.attributes["data-poll"] == find_link(second, "Search on")
    stopped = await house.viewer.get(find_link(second, "Stop"))
    assert "data-poll" not in stopped.html
    assert find_link(stopped, "Search on") == find_link(second, "Search on")
    third = await house.viewer.get(region.attributes["data-poll"])
    assert list_vins(third) == [vins[2]]
    assert "data-poll" not in third.html
    assert "onward" not in find_link(third, "Next page")
    fourth = await house.viewer.get(find_link(third, "Next page"))
    ended = await house.viewer.get(find_link(fourth, "Search on"))
    assert "No vehicle matches." in ended.text
    assert "data-poll" not in ended.html
