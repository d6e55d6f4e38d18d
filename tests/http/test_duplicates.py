"""/api/v2/duplicates: several vehicles with one VIN side by side, resolved, merged, and given back by an undo."""

import json
import re
from typing import Any

import pytest

from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS
from padron.http.routes.vehicles.duplicates import LIMIT_MAX
from padron.service.accounts import add_key
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin, registered, save
from tests.http.api import LIST, Api, Client, Reply, before_the_store
from tests.http.test_openapi import check_reply

DUPLICATES = "/api/v2/duplicates"
RESOLVE = f"{DUPLICATES}/{HUMMER}/resolve"
MERGE = f"{DUPLICATES}/{HUMMER}/merge"


async def get(client: Client, query: str = "") -> Reply:
    reply = await client.get(f"{DUPLICATES}{query}")
    check_reply("GET", DUPLICATES, reply)
    return reply


async def post(client: Client, path: str, body: object, **headers: str) -> Reply:
    reply = await client.send("POST", path, json.dumps(body), headers)
    check_reply("POST", path, reply)
    return reply


@pytest.fixture
async def ids(api: Api) -> list[int]:
    """Acme's three vehicles with one VIN, beside another vehicle; Beta has one vehicle with the same VIN."""
    await api.beta.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01")
    first = registered(HUMMER, plate="AAA111", ownerName="Ana", doors=2)
    second = registered(HUMMER, slot=1, status=VehicleStatus.IN_THE_SHOP, plate="JEEP01", ownerName="Ana", doors=4)
    await save(api.store, api.acme.account_id, first, second, registered(HUMMER, slot=2, ownerName="Eva"))
    return [vehicle.vehicle_id for vehicle in await api.store.read(api.acme.account_id).list_by_vin(HUMMER)]


@pytest.mark.long("postgres")
async def test_the_vehicles_stand_side_by_side_with_what_differs(api: Api, ids: list[int]) -> None:
    reply = await get(api.acme)
    assert (reply.status, reply.body["nextCursor"]) == (200, None)
    (group,) = reply.body["duplicates"]
    assert (group["vin"], group["count"]) == (HUMMER, 3)
    assert group["differences"] == {
        "vehicleStatusId": [1, 4, 1],
        "plate": ["AAA111", "JEEP01", None],
        "doors": [2, 4, None],
        "ownerName": ["Ana", "Ana", "Eva"],
    }
    first, second, third = group["vehicles"]
    assert [one["vehicleId"] for one in group["vehicles"]] == ids
    assert {name: first[name] for name in ("vin", "plate", "vehicleStatusId", "operational", "doors")} == {
        "vin": HUMMER, "plate": "AAA111", "vehicleStatusId": 1, "operational": True, "doors": 2,
    }  # fmt: skip
    assert (second["operational"], second["changedBy"], second["reason"]) == (False, "Acme", None)
    assert second["revision"].startswith(f"v{ids[1]}r1t")
    assert {"createdAt", "statusSince", "updatedAt"} < third.keys()
    assert "plate" not in third


async def test_one_vin_or_a_page_can_be_asked_for(api: Api, ids: list[int]) -> None:
    await save(api.store, api.acme.account_id, *(registered(make_vin(1), slot=slot) for slot in range(2)))
    assert [group["vin"] for group in (await get(api.acme)).body["duplicates"]] == [HUMMER, make_vin(1)]
    page = (await get(api.acme, "?limit=1")).body
    assert [group["vin"] for group in page["duplicates"]] == [HUMMER]
    rest = (await get(api.acme, f"?limit=1&cursor={page['nextCursor']}")).body
    assert ([group["vin"] for group in rest["duplicates"]], rest["nextCursor"]) == ([make_vin(1)], None)
    (group,) = (await get(api.acme, f"?vin={HUMMER.lower()}")).body["duplicates"]
    assert [one["vehicleId"] for one in group["vehicles"]] == ids
    for vin in (JEEP, UNKNOWN_VIN):
        assert (await get(api.acme, f"?vin={vin}")).body == {"duplicates": [], "nextCursor": None, "more": False}
    for query in ("?vin=I", "?limit=0", f"?limit={LIMIT_MAX + 1}", "?cursor=x", "?plate=AAA111", "?vin="):
        assert (await get(api.acme, query)).code == (400, "BadParameters")


