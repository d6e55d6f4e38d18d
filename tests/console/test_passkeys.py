"""Passkeys as a browser sees them: two forms to add one, two to sign in, and no difference between wrong ones."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from padron.domain.passkeys import CONFIRMED_FOR
from padron.domain.people import Role
from padron.domain.providers import NO_PROVIDERS
from padron.domain.sessions import SignInKind
from padron.service.openid.departures import DEPARTURE_RATE, KEPT
from padron.service.people.changing_passwords import set_password
from padron.service.people.sessions import end_session, read_session
from padron.service.people.sign_ins import list_own_sign_ins
from padron.service.people.users import disable_user
from padron.service.rates import Buckets
from tests.authenticators import HONEST, PRESENT, Device, Lies
from tests.cast import HUMMER
from tests.conftest import SteppedClock
from tests.console.browser import Browser, House, Shown
from tests.console.conftest import VISITOR
from tests.openid_issuers import SignInIssuer, make_sign_in_providers

SIGN_IN = "/console/sign-in/passkey"
OWN = "/console/profile/passkeys"
SESSION = "__Host-padron"
ORIGIN = "http://padron.test"
PASSWORD = "a horse that counts to nine"


@pytest.fixture(autouse=True)
def _no_start_before(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all tests of this file begin from one address, which would be too often for one server."""
    monkeypatch.setattr(house.runtime.departures, "_networks", Buckets(DEPARTURE_RATE, KEPT))


def find_options(shown: Shown) -> str:
    """Give what the script of a page asks the browser for."""
    (form,) = [one for one in shown.page.list_all("form") if one.attributes.get("data-passkey")]
    assert "hidden" in form.attributes
    return form.attributes["data-passkey"]


async def add(browser: Browser, name: str = "Phone", **fields: str) -> Device:
    device = Device(origin=ORIGIN)
    begun = await browser.post(OWN, {"name": name, **fields})
    hidden = begun.page.read_hidden()
    assert hidden["name"] == name
    added = await browser.post(f"{OWN}/answer", {"name": name, "credential": device.make(find_options(begun))})
    assert added.location == "/console/profile?saved=passkey_added", added.text
    return device


async def enter(
    browser: Browser, device: Device, lies: Lies = HONEST, fields: Mapping[str, str] | None = None
) -> Shown:
    begun = await browser.post(SIGN_IN, fields)
    hidden = {**begun.page.read_hidden(), "credential": device.sign(find_options(begun), lies)}
    return await browser.post(f"{SIGN_IN}/answer", hidden)


@pytest.mark.both_engines
async def test_somebody_adds_a_passkey_signs_in_with_it_and_removes_it(house: House) -> None:
    device = await add(house.editor, "My <phone>")
    profile = await house.editor.get("/console/profile?saved=passkey_added")
    assert "The passkey is added." in profile.text
    assert "My <phone>" in profile.text
    assert "not used yet" in profile.text
    entered = await enter(browser := house.open_browser(), device)
    assert (entered.status, entered.location) == (303, "/console/overview")
    assert browser.cookies[SESSION]
    page = (await browser.get("/console/profile")).page
    assert "last used" in page.text
    other = await add(browser, "Second")
    page = (await browser.get("/console/profile")).page
    number = page.list_all("input", name="passkey")[0].attributes["value"]
    removed = await browser.post(f"{OWN}/remove", {"passkey": number})
    assert "all other sessions have ended" in (await browser.follow(removed)).text
    assert (await enter(house.open_browser(), device)).status == 401
    assert (await enter(house.open_browser(), other)).status == 303
    assert (await house.editor.get("/console/profile")).status == 303


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("Sign in with a passkey", "This passkey did not work.", "Passkeys")),
        ("es", ("Iniciar sesión con una llave de acceso", "Esta llave de acceso no funcionó.", "Llaves de acceso")),
    ],
)
async def test_the_pages_say_it_in_both_languages(house: House, language: str, words: tuple[str, ...]) -> None:
    button, refused, title = words
    browser = house.open_browser(language)
    page = (await browser.get("/console/sign-in")).page
    (form,) = [one for one in page.list_all("form") if "data-passkey" in one.attributes]
    assert "hidden" in form.attributes  # until a script shows it
    assert button in page.text
    wrong = await enter(browser, Device(origin=ORIGIN, user_handle=b"x"))
    assert wrong.status == 401
    assert refused in wrong.text
    house.viewer.language = language
    assert title in (await house.viewer.get("/console/profile")).text


