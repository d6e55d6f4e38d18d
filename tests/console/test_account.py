"""The account's own page: how much there is, and who administered what, in words."""

import pytest

from padron.console.wording.wording import WORDINGS
from padron.domain.account import Scope
from padron.domain.administration import ActType
from padron.domain.language import Language
from padron.domain.people import Role
from padron.service.accounts import rename_account
from padron.service.administration.own_account import list_acts
from padron.service.administration.own_keys import AskedKey, add_key
from padron.service.people.members import set_role
from tests.cast import HUMMER, JEEP
from tests.console.browser import House
from tests.tables import each_row

EVIL = "<script>alert(1)</script>'\"&amp;"


@each_row("kind", ActType)
@each_row("language", Language)
def test_every_kind_of_act_has_words(kind: ActType, language: Language) -> None:
    assert WORDINGS[language].has(f"act.{kind.value.lower()}")


async def test_the_page_counts_what_is_limited(house: House) -> None:
    await house.register(HUMMER)
    await house.register(JEEP)
    shown = await house.owner.get("/console/account")
    rows = [row for row in shown.html.split("<tr>") if "/console/vehicles" in row and "<td>2</td>" in row]
    assert len(rows) == 1
    assert f"{house.runtime.limits.vehicles:,}" in rows[0]
    assert house.cast.acme.account.name in shown.text


@pytest.mark.both_engines
async def test_acts_are_told_with_names_and_details(house: House) -> None:
    owner, acme = house.people[Role.OWNER], house.cast.acme.account
    fields = {"label": EVIL, "scope": [Scope.VEHICLES_READ], "expires": "2031-04-05T06:07"}
    await house.owner.post("/console/keys/new", fields)
    await set_role(house.runtime, house.people[Role.EDITOR], acme.account_id, acme.name, Role.MANAGER)
    await rename_account(house.runtime, acme, f"Renamed {acme.account_id}")
    shown = await house.owner.get("/console/account")
    assert "Made a key" in shown.text
    assert "The owner" in shown.text
    assert "May do: See vehicles" in shown.text
    assert "5 Apr 2031, 06:07" in shown.text
    assert "The editor" in shown.text
    assert "Manager" in shown.text
    assert "Renamed the account" in shown.text
    assert EVIL in " ".join(shown.page.words)
    assert len(shown.page.list_all("script")) == 1
    acts = (await list_acts(house.runtime, house.cast.acme.principal, limit=10, cursor=None)).rows
    assert owner.user_id in {act.by for act in acts}


async def test_many_acts_are_paged(house: House) -> None:
    for number in range(51):
        asked = AskedKey(label=f"Key {number}", scopes=[Scope.VEHICLES_READ])
        await add_key(house.runtime, house.cast.acme.principal, "r", asked)
    first = await house.owner.get("/console/account")
    (further,) = first.page.list_all("a", rel="next")
    second = await house.owner.get(further.attributes["href"])
    assert "Key 50" in first.text
    assert "Key 50" not in second.text
    assert "Made the account" in second.text


async def test_a_stranger_sees_the_other_accounts_acts_alone(house: House) -> None:
    await house.owner.post("/console/keys/new", {"label": "Only Acme", "scope": [Scope.VEHICLES_READ]})
    shown = await house.stranger.get("/console/account")
    assert "Only Acme" not in shown.text
    assert "The owner" not in shown.text
