"""The door: passwords, keys and links, where one comes out, and that nothing typed is lost."""

import pytest

from padron.domain.people import Role
from padron.service.people.invitations import make_invitation, make_sign_in_link
from padron.service.people.sessions import end_session, read_session
from padron.service.people.users import disable_user, find_user
from padron.service.vehicles.reading import get_status
from tests.cast import HUMMER
from tests.console.browser import Browser, House
from tests.console.conftest import VISITOR

PASSWORD = "a horse that counts to nine"
STATUS = f"/console/vehicles/{HUMMER}/status"


async def end(house: House, browser: Browser) -> None:
    """End a browser's session behind its back."""
    session = await read_session(house.runtime, await browser.open(), VISITOR)
    await end_session(house.runtime, session, VISITOR)


async def test_an_invitation_sets_a_password_that_then_signs_in(house: House) -> None:
    user = house.people[Role.EDITOR]
    link = await make_invitation(house.runtime, user, "cli")
    browser = house.open_browser()
    assert "The editor" in (await browser.get(link.path)).text
    assert "different" in (await browser.post(link.path, {"password": PASSWORD, "password_again": "x"})).text
    short = await browser.post(link.path, {"password": "short", "password_again": "short"})
    assert short.status == 400
    entered = await browser.post(link.path, {"password": PASSWORD, "password_again": PASSWORD})
    assert (await browser.follow(entered)).status == 200
    used = await house.open_browser().get(link.path)
    assert "used already" in used.text

    assert user.email is not None
    again = house.open_browser()
    wrong = await again.post("/console/sign-in", {"email": user.email, "password": PASSWORD + "!"})
    assert wrong.status == 401
    assert user.email in wrong.html
    assert PASSWORD not in wrong.html
    right = await again.post("/console/sign-in", {"email": user.email.upper(), "password": PASSWORD})
    assert right.status == 303


async def test_to_look_at_a_link_does_not_use_it_up(house: House) -> None:
    link = await make_sign_in_link(house.runtime, house.people[Role.VIEWER])
    for _ in range(3):
        assert (await house.open_browser().get(link.path)).status == 200
    browser = house.open_browser()
    assert (await browser.post(link.path)).status == 303
    assert (await browser.get("/console/vehicles")).status == 200
    assert (await house.open_browser().post(link.path)).status == 400


@pytest.mark.parametrize(
    "wanted, reached",
    [
        ("/console/vehicles?status=1&sort=-plate", "/console/vehicles?status=1&sort=-plate"),
        ("/console/profile", "/console/profile"),
        ("https://evil.test/console", "/console/overview"),
        ("//evil.test/console", "/console/overview"),
        ("/console//evil.test", "/console/overview"),
        ("/\\evil.test", "/console/overview"),
        ("/console/..\\\\evil.test", "/console/overview"),
        ("/consolation", "/console/overview"),
        ("/api/v2/vehicles", "/console/overview"),
        ("/console/x\r\nset-cookie: a=b", "/console/overview"),
        ("/console/sign-in", "/console/overview"),
        ("", "/console/overview"),
    ],
)
async def test_one_comes_out_where_one_wanted_and_never_elsewhere(house: House, wanted: str, reached: str) -> None:
    shown = await house.open_browser().post("/console/sign-in/key", {"token": house.cast.acme.token, "next": wanted})
    assert (shown.status, shown.location) == (303, reached)


async def test_the_page_that_one_wanted_is_remembered_at_the_door(house: House) -> None:
    browser = house.open_browser()
    door = await browser.follow(await browser.get("/console/vehicles?brandName=Jeep%20%26%20Co"))
    fields = {**door.page.read_hidden(), "token": house.cast.acme.token}
    shown = await browser.post("/console/sign-in/key", fields)
    assert shown.location == "/console/vehicles?brandName=Jeep%20%26%20Co"


async def test_nothing_typed_is_lost_when_the_session_ends_in_the_middle(house: House) -> None:
    await house.register(HUMMER)
    browser = house.editor
    form = (await browser.get(STATUS)).page
    await end(house, browser)
    typed = {**form.read_hidden(), "status": "3", "reason": 'Stolen in "Puebla" <b>', "step": "do"}
    door = await browser.post(STATUS, typed)
    assert door.status == 401
    assert "Puebla" not in door.location
    key = house.cast.acme.token
    other = key[:-1] + ("y" if key.endswith("x") else "x")
    wrong = await browser.post("/console/sign-in/key", {**door.page.read_hidden(), "token": other})
    again = await browser.post("/console/sign-in/key", {**wrong.page.read_hidden(), "token": key})
    assert again.status == 200
    assert again.page.list_all("textarea", name="reason")[0].text == ['Stolen in "Puebla" <b>']
    assert "checked" in again.page.list_all("input", name="status", value="3")[0].attributes
    assert "nothing was sent yet" in again.text
    principal = house.cast.acme.principal
    assert (await get_status(house.runtime, principal, HUMMER)).status == 1
    after = {**again.page.read_hidden(), "status": "3", "reason": "Stolen", "step": "do"}
    assert (await browser.post(STATUS, after)).status == 303
    assert (await get_status(house.runtime, principal, HUMMER)).status == 3


