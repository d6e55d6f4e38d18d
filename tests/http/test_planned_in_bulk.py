"""Planned changes in bulk, returns that are moved, and an undo of what was planned."""

from typing import Any

import pytest

from padron.domain.account import Scope
from padron.service.accounts import revoke_key
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_member
from tests.http.api import STATUS, Api, Client
from tests.http.plans_api import PLANS, give, list_plans, pass_time, plan, send_bulk
from tests.http.test_openapi import check_reply

pytestmark = pytest.mark.long("postgres")


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01")


async def test_until_for_a_status_that_the_vehicle_has_for_good_is_refused_and_says_what_to_do(api: Api) -> None:
    reply = await plan(api.acme, status=1, until=give(3))
    assert reply.code == (409, "NothingToBringBack")
    assert "effectiveAt" in reply.detail
    assert await list_plans(api.acme) == []


async def test_the_same_status_until_the_same_instant_again_is_204_and_nothing_happens(api: Api) -> None:
    first = await plan(api.acme, until=give(3))
    pending = await list_plans(api.acme)
    again = await plan(api.acme, until=give(3))
    names = ("etag", "padron-planned-change")
    assert (again.status, [again.headers[name] for name in names]) == (204, [first.headers[name] for name in names])
    assert await list_plans(api.acme) == pending
    assert len(await api.acme.list_history()) == 2


async def test_the_same_status_until_another_instant_moves_its_return(api: Api) -> None:
    first = await plan(api.acme, until=give(3), reason="Brakes")
    second = await plan(api.acme, until=give(5))
    assert (second.status, second.etag) == (204, first.etag)
    cancelled, pending = await list_plans(api.acme)
    assert (cancelled["id"], cancelled["state"]) == (first.headers["padron-planned-change"], "cancelled")
    assert cancelled["endedRequestId"] == second.headers["x-request-id"] == pending["requestId"]
    assert (pending["id"], pending["effectiveAt"]) == (second.headers["padron-planned-change"], give(5))
    assert (pending["vehicleStatusId"], pending["reverts"]) == (1, cancelled["reverts"])
    await pass_time(api, 4)
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 4
    await pass_time(api, 5)
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


async def test_a_return_that_is_void_is_not_moved(api: Api) -> None:
    await plan(api.acme, until=give(3))
    await api.acme.patch_status(HUMMER, 8)
    await api.acme.patch_status(HUMMER, 4)
    assert (await plan(api.acme, until=give(5))).code == (409, "NothingToBringBack")


async def test_a_return_is_not_moved_by_a_request_that_is_refused(api: Api) -> None:
    await plan(api.acme, until=give(3))
    pending = await list_plans(api.acme)
    assert (await plan(api.acme, until=give(5), headers={"If-Match": '"1"'})).status == 412
    vehicles: list[dict[str, object]] = [{"vin": HUMMER, "vehicleStatusId": 4, "until": give(5)}]
    await send_bulk(api, vehicles, dryRun=True)
    assert (await send_bulk(api, [*vehicles, {"vin": UNKNOWN_VIN, "vehicleStatusId": 4}], mode="all")).status == 409
    # Named twice, the second finds what the first left; here the first is what moves nothing either.
    twice = await send_bulk(api, [*vehicles, *vehicles])
    assert [one["status"] for one in twice.body["results"]] == [409, 409]
    assert await list_plans(api.acme) == pending
    (moved,) = (await send_bulk(api, vehicles)).body["results"]
    assert (moved["status"], moved["outcome"], "plannedChangeId" in moved) == (204, "unchanged", True)


async def test_in_bulk_each_vehicle_is_planned_for_itself(api: Api) -> None:
    reply = await send_bulk(
        api,
        [
            {"vin": JEEP, "vehicleStatusId": 8, "effectiveAt": give(1)},
            {"vin": HUMMER, "vehicleStatusId": 3},
            {"vin": HUMMER, "vehicleStatusId": 4, "until": give(2), "reason": "Brakes"},
            {"vin": UNKNOWN_VIN, "vehicleStatusId": 8, "effectiveAt": give(1)},
            {"vin": JEEP, "vehicleStatusId": 6, "effectiveAt": give(1), "revision": 9},
            {"vin": HUMMER, "vehicleStatusId": 4, "until": give(3)},
            {"vin": JEEP, "vehicleStatusId": 5},
        ],
    )
    assert reply.status == 200
    results = reply.body["results"]
    assert [one["status"] for one in results] == [202, 204, 204, 404, 412, 409, 204]
    assert [one["outcome"] for one in results] == [
        "planned",
        "changed",
        "changed",
        "refused",
        "refused",
        "refused",
        "changed",
    ]
    assert (reply.body["changed"], reply.body["planned"], reply.body["refused"]) == (3, 1, 3)
    change, back = await list_plans(api.acme)
    assert (change["id"], back["id"]) == (results[0]["plannedChangeId"], results[2]["plannedChangeId"])
    # Of the request's three changes (after two registrations) the second is the one that goes back, to the first's.
    assert (back["kind"], back["vehicleStatusId"], back["reverts"]) == ("return", 3, 4)
    assert {change["requestId"], back["requestId"]} == {reply.body["requestId"]}
    await pass_time(api, 2)
    assert [one["toStatusId"] for one in await api.acme.list_history(HUMMER) if "toStatusId" in one] == [3, 4, 3, 1]
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 8


