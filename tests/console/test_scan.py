"""Scanning: from a photo, or from what the camera's script has read, to the vehicle and its new status."""

import asyncio
import sys
from collections.abc import Callable, Iterator

import pytest

from padron.console.pages import ROUTES
from padron.domain.barcode import Symbology
from padron.domain.people import Role
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vin import parse_vin
from padron.files.pictures import PICTURE_BYTES_MAX, can_read_pictures
from padron.service.people.users import end_sessions_of
from padron.service.vehicles.reading import get_vehicle
from tests.barcodes import draw_barcode, encode_picture, lay_out, make_photo
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, wait_until
from tests.console.browser import Browser, House, Shown
from tests.console.test_imports import BOUNDARY, EVIL, build_form

SCAN = "/console/scan"


async def send_photo(browser: Browser, picture: bytes, **fields: str) -> Shown:
    headers = {"sec-fetch-site": "same-origin", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await browser.send("POST", SCAN, build_form(picture, "photo.jpg", **fields), headers)


def list_links(shown: Shown) -> set[str]:
    return {one.attributes.get("href", "") for one in shown.page.list_all("a")}


async def test_a_photo_that_was_read_for_an_ended_session_shows_nothing(house: House) -> None:
    await house.register(HUMMER)
    await house.owner.open()
    async with house.runtime.scans.take(house.cast.acme.account.account_id):
        reading = asyncio.create_task(send_photo(house.owner, make_photo()))
        await wait_until(lambda: has_photo(house))
        await end_sessions_of(house.runtime, house.people[Role.OWNER])
    shown = await reading
    assert shown.status == 401
    assert HUMMER not in shown.text + shown.location


async def test_a_photo_too_many_is_answered_as_such(house: House) -> None:
    account_id = house.cast.acme.account.account_id
    async with house.runtime.scans.take(account_id):
        waiting = [asyncio.create_task(send_photo(house.owner, make_photo())) for _ in range(4)]
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)  # whichever came last
        refused = await done.pop()
        assert refused.status == 429
        assert "4 photos that are being read" in refused.text
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def has_photo(house: House) -> bool:
    """Say whether a photo waits behind the one that the test reads."""
    return house.runtime.scans._accounts[house.cast.acme.account.account_id].count > 1


@pytest.mark.parametrize("symbology", Symbology)
async def test_a_photo_leads_to_the_vehicle_and_two_touches_set_its_status(house: House, symbology: Symbology) -> None:
    await house.register(HUMMER)
    sent = await send_photo(house.editor, make_photo(f"I{HUMMER}", symbology))
    assert sent.location == f"/console/vehicles/{HUMMER}?scanned=1"
    shown = await house.editor.follow(sent)
    offered = [one.attributes["value"] for one in shown.page.list_all("button", name="status")]
    assert offered == [str(one.value) for one in SETTABLE_STATUSES.values() if one is not VehicleStatus.ACTIVE]
    first = {**shown.page.read_hidden(), "status": "8"}
    asked = await house.editor.post(f"/console/vehicles/{HUMMER}/status", first)
    assert "The vehicle leaves all operations." in asked.text
    done = await house.editor.post(
        f"/console/vehicles/{HUMMER}/status", {**asked.page.read_hidden(), "step": "do"}
    )  # fmt: skip
    assert "this vehicle is now" in (await house.editor.follow(done)).text
    after = await get_vehicle(house.runtime, house.cast.acme.principal, parse_vin(HUMMER))
    assert after.vehicle.status is VehicleStatus(8)


async def test_a_change_since_the_scan_is_shown_and_not_overruled(house: House) -> None:
    await house.register(HUMMER)
    shown = await house.editor.follow(await send_photo(house.editor, make_photo(HUMMER)))
    change = {"status": "4", "step": "do"}
    await house.owner.post(f"/console/vehicles/{HUMMER}/status", change)
    asked = await house.editor.post(
        f"/console/vehicles/{HUMMER}/status", {**shown.page.read_hidden(), "status": "8"}
    )  # fmt: skip
    assert "Somebody else changed this vehicle meanwhile" in asked.text


async def test_who_may_only_read_sees_the_vehicle_and_no_statuses(house: House) -> None:
    await house.register(HUMMER)
    shown = await house.viewer.follow(await send_photo(house.viewer, make_photo()))
    assert HUMMER in shown.text
    assert not shown.page.list_all("button", name="status")
    plain = await house.editor.get(f"/console/vehicles/{HUMMER}")
    assert not plain.page.list_all("button", name="status")


