"""Scanning on a phone: a photo leads to the vehicle in three touches, and the camera is for these pages alone.

Chromium on Linux cannot read barcodes itself. So what the camera shows is not read here: only the way without that.
"""

import pytest
from playwright.async_api import Browser, FilePayload, expect

from padron.cli.fleet import list_fleet
from padron.domain.barcode import Symbology
from padron.domain.people import Role
from tests.barcodes import draw_barcode, encode_picture, lay_out
from tests.browser.axe import list_barriers
from tests.browser.chromium import MISSING, find_chromium, run_chromium
from tests.browser.house import Household
from tests.browser.screen import NARROW, open_screen

VINS = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None]
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
READER_IN_NAME = "--enable-blink-features=BarcodeDetector"
ASK_FOR_CAMERA = """
navigator.mediaDevices.getUserMedia({ video: true }).then(
  (camera) => { camera.getTracks().forEach((track) => track.stop()); return "given"; }, (error) => error.name)
"""


def take_photo(*vins: str) -> FilePayload:
    """Give a photo of a label that is held askew."""
    label = lay_out(*(draw_barcode(f"I{vin}", Symbology.CODE_39) for vin in vins), size=(1_200, 900))
    photo = label.rotate(7, expand=True, fillcolor=120).convert("RGB")
    return FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=encode_picture(photo, "JPEG", quality=70))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.long
async def test_three_touches_lead_from_the_label_to_the_new_status(household: Household, *, scripts: bool) -> None:
    vin = VINS[30 if scripts else 31]
    token = await household.sign_in(Role.EDITOR)
    async with open_screen(household.browser, household.origin, token, width=NARROW, scripts=scripts) as screen:
        page = screen.page
        await screen.open("/console/scan")
        await page.get_by_label("Photo of the barcode").set_input_files(take_photo(vin))  # the first touch
        if not scripts:
            await page.get_by_role("button", name="Read the photo").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(vin)
        if scripts:
            assert not await list_barriers(screen)
        await page.get_by_role("button", name="In the Shop").click()
        await page.get_by_role("button", name="Yes, change it").click()
        await expect(page.get_by_role("status").filter(has_text="this vehicle is now")).to_contain_text("In the Shop")


@pytest.mark.long
@on_sqlite
async def test_photos_fill_a_list_that_becomes_a_selection(household: Household) -> None:
    async with household.open(Role.OWNER, width=NARROW) as screen:
        page = screen.page
        for target in ("/console/scan", f"/console/scan?text={VINS[0]}&text=1FTFW1ED3NFA00005"):
            await screen.open(target)
            assert not await list_barriers(screen), target
        await screen.open("/console/selections")
        await page.get_by_role("link", name="Scan the list").click()
        for number, taken in enumerate(((VINS[0], VINS[1]), (VINS[1], VINS[2]))):
            await page.wait_for_load_state()  # its script hears only from then on
            await page.get_by_label("Photo of the barcode").set_input_files(take_photo(*taken))
            said = "2 VINs were added" if number == 0 else "1 VIN was added"
            await expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
        await expect(page.get_by_label("Scanned VINs")).to_have_value("".join(f"{vin}\n" for vin in VINS[:3]))
        assert not await list_barriers(screen)
        await page.get_by_role("button", name="Find these vehicles").click()
        await expect(page.locator("main")).to_contain_text("3 vehicles selected")


async def see_that_nobody_asks_for_the_camera(household: Household, browser: Browser, *, has_name: bool) -> None:
    token = await household.sign_in(Role.EDITOR)
    async with open_screen(browser, household.origin, token, width=NARROW) as screen:
        await screen.open("/console/scan")
        assert await screen.evaluate("'BarcodeDetector' in window") is has_name
        if has_name:
            assert await screen.evaluate("BarcodeDetector.getSupportedFormats()") == []
        await expect(screen.page.get_by_label("Photo of the barcode")).to_be_visible()
        await expect(screen.page.locator("video")).to_be_hidden()
        assert await screen.evaluate("document.querySelector('video').srcObject") is None
        assert await screen.evaluate(ASK_FOR_CAMERA) == "given"
        await screen.open("/console/help")
        assert await screen.evaluate(ASK_FOR_CAMERA) == "NotAllowedError"
        screen.take_faults()  # the browser tells of the refusal


@on_sqlite
async def test_without_a_reader_in_the_browser_nobody_is_asked_for_the_camera(household: Household) -> None:
    await see_that_nobody_asks_for_the_camera(household, household.browser, has_name=False)


@pytest.mark.long
@on_sqlite
async def test_a_reader_in_name_only_asks_nobody_for_the_camera(household: Household) -> None:
    if (path := find_chromium()) is None:
        pytest.skip(MISSING)
    async with run_chromium(path, READER_IN_NAME) as browser:
        await see_that_nobody_asks_for_the_camera(household, browser, has_name=True)
