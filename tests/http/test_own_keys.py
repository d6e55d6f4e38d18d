"""An account administers its own keys by the API, and nobody gets more than they have."""

import json
from datetime import timedelta
from typing import Any

import pytest

from padron.domain.account import Scope
from padron.domain.errors import PadronError
from padron.domain.instants import format_instant
from padron.domain.limits import Limits
from padron.service import accounts
from tests.cast import HUMMER, make_member
from tests.conftest import Select
from tests.http.api import Api, Client, Reply, before_the_store
from tests.http.test_openapi import check_reply
from tests.tables import each_row

KEYS = "/api/v2/keys"
INVITED = json.dumps({"email": "ana@acme.example", "name": "Ana", "role": "viewer"})
READER = {"label": "reader", "scopes": ["vehicles:read"]}


def checked(method: str, target: str, reply: Reply) -> Reply:
    check_reply(method, target, reply)
    return reply


async def create(client: Client, body: object = READER, **headers: str) -> Reply:
    return checked("POST", KEYS, await client.send("POST", KEYS, json.dumps(body), headers))


async def edit(client: Client, key_id: str, body: object, **headers: str) -> Reply:
    reply = await client.send("PATCH", f"{KEYS}/{key_id}", json.dumps(body), headers)
    return checked("PATCH", f"{KEYS}/{{keyId}}", reply)


async def rotate(client: Client, key_id: str, body: object | None = None, **headers: str) -> Reply:
    text = None if body is None else json.dumps(body)
    reply = await client.send("POST", f"{KEYS}/{key_id}/rotate", text, headers)
    return checked("POST", f"{KEYS}/{{keyId}}/rotate", reply)


async def revoke(client: Client, key_id: str, **headers: str) -> Reply:
    reply = await client.send("DELETE", f"{KEYS}/{key_id}", None, headers)
    return checked("DELETE", f"{KEYS}/{{keyId}}", reply)


async def become(api: Api, *scopes: str) -> Client:
    """Give somebody of Acme with these scopes."""
    return Client(api.nobody.http, await make_member(api.runtime, api.cast.acme.account, "x", list(scopes)))


async def ask(api: Api, token: str, path: str = "/api/v2/vehicles") -> int:
    return (await api.nobody.send("GET", path, None, {"Authorization": f"Bearer {token}"})).status


async def list_events(client: Client) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await client.get("/api/v2/account/events")).body["events"]
    return events


@pytest.mark.long("postgres")
async def test_a_new_key_opens_what_its_scopes_say_and_its_secret_is_shown_once(api: Api) -> None:
    new = await create(api.acme, {**READER, "networks": ["127.0.0.1"], "requestsPerSecond": 7})
    assert new.status == 201
    assert new.headers["cache-control"] == "no-store"
    assert await ask(api, new.body["secret"]) == 200
    assert await ask(api, new.body["secret"], KEYS) == 403
    read = await api.acme.get(new.headers["location"])
    assert read.body == {name: value for name, value in new.body.items() if name != "secret"} | {
        "lastUsedAt": read.body["lastUsedAt"], "lastUsedFrom": read.body["lastUsedFrom"],
    }  # fmt: skip
    assert (read.body["state"], read.body["isCaller"], read.body["requestsPerSecond"]) == ("usable", False, 7)
    assert read.headers["etag"] == new.headers["etag"]


async def test_keys_come_in_pages_oldest_first_without_secrets_and_one_is_the_callers(api: Api) -> None:
    made = [(await create(api.acme)).body["id"] for _ in range(5)]
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"nextCursor": None}
    while not found or page["more"]:
        cursor = f"&cursor={page['nextCursor']}" if page["nextCursor"] else ""
        page = checked("GET", KEYS, await api.acme.get(f"{KEYS}?limit=2{cursor}")).body
        found += page["keys"]
    assert [key["id"] for key in found][-5:] == made
    assert len(found) == 7  # with Acme's own and Gamma's
    assert [key["id"] for key in found if key["isCaller"]] == [api.acme.actor]
    assert not any("secret" in key for key in found)
    assert (await api.acme.get(f"{KEYS}?cursor=x")).status == 400
    assert (await api.acme.get(f"{KEYS}?label=x")).status == 400


