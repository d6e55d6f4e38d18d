"""What people do in the console, and what happens to them: in real windows, on each engine."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from padron.cli.fleet import list_fleet
from padron.domain.people import Role
from padron.service.people.users import end_sessions_of
from tests.browser.axe import list_barriers
from tests.browser.house import PASSWORD, Household
from tests.browser.screen import NARROW, Screen, open_screen

VINS = [vehicle.vin for vehicle in list_fleet() if vehicle.status is None]
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def begin_change(screen: Screen, vin: str, status: str, reason: str) -> None:
    """Fill in the form, as far as the question of what will happen."""
    await screen.open(f"/console/vehicles/{vin}")
    await screen.page.get_by_role("link", name="Change the status").click()
    await screen.page.get_by_role("radio", name=status).check()
    await screen.page.get_by_label("Reason").fill(reason)


@pytest.mark.long("postgres")
async def test_somebody_signs_in_finds_a_vehicle_changes_it_and_undoes_it(household: Household) -> None:
    vin = VINS[0]
    async with household.open() as screen:
        page = screen.page
        await screen.open("/console")
        await page.get_by_label("E-mail").fill("edgar@example.com")
        await page.get_by_label("Password").fill("not this one")
        await page.get_by_role("button", name="Sign in").first.click()
        await expect(page.get_by_role("alert")).to_contain_text("This did not work")
        assert len(screen.take_faults()) == 1  # the browser tells of the refusal
        await expect(page.get_by_label("E-mail")).to_have_value("edgar@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").first.click()

        await page.get_by_role("navigation").get_by_role("link", name="Vehicles").click()
        await page.wait_for_load_state()  # its script hears only from then on
        await page.get_by_role("searchbox", name="Search vehicles").press_sequentially(vin[-6:].lower())
        await expect(page.locator("[data-rows] tbody tr")).to_have_count(1)
        assert urlsplit(page.url).query == f"q={vin[-6:].lower()}"
        await page.get_by_role("link", name=vin).click()
        await page.get_by_role("link", name="Change the status").click()
        await page.get_by_role("radio", name="For Sale").check()
        await page.get_by_label("Reason").fill("Forty of them go")
        await page.get_by_role("button", name="See what will happen").click()
        await expect(page.locator("main")).to_contain_text("The vehicle leaves all operations.")
        await page.get_by_role("button", name="Yes, change it").click()

        done = page.get_by_role("status").filter(has_text="this vehicle is now")
        await expect(done).to_contain_text("For Sale")
        await expect(page.locator("#history")).to_contain_text("Forty of them go")
        await expect(page.locator("#history")).to_contain_text("Edgar")
        assert not await list_barriers(screen)
        await done.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("status").filter(has_text="undone")).to_be_visible()


@pytest.mark.long
async def test_nothing_typed_is_lost_when_the_session_ends_in_the_middle(household: Household) -> None:
    token = await household.sign_in(Role.EDITOR)
    async with household.open(token) as screen:
        page = screen.page
        await begin_change(screen, VINS[1], "In the Shop", "A door that <does> not close")
        async with household.use() as runtime:
            assert await end_sessions_of(runtime, household.people[Role.EDITOR])
        await page.get_by_role("button", name="See what will happen").click()
        await expect(page.locator("main")).to_contain_text("what you typed is shown again")
        assert "door" not in page.url
        await page.get_by_label("E-mail").fill("edgar@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").first.click()
        await expect(page.get_by_label("Reason")).to_have_value("A door that <does> not close")
        await expect(page.get_by_role("radio", name="In the Shop")).to_be_checked()
        assert all("status of 401" in fault for fault in screen.take_faults())


@pytest.mark.long
async def test_a_list_whose_session_was_revoked_asks_to_sign_in_and_comes_back(household: Household) -> None:
    token = await household.sign_in(Role.EDITOR)
    async with household.open(token) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        async with household.use() as runtime:
            await end_sessions_of(runtime, household.people[Role.EDITOR])
        await page.get_by_role("searchbox", name="Search vehicles").fill("blue")  # at once: a search follows a pause
        await expect(page.locator("main")).to_contain_text("Your session has ended")
        await page.get_by_label("E-mail").fill("edgar@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").first.click()
        await expect(page.get_by_role("searchbox", name="Search vehicles")).to_have_value("blue")
        assert all("status of 401" in fault for fault in screen.take_faults())


@pytest.mark.long
async def test_of_two_people_at_once_the_second_sees_both_changes_and_decides(household: Household) -> None:
    vin = VINS[2]
    async with household.open(await household.sign_in(Role.EDITOR)) as first, household.open(Role.MANAGER) as second:
        await begin_change(first, vin, "In the Shop", "Brakes")
        await begin_change(second, vin, "For Sale", "Sold to a friend")
        for screen in (first, second):
            await screen.page.get_by_role("button", name="See what will happen").click()
        await first.page.get_by_role("button", name="Yes, change it").click()
        await expect(first.page.get_by_role("status").filter(has_text="is now")).to_contain_text("In the Shop")
        await second.page.get_by_role("button", name="Yes, change it").click()
        conflict = second.page.locator("main")
        await expect(conflict).to_contain_text("Somebody else changed this vehicle meanwhile")
        await expect(conflict).to_contain_text("Brakes")
        await expect(conflict).to_contain_text("Edgar")
        await expect(conflict).to_contain_text("Sold to a friend")
        second.take_faults()  # the browser tells of the conflict
        assert not await list_barriers(second)
        await second.page.get_by_role("button", name="Change it anyway").click()
        await expect(second.page.get_by_role("status").filter(has_text="is now")).to_contain_text("For Sale")


@pytest.mark.long
async def test_a_vehicle_that_was_registered_by_mistake_is_deleted_and_comes_back(household: Household) -> None:
    vin = VINS[5]
    async with household.open(Role.OWNER) as screen:
        page = screen.page
        await screen.open(f"/console/vehicles/{vin}")
        await page.get_by_role("link", name="Delete this vehicle").click()
        await expect(page.locator("main")).to_contain_text("For 30 days it can be brought back")
        assert not await list_barriers(screen)
        await page.get_by_label("Reason").fill("It was typed <twice>")
        await page.get_by_role("button", name="Delete this vehicle").click()
        done = page.get_by_role("status").filter(has_text="is deleted")
        await expect(done).to_contain_text(vin)
        await expect(page.get_by_role("row").filter(has_text=vin)).to_contain_text("It was typed <twice>")
        assert not await list_barriers(screen)
        assert await screen.open(f"/console/vehicles/{vin}") == 404
        screen.take_faults()  # the browser tells of the missing page
        await screen.open("/console/deleted")
        await page.get_by_role("button", name=f"Bring back {vin}").click()
        await expect(page.get_by_role("status").filter(has_text="undone")).to_be_visible()
        await expect(page.locator("#history")).to_contain_text("It was typed <twice>")


@pytest.mark.long
async def test_data_is_edited_and_a_former_version_is_restored(household: Household) -> None:
    vin = VINS[6]
    async with household.open(await household.sign_in(Role.EDITOR)) as screen:
        page = screen.page
        await screen.open(f"/console/vehicles/{vin}")
        await page.get_by_role("link", name="Edit the data").click()
        before = await page.locator("[name='value.vehicleColor']").input_value()
        await page.locator("[name='value.plate']").fill("no plate!")
        await page.locator("[name='value.vehicleColor']").fill("Verde botella")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("main")).to_contain_text("A plate has 4 to 10 letters and digits")
        screen.take_faults()  # the browser tells of the refusal
        assert not await list_barriers(screen)
        await expect(page.locator("[name='value.vehicleColor']")).to_have_value("Verde botella")
        await page.locator("[name='value.plate']").fill("VRD1234")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").filter(has_text="The data is changed.")).to_be_visible()
        await page.get_by_role("link", name="Former versions").click()
        assert not await list_barriers(screen)
        await page.get_by_role("link", name="All values then").last.click()
        await expect(page.locator("main")).to_contain_text("values differ from now")
        assert not await list_barriers(screen)
        await page.get_by_role("link", name="Restore these values").click()
        await expect(page.locator("[name='value.vehicleColor']")).to_have_value(before)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#history")).to_contain_text("Verde botella")
        await page.get_by_role("link", name="Former versions").click()
        await page.get_by_role("link", name="All values then").last.click()
        await expect(page.locator("main")).to_contain_text("All values are the same now.")


@pytest.mark.long
async def test_a_stranger_sees_nothing_and_a_viewer_no_button(household: Household) -> None:
    async with household.open(household.stranger) as screen:
        await screen.open("/console/vehicles")
        await expect(screen.page.locator("main")).to_contain_text("There is no vehicle yet.")
        texts = []
        for vin in (VINS[3], "1FTFW1ED3NFA00005"):
            assert await screen.open(f"/console/vehicles/{vin}") == 404
            text = await screen.page.locator("main").inner_text()
            texts.append(re.sub(r"\b[0-9a-f-]{16,}\b", "", text.replace(vin, "")))
        assert texts[0] == texts[1]
        screen.take_faults()
    async with household.open(Role.VIEWER) as screen:
        await screen.open(f"/console/vehicles/{VINS[3]}")
        await expect(screen.page.get_by_role("heading", level=1)).to_contain_text(VINS[3])
        await expect(screen.page.get_by_role("link", name="Change the status")).to_have_count(0)


@on_sqlite
async def test_a_lost_connection_leaves_the_page_and_what_was_typed(household: Household) -> None:
    async with household.open(Role.MANAGER) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await expect(page.locator("[data-rows] tbody tr").first).to_be_visible()
        rows = await page.locator("[data-rows] tbody tr").count()
        await screen.context.set_offline(True)
        search = page.get_by_role("searchbox", name="Search vehicles")
        await search.press_sequentially("blue")
        told = page.get_by_role("alert").filter(has_text="The server did not answer")
        await expect(told).to_be_visible()
        await expect(search).to_have_value("blue")
        await expect(search).to_be_focused()
        assert await page.locator("[data-rows] tbody tr").count() == rows
        assert not await list_barriers(screen)
        await screen.context.set_offline(False)
        await search.press_sequentially(" ")
        await expect(told).to_have_count(0)
        await expect(page).to_have_url(re.compile("q=blue"))
        assert all("ERR_INTERNET_DISCONNECTED" in fault for fault in screen.take_faults())


@pytest.mark.long
async def test_without_scripts_a_status_is_found_read_and_changed(household: Household) -> None:
    vin = VINS[4]
    async with open_screen(
        household.browser, household.origin, household.tokens[Role.MANAGER], scripts=False
    ) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await page.get_by_role("searchbox", name="Search vehicles").fill(vin)
        await page.get_by_role("button", name="Search", exact=True).click()
        await page.get_by_role("link", name=vin).click()
        await page.get_by_role("link", name="Change the status").click()
        await page.get_by_role("radio", name="In the Shop").check()
        await page.get_by_role("button", name="See what will happen").click()
        await page.get_by_role("button", name="Yes, change it").click()
        await expect(page.get_by_role("status").filter(has_text="is now")).to_contain_text("In the Shop")


@on_sqlite
async def test_on_a_phone_the_menu_shows_where_one_is_and_leaves_with_the_page(household: Household) -> None:
    async with household.open(Role.OWNER, width=NARROW, theme="dark") as screen:
        await screen.open("/console/time-in-status")
        here = screen.page.locator(".nav [aria-current]")
        await expect(here).to_have_text("Time in status")
        await expect(here).to_be_in_viewport(ratio=0.9)
        await screen.page.evaluate("document.body.style.minHeight = '3000px'; scrollTo(0, 900)")
        await expect(screen.page.locator("header")).not_to_be_in_viewport()


@pytest.mark.long
async def test_a_link_signs_in_once(household: Household) -> None:
    link = await household.make_link()
    for is_first in (True, False):
        async with household.open() as screen:
            await screen.open(link)
            if is_first:
                await screen.page.get_by_role("button", name="Sign in").click()
                await expect(screen.page.get_by_role("heading", level=1)).to_have_text("Overview")
            else:
                await expect(screen.page.get_by_role("button", name="Sign in")).to_have_count(0)
                screen.take_faults()


@pytest.mark.long
async def test_somebody_saves_a_view_makes_it_the_first_one_and_comes_back_to_it(household: Household) -> None:
    async with household.open(await household.sign_in(Role.EDITOR)) as screen:
        page = screen.page
        await screen.open("/console/vehicles")
        await page.get_by_text("Status", exact=True).first.click()
        for status in ("For Sale", "Sold"):
            await page.get_by_role("checkbox", name=status).check()
        await page.locator("#by-status").get_by_role("button", name="Apply").click()
        await expect(page.locator(".chip")).to_have_count(3)
        await page.locator("#views summary").click()
        await page.get_by_label("Save this list as a view").fill("On the market")
        assert not await list_barriers(screen)
        await page.get_by_role("button", name="Save as a new view").click()
        await expect(page.get_by_role("status").filter(has_text="Saved as")).to_contain_text("On the market")

        await page.locator("#views summary").click()
        await page.get_by_role("link", name="Manage views").click()
        await page.get_by_role("button", name="Show first On the market").click()
        await expect(page.get_by_role("status").filter(has_text="your choice")).to_be_visible()
        assert not await list_barriers(screen)
    token = await household.sign_in(Role.EDITOR)
    async with household.open(token) as screen:
        page = screen.page
        await screen.open("/console/overview")
        await page.get_by_role("navigation").get_by_role("link", name="Vehicles").click()
        await expect(page.locator("main")).to_contain_text("View: On the market")
        await expect(page.locator(".chip")).to_have_count(3)
        await page.get_by_role("link", name="Clear all").first.click()
        await expect(page.locator("main")).to_contain_text("changed, not saved")
        await page.locator("#views summary").click()
        await page.get_by_role("link", name="All vehicles").click()
        await expect(page.locator(".chip")).to_have_count(0)
        await expect(page.locator("main")).not_to_contain_text("View:")
        await screen.open("/console/views")
        await page.get_by_role("button", name="All vehicles first").click()
        await expect(page.get_by_role("status").filter(has_text="your choice")).to_be_visible()
