"""API keys in the console: made, shown once, changed, replaced and revoked. Nobody gives more than they have."""

import re

import pytest

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.people import Role
from padron.service.administration.own_account import list_acts
from padron.service.administration.own_keys import AskedKey, add_key, get_key, revoke_key
from padron.service.people.members import set_role
from padron.service.people.sessions import sign_in_with_key
from tests.console.browser import Browser, House, Shown
from tests.console.conftest import VISITOR

NEW = {"label": "Workshop", "scope": [Scope.VEHICLES_READ, Scope.GATE_CHECK], "networks": "192.0.2.0/24, 198.51.100.7"}


def read_token(shown: Shown) -> str:
    (field,) = shown.page.list_all("input", id="token")
    return field.attributes["value"]


async def make(house: House, **fields: str) -> str:
    """Make a key in the console, and give its id."""
    shown = await house.owner.post("/console/keys/new", {**NEW, **fields})
    assert shown.status == 200, shown.text
    return read_token(shown).split("_")[1]


@pytest.mark.both_engines
async def test_a_new_key_is_shown_once_and_opens_what_was_chosen(house: House) -> None:
    shown = await house.owner.post("/console/keys/new", NEW)
    token = read_token(shown)
    principal = await house.runtime.authenticator.authenticate(token, "192.0.2.9")
    assert principal.scopes == {Scope.VEHICLES_READ, Scope.GATE_CHECK}
    with pytest.raises(PadronError) as refused:
        await house.runtime.authenticator.authenticate(token, "203.0.113.1")
    assert refused.value.code is Code.FORBIDDEN
    key_id = principal.actor
    for path in ("/console/keys", f"/console/keys/{key_id}"):
        later = await house.owner.get(path)
        assert "Workshop" in later.text
        assert "192.0.2.0/24" in later.html
        assert token not in later.html
        assert token[-49:-6] not in later.html
    (act,) = (await list_acts(house.runtime, house.cast.acme.principal, limit=1, cursor=None)).rows
    assert (act.by, act.deed.subject) == (house.people[Role.OWNER].user_id, key_id)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"label": " "}, "The name '' cannot be used"),
        ({"scope": []}, "at least one scope"),
        ({"scope": ["vehicles:fly"]}, "vehicles:fly"),
        ({"networks": "192.0.2.0/99"}, "192.0.2.0/99"),
        ({"expires": "2020-01-01T10:00"}, "not in the future"),
        ({"expires": "tomorrow"}, "tomorrow"),
        ({"rate": "fast"}, "not a whole number"),
        ({"rate": "٣"}, "not a whole number"),
        ({"rate": "0"}, "rate is 0"),
    ],
)
async def test_a_form_that_is_refused_keeps_what_was_typed(house: House, wrong: dict[str, str], said: str) -> None:
    shown = await house.owner.post("/console/keys/new", {**NEW, **wrong})
    assert shown.status == 400
    assert said in shown.text
    assert not shown.page.list_all("input", id="token")
    kept = {**NEW, **wrong}
    assert shown.page.list_all("input", name="label")[0].attributes["value"] == str(kept["label"]).strip()
    ticked = {
        one.attributes["value"] for one in shown.page.list_all("input", name="scope") if "checked" in one.attributes
    }
    assert ticked == set(kept["scope"]) & {scope.value for scope in Scope}
    assert "".join(shown.page.list_all("textarea", name="networks")[0].text) == kept["networks"]


async def test_what_was_typed_is_shown_again_after_the_session_ended(house: House) -> None:
    gone = house.open_browser()
    door = await gone.post("/console/keys/new", NEW)
    fields = {**door.page.read_hidden(), "token": house.cast.acme.token}
    again = await gone.post("/console/sign-in/key", fields)
    assert "Here is what you typed" in again.text
    assert again.page.list_all("input", name="label")[0].attributes["value"] == "Workshop"
    assert not again.page.list_all("input", id="token")


async def test_nobody_gives_a_scope_that_they_lack(house: House) -> None:
    asked = AskedKey(label="half", scopes=[Scope.ACCOUNT_MANAGE, Scope.VEHICLES_READ])
    half = await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, half.token, VISITOR)).token)
    form = await browser.get("/console/keys/new")
    offered = {one.attributes["value"] for one in form.page.list_all("input", name="scope")}
    assert offered == {Scope.ACCOUNT_MANAGE, Scope.VEHICLES_READ}
    refused = await browser.post("/console/keys/new", {**NEW, "scope": [Scope.VEHICLES_DELETE]})
    assert refused.status == 400
    assert "vehicles:delete" in refused.text
    mightier = await browser.get(f"/console/keys/{house.cast.acme.principal.actor}")
    assert "may do what you may not" in mightier.text
    assert not mightier.page.list_all("input", name="label")
    assert "Revoke this key" in mightier.text


