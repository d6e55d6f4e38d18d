"""Up to ten thousand vehicles at once: chosen by what matches, shown, confirmed, watched, reported and undone."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from padron.domain.people import Role
from padron.domain.selection import SELECTED_MAX
from padron.domain.sessions import SignInWay
from padron.service.accounts import add_account
from padron.service.people.members import add_member
from padron.service.people.sessions import open_session_for
from padron.service.people.users import add_user
from tests.browser.axe import list_barriers
from tests.browser.house import VISITOR, Household
from tests.browser.screen import open_screen
from tests.cast import make_vin, registered, save

SHORT = 120  # more than a page
PORTION = 1_000
WORK_MS = 120_000
SOLD = "Sold"


async def fill_lot(household: Household, count: int) -> str:
    """Give the session of a manager whose account has so many vehicles, and no others."""
    async with household.use() as runtime:
        account = await add_account(runtime, f"A lot of {count}")
        at = datetime.now(UTC) - timedelta(days=1)
        for first in range(0, count, PORTION):
            vins = [make_vin(number) for number in range(first, min(first + PORTION, count))]
            await save(runtime.store, account.account_id, *(registered(vin, at=at) for vin in vins))
        user = await add_user(runtime, email=f"lot{count}@example.com", name="Lola")
        await add_member(runtime, user, account.account_id, Role.MANAGER)
        return (await open_session_for(runtime, user, SignInWay.LINK, VISITOR)).token


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("count", [SHORT, pytest.param(SELECTED_MAX, marks=pytest.mark.long)])
async def test_many_vehicles_are_chosen_changed_reported_and_undone(household: Household, count: int) -> None:
    left = f"{count:,}"
    token = await fill_lot(household, count)
    async with open_screen(household.browser, household.origin, token, is_new=True) as screen:
        page = screen.page
        page.set_default_timeout(WORK_MS)
        main = page.locator("main")
        await screen.open("/console/vehicles?count=exact")
        await page.get_by_role("button", name=f"Change all {left} that match").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"{left} vehicles selected", timeout=WORK_MS)
        await page.get_by_role("radio", name=SOLD).check()
        await page.get_by_label("Reason").fill("The whole lot")
        await page.get_by_role("button", name="See what will happen").click()
        await expect(main).to_contain_text(f"{left} vehicles change.", timeout=WORK_MS)
        await expect(main).to_contain_text(f"{left} vehicles leave all operations.")
        assert not await list_barriers(screen)
        await page.get_by_role("button", name=f"Yes, change {left} vehicles").click()
        if count == SELECTED_MAX:  # a few are changed before anybody sees it
            await expect(page.get_by_role("progressbar")).to_be_visible(timeout=WORK_MS)
        await expect(page.locator("#selection dl")).to_contain_text(left, timeout=WORK_MS)
        await expect(page.get_by_role("progressbar")).to_have_count(0, timeout=WORK_MS)
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Report as a file").click()
        report = (await (await downloading.value).path()).read_text("utf-8")
        assert report.count("\n") == count + 1
        assert report.count(",changed") == count
        await page.get_by_role("button", name="Undo all of it").click()
        await expect(main).to_contain_text(f"{left} vehicles are as they were before.", timeout=WORK_MS)
        await screen.open("/console/vehicles?assetStatusId=8")
        await expect(main).to_contain_text("No vehicle")
