"""Deleting a vehicle and bringing it back, and erasing personal values: only after a look, and never unseen."""

import pytest

from padron.domain.account import Scope
from padron.domain.change import StatusRequest
from padron.domain.people import Role
from padron.domain.status import VehicleStatus
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.people.sessions import sign_in_with_key
from padron.service.statuses.single import set_status
from padron.service.vehicles.deletion import list_deletions
from padron.service.vehicles.reading import get_vehicle, list_history
from tests.cast import HUMMER, JEEP
from tests.console.browser import Browser, House
from tests.console.conftest import VISITOR

EVIL = "<script>alert(1)</script>'\"&amp;"
VEHICLE = f"/console/vehicles/{HUMMER}"
DELETE = f"{VEHICLE}/delete"
DELETED = "/console/deleted"
ERASURE = "/console/erasure"


async def delete(house: House, reason: str = "Typed twice") -> str:
    """Delete the vehicle in the console, and give the request's id."""
    form = (await house.owner.get(DELETE)).page.read_hidden()
    done = await house.owner.post(DELETE, {**form, "reason": reason})
    assert done.location.startswith(f"{DELETED}?done="), done.html
    return done.location.partition("=")[2]


async def test_a_vehicle_is_deleted_after_the_page_said_what_happens_and_comes_back(house: House) -> None:
    await house.register(HUMMER, plate="AAA111", ownerName=EVIL)
    before = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert (await house.owner.get(VEHICLE)).page.list_all("a", href=DELETE)
    asked = await house.owner.get(DELETE)
    for text in ("are free for another vehicle", "30 days", "AAA111", "Set its status instead"):
        assert text in asked.text or text in asked.html, text
    request = await delete(house, EVIL)
    assert (await house.owner.get(VEHICLE)).status == 404
    shown = await house.owner.get(f"{DELETED}?done={request}")
    assert f"{HUMMER} is deleted" in shown.text
    assert EVIL in " ".join(shown.page.words)
    assert len(shown.page.list_all("script")) == 1
    assert len(shown.page.list_all("button", name="request", value=request)) == 2
    past = await house.owner.get(f"{DELETED}/{HUMMER}")
    assert "Deleted" in past.text
    assert EVIL in " ".join(past.page.words)
    assert (await house.stranger.get(f"{DELETED}/{HUMMER}")).status == 404
    back = await house.owner.post(DELETED, {"request": request})
    assert (await house.owner.follow(back)).text.count("The change is undone.") == 1
    after = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert (after.vehicle.vehicle_id, after.details) == (before.vehicle.vehicle_id, before.details)
    assert "No vehicle was deleted" in (await house.owner.get(DELETED)).text


async def test_a_vehicle_that_changed_meanwhile_is_not_deleted_and_the_reason_is_kept(house: House) -> None:
    await house.register(HUMMER)
    form = (await house.owner.get(DELETE)).page.read_hidden()
    request = StatusRequest(
        vin=HUMMER, status=VehicleStatus.SOLD, reason=None, revisions=None, by="cli", request_id="r-sold"
    )
    await set_status(house.runtime, house.cast.acme.principal, request)
    for revision in (form["revision"], "", "x"):
        shown = await house.owner.post(DELETE, {"revision": revision, "reason": "Because"})
        assert shown.status == 400
        assert "Because" in shown.text
        assert "Sold" in shown.text
    assert not (await list_deletions(house.runtime, house.cast.acme.principal, 10, None)).rows


async def test_what_cannot_come_back_says_why(house: House) -> None:
    await house.register(HUMMER, plate="AAA111")
    request = await delete(house)
    await house.register(HUMMER)
    for browser, text in (
        (house.owner, "Another vehicle now has its VIN."),
        (None, "Ahora otro vehículo tiene su VIN"),
    ):
        used = browser or Browser(house.http, house.owner.cookies["__Host-padron"], "es")
        shown = await used.post(DELETED, {"request": request})
        assert shown.status == 409
        assert text in shown.text
    (link,) = (
        one.attributes["href"] for one in (await house.owner.get(DELETED)).page.list_all("a", **{"class": "vin"})
    )
    assert "Typed twice" in (await house.owner.get(link)).text
    assert "Typed twice" not in (await house.owner.get(link.partition("?")[0])).text
    assert (await house.owner.get(f"{DELETED}/{HUMMER}?vehicle=999999")).status == 404
    none = await house.owner.post(DELETED, {"request": "r-none"})
    assert none.status == 404


async def test_only_deletions_that_were_not_undone_are_listed_in_pages(house: House) -> None:
    principal = house.cast.acme.principal
    for vin in (HUMMER, JEEP):
        await house.register(vin)
    await delete(house)
    request = await delete_other(house, JEEP)
    await house.owner.post(ERASURE, {"vin": HUMMER, "field": "ownerName", "step": "do"})
    first = await list_deletions(house.runtime, principal, 1, None)
    second = await list_deletions(house.runtime, principal, 1, first.next_cursor)
    assert [one.vin for one in (*first.rows, *second.rows)] == [JEEP, HUMMER]
    assert first.rows[0].request_id == request
    assert second.next_cursor is None
    assert not (await list_deletions(house.runtime, house.cast.beta.principal, 10, None)).rows