async def test_a_change_that_leaves_the_end_alone_keeps_its_seconds(house: House) -> None:
    key_id = await make(house, expires="2030-05-05T10:00")
    await house.owner.post(f"/console/keys/{key_id}/rotate", {"overlap": "1", "tag": await read_tag(house, key_id)})
    before = await get_key(house.runtime, house.cast.acme.principal, key_id)
    page = (await house.owner.get(f"/console/keys/{key_id}")).page
    (ends,) = page.list_all("input", name="expires")
    fields = {
        "tag": await read_tag(house, key_id),
        "label": "Other",
        "networks": "",
        "expires": ends.attributes["value"],
    }
    shown = await house.owner.post(f"/console/keys/{key_id}", fields)
    assert shown.status == 303, shown.text
    after = await get_key(house.runtime, house.cast.acme.principal, key_id)
    assert (after.label, after.networks, after.expires_at) == ("Other", (), before.expires_at)
    assert "The key is changed" in (await house.owner.follow(shown)).text


async def read_tag(house: House, key_id: str) -> str:
    return (await house.owner.get(f"/console/keys/{key_id}")).page.read_hidden()["tag"]


@pytest.mark.both_engines
async def test_somebody_elses_change_is_not_overruled_unseen(house: House) -> None:
    key_id = await make(house)
    seen = await read_tag(house, key_id)
    fields = {"label": "First", "networks": "", "expires": "", "rate": ""}
    assert (await house.owner.post(f"/console/keys/{key_id}", {**fields, "tag": seen})).status == 303
    late = await house.owner.post(f"/console/keys/{key_id}", {**fields, "label": "Second", "tag": seen})
    assert late.status == 400
    assert "has changed since you read it" in late.text
    assert late.page.list_all("input", name="label")[0].attributes["value"] == "Second"
    assert (await get_key(house.runtime, house.cast.acme.principal, key_id)).label == "First"


async def test_a_replaced_key_and_the_new_one_are_both_valid_for_a_while(house: House) -> None:
    key_id = await make(house, networks="")
    tag = await read_tag(house, key_id)
    none = await house.owner.post(f"/console/keys/{key_id}/rotate", {"overlap": "7", "tag": tag})
    assert none.status == 400
    shown = await house.owner.post(f"/console/keys/{key_id}/rotate", {"overlap": "24", "tag": tag})
    new = await house.runtime.authenticator.authenticate(read_token(shown), "192.0.2.9")
    old = await get_key(house.runtime, house.cast.acme.principal, key_id)
    assert old.replaced_by == new.actor
    page = await house.owner.get(f"/console/keys/{key_id}")
    assert "Replaced" in page.text
    assert "Replace it by a new key" not in page.text


async def test_a_revoked_key_is_shown_as_revoked_and_offers_nothing(house: House) -> None:
    key_id = await make(house)
    shown = await house.owner.follow(await house.owner.post(f"/console/keys/{key_id}/revoke"))
    assert "The key is revoked" in shown.text
    assert not re.search('/(rotate|revoke)"', shown.html)
    assert (await get_key(house.runtime, house.cast.acme.principal, key_id)).revoked_at is not None


async def test_another_accounts_key_cannot_be_told_from_none(house: House) -> None:
    theirs = house.cast.beta.principal.actor
    for path in (f"/console/keys/{theirs}", "/console/keys/1kAAAAAAAAAAAA", "/console/keys/x"):
        assert (await house.owner.get(path)).status == 404
        for act in ("", "/rotate", "/revoke"):
            assert (await house.owner.post(path + act, {"label": "x", "overlap": "0"})).status == 404
    await house.runtime.authenticator.authenticate(house.cast.beta.token, "192.0.2.9")


async def test_an_owner_who_was_demoted_makes_no_key_with_an_old_page(house: House) -> None:
    owner, acme = house.people[Role.OWNER], house.cast.acme.account
    await set_role(house.runtime, owner, acme.account_id, acme.name, Role.EDITOR, force=True)
    shown = await house.owner.post("/console/keys/new", NEW)
    assert shown.status == 403
    assert not shown.page.list_all("input", id="token")


async def test_whoever_is_signed_in_with_a_key_is_told_that_revoking_it_ends_the_session(house: House) -> None:
    asked = AskedKey(label="mine", scopes=[Scope.ACCOUNT_MANAGE])
    mine = await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    browser = Browser(house.http, (await sign_in_with_key(house.runtime, mine.token, VISITOR)).token)
    assert "your session ends too" in (await browser.get(f"/console/keys/{mine.key.key_id}")).text
    await revoke_key(house.runtime, house.cast.acme.principal, "r", mine.key.key_id, None)
    assert (await browser.get("/console/keys")).status == 303
