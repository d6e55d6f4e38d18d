"""Saved views in the console: from the list to a name and back, one's own or shared, and which one is shown first."""

from urllib.parse import urlencode

import pytest

from padron.domain import saved_view
from padron.domain.account import Principal
from padron.domain.people import Role
from padron.domain.saved_view import OWN_VIEWS_MAX, SavedView, format_view_id
from padron.service.people.members import remove_member
from padron.service.vehicles.questions import VALUES_MAX
from padron.service.views import opening
from padron.service.views.keeping import ViewDraft, save_view
from tests.cast import HUMMER, JEEP
from tests.console.browser import Browser, House, Shown
from tests.console.test_vehicles import LIST, fill_lot, find_link, list_vins

VIEWS = "/console/views"
TEXT_FILTERS = ("brandName", "modelName", "country", "class", "type", "axes", "version", "variation")
HOSTILE = "<script>alert(1)</script>'\"&amp;"


def read_state(shown: Shown) -> dict[str, list[str]]:
    """Give the hidden fields with which the page saves its list."""
    html = shown.html.partition(f'action="{VIEWS}"')[2].partition("</form>")[0]
    given: dict[str, list[str]] = {}
    for one in Shown(status=200, headers={}, html=html).page.list_all("input", type="hidden"):
        if one.attributes["name"] not in {"_csrf", "_account"}:
            given.setdefault(one.attributes["name"], []).append(one.attributes.get("value", ""))
    return given


async def save(browser: Browser, query: str, name: str, **fields: str) -> Shown:
    """Save a list as somebody does who looks at it."""
    listed = await browser.get(f"{LIST}?{query}")
    return await browser.post(VIEWS, {**read_state(listed), "name": name, **fields})


async def open_saved(browser: Browser, name: str) -> Shown:
    return await browser.get(find_link(await browser.get(VIEWS), name))


async def find_id(browser: Browser, name: str) -> str:
    return find_link(await browser.get(VIEWS), name).partition("view=")[2]


@pytest.mark.both_engines
async def test_a_list_is_saved_under_a_name_and_found_again(house: House) -> None:
    await fill_lot(house)
    query = "brandName=Jeep&brandName=Kia&assetStatusId=1&q=bbb&sort=-plate&limit=25&column=plate&column=doors"
    done = await house.viewer.follow(await save(house.viewer, query, "Jeeps to see"))
    assert "Saved as “Jeeps to see”" in done.text
    again = await open_saved(house.viewer, "Jeeps to see")
    assert list_vins(again) == [JEEP]
    assert read_state(again) == {
        "q": ["bbb"],
        "brandName": ["Jeep", "Kia"],
        "assetStatusId": ["1"],
        "sort": ["-plate"],
        "column": ["plate", "doors"],
        "limit": ["25"],
    }
    assert "View: Jeeps to see" in again.text
    assert "changed, not saved" not in again.text


async def test_a_changed_view_is_saved_over_or_taken_back(house: House) -> None:
    await fill_lot(house)
    await save(house.viewer, "brandName=Jeep", "Mine")
    view_id = await find_id(house.viewer, "Mine")
    changed = await house.viewer.get(find_link(await open_saved(house.viewer, "Mine"), "Make: Jeep"))
    assert list_vins(changed) == [HUMMER, JEEP]
    assert "View: Mine · changed, not saved" in changed.text
    assert list_vins(await house.viewer.get(find_link(changed, "As it was saved"))) == [JEEP]
    over = await house.viewer.post(VIEWS, {**read_state(changed), "name": "", "over": view_id})
    assert "changed, not saved" not in (await house.viewer.follow(over)).text
    assert list_vins(await open_saved(house.viewer, "Mine")) == [HUMMER, JEEP]


async def test_a_chosen_view_is_shown_first_and_all_vehicles_stay_within_reach(house: House) -> None:
    await fill_lot(house)
    await save(house.viewer, "brandName=Jeep", "Mine")
    assert list_vins(await house.viewer.get(LIST)) == [HUMMER, JEEP]
    await house.viewer.post(f"{VIEWS}/first", {"view": await find_id(house.viewer, "Mine")})
    first = await house.viewer.get(LIST)
    assert list_vins(first) == [JEEP]
    assert list_vins(await house.viewer.get(find_link(first, "All vehicles"))) == [HUMMER, JEEP]
    assert list_vins(await house.viewer.get(find_link(first, "Clear all"))) == [HUMMER, JEEP]
    # A form of the list without anything chosen does not lead back to the view either.
    (search,) = first.page.list_all("form", role="search")
    assert search.attributes["action"] == LIST
    assert list_vins(await house.viewer.get(f"{LIST}?q=&view=all")) == [HUMMER, JEEP]
    assert list_vins(await house.viewer.get(f"{LIST}?brandName=Hummer")) == [HUMMER]
    assert list_vins(await house.editor.get(LIST)) == [HUMMER, JEEP]


