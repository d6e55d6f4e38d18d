"""The console with the keyboard alone."""

import pytest
from playwright.async_api import expect

from padron.cli.fleet import list_fleet
from padron.domain.people import Role
from tests.browser.house import Household

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


async def test_a_vehicle_is_searched_chosen_and_changed_without_a_mouse(household: Household) -> None:
    vin = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None][32]
    async with household.open(Role.MANAGER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await page.keyboard.press("/")
        await expect(page.get_by_role("searchbox", name="Search vehicles")).to_be_focused()
        await page.keyboard.type(vin)
        await expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
        await expect(page.get_by_role("searchbox", name="Search vehicles")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("j")
        await expect(page.get_by_role("link", name=vin)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(vin)
        await page.get_by_role("link", name="Change the status").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("radio").first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.get_by_label("Reason").focus()
        await page.keyboard.type("/ j k x ? are letters here")
        await expect(page.get_by_label("Reason")).to_have_value("/ j k x ? are letters here")


async def test_rows_are_walked_and_the_ends_hold(household: Household) -> None:
    async with household.open(Role.VIEWER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        links = page.locator("[data-rows] tbody th a")
        for keys, place in (("j", 0), ("jj", 2), ("k", 1), ("kkk", 0)):
            for key in keys:
                await page.keyboard.press(key)
            await expect(links.nth(place)).to_be_focused()


async def test_rows_are_ticked_with_a_key_and_lead_to_what_may_be_done_with_them(household: Household) -> None:
    async with household.open(Role.MANAGER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        rows = page.locator("[data-rows] tbody tr")
        for key in "jxjjx":
            await page.keyboard.press(key)
        for place, is_ticked in ((0, True), (1, False), (2, True)):
            await expect(rows.nth(place).get_by_role("checkbox")).to_be_checked(checked=is_ticked)
        await expect(page.get_by_role("button", name="Change the ticked rows")).to_contain_text("2")
        await page.keyboard.press("x")
        await expect(rows.nth(2).get_by_role("checkbox")).not_to_be_checked()
        await page.get_by_role("button", name="Change the ticked rows").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("1 vehicle selected")


async def test_the_palette_goes_to_pages_and_searches(household: Household) -> None:
    async with household.open(Role.OWNER) as screen:
        page = screen.page
        await screen.open("/console/help")
        await page.keyboard.press("Control+k")
        palette = page.get_by_role("combobox")
        await expect(palette).to_be_focused()
        await page.keyboard.type("profile")
        await expect(page.get_by_role("option").first).to_have_text("Your profile")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your profile")
        await page.wait_for_load_state()  # its script hears only from then on
        await page.keyboard.press("Control+k")
        await page.keyboard.type("blue")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("searchbox", name="Search vehicles")).to_have_value("blue")


async def test_the_help_opens_closes_and_gives_the_focus_back(household: Household) -> None:
    async with household.open(Role.VIEWER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await page.keyboard.press("j")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
        await expect(page.locator("[data-rows] tbody th a").first).to_be_focused()


async def test_the_focus_stays_after_a_part_of_the_page_was_replaced(household: Household) -> None:
    async with household.open(Role.VIEWER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await page.get_by_role("columnheader", name="VIN").get_by_role("link").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**sort=**")
        assert await screen.evaluate("document.activeElement.closest('th')?.textContent.includes('VIN') === true")
        status = page.locator("#by-status > summary")
        await status.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**assetStatusId=**")
        await expect(status).to_be_focused()
        await expect(page.locator("#live")).to_contain_text("on this page")


async def test_the_first_stop_leads_past_the_menu(household: Household) -> None:
    async with household.open(Role.VIEWER) as screen:
        page = screen.page
        await screen.open("/console/profile")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