@before_the_store
@each_row(
    "body, said",
    [
        ({"label": "x"}, "scopes"),
        ({"scopes": ["vehicles:read"]}, "label"),
        ({**READER, "label": " "}, "label"),
        ({**READER, "label": "x" * 101}, "label"),
        ({**READER, "scopes": []}, "at least one scope"),
        ({**READER, "scopes": ["vehicles:fly"]}, "vehicles:fly"),
        ({**READER, "networks": ["x"]}, "not a network"),
        ({**READER, "networks": ["192.0.2.1"] + [f"192.0.2.{n}" for n in range(2, 40)]}, "at most 32"),
        ({**READER, "expiresAt": "2020-01-01T00:00:00Z"}, "not in the future"),
        ({**READER, "expiresAt": "tomorrow"}, "RFC 3339"),
        ({**READER, "requestsPerSecond": 0}, "own rate"),
        ({**READER, "requestsPerSecond": 1_000_001}, "own rate"),
        ({**READER, "secret": "x"}, "secret"),
    ],
)
async def test_a_wrong_key_is_refused_and_says_where(api: Api, body: object, said: str) -> None:
    reply = await create(api.acme, body)
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail


@pytest.mark.long("postgres")
async def test_nobody_makes_a_key_with_a_scope_that_they_lack(api: Api) -> None:
    manager = await become(api, "account:manage", "vehicles:read")
    assert (await create(manager)).status == 201
    reply = await create(manager, {"label": "x", "scopes": ["vehicles:read", "vehicles:status", "vehicles:erase"]})
    assert reply.code == (403, "Forbidden")
    assert "vehicles:erase, vehicles:status" in reply.detail
    assert manager.actor in reply.detail


@pytest.mark.long("postgres")
async def test_a_stronger_key_is_neither_rotated_nor_changed_but_may_be_revoked(api: Api) -> None:
    manager = await become(api, "account:manage")
    strong = (await create(api.acme, {"label": "strong", "scopes": ["vehicles:status"]})).body
    for reply in (
        await rotate(manager, strong["id"]),
        await edit(manager, strong["id"], {"networks": []}),
        await edit(manager, strong["id"], {"label": "mine"}),
    ):
        assert reply.code == (403, "Forbidden")
        assert "vehicles:status" in reply.detail
    assert (await api.acme.get(f"{KEYS}/{strong['id']}")).body["label"] == "strong"
    assert (await revoke(manager, strong["id"])).body["state"] == "revoked"


@pytest.mark.long("postgres")
async def test_a_key_is_changed_member_by_member(api: Api) -> None:
    key_id = (await create(api.acme)).body["id"]
    later = format_instant(api.runtime.clock() + timedelta(days=1))
    full = {"label": "till", "networks": ["192.0.2.0/24"], "expiresAt": later, "requestsPerSecond": 5}
    changed = await edit(api.acme, key_id, full)
    assert {name: changed.body[name] for name in full} == full
    assert (await edit(api.acme, key_id, {})).body == changed.body
    lifted = await edit(api.acme, key_id, {"networks": [], "expiresAt": None, "requestsPerSecond": None})
    assert {name: lifted.body[name] for name in full} == {
        "label": "till", "networks": [], "expiresAt": None, "requestsPerSecond": None,
    }  # fmt: skip
    assert [event["type"] for event in await list_events(api.acme)][:3] == ["keyChanged", "keyChanged", "keyAdded"]


async def test_if_match_lets_only_those_act_who_know_the_present_state(api: Api) -> None:
    new = await create(api.acme)
    key_id, first = new.body["id"], new.headers["etag"]
    second = (await edit(api.acme, key_id, {"label": "b"}, **{"If-Match": first})).headers["etag"]
    assert second != first
    for reply in (
        await edit(api.acme, key_id, {"label": "c"}, **{"If-Match": first}),
        await rotate(api.acme, key_id, **{"If-Match": first}),
        await revoke(api.acme, key_id, **{"If-Match": f"W/{second}"}),
    ):
        assert reply.code == (412, "RevisionMismatch")
    assert (await edit(api.acme, key_id, {"label": "c"}, **{"If-Match": "x"})).status == 400
    assert (await api.acme.get(f"{KEYS}/{key_id}")).headers["etag"] == second
    assert (await revoke(api.acme, key_id, **{"If-Match": f'"other", {second}'})).status == 200


async def test_a_rotated_key_is_valid_until_the_overlap_ends_and_is_rotated_once(api: Api) -> None:
    new = await create(api.acme, {**READER, "requestsPerSecond": 9})
    rotated = await rotate(api.acme, new.body["id"], {"overlapSeconds": 3600})
    assert rotated.status == 201
    assert (rotated.body["replaces"], rotated.body["requestsPerSecond"]) == (new.body["id"], 9)
    assert await ask(api, rotated.body["secret"]) == 200
    old = (await api.acme.get(f"{KEYS}/{new.body['id']}")).body
    assert (old["replacedBy"], old["expiresAt"]) == (rotated.body["id"], rotated.body["replacedEndsAt"])
    again = await rotate(api.acme, new.body["id"])
    assert again.code == (409, "ApiKeyEnded")
    assert rotated.body["id"] in again.detail
    assert (await edit(api.acme, new.body["id"], {"expiresAt": None})).code == (409, "ApiKeyEnded")
    assert (await rotate(api.acme, rotated.body["id"], {"overlapSeconds": -1})).status == 400


