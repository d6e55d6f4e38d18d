"""An account administers its people by the API: roles, links and removal, and nobody gives more than they have."""

import json
from typing import Any

import pytest

from padron.domain.people import ROLE_SCOPES, Role
from padron.service.people.members import add_member
from padron.service.people.users import add_user
from tests.cast import make_member
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply

pytestmark = pytest.mark.long("postgres")

MEMBERS = "/api/v2/members"
INVITATIONS = "/api/v2/invitations"


async def send(client: Client, method: str, target: str, body: object | None = None) -> Reply:
    reply = await client.send(method, target, None if body is None else json.dumps(body))
    check_reply(method, target, reply)
    return reply


async def invite(client: Client, email: str = "ana@acme.example", role: str = "editor") -> Reply:
    return await send(client, "POST", INVITATIONS, {"email": email, "name": "Ana Ruiz", "role": role})


async def become(api: Api, *scopes: str) -> Client:
    return Client(api.nobody.http, await make_member(api.runtime, api.cast.acme.account, "x", list(scopes)))


async def list_roles(client: Client) -> dict[str, str]:
    return {one["email"]: one["role"] for one in (await send(client, "GET", MEMBERS)).body["members"]}


async def list_events(client: Client) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await client.get("/api/v2/account/events")).body["events"]
    return events


async def test_an_invited_person_is_a_member_and_the_link_is_shown_once(api: Api) -> None:
    email = f"{api.acme.account_id}@acme.example"
    invited = await invite(api.acme, email)
    assert invited.status == 201
    assert invited.body["link"].startswith("/console/invitation/padron_invitation_")
    member = (await send(api.acme, "GET", invited.headers["location"])).body
    assert (member["email"], member["role"], member["hasPassword"]) == (email, "editor", False)
    assert "link" not in member
    assert (await invite(api.acme, email)).code == (409, "UserExists")
    assert await list_roles(api.beta) == {}


async def test_a_role_is_put_again_and_again_and_recorded_once(api: Api) -> None:
    user_id = (await invite(api.acme, f"put-{api.acme.account_id}@acme.example")).body["id"]
    for _ in range(3):
        reply = await send(api.acme, "PUT", f"{MEMBERS}/{user_id}", {"role": "viewer"})
        assert (reply.status, reply.body["role"]) == (200, "viewer")
    assert (await send(api.acme, "DELETE", f"{MEMBERS}/{user_id}")).status == 204
    assert (await send(api.acme, "DELETE", f"{MEMBERS}/{user_id}")).code == (404, "UserNotFound")
    events = (await list_events(api.acme))[:3]
    assert [(one["type"], one["details"]["role"]) for one in events] == [
        ("memberRemoved", "viewer"), ("memberChanged", "viewer"), ("memberAdded", "editor"),
    ]  # fmt: skip
    assert {one["subject"] for one in events} == {user_id}
    assert {one["by"] for one in events} == {api.acme.actor}
    assert "@" not in repr(events)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_is_given_only_by_who_has_all_of_it(api: Api, role: Role) -> None:
    email = f"{role}-{api.acme.account_id}@acme.example"
    user_id = (await invite(api.acme, email, "viewer")).body["id"]
    scopes = {scope.value for scope in ROLE_SCOPES[role]} | {"account:manage"}
    lacking = min(scope.value for scope in ROLE_SCOPES[role] if scope.value != "account:manage")
    whole, part = await become(api, *scopes), await become(api, *(scopes - {lacking}))
    for reply in (
        await invite(part, f"new-{email}", role),
        await send(part, "PUT", f"{MEMBERS}/{user_id}", {"role": role}),
    ):
        assert reply.code == (403, "Forbidden")
        assert lacking in reply.detail
    assert (await invite(whole, f"new-{email}", role)).status == 201
    assert (await send(whole, "PUT", f"{MEMBERS}/{user_id}", {"role": role})).body["role"] == role
    link = f"{MEMBERS}/{user_id}/link"
    assert (await send(part, "POST", link)).code == (403, "Forbidden")
    assert (await send(whole, "POST", link)).status == 201


async def test_the_last_owner_stays_whoever_asks(api: Api) -> None:
    user_id = (await invite(api.acme, f"owner-{api.acme.account_id}@acme.example", "owner")).body["id"]
    assert (await send(api.acme, "DELETE", f"{MEMBERS}/{user_id}")).code == (409, "LastOwner")
    assert (await send(api.acme, "PUT", f"{MEMBERS}/{user_id}", {"role": "editor"})).code == (409, "LastOwner")
    assert (await list_events(api.acme))[0]["type"] == "memberAdded"
    assert (await send(api.acme, "PUT", f"{MEMBERS}/{user_id}", {"role": "king"})).code == (400, "BadParameters")


async def test_a_later_link_takes_the_place_of_the_first_but_not_for_a_shared_person(api: Api) -> None:
    user = await add_user(api.runtime, email=f"shared-{api.acme.account_id}@acme.example", name="Eva")
    await add_member(api.runtime, user, api.acme.account_id, Role.VIEWER)
    link = await send(api.acme, "POST", f"{MEMBERS}/{user.user_id}/link")
    again = await send(api.acme, "POST", f"{MEMBERS}/{user.user_id}/link")
    assert link.body["link"] != again.body["link"]
    await add_member(api.runtime, user, api.beta.account_id, Role.VIEWER)
    assert (await send(api.acme, "POST", f"{MEMBERS}/{user.user_id}/link")).code == (403, "Forbidden")
    assert [one["type"] for one in (await list_events(api.acme))].count("linkMade") == 2
    assert (await list_events(api.beta))[0]["by"] == "cli"


async def test_another_accounts_member_cannot_be_told_from_nobody(api: Api) -> None:
    foreign = (await invite(api.beta, f"beta-{api.beta.account_id}@beta.example")).body["id"]
    for method, tail, body in (
        ("GET", "", None),
        ("PUT", "", {"role": "viewer"}),
        ("DELETE", "", None),
        ("POST", "/link", None),
    ):
        stranger, nobody = [
            await send(api.acme, method, f"{MEMBERS}/{user_id}{tail}", body) for user_id in (foreign, "u000000000000")
        ]
        assert stranger.code == nobody.code == (404, "UserNotFound")
        assert stranger.detail.replace(foreign, "-") == nobody.detail.replace("u000000000000", "-")
    assert await list_roles(api.beta) == {f"beta-{api.beta.account_id}@beta.example": "editor"}
