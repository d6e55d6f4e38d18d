"""Saved views by the API: who keeps, shares, changes and deletes them, and what they may hold."""

import json
from dataclasses import replace
from typing import Any

import pytest

from padron.domain import saved_view
from padron.domain.account import Principal
from padron.domain.errors import Code, PadronError
from padron.domain.people import ROLE_SCOPES, Role, User
from padron.service.people.members import add_member, remove_member
from padron.service.people.users import add_user, erase_user
from padron.service.views.keeping import ViewDraft, change_view, choose_first, delete_view, save_view
from padron.service.views.opening import list_views
from tests.cast import make_member
from tests.http.api import LIST, Api, Client, Reply
from tests.http.test_openapi import check_reply
from tests.tables import each_row

VIEWS = "/api/v2/views"
TO_SELL = {"name": "To sell", "query": "assetStatusId=6&sort=-statusSince", "columns": ["plate"], "shared": True}


async def send(client: Client, method: str, target: str, body: object | None = None) -> Reply:
    reply = await client.send(method, target, None if body is None else json.dumps(body))
    check_reply(method, target, reply)
    return reply


async def save(client: Client, **members: object) -> Reply:
    return await send(client, "POST", VIEWS, {**TO_SELL, **members})


async def list_names(client: Client) -> list[str]:
    return [one["name"] for one in (await send(client, "GET", VIEWS)).body["views"]]


async def become(api: Api, *scopes: str) -> Client:
    return Client(api.nobody.http, await make_member(api.runtime, api.cast.acme.account, "x", list(scopes)))


async def join(api: Api, role: Role, name: str) -> tuple[User, Principal]:
    account_id = api.acme.account_id
    user = await add_user(api.runtime, email=f"{name}{account_id}@acme.example", name=name)
    await add_member(api.runtime, user, account_id, role)
    scopes = frozenset(scope.value for scope in ROLE_SCOPES[role])
    return user, Principal(account_id=account_id, actor=user.user_id, scopes=scopes)


async def test_a_view_is_saved_read_saved_over_and_deleted(api: Api) -> None:
    made = await save(api.acme)
    assert made.status == 201
    expected = {**TO_SELL, "accountDefault": False, "by": api.acme.actor, "byName": api.acme.actor_name}
    assert {**made.body, **expected} == made.body
    address = made.headers["location"]
    assert (await send(api.acme, "GET", address)).body == made.body
    changed = await send(api.acme, "PUT", address, {**TO_SELL, "name": "Sold", "query": "assetStatusId=8"})
    assert (changed.status, changed.body["name"], changed.body["query"]) == (200, "Sold", "assetStatusId=8")
    assert changed.body["id"] == made.body["id"]
    assert await list_names(api.acme) == await list_names(api.gamma) == ["Sold"]
    assert (await send(api.acme, "DELETE", address)).status == 204
    assert (await send(api.acme, "DELETE", address)).code == (404, "ViewNotFound")
    assert await list_names(api.acme) == []


@pytest.mark.long("postgres")
async def test_the_query_of_a_view_is_that_of_the_list(api: Api) -> None:
    await api.acme.register(brandName="Niß & Co", plate="AAA0001")
    made = await save(api.acme, query="brandName=Ni%C3%9F+%26+Co&brandName=Kia&q=aaa&limit=7&sort=plate")
    found = await api.acme.get(f"{LIST}?{made.body['query']}")
    assert [one["plate"] for one in found.body["vehicles"]] == ["AAA0001"]


@pytest.mark.long("postgres")
async def test_another_account_s_view_cannot_be_told_from_none(api: Api) -> None:
    made = await save(api.acme)
    assert await list_names(api.beta) == []
    for method, body in (("GET", None), ("PUT", TO_SELL), ("DELETE", None)):
        replies = [
            await send(api.beta, method, f"{VIEWS}/{view_id}", body) for view_id in (made.body["id"], "1" * 16)
        ]  # fmt: skip
        first, second = [
            (one.status, one.body["detail"].replace(made.body["id"], "").replace("1" * 16, "")) for one in replies
        ]
        assert first == second == (404, "There is no view '', or it is not shared with you.")
    assert await list_names(api.acme) == ["To sell"]


