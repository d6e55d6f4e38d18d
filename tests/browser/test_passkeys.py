"""Somebody adds a passkey, signs in with it and removes it, in a browser with a virtual device."""

from dataclasses import dataclass

import pytest
from playwright.async_api import CDPSession, expect

from padron.domain.people import Role
from padron.service.people.users import end_sessions_of
from tests.browser.axe import list_barriers
from tests.browser.house import PASSWORD, Household
from tests.browser.screen import Screen, open_screen


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualDevice:
    """A device that says yes by itself, as its person."""

    session: CDPSession
    name: str

    async def recognise(self, *, is_person: bool) -> None:
        """Let the device see its person, or somebody else."""
        await self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.name, "isUserVerified": is_person})


def give_origin(household: Household) -> str:
    """Give the server's address by a name, because no passkey works under an address of numbers."""
    return f"http://localhost:{household.server.port}"


async def add_device(screen: Screen) -> VirtualDevice:
    session = await screen.context.new_cdp_session(screen.page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    answer = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return VirtualDevice(session=session, name=answer["authenticatorId"])


async def sign_in(screen: Screen) -> None:
    await screen.open("/console/sign-in")
    await screen.page.get_by_label("E-mail").fill("edgar@example.com")
    await screen.page.get_by_label("Password").fill(PASSWORD)
    await screen.page.get_by_role("button", name="Sign in", exact=True).first.click()
    await screen.page.wait_for_url("**/console/overview")


@pytest.mark.long
async def test_a_passkey_is_added_signs_in_and_is_removed(household: Household) -> None:
    async with open_screen(household.browser, give_origin(household), is_new=True) as screen:
        page = screen.page
        await sign_in(screen)
        await screen.open("/console/profile")
        device = await add_device(screen)
        await page.get_by_label("Name of the new passkey").fill("Edgar's phone")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_role("status")).to_contain_text(["The passkey is added."])
        await expect(page.locator("#passkeys")).to_contain_text("Edgar's phone")
        await expect(page.locator("#passkeys")).to_contain_text("not used yet")

        async with household.use() as runtime:
            assert await end_sessions_of(runtime, household.people[Role.EDITOR])
        await screen.open("/console/profile")
        await device.recognise(is_person=False)
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("The browser gave no passkey.")
        await device.recognise(is_person=True)
        await page.get_by_role("button", name="Ask again").click()
        await page.wait_for_url("**/console/profile")
        await expect(page.locator("#passkeys")).to_contain_text("last used")

        await page.locator("#passkeys").get_by_text("Remove", exact=True).click()
        await page.get_by_role("button", name="Remove “Edgar's phone”").click()
        await expect(page.get_by_role("status")).to_contain_text(["The passkey is removed"])
        await screen.open("/console/sign-in")  # still signed in
        await page.locator("header summary").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("This passkey did not work.")
        await device.recognise(is_person=False)
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await expect(page.get_by_role("alert")).to_contain_text("The browser gave no passkey.")
        assert not await list_barriers(screen)  # it comes last, because the device is gone after it
        assert [fault for fault in screen.take_faults() if "status of 401" not in fault] == []


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_without_scripts_or_under_a_number_no_button_is_shown(household: Household) -> None:
    for origin, scripts in ((give_origin(household), False), (household.origin, True)):
        async with open_screen(household.browser, origin, scripts=scripts) as screen:
            await screen.open("/console/sign-in")
            await expect(screen.page.get_by_label("Password")).to_be_visible()
            await expect(screen.page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    async with open_screen(household.browser, give_origin(household)) as screen:
        await screen.open("/console/sign-in")
        await expect(screen.page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
