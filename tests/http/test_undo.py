"""POST /api/v2/requests/{requestId}/undo: each vehicle as it was before, unless somebody changed it since."""

import json
from datetime import timedelta

import pytest

from padron.domain.instants import format_instant
from padron.service.accounts import add_key
from padron.service.statuses import undo as undo_module
from tests.cast import HUMMER, JEEP, make_vin, registered, save, status_changed
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply

BULK = "/api/v2/vehicles/status"


async def undo(client: Client, request_id: str, body: object = None) -> Reply:
    path = f"/api/v2/requests/{request_id}/undo"
    reply = await client.send("POST", path, None if body is None else json.dumps(body))
    check_reply("POST", path, reply)
    return reply


async def set_all(api: Api, status: int, *vins: str) -> str:
    vehicles = [{"vin": vin, "vehicleStatusId": status} for vin in vins]
    return str((await api.acme.send("POST", BULK, json.dumps({"vehicles": vehicles}))).body["requestId"])


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01", doors=4)


async def test_a_bulk_change_is_taken_back_by_changes_of_its_own(api: Api) -> None:
    await api.acme.patch_status(JEEP, 4, "Brakes")
    sold = await set_all(api, 8, HUMMER, JEEP)
    reply = await undo(api.acme, sold)
    assert (reply.status, reply.body["undone"], reply.body["left"]) == (200, 2, 0)
    assert [one["vin"] for one in reply.body["results"]] == [HUMMER, JEEP]
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 1
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 4
    newest = (await api.acme.list_history(JEEP))[0]
    assert newest["requestId"] == reply.body["requestId"] == reply.headers["x-request-id"]
    assert newest["reason"] == f"Undo of request {sold}"
    assert newest["by"] == api.acme.actor
    changes = (await api.acme.get("/api/v2/changes?limit=500")).body["changes"]
    assert [one["requestId"] for one in changes][-2:] == [newest["requestId"]] * 2


@pytest.mark.long("postgres")
async def test_an_undo_can_be_undone_and_no_request_twice(api: Api) -> None:
    sold = await set_all(api, 8, HUMMER, JEEP)
    undone = (await undo(api.acme, sold, {"reason": "Wrong list"})).body["requestId"]
    assert (await api.acme.list_history(HUMMER))[0]["reason"] == "Wrong list"
    twice = await undo(api.acme, sold)
    assert (twice.body["undone"], twice.body["left"]) == (0, 2)
    assert {one["left"] for one in twice.body["results"]} == {"changedSince"}
    assert undone in twice.body["results"][0]["detail"]
    assert (await undo(api.acme, undone)).body["undone"] == 2
    assert sorted(await api.acme.list_vins("assetStatusId=8")) == [HUMMER, JEEP]


async def test_a_vehicle_that_was_changed_since_is_left_and_named(api: Api) -> None:
    sold = await set_all(api, 8, HUMMER, JEEP)
    await api.acme.put_vehicle(JEEP, doors=2)
    reply = await undo(api.acme, sold)
    first, second = reply.body["results"]
    assert (first["outcome"], second["outcome"], second["left"]) == ("undone", "left", "changedSince")
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 8


async def test_core_data_comes_back_with_what_was_removed_and_added(api: Api) -> None:
    before = await api.acme.get_vehicle(JEEP)
    edit = await api.acme.put_vehicle(JEEP, plate="NEW001", doors="", ownerName="Flota Sur")
    assert (await undo(api.acme, edit.headers["x-request-id"])).body["undone"] == 1
    after = await api.acme.get_vehicle(JEEP)
    assert {**after, "updatedAt": ""} == {**before, "updatedAt": ""}


async def test_a_vin_comes_back_unless_it_is_taken(api: Api) -> None:
    renamed = (await api.acme.upsert(make_vin(1), "JEEP01")).headers["x-request-id"]
    assert (await undo(api.acme, renamed)).body["results"][0]["vin"] == JEEP
    renamed = (await api.acme.upsert(make_vin(1), "JEEP01")).headers["x-request-id"]
    await api.acme.register(JEEP, plate="OTHER1")
    (one,) = (await undo(api.acme, renamed)).body["results"]
    assert (one["outcome"], one["left"]) == ("left", "vinInUse")