async def test_a_resolve_keeps_one_and_calls_by_the_vin_work_again(api: Api, ids: list[int]) -> None:
    assert (await api.acme.patch_status(HUMMER, 8)).code == (409, "MultipleVehiclesFound")
    shown = {one["vehicleId"]: one["revision"] for one in (await get(api.acme)).body["duplicates"][0]["vehicles"]}
    revisions = {str(vehicle_id): revision for vehicle_id, revision in shown.items()}
    body = {"keep": ids[2], "revisions": revisions, "reason": "Typed twice"}
    tried = await post(api.acme, RESOLVE, {**body, "dryRun": True})
    assert (tried.status, tried.body["dryRun"], "etag" in tried.headers) == (200, True, False)
    assert (await api.acme.patch_status(HUMMER, 8)).status == 409
    reply = await post(api.acme, RESOLVE, body)
    assert (reply.status, reply.etag) == (200, f'"{shown[ids[2]]}"')  # nothing of it was changed
    assert [(one["id"], one["vehicleId"]) for one in reply.body["former"]] == [(one, one) for one in ids[:2]]
    assert (reply.body["vehicle"]["vehicleId"], reply.body["vehicle"]["ownerName"]) == (ids[2], "Eva")
    done = reply.body
    revisions_given = [one.pop("revision") for one in (done["vehicle"], *done["former"])]
    assert [re.sub("t.*", "", one) for one in revisions_given] == [f"v{ids[2]}r1", f"v{ids[0]}r2", f"v{ids[1]}r2"]
    assert {**tried.body, "requestId": "", "dryRun": False} == {**done, "requestId": ""}
    assert reply.body["requestId"] == reply.headers["x-request-id"]
    assert (await api.acme.patch_status(HUMMER, 8)).status == 204
    assert (await api.acme.get_vehicle(HUMMER))["ownerName"] == "Eva"
    assert (await get(api.acme)).body["duplicates"] == []
    former = await api.acme.list_vehicles("assetStatusId=2")
    assert [(one["vin"], one["vehicleStatusId"], one["operational"]) for one in former] == [(HUMMER, 2, False)] * 2
    assert [one["plate"] for one in former] == ["AAA111", "JEEP01"]
    assert {one["validTo"] for one in former} == {one["statusSince"] for one in former}
    assert [one["vin"] for one in await api.acme.list_vehicles()] == [JEEP, HUMMER]


async def test_a_merge_chooses_values_and_is_one_request_in_the_feed(api: Api, ids: list[int]) -> None:
    before = (await api.acme.get("/api/v2/changes")).body["nextCursor"]
    body = {
        "keep": ids[2],
        "take": {"plate": ids[0], "vehicleStatusId": ids[1]},
        "set": {"doors": 5, "ownerName": ""},
        "reason": "One car",
    }
    reply = await post(api.acme, MERGE, body)
    assert reply.status == 200, reply.content
    vehicle = await api.acme.get_vehicle(HUMMER)
    assert (vehicle["plate"], vehicle["doors"], vehicle["vehicleStatusId"]) == ("AAA111", 5, 4)
    assert "ownerName" not in vehicle
    assert reply.revision == 3
    assert reply.etag == f'"{reply.body["vehicle"]["revision"]}"' == (await api.acme.get(f"{LIST}/{HUMMER}")).etag
    changes = (await api.acme.get(f"/api/v2/changes?after={before}")).body["changes"]
    assert [(one["type"], one.get("fromStatusId"), one.get("toStatusId")) for one in changes] == [
        ("vehicle.status_changed", 1, 2),
        ("vehicle.status_changed", 4, 2),
        ("vehicle.status_changed", 1, 4),
        ("vehicle.info_changed", None, None),
    ]
    assert {(one["requestId"], one["operational"], one["vin"]) for one in changes} == {
        (reply.body["requestId"], False, HUMMER)
    }
    assert [one["reason"] for one in changes[:3]] == ["One car"] * 3


@pytest.mark.long("postgres")
async def test_every_field_can_be_taken_and_given(api: Api) -> None:
    values: dict[str, Any] = {
        one.name: ("PLATE1" if one.name == "plate" else one.name) if one.is_text else 7 for one in FIELDS
    }
    await save(api.store, api.acme.account_id, registered(HUMMER), registered(HUMMER, slot=1, details=values))
    first, second = (one.vehicle_id for one in await api.store.read(api.acme.account_id).list_by_vin(HUMMER))
    reply = await post(api.acme, MERGE, {"keep": first, "take": dict.fromkeys(values, second)})
    vehicle = await api.acme.get_vehicle(HUMMER)
    assert {name: vehicle[name] for name in values} == values
    await undo(api, reply.body["requestId"])
    await post(api.acme, MERGE, {"keep": second, "set": {**dict.fromkeys(values, ""), "vehicleStatusId": 8}})
    vehicle = await api.acme.get_vehicle(HUMMER)
    assert not values.keys() & vehicle.keys()
    assert vehicle["vehicleStatusId"] == 8


