"""Every route for every role, on an own vehicle, another account's and none: one table."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from padron.domain.account import Scope
from padron.domain.change import START
from padron.domain.people import Role
from padron.http import app as application
from padron.http.declarations import Route
from padron.http.routes import ROUTES, give_routes
from padron.service.accounts import add_account, add_key
from padron.service.changes.cursors import format_feed_cursor
from padron.service.people.members import add_member
from padron.service.people.users import add_user
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_cast, make_member
from tests.http.api import Api, Client, Reply, before_the_store, on_both
from tests.http.conftest import run_api

GUARDED = {route.name: route for route in ROUTES if not route.public}
ROLES = ("nobody", "bad key", "acme", "beta", "gamma", "no scope for it")
VINS = {"own": HUMMER, "other": JEEP, "unknown": UNKNOWN_VIN}  # as Acme and Gamma see them
SPARES = {"own": "Acme", "other": "Beta", "unknown": "none"}
PLATES = {"own": "ACME1", "other": "BETA1", "unknown": "NONE1"}
QUERIES = {
    "checkVehicle": "?operation=dispatch",
    "reportTimeInStatus": "?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z",
}
REPAIRS = {"resolveDuplicates": 409, "mergeDuplicates": 409}  # the VIN has one vehicle
FOUND = {
    "setVehicleStatus": 204, "createKey": 201, "rotateKey": 201, "inviteMember": 201, "removeMember": 204,
    "createMemberLink": 201, "createWebhook": 201, "startImport": 202, "keepFile": 201, "createSelection": 201,
    "createView": 201, "scanVins": 400, "takeGateLease": 409, "renewGateLease": 410, **REPAIRS,
}  # fmt: skip
BY_KEY = {"getKey", "changeKey", "rotateKey", "revokeKey"}
BY_USER = {"getMember", "putMember", "removeMember", "suspendMember", "resumeMember", "createMemberLink"}
BY_VIN = {
    "setVehicleStatus", "getVehicleStatus", "getVehicle", "deleteVehicle", "eraseValues", "listVehicleHistory",
    "listVehicleResults", *REPAIRS,
}  # fmt: skip
# What lies inside something that nobody has made: whoever may ask is told that it is not there.
WEBHOOK = {"getWebhook", "changeWebhook", "deleteWebhook", "rotateWebhookSecret", "testWebhook"}
DELIVERY = {"listWebhookDeliveries", "getWebhookDelivery", "replayWebhook", "replayWebhookDelivery"}
IMPORT = {"getImport", "getImportReport", "cancelImport", "getFilePreview", "importFile", "discardFile"}
SELECTION = {"getSelection", "getSelectionReport", "previewSelection", "applySelection", "deleteSelection"}
VIEW = {"getView", "putView", "deleteView"}
PLAN = {"getPlannedChange", "cancelPlannedChange"}
WORK = {
    "claimWork", "giveResults", "startRun", "getRun", "listRunResults", "listRuns", "cancelRun", "deleteOperation",
}  # fmt: skip
INSIDE = {"endGateLease", *WEBHOOK, *DELIVERY, *IMPORT, *SELECTION, *VIEW, *PLAN, *WORK, "undoRequest"}
GONE_CURSOR = format_feed_cursor("00000000", START)  # of no register
ALONE = {"putVehicle", "upsertVehicleInfo", "deleteVehicle"}  # each call needs a register that none before it changed
SHORT_ON_POSTGRES = BY_VIN | BY_KEY | ALONE


class Spare(NamedTuple):
    """What can be administered without harm: a key and a member."""

    key_id: str
    user_id: str


NOBODYS = Spare("9kNobodysKey00", "uNobodyNobody")
NAMED_SPARE = re.compile("{(keyId|userId|actorId)}")


def give_scopes(route: Route) -> set[Scope]:
    return {*route.either_scope, *route.further_scopes, *((route.scope,) if route.scope else ())}


def expect(route: Route, role: str, whose: str) -> int:  # noqa: PLR0911 - a table of its own
    """Give the status that the contract demands."""
    if role in {"nobody", "bad key"}:
        return 401
    if give_scopes(route) and role == "no scope for it":
        return 403
    needs_more = give_scopes(route) - {Scope.VEHICLES_READ} and Scope.VEHICLES_READ not in route.either_scope
    if role == "gamma" and needs_more:
        return 403
    if role == "gamma" and route.name == "createView":
        return 403  # a key shares its views, and who only reads shares nothing
    mine = "other" if role == "beta" else "own"
    if route.name in BY_VIN | BY_KEY | BY_USER | {"getActor"} and whose != mine:
        return 404
    if route.name in INSIDE:
        return 404
    if route.name == "putVehicle" and whose != mine:
        return 201
    return FOUND.get(route.name, 200)


def build_body(route: Route, whose: str, role: str = "") -> str | bytes | None:
    bodies: dict[str, Any] = {
        "setVehicleStatus": {"vehicleStatusId": 3},
        "setVehicleStatuses": {"vehicles": [{"vin": VINS[whose], "vehicleStatusId": 3}]},
        "putVehicle": {"plate": PLATES[whose]},
        "upsertVehicleInfo": {"vehicleInfo": {"vin": VINS[whose], "plate": PLATES[whose]}},
        "putOperation": {"description": "Query fines", "leaseSeconds": 60, "attempts": 3},
        "claimWork": {"limit": 1},
        "giveResults": {"results": [{"claimId": "1-1-1", "outcome": "succeeded", "result": {}}]},
        "startRun": {"vins": [VINS[whose]]},
        "createWebhook": {"url": "https://fleet.example/padron", "eventTypes": ["vehicle.registered"]},
        "changeWebhook": {"description": "x"},
        "replayWebhook": {"after": 0},
        **{name: {"keep": 1} for name in REPAIRS},
        "putMember": {"role": "editor"},
        "inviteMember": {"email": f"{whose}-{role}@acme.example".replace(" ", "-"), "name": "Ana", "role": "viewer"},
        "createKey": {"label": "x", "scopes": ["vehicles:read"]},
        "changeKey": {"label": "y"},
        "eraseValues": {"vin": VINS[whose], "fields": ["ownerName"]},
        "createSelection": {"vehicles": [{"vin": VINS[whose]}]},
        "createView": {"name": f"{whose} {role}", "query": "assetStatusId=6", "shared": True},
        "putView": {"name": "To sell", "query": "assetStatusId=6", "shared": True},
        "previewSelection": {"vehicleStatusId": 3},
        "applySelection": {"vehicleStatusId": 3, "digest": "0" * 64},
        "setStrictGates": {"strictGates": True},
        "renewGateLease": {"cursor": GONE_CURSOR},
        "checkVehicles": {"operation": "dispatch", "vins": [VINS[whose]]},
    }
    if route.name in {"startImport", "keepFile"}:
        return f"vin\n{VINS[whose]}\n"
    if route.name == "scanVins":
        return b"no picture"
    return json.dumps(bodies[route.name]) if route.name in bodies else None


async def call(
    client: Client, route: Route, whose: str, token: str | None, spare: Spare | None = None, role: str = ""
) -> Reply:
    path = route.path.replace("{vin}", VINS[whose]).replace("{name}", "fines").replace("{runId}", "1" * 16)
    path = path.replace("{requestId}", "none").replace("{webhookId}", "1" * 22).replace("{deliveryId}", "1")
    path = (
        path.replace("{importId}", "1" * 16)
        .replace("{fileId}", "1" * 16)
        .replace("{selectionId}", "1" * 16)
        .replace("{viewId}", "1" * 16)
    )
    spare = spare or NOBODYS
    path = path.replace("{keyId}", spare.key_id).replace("{userId}", spare.user_id).replace("{actorId}", spare.key_id)
    path = path.replace("{planId}", "0" * 30).replace("{leaseId}", "0" * 24)
    path += QUERIES.get(route.name, "")
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    headers |= {"Content-Type": route.media_types[0]} if route.media_types else {}
    return await client.send(route.method, path, build_body(route, whose, role), headers)


async def give_token(api: Api, role: str, route: Route) -> str | None:
    cast = api.cast
    match role:
        case "nobody":
            return None
        case "bad key":
            return cast.acme.token[:-4] + "0000"
        case "no scope for it":
            others = [scope.value for scope in Scope if scope not in give_scopes(route)]
            return (await add_key(api.runtime, cast.acme.account, label="x", scopes=others, expires_in=None)).token
        case _:
            return str(getattr(cast, role).token)


@on_both("name", GUARDED, SHORT_ON_POSTGRES.__contains__)
async def test_each_role_may_do_what_the_contract_says_and_nothing_else(api: Api, name: str) -> None:
    route = GUARDED[name]
    await api.acme.put_vehicle(HUMMER, plate="ACME1")
    await api.beta.put_vehicle(JEEP, plate="BETA1")
    spares = await make_spares(api) if NAMED_SPARE.search(route.path) else dict.fromkeys(SPARES.values(), NOBODYS)
    for role in ROLES:
        token = await give_token(api, role, route)
        for whose in VINS:
            if name in ALONE:  # in a register of its own
                token = token if role in {"nobody", "bad key"} else await renew(api, role, route)
            reply = await call(api.nobody, route, whose, token, spares[SPARES[whose]], role)
            expected = expect(route, role, whose)
            if route.name == "putOperation" and reply.status == 201:
                expected = 201  # the first to declare it makes it
            assert reply.status == expected, (role, whose, reply.content)
            if reply.status == 404 and name in BY_VIN:
                assert reply.code == (404, "VehicleNotFound")
            if reply.status == 404 and name in BY_KEY:
                assert reply.code == (404, "ApiKeyNotFound")
            if reply.status == 404 and name in BY_USER:
                assert reply.code == (404, "UserNotFound")
    if name not in ALONE:
        assert await api.acme.list_vins() == [HUMMER]
        assert await api.beta.list_vins() == [JEEP]


async def make_spares(api: Api) -> dict[str, Spare]:
    """Give a key that nobody uses and a member, by account; and those of none."""
    spares = {}
    for name, member in (("Acme", api.cast.acme), ("Beta", api.cast.beta)):
        account = member.account
        key = await make_member(api.runtime, account, "spare", [Scope.VEHICLES_READ.value])
        user = await add_user(api.runtime, email=f"{account.account_id}@spare.example", name="Spare")
        await add_member(api.runtime, user, account.account_id, Role.VIEWER)
        spares[name] = Spare(key.principal.actor, user.user_id)
    return {**spares, "none": Spare(f"{api.acme.account_id}k000000000000", NOBODYS.user_id)}


async def renew(api: Api, role: str, route: Route) -> str:
    """Give the token of a member in the same role of an account made for this one call."""
    account = await add_account(api.runtime, f"{role} {len(await api.runtime.store.directory.list_accounts())}")
    scopes = {
        "gamma": [Scope.VEHICLES_READ.value],
        "no scope for it": [scope.value for scope in Scope if scope is not route.scope],
    }.get(role, [scope.value for scope in Scope])
    everything = await make_member(api.runtime, account, "all", [scope.value for scope in Scope])
    vin, plate = (JEEP, "BETA1") if role == "beta" else (HUMMER, "ACME1")
    await api.nobody.send(
        "PUT", f"/api/v2/vehicles/{vin}", json.dumps({"plate": plate}), {"Authorization": f"Bearer {everything.token}"}
    )
    return (await make_member(api.runtime, account, "role", scopes)).token


def test_each_scope_opens_a_call() -> None:
    assert {scope for route in ROUTES for scope in give_scopes(route)} == {*Scope}


@pytest.mark.long("postgres")
async def test_the_service_asks_for_the_scope_too_when_the_edge_does_not(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguard(routes: Iterable[Route]) -> tuple[Route, ...]:
        return tuple(replace(route, scope=None, further_scopes=(), either_scope=()) for route in routes)

    monkeypatch.setattr(application, "ROUTES", unguard(ROUTES))  # those of the fast path
    monkeypatch.setattr(application, "give_routes", lambda start: unguard(give_routes(start)))
    async with run_api(runtime, await make_cast(runtime)) as api:
        first = await api.gamma.patch_status("X", 3)
        assert first.status == 400, "The edge asks after all: it refuses a scope before a VIN."
        for route in (route for route in GUARDED.values() if give_scopes(route)):
            token = await give_token(api, "no scope for it", route)
            reply = await call(api.nobody, route, "own", token)
            assert reply.status == 403, (route.name, reply.content)


@before_the_store
async def test_each_further_scope_is_asked_for_before_what_is_wrong_with_a_call(api: Api) -> None:
    routes = [route for route in GUARDED.values() if route.further_scopes]
    assert len(routes) > 10
    for route in routes:
        path = re.sub("{[a-zA-Z]+}", "none", route.path) + "?none=1"
        for missing in (None, *route.further_scopes):
            scopes = [scope.value for scope in Scope if scope is not missing]
            token = (await add_key(api.runtime, api.cast.acme.account, label="x", scopes=scopes, expires_in=None)).token
            reply = await api.nobody.send(route.method, path, b"{", {"Authorization": f"Bearer {token}"})
            assert reply.status in ({400, 404, 415} if missing is None else {403}), (route.name, missing, reply.content)


def test_the_table_has_every_guarded_operation() -> None:
    assert len(GUARDED) * len(ROLES) * len(VINS) == 98 * 6 * 3