async def test_what_the_script_has_read_leads_to_the_vehicle_too(house: House) -> None:
    await house.register(HUMMER)
    for text in (HUMMER, HUMMER.lower(), f"I{HUMMER}", f"%20{HUMMER}"):
        assert (await house.viewer.get(f"{SCAN}?text={text}")).location == f"/console/vehicles/{HUMMER}?scanned=1"


async def test_of_several_vins_one_is_chosen(house: House) -> None:
    await house.register(HUMMER)
    label = lay_out(draw_barcode(HUMMER), draw_barcode("33 PSI"), draw_barcode(f"I{UNKNOWN_VIN}"))
    for shown in (
        await send_photo(house.editor, encode_picture(label)),
        await house.editor.get(f"{SCAN}?text={HUMMER}&text={UNKNOWN_VIN}&text=33"),
    ):
        assert shown.status == 200
        assert f"/console/vehicles/{HUMMER}?scanned=1" in list_links(shown)
        assert [one.attributes["value"] for one in shown.page.list_all("button", name="vin")] == [UNKNOWN_VIN]


async def test_a_vin_of_no_vehicle_can_be_registered_or_searched(house: House) -> None:
    await house.stranger.post(f"{SCAN}/vehicles", {"vin": HUMMER})  # theirs is nobody's business here
    shown = await send_photo(house.editor, make_photo())
    assert "No vehicle of this account has this VIN." in shown.text
    assert f"/console/vehicles?q={HUMMER[-6:]}" in list_links(shown)
    made = await house.editor.post(f"{SCAN}/vehicles", {"vin": HUMMER})
    assert made.location == f"/console/vehicles/{HUMMER}?scanned=1"
    assert HUMMER in (await house.editor.follow(made)).text
    again = await house.editor.post(f"{SCAN}/vehicles", {"vin": HUMMER})
    assert again.status == 303
    for_viewer = await send_photo(house.viewer, make_photo(UNKNOWN_VIN))
    assert not for_viewer.page.list_all("button", name="vin")


async def test_a_barcode_that_was_perhaps_misread_is_said_to_be(house: House) -> None:
    shown = await send_photo(house.editor, make_photo(JEEP.replace("G2E", "G9E")))
    assert "Character 9 is 9 and should be 2." in shown.text
    right = await send_photo(house.editor, make_photo(JEEP))
    assert "Character 9" not in right.text


@pytest.mark.parametrize(
    "make_picture, status, said",
    [
        (lambda: make_photo("33 PSI"), 200, "No barcode in the photo has a VIN."),
        (lambda: encode_picture(lay_out(size=(400, 300))), 200, "There is no barcode in the photo."),
        (lambda: make_photo()[:-90], 400, "damaged or incomplete"),
        (lambda: b"<svg/>", 400, "neither a JPEG, PNG nor WebP"),
        (lambda: b"", 400, "There is no photo."),
        (lambda: b"\xff\xd8\xff" + bytes(PICTURE_BYTES_MAX), 400, "more than 12 MB"),
    ],
    ids=["no VIN", "no barcode", "damaged", "SVG", "nothing", "large"],
)
async def test_a_photo_without_a_vin_is_answered_with_what_to_do(
    house: House, make_picture: Callable[[], bytes], status: int, said: str
) -> None:
    shown = await send_photo(house.viewer, make_picture())
    assert shown.status == status
    assert said in shown.text
    assert shown.page.list_all("input", type="file")


async def test_a_form_without_a_file_asks_for_one(house: House) -> None:
    shown = await house.viewer.post(SCAN, {"photo": "x.jpg"})
    assert shown.status == 400
    assert "There is no photo." in shown.text


async def test_a_typed_vin_is_found_and_a_wrong_one_is_explained(house: House) -> None:
    await house.register(JEEP)
    shown = await house.viewer.get(f"{SCAN}?text={JEEP.replace('1', 'I')}")
    assert shown.status == 400
    assert "a VIN has no letter I" in shown.text
    assert f"{SCAN}?text={JEEP}" in list_links(shown)
    assert shown.page.list_all("input", name="text")[0].attributes["value"] == JEEP.replace("1", "I")