@pytest.mark.parametrize(
    "lies",
    [
        Lies(origin="http://evil.test"), Lies(host="evil.test"), Lies(challenge=b"x" * 32), Lies(flags=PRESENT),
        Lies(signature=b"x" * 70), Lies(user_handle=b"u_somebody"), Lies(cross_origin=True), Lies(count=0),
        Lies(credential_id=b"x" * 32),
    ],
)  # fmt: skip
async def test_each_wrong_answer_gets_the_same_page(house: House, lies: Lies) -> None:
    device = await add(house.editor)
    honest = house.open_browser()
    await honest.get("/console/sign-in")
    unknown = await enter(honest, Device(origin=ORIGIN, user_handle=b"x"))
    shown = await enter(honest, device, lies)
    assert shown.status == unknown.status == 401
    assert shown.text == unknown.text
    assert SESSION not in honest.cookies


async def test_a_disabled_persons_passkey_is_refused_as_an_unknown_one(house: House) -> None:
    device = await add(house.editor)
    await disable_user(house.runtime, house.people[Role.EDITOR])
    browser = house.open_browser()
    shown, unknown = await enter(browser, device), await enter(browser, Device(origin=ORIGIN, user_handle=b"x"))
    assert (shown.status, shown.text) == (unknown.status, unknown.text)
    (last, *_) = await list_own_sign_ins(house.runtime, house.people[Role.EDITOR])
    assert last.event.kind is SignInKind.REFUSED


async def test_an_answer_works_once_and_only_in_the_browser_that_asked(house: House) -> None:
    device = await add(house.editor)
    victim, attacker = house.open_browser(), house.open_browser()
    for browser in (victim, attacker):
        await browser.get("/console/sign-in")
    begun = await attacker.post(SIGN_IN)
    fields = {"credential": device.sign(find_options(begun))}
    assert (await victim.post(f"{SIGN_IN}/answer", fields)).status == 401
    assert SESSION not in victim.cookies
    assert (await attacker.post(f"{SIGN_IN}/answer", fields)).status == 303
    assert (await attacker.post(f"{SIGN_IN}/answer", fields)).status == 401


@pytest.mark.parametrize("path", [SIGN_IN, f"{SIGN_IN}/answer", OWN, f"{OWN}/answer", f"{OWN}/remove"])
async def test_another_sites_page_begins_and_ends_nothing(house: House, path: str) -> None:
    device = await add(house.editor)
    for browser in (house.editor, house.open_browser()):
        await browser.get("/console/sign-in")
        begun = await browser.post(SIGN_IN)
        fields = {"credential": device.sign(find_options(begun)), "name": "Evil", "passkey": "x"}
        shown = await browser.send("POST", path, urlencode(fields), {"sec-fetch-site": "cross-site"})
        assert shown.status == 403
        assert "another site" in shown.text
    assert "Evil" not in (await house.editor.get("/console/profile")).text


async def test_the_wanted_page_and_what_was_typed_wait_behind_both_forms(house: House) -> None:
    device = await add(house.editor)
    entered = await enter(house.open_browser(), device, fields={"next": "/console/vehicles?status=1"})
    assert entered.location == "/console/vehicles?status=1"
    await house.register(HUMMER)
    browser = house.open_browser()
    status = f"/console/vehicles/{HUMMER}/status"
    door = await browser.post(status, {"status": "3", "reason": "Stolen <there>", "step": "do"})
    assert door.status == 401
    again = await enter(browser, device, fields=door.page.read_hidden())
    assert again.status == 200
    assert again.page.list_all("textarea", name="reason")[0].text == ["Stolen <there>"]


async def test_after_some_minutes_the_password_is_asked_for(house: House, shared_clock: SteppedClock) -> None:
    user = await set_password(house.runtime, house.people[Role.EDITOR], PASSWORD)
    browser = house.open_browser()
    await browser.post("/console/sign-in", {"email": user.email or "", "password": PASSWORD})
    assert not [one for one in await fields_of(browser) if one == "password"]
    shared_clock.now += CONFIRMED_FOR + timedelta(minutes=1)
    assert "password" in await fields_of(browser)
    for password in ("", "not this one at all"):
        shown = await browser.post(OWN, {"name": "My phone", "password": password})
        assert shown.status == 400
        assert "the password is not right" in shown.text
        assert shown.page.list_all("input", name="name", maxlength="100", value="My phone")
        assert "not this one" not in shown.html
    await add(browser, password=PASSWORD)
    (number,) = [
        one.attributes["value"]
        for one in (await browser.get("/console/profile")).page.list_all("input", name="passkey")
    ]
    assert (await browser.post(f"{OWN}/remove", {"passkey": number})).status == 400
    assert (await browser.post(f"{OWN}/remove", {"passkey": number, "password": PASSWORD})).status == 303