@pytest.mark.both_engines
async def test_the_accounts_view_is_first_for_those_who_chose_none(house: House) -> None:
    await fill_lot(house)
    await save(house.owner, "brandName=Jeep", "Ours", shared="1")
    view_id = await find_id(house.owner, "Ours")
    await house.owner.post(f"{VIEWS}/{view_id}", {"name": "Ours", "shared": "1", "default": "1"})
    for browser in (house.viewer, house.owner, house.editor):
        assert list_vins(await browser.get(LIST)) == [JEEP]
    await house.viewer.post(f"{VIEWS}/first", {"view": ""})
    assert list_vins(await house.viewer.get(LIST)) == [HUMMER, JEEP]
    assert list_vins(await house.editor.get(LIST)) == [JEEP]
    await house.viewer.post(f"{VIEWS}/first", {})
    assert list_vins(await house.viewer.get(LIST)) == [JEEP]
    # Who may not set it keeps it by renaming their own view, and cannot set it.
    assert (await house.editor.post(f"{VIEWS}/{view_id}", {"name": "Mine", "shared": "1"})).status == 403


async def test_own_views_are_seen_by_nobody_else_and_shared_ones_by_all(house: House) -> None:
    await save(house.editor, "doors=1", "Kept")
    await save(house.editor, "doors=2", "Given", shared="1")
    kept, given = await find_id(house.editor, "Kept"), await find_id(house.editor, "Given")
    for browser in (house.viewer, house.owner, house.reader, house.stranger):
        assert "Kept" not in (await browser.get(VIEWS)).text + (await browser.get(LIST)).text
        shown = await browser.get(f"{LIST}?view={kept}")
        assert "deleted, or is not shared with you" in shown.text
        assert (await browser.post(f"{VIEWS}/{kept}/delete")).status == 404
    for browser in (house.viewer, house.owner, house.reader):
        page = await browser.get(VIEWS)
        assert ("Given" in page.text, "The editor" in page.text) == (True, True)
    assert "Given" not in (await house.stranger.get(VIEWS)).text
    assert "deleted, or is not shared with you" in (await house.stranger.get(f"{LIST}?view={given}")).text


async def test_nobody_sees_a_button_that_would_be_refused(house: House) -> None:
    await save(house.editor, "doors=2", "Given", shared="1")
    view_id = await find_id(house.editor, "Given")
    change = f'action="{VIEWS}/{view_id}"'
    for browser, may_change, may_share in (
        (house.viewer, False, False),
        (house.editor, True, True),
        (house.owner, True, True),
        (house.reader, False, False),
    ):
        assert (change in (await browser.get(VIEWS)).html) is may_change
        sheet = (await browser.get(LIST)).html.partition('id="views"')[2].partition("</details>")[0]
        assert ('name="shared"' in sheet) is may_share
        assert ('name="name"' in sheet) is (browser is not house.reader)
        status = (await browser.post(f"{VIEWS}/{view_id}", {"name": "Given", "shared": "1"})).status
        assert status == (303 if may_change else 403)
    assert (await save(house.viewer, "doors=2", "Mine", shared="1")).status == 403
    # What somebody else shared has no box to take it back.
    assert 'type="hidden" name="shared"' in (await house.owner.get(VIEWS)).html
    assert (await house.owner.post(f"{VIEWS}/{view_id}", {"name": "Given"})).status == 400


async def test_a_refused_name_stays_in_the_form_with_the_list(house: House) -> None:
    await save(house.viewer, "doors=1", "Mine")
    refused = await save(house.viewer, "brandName=Kia&doors=4", "MINE")
    assert refused.status == 400
    assert "already is a view" in refused.text
    (name,) = [
        one
        for one in refused.page.list_all("input", name="name")
        if one.attributes.get("value") == "MINE"
    ]  # fmt: skip
    assert name.attributes["maxlength"] == "60"
    state = read_state(refused)
    assert (state["brandName"], state["doors"]) == (["Kia"], ["4"])
    renamed = await house.viewer.post(VIEWS, {**state, "name": "Four doors"})
    assert (await house.viewer.follow(renamed)).status == 200
    for bad in ("", " ", "x" * 61, "a\u202eb"):
        assert (await save(house.viewer, "doors=1", bad)).status == 400
    view_id = await find_id(house.viewer, "Mine")
    kept = await house.viewer.post(f"{VIEWS}/{view_id}", {"name": "Four doors"})
    assert kept.status == 400
    assert 'value="Four doors"' in kept.html


async def test_hostile_names_and_values_are_shown_as_text(house: House) -> None:
    await save(house.owner, "brandName=%3Cscript%3Ealert(2)%3C/script%3E", HOSTILE, shared="1")
    (view,) = await house.runtime.store.people.views.list_views(house.cast.acme.account.account_id, "nobody")
    view_id = format_view_id(view.view_id)
    for browser in (house.owner, house.viewer):
        for target in (VIEWS, LIST, f"{LIST}?view={view_id}", f"{LIST}?view={view_id}&saved=view"):
            shown = await browser.get(target)
            assert shown.status == 200
            assert "<script>alert" not in shown.html
            assert HOSTILE in shown.page.text


