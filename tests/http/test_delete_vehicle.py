"""DELETE /api/v2/vehicles/{vin}: gone from everywhere at once, kept in the record, and brought back by an undo."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from padron.domain.deletion import UNDOABLE
from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.service.accounts import add_key
from padron.service.statuses.undo import undo_request
from padron.workers.plans import PlanWorker
from tests.cast import HUMMER, JEEP, NOON, make_vin
from tests.conftest import SteppedClock
from tests.http.api import Api, Client, Reply, before_the_store
from tests.http.operations_api import answer, claim, claim_hummer, declare, get_run, start
from tests.http.plans_api import give, list_plans, plan
from tests.http.test_openapi import check_reply
from tests.tables import each_row

PATH = "/api/v2/vehicles/{vin}"


async def delete(client: Client, vin: str = HUMMER, query: str = "", **headers: str) -> Reply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = await client.send("DELETE", f"/api/v2/vehicles/{vin}{query}", None, given)
    check_reply("DELETE", PATH, reply)
    return reply


async def undo(client: Client, request_id: str) -> Reply:
    reply = await client.send("POST", f"/api/v2/requests/{request_id}/undo", None)
    check_reply("POST", "/api/v2/requests/{requestId}/undo", reply)
    return reply


async def list_changes(client: Client) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = (await client.get("/api/v2/changes?limit=500")).body["changes"]
    return changes


async def is_allowed(client: Client, vin: str = HUMMER) -> bool:
    return bool((await client.get(f"/api/v2/gate/{vin}?operation=dispatch")).body["allowed"])


def step(api: Api, hours: float) -> None:
    clock = api.runtime.clock
    assert isinstance(clock, SteppedClock)
    clock.now = NOON + timedelta(hours=hours)


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER, plate="HUM001", ownerName="Ana")
    await api.acme.register(JEEP, plate="JEEP01")


async def test_a_deleted_vehicle_is_nowhere_and_the_gate_refuses_it_at_once(api: Api) -> None:
    assert await is_allowed(api.acme)
    reply = await delete(api.acme, HUMMER, "?reason=Wrong%20VIN")
    assert reply.status == 200
    assert reply.body["vin"] == HUMMER
    assert reply.body["requestId"] == reply.headers["x-request-id"]
    assert not await is_allowed(api.acme)
    assert await api.acme.list_vins() == [JEEP]
    assert await api.acme.list_vins("operational=true") == [JEEP]
    assert await api.acme.list_vins("ownerName=Ana") == []
    exported = (await api.acme.get("/api/v2/vehicles.csv")).content.decode()
    assert JEEP in exported
    assert HUMMER not in exported
    for path in ("", "/status"):
        assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}{path}")).code == (404, "VehicleNotFound")
    assert (await api.acme.patch_status(HUMMER, 3)).code == (404, "VehicleNotFound")


@pytest.mark.long("postgres")
async def test_deleting_it_again_is_404_and_records_nothing(api: Api) -> None:
    await delete(api.acme)
    before = await list_changes(api.acme)
    assert (await delete(api.acme)).code == (404, "VehicleNotFound")
    assert await list_changes(api.acme) == before


@pytest.mark.long("postgres")
async def test_history_and_feed_tell_who_deleted_it_when_and_why(api: Api) -> None:
    await api.acme.patch_status(HUMMER, 4)
    reply = await delete(api.acme, HUMMER, "?reason=Wrong%20VIN")
    newest, *_, first = await api.acme.list_history(HUMMER)
    assert newest == {
        "type": "deleted", "at": reply.body["deletedAt"], "by": api.acme.actor, "requestId": reply.body["requestId"],
        "byName": api.acme.actor_name, "fromStatusId": 4, "toStatusId": 2, "reason": "Wrong VIN",
    }  # fmt: skip
    assert first["type"] == "registered"
    by_id = await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history?vehicleId={reply.body['vehicleId']}")
    assert by_id.body["history"][0] == newest
    told = (await list_changes(api.acme))[-1]
    assert (told["type"], told["vin"], told["reason"]) == ("vehicle.deleted", HUMMER, "Wrong VIN")
    assert (told["fromStatusId"], told["toStatusId"]) == (4, 2)
    assert (told["operational"], told["operationalChanged"]) == (False, False)


@pytest.mark.long("postgres")
async def test_another_account_has_no_history_of_it(api: Api) -> None:
    await delete(api.acme)
    assert (await api.beta.get(f"/api/v2/vehicles/{HUMMER}/history")).code == (404, "VehicleNotFound")
    assert (await delete(api.beta)).code == (404, "VehicleNotFound")


@pytest.mark.long("postgres")
async def test_its_vin_and_its_plate_are_free_at_once_for_another_vehicle(api: Api) -> None:
    old = (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"]
    deleted = await delete(api.acme)
    assert (await api.acme.put_vehicle(JEEP, plate="HUM001")).status == 200
    anew = await api.acme.register(HUMMER, plate="NEW001")
    assert anew.status in {200, 201}
    assert (await api.acme.get_vehicle(HUMMER)).get("ownerName") is None
    assert (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"] != old
    assert [one["type"] for one in await api.acme.list_history(HUMMER)] == ["registered"]
    left = (await undo(api.acme, deleted.body["requestId"])).body["results"][0]
    assert (left["outcome"], left["left"]) == ("left", "vinInUse")
    assert len(await api.acme.list_vehicles(f"vin={HUMMER}")) == 1


async def test_an_undo_brings_it_back_as_it_was_and_says_so_in_the_feed(api: Api) -> None:
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    before = await api.acme.get_vehicle(HUMMER)
    step(api, 1)
    deleted = (await delete(api.acme)).body
    assert datetime.fromisoformat(deleted["undoableUntil"]) == datetime.fromisoformat(deleted["deletedAt"]) + UNDOABLE
    step(api, 2)
    reply = await undo(api.acme, deleted["requestId"])
    assert (reply.body["undone"], reply.body["left"]) == (1, 0)
    after = await api.acme.get_vehicle(HUMMER)
    ignored = {"updatedAt": "", "statusSince": ""}
    assert {**after, **ignored} == {**before, **ignored}
    told = (await list_changes(api.acme))[-1]
    assert (told["type"], told["fromStatusId"], told["toStatusId"]) == ("vehicle.status_changed", 2, 4)
    assert await api.acme.list_vins("ownerName=Ana") == [HUMMER]
    again = await undo(api.acme, deleted["requestId"])
    assert again.body["results"][0]["left"] == "changedSince"
    assert (await delete(api.acme)).status == 200


@pytest.mark.long("postgres")
async def test_an_undo_of_the_undo_leaves_the_vehicle_in_the_register(api: Api) -> None:
    undone = (await undo(api.acme, (await delete(api.acme)).body["requestId"])).body["requestId"]
    assert (await undo(api.acme, undone)).body["results"][0]["left"] == "onlyVehicle"
    assert sorted(await api.acme.list_vins()) == sorted([HUMMER, JEEP])


async def test_a_plate_that_another_vehicle_took_meanwhile_keeps_it_deleted(api: Api) -> None:
    deleted = (await delete(api.acme)).body
    await api.acme.put_vehicle(JEEP, plate="HUM001")
    assert (await undo(api.acme, deleted["requestId"])).body["results"][0]["left"] == "plateInUse"
    await api.acme.put_vehicle(JEEP, plate="JEEP01")
    assert (await undo(api.acme, deleted["requestId"])).body["undone"] == 1


@pytest.mark.parametrize("seconds, left", [(-60, None), (1, "tooLate")])
async def test_it_can_be_undone_for_thirty_days_and_its_history_stays(api: Api, seconds: int, left: str | None) -> None:
    deleted = (await delete(api.acme)).body
    step(api, (datetime.fromisoformat(deleted["undoableUntil"]) - NOON).total_seconds() / 3600 + seconds / 3600)
    (result,) = (await undo(api.acme, deleted["requestId"])).body["results"]
    assert result.get("left") == left
    if left:
        assert "30 days" in result["detail"]
    assert [one["type"] for one in await api.acme.list_history(HUMMER)][-2:] == ["deleted", "registered"]


async def test_the_past_before_it_still_has_it_and_the_past_after_it_has_not(api: Api) -> None:
    step(api, 1)
    deleted = (await delete(api.acme)).body
    step(api, 2)
    before, after = give(0.5), give(1.5)
    assert sorted(await api.acme.list_vins(f"asOf={before}")) == sorted([HUMMER, JEEP])
    assert await api.acme.list_vins(f"asOf={after}") == [JEEP]
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}?asOf={before}")).body["vehicleStatusId"] == 1
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}?asOf={after}")).status == 404
    (former,) = await api.acme.list_vehicles("assetStatusId=2")
    assert (former["vin"], former["ownerName"], former["validTo"]) == (HUMMER, "Ana", deleted["deletedAt"])
    (past,) = await api.acme.list_vehicles(f"assetStatusId=2&asOf={after}")
    assert {**past, "updatedAt": ""} == {**former, "updatedAt": ""}
    assert await api.acme.list_vehicles(f"assetStatusId=2&asOf={before}") == []


@pytest.mark.long("postgres")
async def test_reports_count_its_time_up_to_the_deletion(api: Api) -> None:
    begun = datetime.fromisoformat((await api.acme.get_vehicle(HUMMER))["createdAt"])
    step(api, 6)
    ended = datetime.fromisoformat((await delete(api.acme)).body["deletedAt"])
    step(api, 24)
    target = f"/api/v2/reports/time-in-status?from={give(0)}&to={give(12)}"
    rows = [one for one in (await api.acme.get(target)).body["vehicles"] if one["vin"] == HUMMER]
    assert [(one["vehicleStatusId"], one["seconds"]) for row in rows for one in row["statuses"]] == [
        (1, (ended - begun).seconds)
    ]


async def test_its_open_work_is_withdrawn_and_stays_so_after_an_undo(api: Api) -> None:
    claimed = await claim_hummer(api)
    deleted = (await delete(api.acme)).body
    assert (await answer(api.acme, claimed["claimId"])).body["results"][0]["errorDetail"] == "ClaimWithdrawn"
    assert (await get_run(api.acme, claimed["runId"]))["counts"]["withdrawn"] == 1
    await undo(api.acme, deleted["requestId"])
    assert HUMMER not in [one["vin"] for one in await claim(api.acme, 10)]


@pytest.mark.long("postgres")
async def test_no_run_queues_it(api: Api) -> None:
    await delete(api.acme)
    await declare(api.acme)
    await start(api.acme)
    assert [one["vin"] for one in await claim(api.acme, 10)] == [JEEP]


@pytest.mark.long("postgres")
async def test_its_planned_changes_end_with_it(api: Api) -> None:
    await plan(api.acme, HUMMER, 4, until=give(5))
    later = (await plan(api.acme, HUMMER, 6, effectiveAt=give(3))).body["id"]
    other = (await plan(api.acme, JEEP, 6, effectiveAt=give(3))).body["id"]
    step(api, 1)
    deleted = (await delete(api.acme)).body
    states = {one["id"]: one for one in await list_plans(api.acme)}
    assert states[other]["state"] == "pending"
    ended = [one for one in states.values() if one["vin"] == HUMMER]
    assert len(ended) == 2
    for one in ended:
        assert (one["state"], one["endedBy"], one["endedAt"]) == ("cancelled", api.acme.actor, deleted["deletedAt"])
        assert one["detail"] == "The vehicle was deleted."
    assert states[later]["endedRequestId"] == deleted["requestId"]
    await undo(api.acme, deleted["requestId"])
    step(api, 6)
    await PlanWorker(api.runtime).execute_due()
    assert (await api.acme.get_vehicle(HUMMER))["vehicleStatusId"] == 4


@pytest.mark.long("postgres")
async def test_if_match_deletes_only_the_revision_that_was_seen(api: Api) -> None:
    seen = (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"]
    await api.acme.patch_status(HUMMER, 4)
    assert (await delete(api.acme, if_match=seen)).code == (412, "RevisionMismatch")
    assert (await delete(api.acme, if_match=f"W/{seen}")).code == (412, "RevisionMismatch")
    now = (await api.acme.send("GET", f"/api/v2/vehicles/{HUMMER}")).headers["etag"]
    assert (await delete(api.acme, if_match=now)).status == 200


@pytest.mark.long("postgres")
async def test_of_several_vehicles_with_the_vin_none_is_deleted(api: Api) -> None:
    vin = make_vin(7)
    await api.keep_duplicates(vin)
    assert (await delete(api.acme, vin)).code == (409, "MultipleVehiclesFound")
    assert len(await api.acme.list_vehicles(f"vin={vin}")) == 2


@before_the_store
@each_row(
    "target, said",
    [
        (f"{HUMMER[:-1]}O", "O"),
        (f"{HUMMER}?reasons=x", "reasons"),
        (f"{HUMMER}?reason={'x' * 501}", "reason"),
        (f"{HUMMER}?reason=a%00b", "reason"),
    ],
)
async def test_a_malformed_request_is_400_and_deletes_nothing(api: Api, target: str, said: str) -> None:
    reply = await delete(api.acme, target)
    assert reply.code == (400, "BadParameters")
    assert said in reply.detail
    assert HUMMER in await api.acme.list_vins()


@pytest.mark.long("postgres")
async def test_the_undo_of_a_deletion_needs_its_scope(api: Api) -> None:
    deleted = (await delete(api.acme)).body
    scopes = ["vehicles:status", "vehicles:write", "vehicles:repair"]
    poor = await add_key(api.runtime, api.cast.acme.account, label="x", scopes=scopes, expires_in=None)
    path = f"/api/v2/requests/{deleted['requestId']}/undo"
    reply = await api.nobody.send("POST", path, None, {"Authorization": f"Bearer {poor.token}"})
    assert reply.status == 403
    only = await add_key(api.runtime, api.cast.acme.account, label="y", scopes=["vehicles:delete"], expires_in=None)
    reply = await api.nobody.send("POST", path, None, {"Authorization": f"Bearer {only.token}"})
    assert (reply.status, reply.body["undone"]) == (200, 1)


@pytest.mark.long("postgres")
async def test_an_endpoint_hears_of_deletions_if_it_asks_for_them(api: Api) -> None:
    body = {"url": "https://fleet.example/hook", "eventTypes": ["vehicle.deleted"], "statusesEntered": [3]}
    webhook = (await api.acme.send("POST", "/api/v2/webhooks", json.dumps(body))).body
    assert webhook["eventTypes"] == ["vehicle.deleted"]
    await delete(api.acme)
    found = await api.acme.get("/api/v2/changes?type=vehicle.deleted")
    assert [one["vin"] for one in found.body["changes"]] == [HUMMER]


@pytest.mark.long("postgres")
@pytest.mark.own_register
@pytest.mark.parametrize("limits", [Limits(vehicles=2)])
async def test_it_makes_room_under_the_limit_and_an_undo_does_not_go_beyond_it(api: Api) -> None:
    deleted = (await delete(api.acme)).body
    assert (await api.acme.put_vehicle(make_vin(1))).status == 201
    reply = await undo(api.acme, deleted["requestId"])
    assert reply.code == (409, "VehicleLimitReached"), reply.content
    with pytest.raises(PadronError) as refused:
        await undo_request(api.runtime, api.cast.acme.principal, deleted["requestId"], "r-1", None)
    assert refused.value.code is Code.VEHICLE_LIMIT_REACHED
    await delete(api.acme, make_vin(1))
    assert (await undo(api.acme, deleted["requestId"])).body["undone"] == 1