async def delete_other(house: House, vin: str) -> str:
    path = f"/console/vehicles/{vin}/delete"
    done = await house.owner.post(path, (await house.owner.get(path)).page.read_hidden())
    return done.location.partition("=")[2]


async def test_nobody_else_sees_a_way_to_delete_or_to_erase(house: House) -> None:
    await house.register(HUMMER)
    for role in (Role.VIEWER, Role.EDITOR, Role.MANAGER):
        browser = house.browsers[role]
        shown = await browser.get(VEHICLE)
        links = {one.attributes.get("href", "") for one in shown.page.list_all("a")}
        assert not [link for link in links if "delete" in link or "erasure" in link], role
        for path in (DELETE, DELETED, ERASURE):
            assert (await browser.get(path)).status == 403
            assert (await browser.post(path, {"step": "do", "vin": HUMMER, "field": "ownerName"})).status == 403


async def test_a_key_that_may_only_delete_brings_back_without_seeing_vehicles(house: House) -> None:
    asked = AskedKey(label="d", scopes=[Scope.VEHICLES_DELETE])
    created = await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, created.token, VISITOR)).token)
    await house.register(HUMMER)
    request = await delete(house)
    assert HUMMER in (await browser.get(DELETED)).text
    assert (await browser.post(DELETED, {"request": request})).location == DELETED
    assert (await browser.get(DELETE)).status == 403


@pytest.mark.both_engines
async def test_values_are_erased_after_a_look_and_the_history_records_it(house: House) -> None:
    await house.register(HUMMER, ownerName="Ana Ruiz", taxIdentifier="RURA800101", plate="AAA111")
    await house.register(JEEP, ownerName="ANA RUIZ")
    typed = {"value": "ana ruiz", "field": ["ownerName", "legalName"], "reason": "Case 12"}
    preview = await house.owner.post(ERASURE, typed)
    assert "2 vehicles have such values" in preview.text
    assert "Nobody can bring the values back" in preview.text
    version = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert version.details["ownerName"] == "Ana Ruiz"
    pairs = [(one.attributes["name"], one.attributes["value"]) for one in preview.page.list_all("input", type="hidden")]
    form = {"field": [value for name, value in pairs if name == "field"], **{n: v for n, v in pairs if n != "field"}}
    edited = await house.owner.post(ERASURE, {**form, "step": "edit"})
    assert "checked" not in edited.page.list_all("input", name="field", value="taxIdentifier")[0].attributes
    assert edited.page.list_all("input", name="value", value="ana ruiz")
    done = await house.owner.post(ERASURE, {**form, "step": "do"})
    assert "The values of 2 vehicles are erased" in done.text
    after = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert after.details == {"taxIdentifier": "RURA800101", "plate": "AAA111"}
    shown = await house.owner.get(VEHICLE)
    assert "Ana Ruiz" not in shown.text
    assert "Personal data was erased: Owner" in shown.text
    history = await list_history(house.runtime, house.cast.acme.principal, HUMMER, limit=1, cursor=None)
    assert (history.rows[0].reason, history.rows[0].by) == ("Case 12", house.people[Role.OWNER].user_id)


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"vin": "", "value": "", "field": "ownerName"}, "Give a VIN, or the value"),
        ({"vin": HUMMER, "value": EVIL}, "Choose at least one field"),
        ({"vin": HUMMER, "field": "plate", "value": EVIL}, "cannot be erased"),
        ({"vin": "x", "field": "ownerName", "value": EVIL}, "Nothing was erased"),
        ({"vin": JEEP, "field": "ownerName", "value": EVIL}, "Nothing was erased"),
        ({"vin": HUMMER, "field": "ownerName", "value": "a\x00b"}, "not printable"),
        ({"vin": HUMMER, "field": "ownerName", "value": "x" * 301}, "at most 300"),
    ],
)
async def test_what_cannot_be_erased_says_why_and_what_was_typed_stays(
    house: House, wrong: dict[str, str], text: str
) -> None:
    await house.register(HUMMER, ownerName="Ana Ruiz")
    for step in ("", "do"):
        shown = await house.owner.post(ERASURE, {**wrong, "reason": "Because", "step": step})
        assert shown.status == 400
        assert text in shown.text
        assert shown.page.list_all("input", name="reason", value="Because")
        assert len(shown.page.list_all("script")) == 1
    version = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert version.details["ownerName"] == "Ana Ruiz"


async def test_a_stranger_erases_and_brings_back_nothing(house: House) -> None:
    await house.register(HUMMER, ownerName="Ana Ruiz")
    request = await delete(house)
    assert (await house.stranger.post(DELETED, {"request": request})).status == 404
    typed = {"value": "Ana Ruiz", "field": "ownerName", "step": "do"}
    assert "Nothing is left to erase" in (await house.stranger.post(ERASURE, typed)).text
    assert HUMMER not in (await house.stranger.get(DELETED)).text
    assert (await list_deletions(house.runtime, house.cast.acme.principal, 1, None)).rows[0].details
