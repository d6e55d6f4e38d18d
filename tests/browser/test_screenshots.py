"""The pictures of the guides. ``make screenshots`` keeps them; a run of the tests only sees that they can be made."""

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from padron.domain.people import Role
from tests.browser.house import Household
from tests.browser.past import STORIED
from tests.browser.screen import NARROW, WIDE, Screen

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
BYTES_MAX = 200_000
HEIGHT = 720
GUIDES = ("README.md", "docs/console.md")
PICTURES = {f"console-{name}.png" for name in ("vehicles", "vehicle", "change", "phone")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go: to the guides only if somebody asked for it."""
    path = ROOT / (os.environ.get("PADRON_SCREENSHOTS") or tmp_path)
    path.mkdir(exist_ok=True)
    return path


async def take(screen: Screen, folder: Path, name: str) -> None:
    await screen.evaluate("document.fonts.ready.then(() => 0)")
    path = folder / f"console-{name}.png"
    await screen.page.screenshot(path=path, animations="disabled", caret="hide")
    assert 10_000 < path.stat().st_size < BYTES_MAX, path.name


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_guides_have_pictures_of_the_main_pages(household: Household, folder: Path) -> None:
    async with household.open(Role.MANAGER) as screen:
        await screen.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
        await screen.open("/console/vehicles?assetStatusId=1&assetStatusId=4&sort=-statusSince")
        await expect(screen.page.locator("[data-rows] tbody tr").first).to_be_visible()
        await take(screen, folder, "vehicles")
        await screen.open(f"/console/vehicles/{STORIED}")
        await expect(screen.page.locator("#history")).to_contain_text("gearbox")
        await take(screen, folder, "vehicle")
        await screen.open(f"/console/vehicles/{STORIED}/status")
        await screen.page.get_by_role("radio", name="In the Shop").check()
        await screen.page.get_by_label("Reason").fill("Brakes, front left")
        await screen.page.get_by_role("button", name="See what will happen").click()
        await expect(screen.page.locator("main")).to_contain_text("leaves all operations")
        await screen.page.set_viewport_size({"width": 860, "height": 440})
        await take(screen, folder, "change")
    async with household.open(Role.MANAGER, locale="es-MX", width=NARROW, theme="dark") as screen:
        await screen.open(f"/console/vehicles/{STORIED}")
        await take(screen, folder, "phone")
    assert {path.name for path in folder.glob("console-*.png")} == PICTURES


def test_each_picture_is_in_a_guide_and_each_guide_has_one() -> None:
    named: set[str] = set()
    for guide in GUIDES:
        found = re.findall(r"!\[[^\]]{10,}\]\((?:docs/)?images/([^)]+)\)", (ROOT / guide).read_text("utf-8"))
        assert found, guide
        named |= {*found}
    assert named == {path.name for path in IMAGES.glob("*.png")}
    assert {path.name for path in IMAGES.glob("console-*.png")} == PICTURES
