"""Registering a vehicle, editing its data, restoring a former version: nothing is lost or overwritten unseen."""

import pytest

from padron.console.pages.data.typed import GROUPS, TypedData, parse_edits
from padron.domain.erasure import ERASED_TEXT
from padron.domain.people import Role
from padron.domain.vehicle import FIELDS
from padron.domain.vin import compute_check_digit, parse_vin
from padron.service.vehicles.reading import get_vehicle, list_history
from tests.cast import HUMMER, JEEP
from tests.console.browser import Browser, House, Shown

EVIL = "<script>alert(1)</script>'\"&amp;"
VEHICLE = f"/console/vehicles/{HUMMER}"
DATA = f"{VEHICLE}/data"
VERSIONS = f"{VEHICLE}/versions"
NEW = "/console/register"


def read_form(shown: Shown) -> dict[str, str]:
    """Give the form as a browser sends it."""
    form = shown.page.read_hidden()
    for one in shown.page.list_all("input"):
        if one.attributes.get("name", "").startswith("value."):
            form[one.attributes["name"]] = one.attributes.get("value", "")
    for one in shown.page.list_all("textarea"):
        form[one.attributes["name"]] = "".join(one.text).replace("\n", "\r\n")
    return form


async def read_details(house: House) -> dict[str, str | int]:
    return dict((await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)).details)


def test_the_form_has_every_field_once() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(field.name for field in FIELDS)


def test_a_form_that_nobody_touched_edits_nothing() -> None:
    details: dict[str, str | int] = {"observations": " a\nb ", "doors": 4, "plate": "AAA111"}
    typed = TypedData.of(details, "v1")
    assert not typed.touched
    assert parse_edits(typed) == {}


@pytest.mark.both_engines
async def test_data_is_edited_and_the_message_undoes_it(house: House) -> None:
    before: dict[str, str | int] = {"plate": "AAA111", "doors": 4, "observations": " one\ntwo ", "ownerName": EVIL}
    await house.register(HUMMER, **before)
    form = read_form(await house.owner.get(DATA))
    assert form["value.ownerName"] == EVIL
    saved = await house.owner.post(DATA, {**form, "value.plate": "bbb222", "value.doors": "", "value.class": "Van"})
    shown = await house.owner.follow(saved)
    assert "The data is changed." in shown.text
    assert await read_details(house) == {
        **{n: v for n, v in before.items() if n != "doors"},
        "plate": "BBB222",
        "class": "Van",
    }
    undone = await house.owner.post(f"{VEHICLE}/undo", {"request": saved.location.partition("=")[2]})
    assert "undone" in undone.location
    assert await read_details(house) == before
    again = read_form(await house.owner.get(DATA))
    same = await house.owner.follow(await house.owner.post(DATA, again))
    assert "Nothing changed" in same.text


async def test_somebody_elses_edit_is_shown_and_stays(house: House) -> None:
    await house.register(HUMMER, plate="AAA111", doors=4, brandName="Jeep", axes="2")
    form = read_form(await house.owner.get(DATA))
    theirs = {**read_form(await house.editor.get(DATA)), "value.doors": "2", "value.brandName": "Willys"}
    assert (await house.editor.post(DATA, theirs)).status == 303
    late = await house.owner.post(
        DATA, {**form, "value.plate": "BBB222", "value.brandName": "Kaiser", "value.axes": ""}
    )
    assert late.status == 409
    assert "Somebody else changed this vehicle meanwhile" in late.text
    assert "The editor" in late.text
    assert "Now: Willys" in late.text
    merged = read_form(late)
    assert [merged[f"value.{name}"] for name in ("plate", "doors", "brandName", "axes")] == [
        "BBB222",
        "2",
        "Kaiser",
        "",
    ]
    assert (await read_details(house))["plate"] == "AAA111"
    assert (await house.owner.post(DATA, merged)).status == 303
    assert await read_details(house) == {"plate": "BBB222", "doors": 2, "brandName": "Kaiser"}


