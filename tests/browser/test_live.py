"""Open pages follow the register: they mark what changed, move nothing, and take few connections."""

import asyncio
import re
from functools import partial
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, Page, Request, Route, expect

from padron.cli.fleet import list_fleet
from padron.domain.people import Role
from padron.domain.status import VehicleStatus
from padron.service.people.users import end_sessions_of
from tests.browser.axe import list_barriers
from tests.browser.house import Household
from tests.browser.screen import NARROW, Screen, open_screen
from tests.cable import run_cable
from tests.cast import wait_until

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

VINS = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None]
LIST = "/console/vehicles"

PAUSE_MS = 60_000  # the longest between two looks
LISTENERS = "(getEventListeners(document).visibilitychange ?? []).length"
HIDE = """Object.defineProperty(document, "hidden", {{ get: () => {hidden}, configurable: true }});
document.dispatchEvent(new Event("visibilitychange")); 0"""
# Where everything is that somebody may be about to click.
MEASURE = """JSON.stringify([...document.querySelectorAll("main a, main button:not(.fresh *), main input")]
  .filter((one) => !one.closest(".fresh")).map((one) => Object.values(one.getBoundingClientRect().toJSON())))"""


def is_stream(request: Request) -> bool:
    return urlsplit(request.url).path.endswith("/live")


def find_row(page: Page, vin: str) -> Locator:
    return page.locator(f'[data-rows] tbody tr[data-vin="{vin}"]')


async def open_followed(screen: Screen, target: str) -> None:
    """Show a page, and return once it follows."""
    async with screen.page.expect_response(lambda answer: is_stream(answer.request)):
        await screen.open(target)


async def test_a_list_marks_what_changed_and_moves_nothing(household: Household) -> None:
    vin = VINS[15]
    async with household.open(Role.MANAGER) as screen:
        page = screen.page
        await open_followed(screen, f"{LIST}?q={vin[-6:]}")
        row = find_row(page, vin)
        await row.get_by_role("checkbox").check()
        before = await screen.evaluate(MEASURE)
        assert before.count("[") > 5
        await household.change(vin, VehicleStatus.IMPOUNDED)
        await expect(row).to_have_attribute("data-changed", "")
        notice = page.locator("#fresh")
        await expect(notice).to_contain_text("1 vehicle changed.")
        assert await screen.evaluate(MEASURE) == before
        await expect(row).not_to_contain_text("Impounded")
        await expect(row.get_by_role("checkbox")).to_be_checked()
        assert not await list_barriers(screen)
        await notice.get_by_role("link").click()
        await expect(row).to_contain_text("Impounded")
        await expect(row).not_to_have_attribute("data-changed", "")
        await household.change(vin, VehicleStatus.ACTIVE)
        await expect(row).to_have_attribute("data-changed", "")


async def test_the_overview_and_the_page_of_a_vehicle_tell_of_changes(household: Household) -> None:
    async with household.open(Role.VIEWER) as overview, household.open(Role.VIEWER, locale="es-MX") as vehicle:
        await open_followed(overview, "/console/overview")
        await open_followed(vehicle, f"{LIST}/{VINS[16]}")
        await household.change(VINS[16], VehicleStatus.IN_THE_SHOP)
        await expect(vehicle.page.locator("#fresh")).to_contain_text("Este vehículo cambió")
        shown = overview.page.locator("#fresh")
        await expect(shown).to_contain_text("1 vehicle changed.")
        await household.change(VINS[17], VehicleStatus.IN_THE_SHOP)
        await expect(shown).to_contain_text("2 vehicles changed.")
        await shown.get_by_role("link").click()
        await expect(overview.page.locator("#latest li").first).to_contain_text(VINS[17])


async def test_after_a_lost_connection_a_page_learns_what_it_missed(household: Household) -> None:
    vin = VINS[18]
    async with run_cable(partial(asyncio.open_connection, "127.0.0.1", household.server.port)) as cable:
        origin = f"http://127.0.0.1:{cable.port}"
        async with open_screen(household.browser, origin, household.tokens[Role.VIEWER]) as screen:
            await open_followed(screen, f"{LIST}?q={vin[-6:]}")
            await cable.cut()
            await household.change(vin, VehicleStatus.IMPOUNDED)
            await screen.page.wait_for_timeout(500)
            await expect(find_row(screen.page, vin)).not_to_have_attribute("data-changed", "")
            cable.mend()
            await expect(find_row(screen.page, vin)).to_have_attribute("data-changed", "")
            await expect(screen.page.locator("#fresh")).to_contain_text("1 vehicle changed.")
            assert all("net::ERR_" in fault for fault in screen.take_faults())