@pytest.mark.long("postgres")
async def test_a_key_rotates_itself_and_goes_on_with_the_new_one(api: Api) -> None:
    robot = await become(api, "account:manage", "vehicles:read")
    rotated = await rotate(robot, robot.actor, {"overlapSeconds": 0})
    assert rotated.status == 201
    assert await ask(api, rotated.body["secret"], KEYS) == 200
    assert (await list_events(api.acme))[0]["by"] == robot.actor


@pytest.mark.long("postgres")
async def test_a_key_revokes_itself_and_is_told_so(api: Api) -> None:
    robot = await become(api, "account:manage")
    reply = await revoke(robot, robot.actor)
    assert (reply.status, reply.body["isCaller"], reply.body["state"]) == (200, True, "revoked")
    again = await revoke(api.acme, robot.actor)
    assert (again.status, again.body["revokedAt"]) == (200, reply.body["revokedAt"])
    assert [event["type"] for event in await list_events(api.acme)].count("keyRevoked") == 1


@pytest.mark.long("postgres")
@pytest.mark.parametrize("end", ["revoked", "disabled"])
async def test_a_key_that_has_just_ended_administers_nothing_though_it_is_still_believed(api: Api, end: str) -> None:
    robot = await become(api, "account:manage", "vehicles:read", "changes:read", "gate:check")
    assert (await robot.get(KEYS)).status == 200  # from now on it is believed for a while
    if end == "revoked":
        await accounts.revoke_key(api.runtime, robot.actor)
    else:
        await accounts.disable_account(api.runtime, api.cast.acme.account)
    count = len(await accounts.list_keys(api.runtime, api.cast.acme.account))
    assert (await robot.get("/api/v2/vehicles")).status == 200  # it is believed, as any other call shows
    for reply in (
        await create(robot),
        await edit(robot, robot.actor, {"label": "x"}),
        await rotate(robot, robot.actor),
        await robot.send("POST", "/api/v2/invitations", INVITED),
    ):
        assert reply.code == (401, "Unauthorized"), reply.content
    assert len(await accounts.list_keys(api.runtime, api.cast.acme.account)) == count


@pytest.mark.parametrize("limits", [Limits(keys=4)], ids=["four"])
async def test_one_key_too_many_is_409_and_a_revoked_one_makes_room(api: Api) -> None:
    made = [await create(api.acme) for _ in range(2)]  # beside Acme's own and Gamma's
    assert (await create(api.acme)).code == (409, "ApiKeyLimitReached")
    assert (await rotate(api.acme, made[0].body["id"])).code == (409, "ApiKeyLimitReached")
    assert (await rotate(api.acme, made[0].body["id"], {"overlapSeconds": 0})).status == 201
    await revoke(api.acme, made[1].body["id"])
    assert (await create(api.acme)).status == 201