@pytest.mark.parametrize("tag", ["", "v1r1tfffffffffffff", "v1r1tffffffffffffffff"])
async def test_a_form_of_a_state_that_never_was_asks_again_and_says_so(house: House, tag: str) -> None:
    await house.register(HUMMER, plate="AAA111")
    late = await house.owner.post(DATA, {**read_form(await house.owner.get(DATA)), "value.doors": "2", "revision": tag})
    assert late.status == 409
    assert "Somebody else changed this vehicle meanwhile" in late.text
    assert read_form(late)["value.doors"] == "2"
    status = {"status": "3", "step": "do", "revision": tag or "v1r1t1"}
    assert (await house.owner.post(f"/console/vehicles/{HUMMER}/status", status)).status == 409
    assert await read_details(house) == {"plate": "AAA111"}


WRONG = [
    ("value.plate", "A-1", "4 to 10 letters"),
    ("value.plate", "CCC333", "Another vehicle has this plate"),
    ("value.doors", "four", "whole number from 0 to 30"),
    ("value.doors", "٣", "whole number from 0 to 30"),
    ("value.doors", "31", "whole number from 0 to 30"),
    ("value.doors", "9" * 5_000, "whole number from 0 to 30"),
    ("value.ownerName", "x" * 151, "At most 150"),
    ("value.ownerName", "a\x07b", "cannot be stored"),
]


@pytest.mark.parametrize("name, text, said", WRONG)
async def test_a_wrong_value_is_named_beside_its_field_and_everything_stays(
    house: House, name: str, text: str, said: str
) -> None:
    await house.register(HUMMER, plate="AAA111")
    await house.register(JEEP, plate="CCC333")
    form = {**read_form(await house.owner.get(DATA)), name: text, "value.class": EVIL}
    new = {"vin": "1M8GDM9AXKP042788", name: text, "value.class": EVIL}
    for path, typed in ((DATA, form), (NEW, new)):
        shown = await house.owner.post(path, typed)
        assert shown.status == 400, path
        assert said in shown.text
        box = shown.page.list_all("input", name=name)[0]
        assert box.attributes["aria-invalid"] == "true"
        assert box.attributes["value"] == text.strip()
        assert shown.page.list_all("input", name="value.class", value=EVIL)
        assert len(shown.page.list_all("script")) == 1
    assert await read_details(house) == {"plate": "AAA111"}


async def test_a_vehicle_is_registered_and_a_doubtful_vin_is_asked_about(house: House) -> None:
    vin = parse_vin("1M8GDM9AXKP042788")
    wrong = vin[:-1] + "9"
    assert compute_check_digit(parse_vin(wrong)) != wrong[8]
    doubted = await house.owner.post(NEW, {"vin": wrong.lower(), "value.plate": "AAA111"})
    assert doubted.status == 400
    assert "is expected" in doubted.text
    taken = await house.owner.post(NEW, {**read_form(doubted), "vin": wrong, "step": "anyway"})
    assert taken.location.startswith(f"/console/vehicles/{wrong}?done=")
    done = await house.owner.post(NEW, {"vin": f" {vin} ", "value.plate": "BBB222", "value.doors": "4"})
    shown = await house.owner.follow(done)
    assert "This vehicle is registered." in shown.text
    assert "model year 2019 or 1989" in shown.text
    assert "is expected" not in shown.text
    assert "is expected" in (await house.owner.get(f"/console/vehicles/{wrong}")).text
    details = (await get_vehicle(house.runtime, house.cast.acme.principal, vin)).details
    assert details == {"plate": "BBB222", "doors": 4}


@pytest.mark.parametrize("vin", ["", "x", EVIL, "1M8GDM9AXKP04278", "1M8GDM9AXKP04278I"])
async def test_what_is_no_vin_is_not_registered(house: House, vin: str) -> None:
    shown = await house.owner.post(NEW, {"vin": vin, "value.class": "Van", "step": "anyway"})
    assert shown.status == 400
    assert "A VIN has 17 letters and digits" in shown.text
    assert shown.page.list_all("input", name="vin", value=vin)
    assert shown.page.list_all("input", name="value.class", value="Van")


async def test_a_known_vin_leads_to_its_vehicle_and_changes_nothing(house: House) -> None:
    await house.register(HUMMER, plate="AAA111")
    shown = await house.owner.post(NEW, {"vin": HUMMER, "value.plate": "BBB222", "step": "anyway"})
    assert shown.status == 400
    assert shown.page.list_all("a", href=VEHICLE)
    assert await read_details(house) == {"plate": "AAA111"}