@pytest.mark.parametrize("members", [{"dryRun": True}, {"mode": "all"}])
async def test_what_is_only_tried_or_refused_as_a_whole_plans_nothing(api: Api, members: dict[str, Any]) -> None:
    vehicles: list[dict[str, object]] = [
        {"vin": HUMMER, "vehicleStatusId": 4, "until": give(2)},
        {"vin": JEEP, "vehicleStatusId": 8, "effectiveAt": give(1)},
        {"vin": UNKNOWN_VIN, "vehicleStatusId": 8},
    ]
    reply = await send_bulk(api, vehicles, **members)
    expected = [204, 202, 404] if "dryRun" in members else [424, 424, 404]
    assert [one["status"] for one in reply.body["results"]] == expected
    assert all("plannedChangeId" not in one for one in reply.body["results"])
    assert await list_plans(api.acme) == []
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


async def test_with_mode_all_and_none_refused_all_are_planned(api: Api) -> None:
    vehicles: list[dict[str, object]] = [
        {"vin": vin, "vehicleStatusId": 8, "effectiveAt": give(1)} for vin in (HUMMER, JEEP)
    ]
    reply = await send_bulk(api, vehicles, mode="all")
    assert (reply.status, reply.body["planned"]) == (200, 2)
    await pass_time(api, 1)
    assert sorted(await api.acme.list_vins("assetStatusId=8")) == [HUMMER, JEEP]


async def test_the_same_bulk_call_under_its_idempotency_key_plans_once(api: Api) -> None:
    vehicles: list[dict[str, object]] = [{"vin": HUMMER, "vehicleStatusId": 8, "effectiveAt": give(1)}]
    first = await send_bulk(api, vehicles, key="one")
    again = await send_bulk(api, vehicles, key="one")
    assert again.content == first.content
    assert len(await list_plans(api.acme)) == 1


async def test_the_executed_change_of_a_request_can_be_undone(api: Api) -> None:
    reply = await plan(api.acme, effectiveAt=give(1))
    await pass_time(api, 1)
    undone = await api.acme.send("POST", f"/api/v2/requests/{reply.body['requestId']}/undo", "{}")
    assert (undone.status, undone.body["undone"]) == (200, 1)
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


async def test_an_undo_cancels_what_the_request_planned_and_takes_back_what_it_changed(api: Api) -> None:
    vehicles: list[dict[str, object]] = [
        {"vin": HUMMER, "vehicleStatusId": 4, "until": give(2)},
        {"vin": JEEP, "vehicleStatusId": 8, "effectiveAt": give(1)},
    ]
    done = await send_bulk(api, vehicles)
    other = await plan(api.acme, JEEP, status=6, effectiveAt=give(1.5))
    path = f"/api/v2/requests/{done.body['requestId']}/undo"
    undone = await api.acme.send("POST", path, "{}")
    check_reply("POST", "/api/v2/requests/{requestId}/undo", undone)
    assert (undone.body["undone"], undone.body["cancelled"]) == (1, 2)
    ids = {one["plannedChangeId"] for one in undone.body["results"] if one["outcome"] == "cancelled"}
    assert ids == {one["plannedChangeId"] for one in done.body["results"]}
    cancelled = [await api.acme.get(f"{PLANS}/{plan_id}") for plan_id in ids]
    assert {one.body["endedRequestId"] for one in cancelled} == {undone.body["requestId"]}
    assert [one["id"] for one in await list_plans(api.acme, "state=pending")] == [other.body["id"]]
    await pass_time(api, 2)
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 6


async def test_an_undo_of_what_is_only_planned_needs_the_scope_of_statuses(api: Api) -> None:
    later = await plan(api.acme, effectiveAt=give(1))
    path = f"/api/v2/requests/{later.body['requestId']}/undo"
    scopes = [Scope.VEHICLES_READ.value, Scope.VEHICLES_WRITE.value]
    writer = Client(api.acme.http, await make_member(api.runtime, api.cast.acme.account, "writer", scopes))
    assert (await writer.send("POST", path, "{}")).status == 403
    assert (await api.beta.send("POST", path, "{}")).code == (404, "RequestNotFound")
    assert len(await list_plans(api.acme, "state=pending")) == 1
    undone = await api.acme.send("POST", path, "{}")
    assert (undone.status, undone.body["cancelled"]) == (200, 1)
    assert (await api.acme.send("POST", path, "{}")).code == (404, "RequestNotFound")


async def test_a_planned_change_outlives_its_key_and_a_deactivation_takes_the_vehicle_from_the_gate(api: Api) -> None:
    scopes = [Scope.VEHICLES_STATUS.value]
    member = await make_member(api.runtime, api.cast.acme.account, "leaver", scopes)
    assert (await plan(Client(api.acme.http, member), effectiveAt=give(1))).status == 202
    await revoke_key(api.runtime, member.principal.actor)
    gate = f"/api/v2/gate/{HUMMER}?operation=dispatch"
    assert (await api.acme.get(gate)).body["allowed"] is True
    await pass_time(api, 1)
    assert (await api.acme.get(gate)).body["allowed"] is False
    assert (await api.acme.get(STATUS)).body["changedBy"] == member.principal.actor