async def test_a_plate_that_another_vehicle_bears_by_now_is_left(api: Api) -> None:
    edit = await api.acme.put_vehicle(JEEP, plate="NEW001")
    await api.acme.put_vehicle(HUMMER, plate="JEEP01")
    (one,) = (await undo(api.acme, edit.headers["x-request-id"])).body["results"]
    assert (one["left"], HUMMER in one["detail"]) == ("plateInUse", True)


@pytest.mark.long("postgres")
async def test_a_registration_is_left_and_an_unknown_request_is_404(api: Api) -> None:
    new = await api.acme.put_vehicle(make_vin(5), doors=2)
    (one,) = (await undo(api.acme, new.headers["x-request-id"])).body["results"]
    assert one["left"] == "registered"
    for request_id in ("none", "x" * 101, "%00", "a%20b"):
        assert (await undo(api.acme, request_id)).code == (404, "RequestNotFound")
    sold = await set_all(api, 8, HUMMER)
    assert (await undo(api.beta, sold)).code == (404, "RequestNotFound")


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "scopes, status_undone, info_undone",
    [
        (["vehicles:bulk"], 403, 403),
        (["vehicles:status"], 200, 403),
        (["vehicles:write"], 403, 200),
        (["vehicles:status", "vehicles:write"], 200, 200),
        (["vehicles:read", "gate:check"], 403, 403),
    ],
)
async def test_the_scope_is_that_of_what_is_taken_back(
    api: Api, scopes: list[str], status_undone: int, info_undone: int
) -> None:
    status = await set_all(api, 8, HUMMER)
    info = (await api.acme.put_vehicle(JEEP, doors=2)).headers["x-request-id"]
    new = await add_key(api.runtime, api.cast.acme.account, label="x", scopes=scopes, expires_in=None)
    for request_id, expected in ((status, status_undone), (info, info_undone)):
        path = f"/api/v2/requests/{request_id}/undo"
        reply = await api.nobody.send("POST", path, None, {"Authorization": f"Bearer {new.token}"})
        assert reply.status == expected, reply.content


@pytest.mark.long("postgres")
@pytest.mark.parametrize("scopes, expected", [(["vehicles:status"], 403), (["vehicles:status", "vehicles:bulk"], 200)])
@pytest.mark.parametrize("later", [(), (1,), (0, 1)], ids=["changed", "one planned", "planned"])
async def test_the_undo_of_several_vehicles_needs_the_scope_for_many(
    api: Api, later: tuple[int, ...], scopes: list[str], expected: int
) -> None:
    at = format_instant(api.runtime.clock() + timedelta(hours=1))
    asked: list[dict[str, object]] = [{"vin": vin, "vehicleStatusId": 8} for vin in (HUMMER, JEEP)]
    for place in later:
        asked[place]["effectiveAt"] = at
    done = await api.acme.send("POST", "/api/v2/vehicles/status", json.dumps({"vehicles": asked}))
    assert (done.body["changed"], done.body["planned"]) == (2 - len(later), len(later))
    new = await add_key(api.runtime, api.cast.acme.account, label="x", scopes=scopes, expires_in=None)
    path = f"/api/v2/requests/{done.body['requestId']}/undo"
    reply = await api.nobody.send("POST", path, None, {"Authorization": f"Bearer {new.token}"})
    assert reply.status == expected, reply.content
    assert expected == 200 or "vehicles:bulk" in reply.detail


@pytest.mark.long("postgres")
async def test_a_request_with_too_many_changes_is_refused_and_one_of_several_chunks_is_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = []
    for number in range(7):
        await save(api.store, api.acme.account_id, registered(make_vin(50 + number), plate=f"SEVEN{number}"))
        (vehicle,) = await api.store.read(api.acme.account_id).list_by_vin(make_vin(50 + number))
        changes.append(status_changed(vehicle, request_id="many"))
    await save(api.store, api.acme.account_id, *changes)
    monkeypatch.setattr(undo_module, "UNDONE_CHANGES_MAX", 6)
    assert (await undo(api.acme, "many")).code == (409, "RequestTooLarge")
    monkeypatch.setattr(undo_module, "UNDONE_CHANGES_MAX", 7)
    monkeypatch.setattr(undo_module, "CHUNK_VEHICLES", 3)
    reply = await undo(api.acme, "many")
    assert reply.body["undone"] == 7
    assert [one["vin"] for one in reply.body["results"]] == [make_vin(50 + number) for number in range(7)]