async def test_a_list_is_scanned_photo_by_photo_and_becomes_a_selection(house: House) -> None:
    owner = house.owner
    for vin in (HUMMER, JEEP):
        await house.register(vin)
    empty = await owner.get(f"{SCAN}?many=1")
    assert empty.page.list_all("textarea", name="list")
    first = await send_photo(owner, make_photo(HUMMER), many="1", list="RTA412C")
    assert "1 VIN was added to the list." in first.text
    listed = "".join(first.page.list_all("textarea", name="list")[0].text)
    assert listed.split() == ["RTA412C", HUMMER]
    second = await send_photo(owner, make_photo(JEEP), many="1", list=listed)
    same = await send_photo(owner, make_photo(HUMMER), many="1", list=listed.lower())
    assert "0 VINs were added to the list." in same.text
    listed = "".join(second.page.list_all("textarea", name="list")[0].text)
    made = await owner.post("/console/selections", {"list": listed, "many": "1", "photo": ""})
    shown = await owner.follow(made)
    assert "2 vehicles selected" in shown.text
    failed = await send_photo(owner, b"GIF89a", many="1", list=listed)
    assert "".join(failed.page.list_all("textarea", name="list")[0].text) == listed


async def test_a_list_needs_the_right_to_change_many(house: House) -> None:
    shown = await house.editor.get(f"{SCAN}?many=1")
    assert bool(shown.page.list_all("textarea", name="list")) is (
        f"{SCAN}?many=1" in list_links(await house.editor.get(SCAN))
    )
    assert not (await house.viewer.get(f"{SCAN}?many=1")).page.list_all("textarea")
    sent = await send_photo(house.viewer, make_photo(), many="1", list=JEEP)
    assert not sent.page.list_all("textarea")


async def test_only_the_pages_of_scanning_may_ask_for_the_camera(house: House) -> None:
    for path in (SCAN, f"{SCAN}?many=1", f"{SCAN}?text=x"):
        assert (await house.viewer.get(path)).headers["permissions-policy"] == "camera=(self)", path
    assert (await send_photo(house.viewer, b"x")).headers["permissions-policy"] == "camera=(self)"
    shown = [await house.owner.get(route.path) for route in ROUTES if route.method == "GET" and "{" not in route.path]
    others = [one for one in shown if "data-scan" not in one.html]
    assert len(others) > 15
    assert {one.headers.get("permissions-policy") for one in others if "content-security-policy" in one.headers} == {
        "camera=()"
    }


async def test_another_sites_photo_is_not_read(house: House) -> None:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    for site in ("cross-site", "same-site"):
        shown = await house.owner.send(
            "POST", SCAN, build_form(make_photo()), {"content-type": kind, "sec-fetch-site": site}
        )
        assert shown.status == 403


async def test_what_a_barcode_says_is_only_text(house: House) -> None:
    pages = [
        await house.owner.get(f"{SCAN}?text=%3Cscript%3Ealert(1)%3C/script%3E"),
        await send_photo(house.owner, make_photo(f"{EVIL} {HUMMER}", Symbology.QR_CODE)),
        await send_photo(house.owner, b"x", many="1", list=EVIL),
        await house.owner.post(f"{SCAN}/vehicles", {"vin": EVIL}),
    ]
    for shown in pages:
        assert len(shown.page.list_all("script")) == 1
        assert not shown.page.list_all("img")


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "zxingcpp", None)
    can_read_pictures.cache_clear()
    yield
    can_read_pictures.cache_clear()


@pytest.mark.parametrize(
    "language, said", [("en", "Photos cannot be read here"), ("es", "Aquí no se pueden leer fotos")]
)
async def test_without_the_extra_the_page_says_so_and_takes_typing(
    house: House, language: str, said: str, request: pytest.FixtureRequest
) -> None:
    await house.register(HUMMER)
    picture = make_photo()
    request.getfixturevalue("without_the_extra")
    owner = house.browsers[Role.OWNER]
    owner.language = language
    for path in (SCAN, f"{SCAN}?many=1"):
        shown = await owner.get(path)
        assert said in shown.text
        assert not shown.page.list_all("input", type="file")
        assert shown.page.list_all("video")  # a browser's own reader needs nothing of the server
    sent = await send_photo(owner, picture)
    assert (sent.status, "extra scan" in sent.text) == (400, True)
    assert (await owner.get(f"{SCAN}?text={HUMMER}")).status == 303