async def undo(api: Api, request_id: str) -> Reply:
    path = f"/api/v2/requests/{request_id}/undo"
    reply = await api.acme.send("POST", path)
    check_reply("POST", path, reply)
    return reply


async def test_an_undo_brings_the_duplicates_back(api: Api, ids: list[int]) -> None:
    before = (await get(api.acme)).body["duplicates"][0]["differences"]
    done = await post(api.acme, MERGE, {"keep": ids[0], "take": {"doors": ids[1]}, "set": {"vehicleStatusId": 8}})
    undone = await undo(api, done.body["requestId"])
    assert [(one["vin"], one["outcome"]) for one in undone.body["results"]] == [(HUMMER, "undone")] * 3
    assert (await get(api.acme)).body["duplicates"][0]["differences"] == before
    assert (await api.acme.patch_status(HUMMER, 8)).code == (409, "MultipleVehiclesFound")
    again = await undo(api, undone.body["requestId"])
    assert again.body["undone"] == 3
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 8


@pytest.mark.long("postgres")
async def test_what_cannot_be_done_is_named(api: Api, ids: list[int]) -> None:
    shown = (await get(api.acme)).body["duplicates"][0]["vehicles"]
    revisions = {str(one["vehicleId"]): one["revision"] for one in shown}
    refused: list[tuple[str, object, tuple[int, str]]] = [
        (RESOLVE, {"keep": ids[1]}, (409, "PlateInUse")),
        (RESOLVE, {"keep": 1_000_000}, (400, "BadParameters")),
        (RESOLVE, {"keep": 10**30}, (400, "BadParameters")),
        (RESOLVE, {"keep": ids[0], "revisions": {**revisions, str(ids[1]): "v1r2t1"}}, (412, "RevisionMismatch")),
        (RESOLVE, {"keep": ids[0], "revisions": dict.fromkeys(revisions, 1)}, (412, "RevisionMismatch")),
        (RESOLVE, {"keep": ids[0], "revisions": dict.fromkeys(revisions, "1")}, (412, "RevisionMismatch")),
        (RESOLVE, {"keep": ids[0], "revisions": {}}, (412, "RevisionMismatch")),
        (RESOLVE.replace(HUMMER, UNKNOWN_VIN), {"keep": ids[0]}, (404, "VehicleNotFound")),
        (RESOLVE.replace(HUMMER, JEEP), {"keep": ids[0]}, (409, "NoDuplicates")),
        (RESOLVE.replace(HUMMER, "O"), {"keep": ids[0]}, (400, "BadParameters")),
        (MERGE, {"keep": ids[0], "take": {"doors": 1_000_000}}, (400, "BadParameters")),
        (MERGE, {"keep": ids[0], "take": {"doors": ids[1]}, "set": {"doors": 2}}, (400, "BadParameters")),
        (MERGE, {"keep": ids[2], "set": {"plate": "JEEP01"}}, (409, "PlateInUse")),
    ]
    for path, body, code in refused:
        reply = await post(api.acme, path, body)
        assert reply.code == code, (body, reply.content)
    assert len((await get(api.acme)).body["duplicates"][0]["vehicles"]) == 3


OTHER_FORMS: list[tuple[str, object, str]] = [
    (RESOLVE, {}, "keep"),
    (RESOLVE, {"keep": "1"}, "keep"),
    (RESOLVE, {"keep": 1.0}, "keep"),
    (RESOLVE, {"keep": None}, "keep"),
    (RESOLVE, {"keep": True}, "keep"),
    (RESOLVE, {"keep": 1, "revisions": {"a": 1}}, "revisions"),
    (RESOLVE, {"keep": 1, "revisions": {"1": "x"}}, "revisions.1"),
    (RESOLVE, {"keep": 1, "revisions": {"1": 1.0}}, "revisions"),
    (RESOLVE, {"keep": 1, "revisions": [1]}, "revisions"),
    (RESOLVE, {"keep": 1, "take": {}}, "take"),
    (RESOLVE, {"keep": 1, "reason": "x" * 501}, "501"),
    (RESOLVE, {"keep": 1, "dryRun": 1}, "dryRun"),
    (MERGE, {"keep": 1, "take": {"vin": 1}}, "vin"),
    (MERGE, {"keep": 1, "take": {"wheels": 1}}, "wheels"),
    (MERGE, {"keep": 1, "take": {"doors": "1"}}, "doors"),
    (MERGE, {"keep": 1, "set": {"vin": JEEP}}, "vin"),
    (MERGE, {"keep": 1, "set": {"doors": 31}}, "doors"),
    (MERGE, {"keep": 1, "set": {"plate": "A"}}, "plate"),
    (MERGE, {"keep": 1, "set": {"ownerName": "\u0000"}}, "ownerName"),
    (MERGE, {"keep": 1, "set": {"vehicleStatusId": 2}}, "2 (Info Changed)"),
    (MERGE, {"keep": 1, "set": {"vehicleStatusId": ""}}, "vehicleStatusId"),
    (MERGE, {"keep": 1, "set": None}, "set"),
    (MERGE, [], "object"),
]


