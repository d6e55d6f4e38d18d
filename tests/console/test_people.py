"""People in the console: who is in, links to hand over, roles, removal, and the record of sign-ins."""

from urllib.parse import urlsplit

import pytest

from padron.domain.account import Scope
from padron.domain.people import ROLE_SCOPES, Role
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.people.members import add_member, get_member, list_members, remove_member, set_role
from padron.service.people.sessions import sign_in_with_key
from padron.service.people.users import find_user
from tests.console.browser import Browser, House, Shown
from tests.console.conftest import VISITOR

PASSWORD = "a sentence that only we know"


def read_link(shown: Shown) -> str:
    (field,) = shown.page.list_all("input", id="link")
    return field.attributes["value"]


@pytest.mark.both_engines
async def test_an_invited_person_comes_in_with_the_link(house: House) -> None:
    fields = {"name": "Neu", "email": f"neu.{house.cast.acme.account.account_id}@example.com", "role": "editor"}
    shown = await house.owner.post("/console/people", fields)
    assert shown.status == 200, shown.text
    address = urlsplit(read_link(shown))
    assert (address.scheme, address.netloc) == ("http", "padron.test")
    listed = await house.owner.get("/console/people")
    assert "Has no password yet" in listed.text
    assert address.path not in listed.html
    new = house.open_browser()
    entered = await new.post(address.path, {"password": PASSWORD, "password_again": PASSWORD})
    assert entered.status == 303, entered.text
    assert "Neu" in (await new.get("/console/profile")).html
    assert (await new.get("/console/people")).status == 403
    assert (await new.get(address.path)).status != 200


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"email": "nobody"}, "nobody"),
        ({"name": " "}, "name"),
        ({"role": ""}, "choose from"),
        ({"role": "emperor"}, "emperor"),
    ],
)
async def test_an_invitation_that_is_refused_keeps_what_was_typed(
    house: House, wrong: dict[str, str], said: str
) -> None:
    fields = {"name": "Neu", "email": "neu@example.com", "role": "manager", **wrong}
    shown = await house.owner.post("/console/people", fields)
    assert shown.status == 400
    assert said in shown.text
    assert shown.page.list_all("input", name="name")[0].attributes["value"] == fields["name"]
    assert shown.page.list_all("input", name="email")[0].attributes["value"] == fields["email"]
    assert await find_user(house.runtime, "neu@example.com") is None


async def test_an_address_that_the_register_knows_is_for_the_operator(house: House) -> None:
    known = house.people[Role.VIEWER].email or ""
    shown = await house.owner.post("/console/people", {"name": "Mine", "email": known, "role": "viewer"})
    assert shown.status == 400
    assert "Ask the operator" in shown.text


async def test_a_role_is_changed_and_counts_from_the_next_click(house: House) -> None:
    editor = house.people[Role.EDITOR]
    path = f"/console/people/{editor.user_id}"
    assert (await house.editor.get("/console/people")).status == 403
    shown = await house.owner.post(path, {"role": "owner"})
    assert "The role is changed" in (await house.owner.follow(shown)).text
    assert (await house.editor.get("/console/people")).status == 200
    wrong = await house.owner.post(path, {"role": "emperor"})
    assert wrong.status == 400


async def test_the_last_owner_can_neither_leave_nor_step_down(house: House) -> None:
    path = f"/console/people/{house.people[Role.OWNER].user_id}"
    assert "You are about to remove yourself" in (await house.owner.get(path)).text
    for act, fields in (("", {"role": "viewer"}), ("/remove", {})):
        shown = await house.owner.post(path + act, fields)
        assert shown.status == 400
        assert "last owner" in shown.text
    member = await get_member(house.runtime, house.cast.acme.principal, house.people[Role.OWNER].user_id)
    assert member.role is Role.OWNER


async def test_a_removed_person_is_out_at_once(house: House) -> None:
    viewer = house.people[Role.VIEWER]
    await house.viewer.open()
    shown = await house.owner.post(f"/console/people/{viewer.user_id}/remove")
    assert "The person is removed" in (await house.owner.follow(shown)).text
    assert (await house.viewer.get("/console/vehicles")).status == 303
    assert viewer.user_id not in {
        one.user.user_id for one in await list_members(house.runtime, house.cast.acme.principal)
    }
    assert (await house.owner.get(f"/console/people/{viewer.user_id}")).status == 404