async def test_a_view_of_another_version_opens_with_what_is_known_and_says_what_is_not(house: House) -> None:
    await fill_lot(house)
    account_id = house.cast.acme.account.account_id
    principal = Principal(account_id=account_id, actor="k", scopes=frozenset({"vehicles:read", "vehicles:write"}))
    saved = await save_view(house.runtime, principal, ViewDraft(name="Old", query="brandName=Jeep", is_shared=True))
    old = SavedView(
        view_id=saved.view_id,
        name="Old",
        query="brandName=Jeep&hovers=<b>yes</b>&assetStatusId=77&sort=wings",
        columns=("plate", "wings"),
        made_by="k",
        is_shared=True,
        is_default=False,
        changed_at=saved.changed_at,
    )
    await house.runtime.store.people.write(lambda transaction: transaction.views.save_view(account_id, old))
    shown = await open_saved(house.viewer, "Old")
    assert list_vins(shown) == [JEEP]
    assert "left out: hovers=<b>yes</b>, assetStatusId=77, sort=wings, wings" in shown.text
    assert "<b>yes" not in shown.html
    # The rest of it can be changed, and saved without what is not known.
    view_id = format_view_id(old.view_id)
    assert (await house.owner.post(f"{VIEWS}/{view_id}", {"name": "New", "shared": "1"})).status == 303
    assert "left out" not in (await open_saved(house.viewer, "New")).text


async def test_many_views_with_many_filters_hold_up_nobody(house: House) -> None:
    """The tests watch the event loop: asking for each filter of each view took it seconds."""
    pairs = [(name, f"{name}{number}") for name in TEXT_FILTERS for number in range(VALUES_MAX)]
    principal = Principal(
        account_id=house.cast.acme.account.account_id,
        actor=house.people[Role.VIEWER].user_id,
        scopes=frozenset({"vehicles:read"}),
    )
    for number in range(OWN_VIEWS_MAX):
        await save_view(house.runtime, principal, ViewDraft(name=f"View {number}", query=urlencode(pairs)))
    shown = await house.viewer.get(VIEWS)
    assert shown.status == 200
    assert shown.html.count('class="chip"') == OWN_VIEWS_MAX * len(pairs)


async def test_who_leaves_leaves_what_they_shared_with_their_name(house: House) -> None:
    await save(house.editor, "doors=1", "Kept")
    await save(house.editor, "doors=2", "Given", shared="1")
    (editor,) = [user for role, user in house.people.items() if role.value == "editor"]
    await remove_member(house.runtime, editor, house.cast.acme.account.account_id, "Acme", force=True)
    page = await house.owner.get(VIEWS)
    assert ("Given" in page.text, "The editor" in page.text, "Kept" in page.text) == (True, True, False)
    view_id = await find_id(house.owner, "Given")
    assert (await house.owner.post(f"{VIEWS}/{view_id}/delete")).status == 303
    assert "Nothing is saved yet" in (await house.owner.get(VIEWS)).text


async def test_what_was_typed_outlives_a_session(house: House) -> None:
    browser = house.open_browser()
    shown = await browser.post(VIEWS, {"name": "Mine", "doors": "4"})
    assert shown.status == 401
    assert "Mine" in shown.html


async def test_a_full_account_says_so_beside_the_form(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_view, "OWN_VIEWS_MAX", 1)
    await save(house.viewer, "doors=1", "One")
    refused = await save(house.viewer, "doors=2", "Two")
    assert (refused.status, "You already keep 1 views" in refused.text) == (400, True)


async def test_a_search_that_finds_nothing_says_what_it_searches_and_what_to_do(house: House) -> None:
    await fill_lot(house)
    shown = await house.viewer.get(f"{LIST}?q=bbb&brandName=Hummer")
    assert "VIN, plate, unit number and owner" in shown.text
    assert list_vins(await house.viewer.get(find_link(shown, "Search all vehicles for this"))) == [JEEP]
    assert "Search all vehicles" not in (await house.viewer.get(f"{LIST}?q=nobody")).text
    (field,) = (await house.viewer.get(LIST)).page.list_all("input", id="q")
    assert field.attributes["placeholder"] == "Any part of VIN, plate, unit number or owner"


def test_a_view_is_opened_as_it_was_written() -> None:
    query = opening.check_query("ownerName=%C3%91u%C3%B1o+%26+hijos&q=a+b&doors=1&doors=2")
    assert [tuple(pair) for pair in opening.split_query(query)] == [
        ("ownerName", "Ñuño & hijos"), ("q", "a b"), ("doors", "1"), ("doors", "2"),
    ]  # fmt: skip