@pytest.mark.long("postgres")
@each_row(
    "members, named",
    [
        ({"query": "colour=red"}, "colour=red"),
        ({"query": "assetStatusId=77"}, "assetStatusId"),
        ({"query": "brandName="}, "brandName="),
        ({"query": "asOf=2026-01-01T00:00:00Z"}, "asOf"),
        ({"query": "cursor=x"}, "cursor"),
        ({"query": "limit=501"}, "limit"),
        ({"query": "sort=nothing"}, "sort"),
        ({"query": "brandName=%FF"}, "percent-encoded"),
        ({"query": "brandName=" + "x" * 4_000}, "4,000"),
        ({"columns": ["<b>"]}, "<b>"),
        ({"name": ""}, "name"),
        ({"name": " To sell"}, "name"),
        ({"name": "To\nsell"}, "name"),
        ({"name": "To\u202esell"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"shared": False}, "Only a person"),
        ({"shared": False, "accountDefault": True}, "default"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_what_a_view_cannot_be_is_refused_and_named(api: Api, members: dict[str, Any], named: str) -> None:
    refused = await api.acme.send("POST", VIEWS, json.dumps({**TO_SELL, **members}))
    assert refused.status == 400
    assert named in refused.body["detail"]
    assert await list_names(api.acme) == []


async def test_two_shared_views_never_have_one_name(api: Api) -> None:
    await save(api.acme)
    other = await save(api.acme, name="Other")
    assert (await save(api.acme, name="TO SELL")).code == (409, "ViewExists")
    renamed = await send(api.acme, "PUT", f"{VIEWS}/{other.body['id']}", {**TO_SELL, "name": "to SELL"})
    assert renamed.code == (409, "ViewExists")
    assert (await save(api.beta)).status == 201


@pytest.mark.long("postgres")
async def test_only_so_many_views_are_shared_and_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_view, "SHARED_VIEWS_MAX", 1)
    monkeypatch.setattr(saved_view, "OWN_VIEWS_MAX", 1)
    _, ana = await join(api, Role.VIEWER, "Ana")
    await save(api.acme)
    assert (await save(api.acme, name="Another")).code == (409, "ViewLimitReached")
    await save_view(api.runtime, ana, ViewDraft(name="Mine", query=""))
    with pytest.raises(PadronError) as refused:
        await save_view(api.runtime, ana, ViewDraft(name="Mine too", query=""))
    assert refused.value.code is Code.VIEW_LIMIT_REACHED


@pytest.mark.long("postgres")
async def test_sharing_needs_the_scope_to_write_and_others_views_that_for_many(api: Api) -> None:
    reader = await become(api, "vehicles:read")
    writer = await become(api, "vehicles:read", "vehicles:write")
    bulk = await become(api, "vehicles:read", "vehicles:write", "vehicles:bulk")
    assert (await save(reader)).code == (403, "Forbidden")
    assert (await save(writer, accountDefault=True)).code == (403, "Forbidden")
    address = (await save(writer)).headers["location"]
    colleague = await become(api, "vehicles:read", "vehicles:write")
    for method, body in (("PUT", {**TO_SELL, "name": "New"}), ("DELETE", None)):
        for other in (reader, colleague):
            assert (await send(other, method, address, body)).code == (403, "Forbidden")
    assert (await send(writer, "PUT", address, {**TO_SELL, "accountDefault": True})).code == (403, "Forbidden")
    default = await send(bulk, "PUT", address, {**TO_SELL, "accountDefault": True})
    assert (default.status, default.body["by"]) == (200, writer.actor)
    # Its maker cannot take the account's default away either.
    assert (await send(writer, "PUT", address, TO_SELL)).code == (403, "Forbidden")
    assert (await send(writer, "DELETE", address)).code == (403, "Forbidden")
    assert (await send(bulk, "DELETE", address)).status == 204


async def test_an_account_has_one_default(api: Api) -> None:
    first = await save(api.acme, accountDefault=True)
    second = await save(api.acme, name="Second", accountDefault=True)
    marked = {one["id"]: one["accountDefault"] for one in (await send(api.acme, "GET", VIEWS)).body["views"]}
    assert marked == {first.body["id"]: False, second.body["id"]: True}


async def test_who_leaves_takes_their_own_views_and_leaves_the_shared_ones(api: Api) -> None:
    ana, as_ana = await join(api, Role.EDITOR, "Ana")
    _, as_bo = await join(api, Role.VIEWER, "Bo")
    own = await save_view(api.runtime, as_ana, ViewDraft(name="Mine", query=""))
    shared = await save_view(api.runtime, as_ana, ViewDraft(name="Ours", query="", is_shared=True))
    await choose_first(api.runtime, as_ana, saved_view.format_view_id(own.view_id))
    assert [view.name for view in (await list_views(api.runtime, as_bo)).views] == ["Ours"]
    await remove_member(api.runtime, ana, api.acme.account_id, "Acme", force=True)
    with pytest.raises(PadronError) as refused:
        await save_view(api.runtime, as_ana, ViewDraft(name="Late", query=""))
    assert refused.value.code is Code.FORBIDDEN
    await add_member(api.runtime, ana, api.acme.account_id, Role.EDITOR)
    seen = await list_views(api.runtime, as_ana)
    assert ([view.name for view in seen.views], seen.chosen) == (["Ours"], None)
    assert (await send(api.acme, "GET", VIEWS)).body["views"][0]["byName"] == "Ana"
    await save_view(api.runtime, as_ana, ViewDraft(name="Mine again", query=""))
    await choose_first(api.runtime, as_ana, saved_view.format_view_id(shared.view_id))
    await erase_user(api.runtime, ana, force=True)
    stored = await api.runtime.store.people.views.list_views(api.acme.account_id, ana.user_id)
    assert [view.name for view in stored] == ["Ours"]
    assert await api.runtime.store.people.views.find_choice(api.acme.account_id, ana.user_id) is None


async def test_what_somebody_keeps_for_themselves_is_nobody_elses(api: Api) -> None:
    _, as_ana = await join(api, Role.EDITOR, "Ana")
    _, as_owner = await join(api, Role.OWNER, "Olga")
    own = await save_view(api.runtime, as_ana, ViewDraft(name="Mine", query=""))
    view_id = saved_view.format_view_id(own.view_id)
    assert (await send(api.acme, "GET", f"{VIEWS}/{view_id}")).code == (404, "ViewNotFound")
    for attempt in (
        change_view(api.runtime, as_owner, view_id, ViewDraft(name="Taken", query="")),
        delete_view(api.runtime, as_owner, view_id),
        choose_first(api.runtime, as_owner, view_id),
    ):
        with pytest.raises(PadronError) as refused:
            await attempt
        assert refused.value.code is Code.VIEW_NOT_FOUND
    same_name = await save_view(api.runtime, as_owner, ViewDraft(name="Mine", query=""))
    assert same_name.view_id != own.view_id


async def test_a_member_of_two_accounts_sees_in_each_what_is_kept_there(api: Api) -> None:
    ana, as_ana = await join(api, Role.EDITOR, "Ana")
    await add_member(api.runtime, ana, api.beta.account_id, Role.EDITOR)
    in_beta = replace(as_ana, account_id=api.beta.account_id)
    own = await save_view(api.runtime, as_ana, ViewDraft(name="Mine", query=""))
    view_id = saved_view.format_view_id(own.view_id)
    await save_view(api.runtime, as_ana, ViewDraft(name="Ours", query="", is_shared=True))
    await choose_first(api.runtime, as_ana, view_id)
    seen = await list_views(api.runtime, in_beta)
    assert ([*seen.views], seen.chosen) == ([], None)
    for attempt in (
        change_view(api.runtime, in_beta, view_id, ViewDraft(name="Moved", query="")),
        delete_view(api.runtime, in_beta, view_id),
        choose_first(api.runtime, in_beta, view_id),
    ):
        with pytest.raises(PadronError) as refused:
            await attempt
        assert refused.value.code is Code.VIEW_NOT_FOUND
    await save_view(api.runtime, in_beta, ViewDraft(name="Mine", query=""))
    await remove_member(api.runtime, ana, api.beta.account_id, "Beta", force=True)
    left = await list_views(api.runtime, as_ana)
    assert ([view.name for view in left.views], left.chosen) == (["Mine", "Ours"], own.view_id)
    assert await api.runtime.store.people.views.list_views(api.beta.account_id, ana.user_id) == []


@pytest.mark.long("postgres")
async def test_a_view_that_is_taken_back_is_first_for_its_maker_alone(api: Api) -> None:
    _, as_ana = await join(api, Role.MANAGER, "Ana")
    _, as_bo = await join(api, Role.MANAGER, "Bo")
    draft = ViewDraft(name="Ours", query="", is_shared=True)
    view_id = saved_view.format_view_id((await save_view(api.runtime, as_ana, draft)).view_id)
    for somebody in (as_ana, as_bo):
        await choose_first(api.runtime, somebody, view_id)
    own = replace(draft, is_shared=False)
    with pytest.raises(PadronError) as refused:
        await change_view(api.runtime, as_bo, view_id, own)
    assert refused.value.code is Code.BAD_PARAMETERS
    await change_view(api.runtime, as_ana, view_id, own)
    ana, bo = await list_views(api.runtime, as_ana), await list_views(api.runtime, as_bo)
    assert ana.first is not None
    assert (ana.first.name, bo.first, bo.chosen) == ("Ours", None, None)


@pytest.mark.long("postgres")
async def test_a_person_chooses_over_the_accounts_default_and_may_choose_all_vehicles(api: Api) -> None:
    _, as_ana = await join(api, Role.VIEWER, "Ana")
    await save(api.acme, accountDefault=True)
    own = await save_view(api.runtime, as_ana, ViewDraft(name="Mine", query="assetStatusId=4"))
    firsts = []
    for chosen in (None, saved_view.format_view_id(own.view_id), "", None):
        await choose_first(api.runtime, as_ana, chosen)
        first = (await list_views(api.runtime, as_ana)).first
        firsts.append(None if first is None else first.name)
    assert firsts == ["To sell", "Mine", None, "To sell"]
