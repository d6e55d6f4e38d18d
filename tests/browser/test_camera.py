"""The camera leads to the vehicle, in a browser that reads barcodes.

Chromium on Linux has no such reader. So a stand-in for it says what is before the camera, which is a real stream of
pictures of Chromium's own. It takes the place of the browser's part alone.
"""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from padron.cli.fleet import list_fleet
from padron.domain.people import Role
from tests.browser.house import Household
from tests.browser.screen import NARROW, WAIT_MS, Screen, open_screen
from tests.cast import wait_until

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
VINS = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None]
READER = """
window.shown = [];
window.looks = 0;
window.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(["code_39", "data_matrix", "qr_code"]); }
  detect(video) {
    if (!(video.srcObject?.active && video.videoWidth)) throw new Error("There is no picture to read.");
    window.looks += 1;
    return Promise.resolve(window.shown.map((rawValue) => ({ rawValue })));
  }
};
"""


@pytest.fixture
async def screen(household: Household) -> AsyncIterator[Screen]:
    token = household.tokens[Role.OWNER]
    async with open_screen(household.browser, household.origin, token, width=NARROW, is_new=True) as one:
        await one.context.add_init_script(READER)
        yield one


async def hold(screen: Screen, *texts: str) -> None:
    """Hold barcodes before the camera until it has looked at them twice."""
    await screen.evaluate(f"window.shown = {list(texts)!r}")
    looks = await screen.evaluate("window.looks")

    async def has_looked() -> bool:
        return bool(await screen.evaluate(f"window.looks > {looks} + 2"))

    await wait_until(has_looked, seconds_max=WAIT_MS / 1_000)


async def test_a_barcode_before_the_camera_leads_to_its_vehicle(screen: Screen) -> None:
    page = screen.page
    await screen.open("/console/scan")
    await expect(page.locator("video")).to_be_visible(timeout=WAIT_MS)
    await screen.evaluate("window.shown = ['No VIN at all']")
    await screen.evaluate(f"setTimeout(() => (window.shown = ['I{VINS[0]}']), 400)")
    await page.wait_for_url(f"**/console/vehicles/{VINS[0]}?scanned=1", timeout=WAIT_MS)
    await expect(page.get_by_role("heading", level=1)).to_have_text(VINS[0])


@pytest.mark.long
async def test_barcodes_before_the_camera_fill_the_list_each_once(screen: Screen) -> None:
    page = screen.page
    await screen.open("/console/scan?many=1")
    await expect(page.locator("video")).to_be_visible(timeout=WAIT_MS)
    typed = page.get_by_label("Scanned VINs")
    await typed.fill(VINS[2])
    for texts in ([f"I{VINS[0]}"], [VINS[1], VINS[0]], [VINS[2].lower(), "4006381333931"]):
        await hold(screen, *texts)
    await expect(typed).to_have_value("".join(f"{vin}\n" for vin in (VINS[2], VINS[0], VINS[1])))
    await page.get_by_role("button", name="Find these vehicles").click()
    await expect(page.locator("main")).to_contain_text("3 vehicles selected")
    assert await screen.evaluate("document.querySelector('video')") is None


async def test_a_picture_that_is_read_once_does_not_count(screen: Screen) -> None:
    await screen.open("/console/scan?many=1")
    await expect(screen.page.locator("video")).to_be_visible(timeout=WAIT_MS)
    await screen.evaluate(
        f"window.BarcodeDetector.prototype.detect = () => {{ window.looks += 1;"
        f" return Promise.resolve(window.looks % 2 ? [{{rawValue: '{VINS[0]}'}}] : []); }}"
    )
    await hold(screen)
    assert await screen.page.get_by_label("Scanned VINs").input_value() == ""