async def test_a_form_without_a_page_of_its_own_is_shown_as_a_list(house: House) -> None:
    browser = house.owner
    await end(house, browser)
    door = await browser.post("/console/profile", {"name": "Ñ <Ana>", "password": "a secret", "language": ""})
    assert "a secret" not in door.html
    link = await make_sign_in_link(house.runtime, house.people[Role.OWNER])
    again = await browser.post(link.path, door.page.read_hidden())
    assert again.status == 200
    assert "Ñ <Ana>" in again.text
    assert again.page.list_all("form", action="/console/profile")
    email = house.people[Role.OWNER].email or ""
    found = await find_user(house.runtime, email)
    assert found is not None
    assert found.name == "The owner"
    sent = await browser.post("/console/profile", again.page.read_hidden())
    assert sent.status == 303
    found = await find_user(house.runtime, email)
    assert found is not None
    assert found.name == "Ñ <Ana>"


@pytest.mark.parametrize(
    "pending",
    [
        "x",
        "{}",
        '{"path":"/console/sign-out","parameters":{},"fields":[["a"]]}',
        '{"path":"/console/vehicles/{vin}/status","parameters":{},"fields":[]}',
        '{"path":"/console/gate","parameters":{"vin":"x"},"fields":[]}',
        "[]",
    ],
)
async def test_what_waits_is_only_believed_in_its_own_form(house: House, pending: str) -> None:
    fields = {"token": house.cast.acme.token, "_pending": pending}
    shown = await house.open_browser().post("/console/sign-in/key", fields)
    assert shown.status in {200, 303}


async def test_another_sites_form_is_not_kept_at_the_door(house: House) -> None:
    shown = await house.open_browser().post(STATUS, {"reason": "Evil"}, sec_fetch_site="cross-site")
    assert shown.status == 403
    assert "Evil" not in shown.html


async def test_signing_out_ends_the_session_everywhere(house: House) -> None:
    token = await house.viewer.open()
    shown = await house.viewer.post("/console/sign-out")
    assert "signed out" in (await house.viewer.follow(shown)).text
    assert "__Host-padron" not in house.viewer.cookies
    assert (await Browser(house.http, token).get("/console/vehicles")).status == 303


async def test_signing_in_again_ends_the_session_that_the_browser_had(house: House) -> None:
    browser = house.open_browser()
    await browser.post("/console/sign-in/key", {"token": house.cast.acme.token})
    former = browser.cookies["__Host-padron"]
    await browser.post("/console/sign-in/key", {"token": house.cast.beta.token})
    assert browser.cookies["__Host-padron"] != former
    assert (await browser.get("/console/vehicles")).status == 200
    assert (await Browser(house.http, former).get("/console/vehicles")).status == 303


async def test_a_disabled_person_is_out_at_once(house: House) -> None:
    assert (await house.viewer.get("/console/vehicles")).status == 200
    await disable_user(house.runtime, house.people[Role.VIEWER])
    assert (await house.viewer.get("/console/vehicles")).status == 303


async def test_the_script_is_told_when_the_session_has_ended(house: House) -> None:
    shown = await house.open_browser().get("/console/vehicles", X_Fragment="list")
    assert shown.status == 401
    assert "<html" not in shown.html
    assert shown.page.read_hidden()["next"] == "/console/vehicles"


@pytest.mark.both_engines
async def test_ones_sessions_are_listed_and_ended(house: House) -> None:
    link = await make_sign_in_link(house.runtime, house.people[Role.EDITOR])
    other = house.open_browser()
    await other.post(link.path, user_agent="Phone <1>")
    page = (await house.editor.get("/console/profile")).page
    assert "Phone <1>" in page.text
    (button,) = page.list_all("button", name="session")
    await house.editor.post("/console/profile/sessions", {"session": button.attributes["value"]})
    assert (await other.get("/console/profile")).status == 303
    assert (await house.editor.get("/console/profile")).status == 200


async def test_nobody_ends_anothers_session(house: House) -> None:
    theirs = await read_session(house.runtime, await house.owner.open(), VISITOR)
    await house.editor.post("/console/profile/sessions", {"session": theirs.session_id})
    await house.editor.post("/console/profile/sessions")
    assert (await house.owner.get("/console/profile")).status == 200