@before_the_store
async def test_a_body_of_another_form_is_refused_by_name(api: Api) -> None:
    for path, body, said in OTHER_FORMS:
        reply = await post(api.acme, path, body)
        assert reply.code == (400, "BadParameters"), (path, body)
        assert said in reply.detail, (path, body)


@pytest.mark.long("postgres")
async def test_another_accounts_duplicates_cannot_be_told_from_none(api: Api, ids: list[int]) -> None:
    assert (await get(api.beta)).body["duplicates"] == []
    for path in (RESOLVE, MERGE):
        # Beta has one vehicle with the VIN, whatever Acme has.
        assert (await post(api.beta, path, {"keep": ids[0]})).code == (409, "NoDuplicates")
    await save(api.store, api.acme.account_id, *(registered(make_vin(3), slot=slot) for slot in range(2)))
    for action in ("resolve", "merge"):
        stranger = await post(api.beta, f"{DUPLICATES}/{make_vin(3)}/{action}", {"keep": ids[0]})
        nobody = await post(api.beta, f"{DUPLICATES}/{make_vin(4)}/{action}", {"keep": ids[0]})
        assert stranger.code == (404, "VehicleNotFound")
        same = (stranger.status, stranger.detail.replace(make_vin(3), make_vin(4)))
        assert same == (nobody.status, nobody.detail)


@pytest.mark.long("postgres")
async def test_the_scope_is_vehicles_repair_for_all_of_it_and_for_its_undo(api: Api, ids: list[int]) -> None:
    new = await add_key(api.runtime, api.cast.acme.account, label="x", scopes=["vehicles:repair"], expires_in=None)
    every = ["vehicles:read", "vehicles:write", "vehicles:status"]
    old = await add_key(api.runtime, api.cast.acme.account, label="y", scopes=every, expires_in=None)

    async def send(token: str, path: str, body: object) -> Reply:
        return await api.nobody.send("POST", path, json.dumps(body), {"Authorization": f"Bearer {token}"})

    assert (await send(old.token, MERGE, {"keep": ids[0], "take": {"doors": ids[1]}})).code == (403, "Forbidden")
    done = await send(new.token, MERGE, {"keep": ids[0], "take": {"doors": ids[1]}})
    assert done.status == 200
    path = f"/api/v2/requests/{done.body['requestId']}/undo"
    assert (await send(old.token, path, {})).code == (403, "Forbidden")
    assert (await send(new.token, path, {})).body["undone"] == 3


@pytest.mark.long("postgres")
async def test_the_history_of_each_is_there_before_and_after(api: Api, ids: list[int]) -> None:
    path = f"/api/v2/vehicles/{HUMMER}/history"
    assert (await api.acme.get(path)).code == (409, "MultipleVehiclesFound")
    assert len((await api.acme.get(f"{path}?vehicleId={ids[1]}")).body["history"]) == 1
    await post(api.acme, RESOLVE, {"keep": ids[0]})
    reply = await api.acme.get(f"{path}?vehicleId={ids[1]}")
    check_reply("GET", path, reply)
    newest, first = reply.body["history"]
    assert (newest["fromStatusId"], newest["toStatusId"]) == (4, 2)
    assert newest["reason"] == f"Duplicate: vehicle {ids[0]} is kept"
    assert first["type"] == "registered"
    assert len((await api.acme.get(path)).body["history"]) == 1
    for vin, vehicle_id in ((JEEP, ids[1]), (HUMMER, ids[0] - 1), (UNKNOWN_VIN, ids[0])):
        reply = await api.acme.get(f"/api/v2/vehicles/{vin}/history?vehicleId={vehicle_id}")
        assert reply.code == (404, "VehicleNotFound")
    assert (await api.beta.get(f"{path}?vehicleId={ids[1]}")).code == (404, "VehicleNotFound")
    for text in ("0", "x", str(2**31)):
        assert (await api.acme.get(f"{path}?vehicleId={text}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_a_repeated_resolve_with_its_key_is_answered_the_same(api: Api, ids: list[int]) -> None:
    body = {"keep": ids[0]}
    first = await post(api.acme, RESOLVE, body, **{"Idempotency-Key": "once"})
    again = await post(api.acme, RESOLVE, body, **{"Idempotency-Key": "once"})
    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await post(api.acme, RESOLVE, body)).code == (409, "NoDuplicates")
