"""Changing many vehicles in the console: ticked rows, all that match, a pasted list, preview, work, report, undo."""

import pytest

from padron.domain.status import VehicleStatus
from padron.domain.vin import parse_vin
from padron.service.vehicles.reading import get_status
from tests.cast import HUMMER, JEEP, make_vin
from tests.console.browser import House, Shown
from tests.service.selecting import set_one, work_off

LIST, MANY = "/console/vehicles", "/console/selections"
SOLD = {"status": "8", "reason": "Sold to Flota Sur"}


async def fill_lot(house: House) -> None:
    await house.register(HUMMER, plate="AAA0001", brandName="Hummer", customId="<b>U-12</b>")
    await house.register(JEEP, plate="BBB0002", brandName="Jeep")


def list_ticks(shown: Shown) -> list[str]:
    return [box.attributes["value"] for box in shown.page.list_all("input", name="vehicle")]


async def find_status(house: House, vin: str) -> str:
    return (await get_status(house.runtime, house.cast.acme.principal, parse_vin(vin))).status.name


@pytest.mark.both_engines
async def test_ticked_rows_are_shown_confirmed_changed_and_undone(house: House) -> None:
    await fill_lot(house)
    ticks = list_ticks(await house.owner.get(LIST))
    assert [tick.partition(" ")[0] for tick in ticks] == [HUMMER, JEEP]
    made = await house.owner.post(MANY, {"vehicle": ticks[:1]})
    page = await house.owner.follow(made)
    assert "1 vehicle selected" in page.text
    assert f"{HUMMER} AAA0001 <b>U-12</b>" in page.text
    preview = await house.owner.post(made.location, SOLD)
    assert "1 vehicle changes." in preview.text
    assert f"{HUMMER} AAA0001 <b>U-12</b>" in preview.text
    assert "leaves all operations" in preview.text
    confirmed = await house.owner.post(made.location, {**preview.page.read_hidden(), "step": "do"})
    assert "waiting" in (await house.owner.follow(confirmed)).text
    await work_off(house.runtime)
    done = await house.owner.get(made.location)
    assert "done" in done.text
    assert [one for one in done.page.list_all("button") if one.text == ["Undo all of it"]]
    assert await find_status(house, HUMMER) == "SOLD"
    assert await find_status(house, JEEP) == "ACTIVE"
    report = await house.owner.get(f"{made.location}/report")
    assert report.headers["content-type"].startswith("text/csv")
    assert f"{HUMMER},1," in report.html
    undone = await house.owner.follow(await house.owner.post(f"{made.location}/undo"))
    assert "1 vehicle is as it was before." in undone.text
    assert await find_status(house, HUMMER) == "ACTIVE"
    later = await house.owner.get(made.location)  # somebody else looks, or the page is opened again
    assert "Vehicles that are as they were before: 1. Vehicles that were left: 0." in later.text
    assert not [one for one in later.page.list_all("button") if one.text == ["Undo all of it"]]
    listed = (await house.owner.get(MANY)).text
    assert "undone" in listed
    assert (await house.owner.post(f"{made.location}/undo")).status == 303
    assert "before: 1." in (await house.owner.get(made.location)).text


async def test_all_that_match_are_those_of_the_filter(house: House) -> None:
    await fill_lot(house)
    shown = await house.owner.get(f"{LIST}?brandName=Jeep")
    assert "Change the 1 that matches" in shown.text
    made = await house.owner.post(MANY, {**shown.page.read_hidden(), "brandName": "Jeep", "all": "1"})
    page = await house.owner.follow(made)
    assert JEEP in page.text
    assert HUMMER not in page.text


async def test_what_changed_since_is_shown_and_asked_again(house: House) -> None:
    await fill_lot(house)
    made = await house.owner.post(MANY, {"vehicle": list_ticks(await house.owner.get(LIST))})
    preview = await house.owner.post(made.location, SOLD)
    await set_one(house.runtime, house.cast.acme.principal, HUMMER, VehicleStatus.STOLEN)
    asked = await house.owner.post(made.location, {**preview.page.read_hidden(), "step": "do"})
    assert asked.status == 409
    assert "Nothing was changed. These vehicles changed since you saw them:" in asked.text
    await work_off(house.runtime)
    assert await find_status(house, JEEP) == "ACTIVE"
    again = await house.owner.post(made.location, {**asked.page.read_hidden(), "step": "do"})
    assert again.status == 303
    await work_off(house.runtime)
    assert await find_status(house, HUMMER) == "SOLD"


async def test_a_pasted_list_names_its_faults_and_keeps_what_was_typed(house: House) -> None:
    await fill_lot(house)
    text = f"{HUMMER}\r\nbbb0002\r\n<b>nobody</b>\r\n"
    page = await house.owner.follow(await house.owner.post(MANY, {"list": text}))
    assert "2 vehicles selected" in page.text
    assert "1 name gives no vehicle" in page.text
    assert "<b>nobody" not in page.html
    refused = await house.owner.post(MANY, {"list": " , "})
    assert refused.status == 400
    assert "The list has no name." in refused.text


async def test_a_form_without_a_status_is_shown_again_with_what_was_typed(house: House) -> None:
    await fill_lot(house)
    made = await house.owner.post(MANY, {"list": HUMMER})
    again = await house.owner.post(made.location, {"reason": "Because <i>"})
    assert again.status == 400
    assert "Choose a status." in again.text
    assert "Because &lt;i&gt;" in again.html


async def test_who_may_not_change_many_sees_no_boxes(house: House) -> None:
    await fill_lot(house)
    for browser in (house.viewer, house.reader):
        shown = await browser.get(LIST)
        assert list_ticks(shown) == []
        assert MANY not in shown.html
    assert (await house.viewer.post(MANY, {"list": HUMMER})).status == 403


async def test_a_stranger_cannot_tell_anothers_selection_from_none(house: House) -> None:
    await fill_lot(house)
    made = await house.owner.post(MANY, {"list": HUMMER})
    theirs = await house.stranger.get(made.location)
    none = await house.stranger.get(f"{MANY}/{'1' * 16}")
    assert theirs.status == none.status == 404
    assert HUMMER not in theirs.text


async def test_a_discarded_selection_is_gone(house: House) -> None:
    await fill_lot(house)
    made = await house.owner.post(MANY, {"list": HUMMER})
    assert (await house.owner.post(f"{made.location}/cancel")).location.endswith(MANY)
    assert (await house.owner.get(made.location)).status == 404


async def test_a_list_as_long_as_a_selection_is_taken(house: House) -> None:
    text = "\r\n".join(make_vin(number) for number in range(10_000))
    page = await house.owner.follow(await house.owner.post(MANY, {"list": text}))
    assert "10,000 names give no vehicle" in page.text
