"""A search that one page cannot hold: the console goes on until it finds something or is stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Route, expect

from bench.bulk import fill_vehicles, make_vin
from padron.cli.vehicles import give_principal
from padron.config import read_settings
from padron.domain.people import Role
from padron.domain.sessions import SignInWay
from padron.domain.vin import parse_vin
from padron.service.people.members import add_member
from padron.service.people.sessions import open_session_for
from padron.service.people.users import add_user
from padron.service.vehicles.registration import Registration, put_vehicle
from padron.wiring import use_runtime
from tests.browser.house import VISITOR
from tests.browser.screen import WAIT_MS, open_screen
from tests.e2e.program import run_server

pytestmark = pytest.mark.long

VEHICLES = 130_000  # four pages, because one looks at 32,000 vehicles
# Touches Stop as soon as a page has it, before the script asks for the next part.
STOP_AT_ONCE = """new MutationObserver(() => document.getElementById("search-stop")?.click())
  .observe(document.body, { childList: true, subtree: true }); 0"""
LIST = "/console/vehicles?sort=-createdAt&q="


@dataclass(frozen=True, kw_only=True, slots=True)
class LargeFleet:
    """A server with a large fleet, a session of its viewer, and a vehicle at the end of the newest ones."""

    origin: str
    token: str
    vin: str


@pytest.fixture(scope="module")
async def fleet(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LargeFleet]:
    assert chromium.is_connected()
    folder = tmp_path_factory.mktemp("large")
    url = f"sqlite:///{folder / 'padron.db'}"
    await asyncio.to_thread(fill_vehicles, url, 1, VEHICLES, lambda _: None)
    async with use_runtime(read_settings({"PADRON_DATABASE_URL": url})) as runtime:
        vin = make_vin(7)
        edits = Registration(vin=parse_vin(vin), edits={"ownerName": "Zoë"}, request_id="r-owner")
        await put_vehicle(runtime, give_principal(1), edits)
        user = await add_user(runtime, email="vera@example.com", name="Vera")
        await add_member(runtime, user, 1, Role.VIEWER)
        token = (await open_session_for(runtime, user, SignInWay.LINK, VISITOR)).token
    async with run_server(url, folder) as server:
        yield LargeFleet(origin=f"http://127.0.0.1:{server.port}", token=token, vin=vin)


async def test_a_search_goes_on_until_it_finds_and_going_back_leads_to_its_beginning(
    chromium: Browser, fleet: LargeFleet
) -> None:
    async with open_screen(chromium, fleet.origin, fleet.token) as screen:
        page = screen.page
        await screen.open(f"{LIST}zo")
        await expect(page.get_by_text("Nothing found so far.")).to_be_visible()
        begun = len(screen.asked)
        await page.get_by_role("link", name="Search on").click()
        await expect(page.locator(f'tr[data-vin="{fleet.vin}"]')).to_be_visible()
        assert len([one for one in screen.asked[begun:] if "onward=1" in one.url]) >= 3
        await page.go_back()
        await expect(page.get_by_text("Nothing found so far.")).to_be_visible()


async def test_a_search_that_goes_on_can_be_stopped_and_ends_with_the_list(
    chromium: Browser, fleet: LargeFleet
) -> None:
    async with open_screen(chromium, fleet.origin, fleet.token) as screen:
        page = screen.page
        asked: list[Route] = []
        is_held = asyncio.Event()

        async def let_one_pass(route: Route) -> None:
            asked.append(route)
            if len(asked) == 1:
                await route.continue_()
            else:
                is_held.set()

        await page.route("**/*onward=1*", let_one_pass)
        await screen.open(f"{LIST}zq")
        await page.get_by_role("link", name="Search on").press("Enter")
        stop = page.get_by_role("link", name="Stop")
        await asyncio.wait_for(is_held.wait(), WAIT_MS / 1000)
        await page.keyboard.press("Tab")  # focus has stayed on the first button, though a page has come
        await page.keyboard.press("Enter")
        await expect(stop).to_have_count(0)
        await asyncio.sleep(0.5)  # five times as long as the script waits for the next page
        assert len(asked) == 2
        await page.unroute_all(behavior="ignoreErrors")
        await page.get_by_role("link", name="Search on").click()
        await expect(page.get_by_text("No vehicle matches.")).to_be_visible()


async def test_what_somebody_asks_for_is_not_given_up_for_the_next_part(chromium: Browser, fleet: LargeFleet) -> None:
    async with open_screen(chromium, fleet.origin, fleet.token) as screen:
        page = screen.page
        parts: list[str] = []

        async def answer_stop_late(route: Route) -> None:
            if "onward=1" in route.request.url:
                parts.append(route.request.url)
            else:
                await asyncio.sleep(0.5)
            await route.continue_()

        await screen.open(f"{LIST}zq")
        await page.route("**/console/vehicles?*", answer_stop_late)
        await screen.evaluate(STOP_AT_ONCE)
        await page.get_by_role("link", name="Search on").click()
        await expect(page.get_by_text("There are too many vehicles")).to_have_count(0)
        await expect(page.get_by_text("There are too many vehicles")).to_be_visible()
        assert len(parts) == 1