async def test_a_suspended_person_is_out_until_the_owner_says_so(house: House) -> None:
    path = f"/console/people/{house.people[Role.EDITOR].user_id}"
    assert (await house.editor.get("/console/vehicles")).status == 200
    shown = await house.owner.follow(await house.owner.post(f"{path}/suspend"))
    assert "The person is suspended" in shown.text
    assert (await house.editor.get("/console/vehicles")).status == 303
    assert "Suspended" in (await house.owner.get("/console/people")).text
    assert not shown.page.list_all("form", action=f"{path}/suspend")
    shown = await house.owner.follow(await house.owner.post(f"{path}/resume"))
    assert "can enter this account again" in shown.text
    acts = await house.owner.get("/console/account")
    assert "Suspended a person" in acts.text
    assert "Let a person in again" in acts.text


async def test_nobody_suspends_themselves_or_the_last_owner(house: House) -> None:
    path = f"/console/people/{house.people[Role.OWNER].user_id}"
    assert not (await house.owner.get(path)).page.list_all("form", action=f"{path}/suspend")
    refused = await house.owner.post(f"{path}/suspend")
    assert refused.status == 400
    assert "last owner" in refused.text
    assert (await house.owner.get(path)).status == 200


async def test_a_new_link_ends_the_former_one(house: House) -> None:
    path = f"/console/people/{house.people[Role.VIEWER].user_id}/link"
    first, second = read_link(await house.owner.post(path)), read_link(await house.owner.post(path))
    nobody = house.open_browser()
    assert (await nobody.get(urlsplit(first).path)).status != 200
    assert (await nobody.get(urlsplit(second).path)).status == 200


async def test_somebody_of_another_account_too_gets_no_link(house: House) -> None:
    viewer = house.people[Role.VIEWER]
    await add_member(house.runtime, viewer, house.cast.beta.account.account_id, Role.VIEWER)
    page = await house.owner.get(f"/console/people/{viewer.user_id}")
    assert "only the operator can make links" in page.text
    assert not page.page.list_all("form", action=f"/console/people/{viewer.user_id}/link")
    assert (await house.owner.post(f"/console/people/{viewer.user_id}/link")).status == 400


async def test_another_accounts_person_cannot_be_told_from_nobody(house: House) -> None:
    (theirs,) = await list_members(house.runtime, house.cast.beta.principal)
    for user_id in (theirs.user.user_id, "uAAAAAAAAAAAA", "x"):
        path = f"/console/people/{user_id}"
        assert (await house.owner.get(path)).status == 404
        for act in ("", "/link", "/remove"):
            assert (await house.owner.post(path + act, {"role": "viewer"})).status == 404
    assert len(await list_members(house.runtime, house.cast.beta.principal)) == 1


async def test_a_key_without_all_scopes_cannot_make_an_owner(house: House) -> None:
    scopes = [*ROLE_SCOPES[Role.EDITOR], Scope.ACCOUNT_MANAGE]
    half = await add_key(house.runtime, house.cast.acme.principal, "r", AskedKey(label="half", scopes=scopes))
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, half.token, VISITOR)).token)
    page = (await browser.get("/console/people")).page
    assert {one.attributes["value"] for one in page.list_all("input", name="role")} == {"viewer", "editor"}
    shown = await browser.post("/console/people", {"name": "Eve", "email": "eve@example.com", "role": "owner"})
    assert shown.status == 400
    assert await find_user(house.runtime, "eve@example.com") is None


@pytest.mark.both_engines
async def test_sign_ins_are_listed_and_foreign_ones_are_not(house: House) -> None:
    await sign_in_with_key(house.runtime, house.cast.gamma.token, VISITOR)
    for browser in (house.viewer, house.stranger):
        await browser.open()
    shown = await house.owner.get("/console/sign-ins")
    assert "The viewer" in shown.text
    assert "with an API key" in shown.text
    assert VISITOR.address in shown.text
    assert "A stranger" not in shown.text
    assert (await house.owner.get("/console/sign-ins?before=1")).status == 200
    assert (await house.owner.get(f"/console/sign-ins?before={'9' * 40}")).status == 200
    assert "A stranger" in (await house.stranger.get("/console/sign-ins")).text


async def test_an_owner_who_was_removed_invites_nobody_with_an_old_page(house: House) -> None:
    owner, acme = house.people[Role.OWNER], house.cast.acme.account
    await set_role(house.runtime, house.people[Role.EDITOR], acme.account_id, acme.name, Role.OWNER)
    await house.owner.open()
    await remove_member(house.runtime, owner, acme.account_id, acme.name)
    shown = await house.owner.post("/console/people", {"name": "Eve", "email": "eve@example.com", "role": "viewer"})
    assert shown.status == 401
    assert await find_user(house.runtime, "eve@example.com") is None