async def fields_of(browser: Browser) -> list[str]:
    """Give the names of the fields with which a passkey is added."""
    page = (await browser.get("/console/profile")).page
    begin = next(place for place, one in enumerate(page.elements) if one.attributes.get("action") == OWN)
    rest = page.elements[begin + 1 :]
    end = next((place for place, one in enumerate(rest) if one.tag == "form"), len(rest))
    return [one.attributes["name"] for one in rest[:end] if one.tag == "input"]


async def test_who_has_no_password_is_told_to_sign_in_again(house: House, shared_clock: SteppedClock) -> None:
    await add(house.editor)
    page = (await house.editor.get("/console/profile")).text
    assert "This is your only way to sign in" in page
    shared_clock.now += CONFIRMED_FOR + timedelta(minutes=1)
    shown = await house.editor.get("/console/profile")
    assert "sign out and sign in first" in shown.text
    assert not [one for one in shown.page.list_all("form") if one.attributes.get("action", "").startswith(OWN)]


async def test_the_last_way_in_cannot_be_removed_by_a_forged_form(house: House) -> None:
    await add(house.editor)
    await add(house.owner)
    page = (await house.owner.get("/console/profile")).page
    assert not page.list_all("input", name="passkey")
    again = await add(house.owner)
    numbers = [
        one.attributes["value"]
        for one in (await house.owner.get("/console/profile")).page.list_all("input", name="passkey")
    ]
    assert len(numbers) == 2
    assert (await house.owner.post(f"{OWN}/remove", {"passkey": numbers[0]})).status == 303
    last = await house.owner.post(f"{OWN}/remove", {"passkey": numbers[1]})
    assert last.status == 400
    assert "your only way to sign in" in last.text
    assert (await enter(house.open_browser(), again)).status == 303


async def test_under_an_address_of_numbers_and_for_a_key_there_are_no_passkeys(house: House) -> None:
    for host in ("127.0.0.1:8000", "[::1]:8000"):
        page = (await house.open_browser().get("/console/sign-in", host=host)).page
        assert not [one for one in page.list_all("form") if "data-passkey" in one.attributes]
        assert "do not work at this address" in (await house.viewer.get("/console/profile", host=host)).text
        assert (await house.open_browser().post(SIGN_IN, host=host)).status == 400
    assert "Passkeys" not in (await house.reader.get("/console/profile")).text
    assert (await house.reader.post(OWN, {"name": "x"})).status == 403


async def test_a_configured_address_is_the_only_one(house: House) -> None:
    tokens = house.runtime.authenticator.access_tokens
    await tokens.use(make_sign_in_providers(), SignInIssuer())  # whose address is https://padron.example
    try:
        assert (await house.open_browser().post(SIGN_IN)).status == 400
        assert (await house.open_browser().post(SIGN_IN, host="padron.example")).status == 400  # without TLS
    finally:
        await tokens.use(NO_PROVIDERS, SignInIssuer())


async def test_an_answer_that_comes_after_the_session_adds_nothing(house: House) -> None:
    browser = house.editor
    device = Device(origin=ORIGIN)
    begun = await browser.post(OWN, {"name": "Phone"})
    session = await read_session(house.runtime, browser.cookies[SESSION], VISITOR)
    await end_session(house.runtime, session, VISITOR)
    fields = {"name": "Phone", "credential": device.make(find_options(begun))}
    door = await browser.post(f"{OWN}/answer", fields)
    assert door.status == 401
    again = await browser.post("/console/sign-in/key", {**door.page.read_hidden(), "token": house.cast.acme.token})
    assert (again.status, "Your profile" in again.text) == (200, True)
    assert (await enter(house.open_browser(), device)).status == 401


async def test_whoever_begins_too_often_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(DEPARTURE_RATE, burst=3, token_s=3_600.0)  # no token comes back, however slow this machine is
    monkeypatch.setattr(house.runtime.departures, "_networks", Buckets(few, KEPT))
    browser = house.open_browser()
    assert [(await browser.post(SIGN_IN)).status for _ in range(4)] == [200, 200, 200, 429]