async def edit(browser: Browser, **values: str) -> None:
    form = read_form(await browser.get(DATA))
    saved = await browser.post(DATA, {**form, **{f"value.{name}": text for name, text in values.items()}})
    assert saved.status == 303, saved.text


async def test_versions_say_what_differed_and_a_former_one_is_restored(house: House) -> None:
    await house.register(HUMMER, plate="AAA111", ownerName="Ana", doors=4)
    await edit(house.editor, plate="BBB222", ownerName=EVIL)
    await edit(house.owner, doors="", brandName="Jeep")
    listed = await house.viewer.get(VERSIONS)
    for text in ("AAA111", "BBB222", "Ana", EVIL, "The editor", "The owner", "Registered as Active"):
        assert text in " ".join(listed.page.words), text
    assert len(listed.page.list_all("script")) == 1
    links = [one.attributes["href"] for one in listed.page.list_all("a") if "versions?at=" in one.attributes["href"]]
    assert len(links) == 3
    first = await house.viewer.get(links[-1])
    assert "3 values differ" not in first.text
    assert "4 values differ from now" in first.text
    assert not first.page.list_all("a", href=links[-1].replace("versions", "data"))
    asked = await house.owner.get(links[-1])
    restore = asked.page.list_all("a", href=links[-1].replace("versions", "data"))
    assert restore
    form = read_form(await house.owner.get(restore[0].attributes["href"]))
    assert (await house.owner.post(DATA, form)).status == 303
    assert await read_details(house) == {"plate": "AAA111", "ownerName": "Ana", "doors": 4}
    history = await list_history(house.runtime, house.cast.acme.principal, HUMMER, limit=1, cursor=None)
    assert set(history.rows[0].differences or {}) == {"plate", "ownerName", "doors", "brandName"}
    assert "All values are the same now." in (await house.viewer.get(links[-1])).text


async def test_an_erased_value_is_not_restored(house: House) -> None:
    await house.register(HUMMER, ownerName="Ana", plate="AAA111")
    await edit(house.owner, ownerName="Berta", plate="BBB222")
    typed = {"value": "Ana", "field": "ownerName", "step": "do"}
    assert "1 vehicle are erased" in (await house.owner.post("/console/erasure", typed)).text.replace("of 1", "1")
    links = [one.attributes["href"] for one in (await house.owner.get(VERSIONS)).page.list_all("a")]
    first = [link for link in links if "versions?at=" in link][-1]
    assert ERASED_TEXT in (await house.owner.get(first)).text
    form = read_form(await house.owner.get(first.replace("versions", "data")))
    assert (form["value.plate"], form["value.ownerName"]) == ("AAA111", "Berta")


@pytest.mark.parametrize("at, status", [("x", 400), ("2999-01-01T00:00:00Z", 400), ("2001-01-01T00:00:00Z", 404)])
async def test_an_instant_without_a_version_is_refused(house: House, at: str, status: int) -> None:
    await house.register(HUMMER)
    for path in (VERSIONS, DATA):
        assert (await house.owner.get(f"{path}?at={at}")).status == status


async def test_who_may_not_write_sees_no_way_to(house: House) -> None:
    await house.register(HUMMER)
    shown = await house.viewer.get(VEHICLE)
    assert not shown.page.list_all("a", href=DATA)
    assert shown.page.list_all("a", href=VERSIONS)
    assert not (await house.viewer.get("/console/vehicles")).page.list_all("a", href=NEW)
    assert (await house.browsers[Role.EDITOR].get("/console/vehicles")).page.list_all("a", href=NEW)


async def test_what_was_typed_before_the_session_ended_is_in_the_form_again(house: House) -> None:
    await house.register(HUMMER, plate="AAA111", doors=4)
    form = {**read_form(await house.owner.get(DATA)), "value.plate": "BBB222"}
    asked = await house.open_browser().post(DATA, form)
    assert asked.status == 401
    browser = house.open_browser()
    pending = asked.page.read_hidden()
    assert pending
    signed = await browser.post("/console/sign-in/key", {**pending, "token": house.cast.acme.token})
    shown = signed if signed.status == 200 else await browser.follow(signed)
    assert read_form(shown)["value.plate"] == "BBB222"
    assert read_form(shown)["value.doors"] == "4"