async def test_a_hidden_page_takes_no_connection_and_learns_all_when_it_is_seen_again(household: Household) -> None:
    vin = VINS[19]
    async with household.open(Role.VIEWER) as screen:
        page = screen.page
        await open_followed(screen, f"{LIST}?q={vin[-6:]}")
        async with page.expect_event("requestfailed", is_stream):
            await screen.evaluate(HIDE.format(hidden="true"))
        screen.asked.clear()
        await household.change(vin, VehicleStatus.IMPOUNDED)
        await page.wait_for_timeout(1_000)
        assert not [one for one in screen.asked if is_stream(one)]
        await screen.evaluate(HIDE.format(hidden="false"))
        await expect(find_row(page, vin)).to_have_attribute("data-changed", "")


@pytest.mark.long
async def test_a_revoked_session_ends_the_stream_and_the_page_says_so(household: Household) -> None:
    token = await household.sign_in(Role.EDITOR)
    async with household.open(token) as screen:
        await open_followed(screen, LIST)
        screen.asked.clear()
        async with household.use() as runtime:
            assert await end_sessions_of(runtime, household.people[Role.EDITOR])
        notice = screen.page.locator("#fresh").get_by_role("link")
        await expect(notice).to_contain_text("Your session has ended")
        await household.change(VINS[14], VehicleStatus.IMPOUNDED)
        await screen.page.wait_for_timeout(500)
        assert not screen.asked
        await expect(screen.page.locator("[data-changed]")).to_have_count(0)
        assert not await list_barriers(screen)
        await screen.show(width=NARROW, theme="dark")
        box = await notice.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW
        await notice.click()
        await expect(screen.page.locator("main")).to_contain_text("Your session has ended")
        assert all("status of 401" in fault for fault in screen.take_faults())


@pytest.mark.timeout(180)
@pytest.mark.parametrize("tabs", [4, pytest.param(10, marks=pytest.mark.long)])
async def test_many_open_pages_follow_and_leave_connections_for_more(household: Household, tabs: int) -> None:
    vin = VINS[13]
    asked: list[Request] = []
    token = household.tokens[Role.VIEWER]
    async with open_screen(household.browser, household.origin, token, is_new=True) as screen:
        screen.context.on("request", lambda request: asked.append(request) if is_stream(request) else None)
        pages = [screen.page, *[await screen.context.new_page() for _ in range(tabs - 1)]]
        for page in pages:
            await page.goto(f"{household.origin}{LIST}?q={vin[-6:]}")
        await screen.page.wait_for_timeout(1_000)
        held = [one for one in asked if "brief" not in one.url]
        assert 1 <= len({one.frame.page for one in held}) <= 3
        await household.change(vin, VehicleStatus.IMPOUNDED if tabs == 4 else VehicleStatus.IN_THE_SHOP)
        for page in pages:
            await expect(find_row(page, vin)).to_have_attribute("data-changed", "")
        more = await screen.context.new_page()
        await more.goto(f"{household.origin}/console/profile")
        await expect(more.get_by_role("heading", level=1)).to_have_text(re.compile("Your profile"))


async def test_a_page_that_looks_for_weeks_leaves_nothing_behind(household: Household) -> None:
    async with household.open(Role.VIEWER) as screen:
        page = await screen.context.new_page()
        looks: list[str] = []

        async def answer(route: Route) -> None:
            looks.append(route.request.url)
            await route.fulfill(content_type="text/event-stream", body=": nothing\n\n")

        await page.route("**/live?*", answer)
        await page.clock.install()
        await page.goto(screen.origin + LIST)

        async def has_looked() -> bool:
            await page.clock.run_for(PAUSE_MS)
            return len(looks) > 5

        await wait_until(has_looked, seconds_max=30)
        session = await screen.context.new_cdp_session(page)
        listened = await session.send("Runtime.evaluate", {"expression": LISTENERS, "includeCommandLineAPI": True})
        assert listened["result"]["value"] <= 1
        await page.close()
