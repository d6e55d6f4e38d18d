"""Members of several accounts: a form acts in the account in which it was made, or not at all."""

import json
from urllib.parse import quote

import pytest

from padron.console.cookies import parse_cookies
from padron.domain.people import Role
from padron.service.people.changing_passwords import set_password
from padron.service.people.members import add_member, list_members
from tests.cast import HUMMER
from tests.console.browser import Browser, House
from tests.tables import each_row

PASSWORD = "a stork on the old tower"


@pytest.fixture
async def member(house: House) -> Browser:
    """Give an owner of Acme, whose session is there, and of Beta."""
    await add_member(house.runtime, house.people[Role.OWNER], house.cast.beta.account.account_id, Role.OWNER)
    return house.owner


async def choose(browser: Browser, account_id: int, **more: str) -> None:
    assert (await browser.post("/console/account", {"account": str(account_id), **more})).status == 303


@pytest.mark.both_engines
async def test_a_form_does_not_act_in_an_account_that_was_chosen_later(house: House, member: Browser) -> None:
    acme, beta = house.cast.acme, house.cast.beta
    hidden = (await member.get("/console/people")).page.read_hidden()
    typed = {**hidden, "email": "guest@example.com", "name": "A guest", "role": "viewer"}
    await choose(member, beta.account.account_id)
    refused = await member.post("/console/people", typed)
    assert refused.status == 409
    assert "another account was chosen" in refused.text
    assert "A guest" not in [one.user.name for one in await list_members(house.runtime, beta.principal)]
    await choose(member, acme.account.account_id, _account=str(beta.account.account_id))
    assert (await member.post("/console/people", typed)).status == 200
    assert "A guest" in [one.user.name for one in await list_members(house.runtime, acme.principal)]


async def test_every_form_of_a_page_names_its_account(house: House, member: Browser) -> None:
    await house.register(HUMMER)
    own = str(house.cast.acme.account.account_id)
    for path in ("vehicles", f"vehicles/{HUMMER}/status", "imports", "selections", "gate", "keys/new", "webhooks/new"):
        page = (await member.get(f"/console/{path}")).page
        tokens, named = (page.list_all("input", type="hidden", name=name) for name in ("_csrf", "_account"))
        assert len(tokens) == len(named) > 0
        assert {one.attributes["value"] for one in named} == {own}
        assert page.list_all("body")[0].attributes["data-account"] == own


async def test_what_one_chooses_for_oneself_belongs_to_no_account(house: House, member: Browser) -> None:
    old = {"_account": str(house.cast.acme.account.account_id)}
    await choose(member, house.cast.beta.account.account_id)
    assert (await member.post("/console/preferences", {**old, "language": "es"})).status == 303
    assert (await member.post("/console/profile", {**old, "name": "Ana", "language": "", "zone": ""})).status == 303
    assert (await member.post("/console/sign-out", old)).status == 303


async def test_what_was_typed_comes_back_in_its_account(house: House) -> None:
    user = house.people[Role.EDITOR]
    beta = house.cast.beta
    await add_member(house.runtime, user, beta.account.account_id, Role.EDITOR)
    await set_password(house.runtime, user, PASSWORD)  # this ends the sessions
    door = await house.open_browser().post(
        "/console/gate", {"_account": str(beta.account.account_id), "vehicles": HUMMER}
    )
    pending = door.page.list_all("input", name="_pending")[0].attributes["value"]
    entered = house.open_browser()
    signing_in = {"email": user.email or "", "password": PASSWORD, "_pending": pending}
    shown = await entered.post("/console/sign-in", signing_in)
    assert (shown.status, HUMMER in shown.html) == (200, True)
    values = {one.attributes["value"] for one in shown.page.list_all("input", name="_account")}
    assert values == {str(beta.account.account_id)}
    assert beta.account.name in (await entered.get("/console/profile")).text


async def test_what_was_typed_in_a_lost_account_is_shown_in_no_other_one(house: House) -> None:
    pending = json.dumps(
        {"path": "/console/gate", "parameters": {}, "fields": [["_account", "999999"], ["vehicles", HUMMER]]}
    )
    shown = await house.open_browser().post(
        "/console/sign-in/key", {"token": house.cast.acme.token, "_pending": pending}
    )
    assert (shown.status, HUMMER in shown.html) == (409, False)


@pytest.mark.parametrize("account", ["9" * 5_000, "9" * 19, "\u0661", "-1", ""])
async def test_a_number_that_no_account_has_is_refused(house: House, account: str) -> None:
    assert (await house.viewer.post("/console/account", {"account": account})).status == 400


@each_row("byte", ["\xa0", "\x85", "\x1f", "\x0c", "\u2003"])
def test_a_cookie_behind_another_kind_of_space_is_not_ours(byte: str) -> None:
    cookies = parse_cookies(f"{byte}__Host-padron=planted; \t __Host-padron=own")
    assert cookies["__Host-padron"] == "own"


async def test_a_planted_session_signs_nobody_in(house: House) -> None:
    planted = quote(await house.viewer.open())
    shown = await house.open_browser().send("GET", "/console/profile", None, {"cookie": f"\xa0__Host-padron={planted}"})
    assert shown.status == 303