@pytest.mark.long("postgres")
async def test_a_repeated_request_makes_one_key_and_its_secret_is_nowhere_in_the_database(
    api: Api, select: Select
) -> None:
    first = await create(api.acme, **{"Idempotency-Key": "one"})
    again = await create(api.acme, **{"Idempotency-Key": "one"})
    assert (again.status, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    rotated = await rotate(api.acme, first.body["id"], **{"Idempotency-Key": "two"})
    assert (await rotate(api.acme, first.body["id"], **{"Idempotency-Key": "two"})).content == rotated.content
    invited = json.dumps({"email": "ana@acme.example", "name": "Ana", "role": "viewer"})
    link = await api.acme.send("POST", "/api/v2/invitations", invited, {"Idempotency-Key": "three"})
    assert (
        await api.acme.send("POST", "/api/v2/invitations", invited, {"Idempotency-Key": "three"})
    ).content == link.content
    assert len([key for key in (await api.acme.get(KEYS)).body["keys"] if key["label"] == "reader"]) == 2
    tables = ("idempotency_keys", "api_keys", "administration", "invitations")
    kept = repr([row for table in tables for row in await select(f"SELECT * FROM {table}")])  # noqa: S608
    assert "own:" in kept
    for secret in (first.body["secret"].rpartition("_")[2], rotated.body["secret"].rpartition("_")[2]):
        assert secret not in kept
    assert link.body["link"].rpartition("_")[2] not in kept


@pytest.mark.long("postgres")
async def test_a_key_of_its_own_rate_is_refused_beyond_it(api: Api) -> None:
    slow = await create(api.acme, {**READER, "requestsPerSecond": 2})
    statuses = [await ask(api, slow.body["secret"]) for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    other = await create(api.acme)
    assert {await ask(api, other.body["secret"]) for _ in range(4)} == {200}


@pytest.mark.long("postgres")
async def test_another_accounts_key_cannot_be_told_from_none(api: Api) -> None:
    foreign, nobodys = api.cast.beta.principal.actor, f"{api.beta.account_id}k000000000000"
    for call in (revoke, rotate):
        answers = [await call(api.acme, key_id) for key_id in (foreign, nobodys, f"{api.acme.account_id}k000000000000")]
        assert {reply.code for reply in answers} == {(404, "ApiKeyNotFound")}
        assert len({reply.detail.partition("id '")[0] for reply in answers}) == 1
    for key_id in ("x", "1k", "%00", "k" * 300):
        assert (await api.acme.get(f"{KEYS}/{key_id}")).code == (404, "ApiKeyNotFound")
    assert await ask(api, api.cast.beta.token) == 200


@pytest.mark.long("postgres")
async def test_the_account_says_what_it_has_and_what_it_may(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, plate="ACME1")
    reply = checked("GET", "/api/v2/account", await api.acme.get("/api/v2/account"))
    assert (reply.body["id"], reply.body["name"]) == (api.acme.account_id, api.cast.acme.account.name)
    assert reply.body["counts"] == {"vehicles": 1, "keys": 2, "webhooks": 0, "operations": 0}
    limits = api.runtime.limits
    assert reply.body["limits"]["vehicles"] == limits.vehicles
    assert reply.body["limits"]["keyRequestsPerS"] == limits.key_requests_per_s
    assert not any(name.startswith("total") for name in reply.body["limits"])


async def test_every_act_is_recorded_with_who_what_and_when(api: Api) -> None:
    new = await create(api.acme)
    key_id = new.body["id"]
    await edit(api.acme, key_id, {"label": "till"})
    rotated = await rotate(api.acme, key_id)
    gone = await revoke(api.acme, rotated.body["id"])
    events = (await list_events(api.acme))[:4]
    assert [(one["type"], one["subject"]) for one in events] == [
        ("keyRevoked", rotated.body["id"]), ("keyRotated", key_id), ("keyChanged", key_id), ("keyAdded", key_id),
    ]  # fmt: skip
    assert {one["by"] for one in events} == {api.acme.actor}
    assert len({one["byName"] for one in events}) == 1
    assert events[0]["byName"].startswith("key Acme")
    assert [one["requestId"] for one in events] == [
        gone.headers["x-request-id"], rotated.headers["x-request-id"], events[2]["requestId"],
        new.headers["x-request-id"],
    ]  # fmt: skip
    assert events[0]["at"] == gone.body["revokedAt"]
    assert events[2]["details"] == {"label": "till"}
    assert [one["number"] for one in events] == sorted((one["number"] for one in events), reverse=True)
    page = await api.acme.get("/api/v2/account/events?limit=1")
    rest = await api.acme.get(f"/api/v2/account/events?limit=1&cursor={page.body['nextCursor']}")
    assert [*page.body["events"], *rest.body["events"]] == events[:2]
    assert key_id not in repr(await list_events(api.beta))


@pytest.mark.long("postgres")
async def test_the_command_lines_acts_are_recorded_too_without_a_request(api: Api) -> None:
    account = api.cast.beta.account
    new = await accounts.add_key(api.runtime, account, label="by hand", scopes=["gate:check"], expires_in=None)
    await accounts.revoke_key(api.runtime, new.key.key_id)
    await accounts.disable_account(api.runtime, account)
    await accounts.enable_account(api.runtime, account)
    await accounts.enable_account(api.runtime, account)
    events = (await list_events(api.beta))[:4]
    assert [one["type"] for one in events] == ["accountEnabled", "accountDisabled", "keyRevoked", "keyAdded"]
    assert {(one["by"], one["byName"]) for one in events} == {("cli", "command line")}
    assert not any("requestId" in one for one in events)


@pytest.mark.long("postgres")
async def test_only_who_manages_the_account_sees_any_of_it(api: Api) -> None:
    others = await become(api, *(scope.value for scope in Scope if scope is not Scope.ACCOUNT_MANAGE))
    for path in (KEYS, f"{KEYS}/{others.actor}", "/api/v2/account", "/api/v2/account/events"):
        assert (await others.get(path)).code == (403, "Forbidden")


async def test_an_act_that_fails_leaves_nothing_in_the_record(api: Api) -> None:
    before = await list_events(api.acme)
    with pytest.raises(PadronError):
        await accounts.add_key(api.runtime, api.cast.acme.account, label="x", scopes=["no"], expires_in=None)
    assert (await rotate(api.acme, f"{api.acme.account_id}k000000000000")).status == 404
    assert (await create(await become(api, "account:manage"))).status == 403
    kept = [one for one in await list_events(api.acme) if one["details"].get("label") != "x"]
    assert kept == before
