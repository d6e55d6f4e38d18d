"""Planned changes over HTTP: planning with effectiveAt and until, listing, cancelling, and every way to be refused."""

from datetime import timedelta
from typing import Any

import pytest

from padron.domain.plan import PLANNED_WITHIN
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin, registered, save
from tests.conftest import SteppedClock
from tests.http.api import STATUS, VEHICLE, Api, before_the_store
from tests.http.plans_api import PLANS, give, list_plans, pass_time, plan, send_bulk
from tests.http.test_openapi import check_reply
from tests.tables import each_row

TWO_OF_ONE_VIN = make_vin(7)


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01")


@pytest.mark.long("postgres")
async def test_a_later_instant_is_202_with_the_plan_and_nothing_changes_before_it(api: Api) -> None:
    before = await api.acme.get(STATUS)
    reply = await plan(api.acme, effectiveAt="2026-03-01T08:00:00-06:00", reason="Brakes")
    assert reply.status == 202
    assert reply.headers["location"] == f"{PLANS}/{reply.body['id']}"
    names = ("vin", "kind", "vehicleStatusId", "reason", "effectiveAt", "state")
    assert {name: reply.body[name] for name in names} == {
        "vin": HUMMER, "kind": "change", "vehicleStatusId": 4, "reason": "Brakes", "effectiveAt": give(2),
        "state": "pending",
    }  # fmt: skip
    assert (reply.body["createdBy"], reply.body["requestId"]) == (api.acme.actor, reply.headers["x-request-id"])
    assert (await api.acme.get(reply.headers["location"])).body == reply.body
    await pass_time(api, 1.99)
    assert (await api.acme.get(STATUS)).without() == before.without()
    await pass_time(api, 2)
    status = (await api.acme.get(STATUS)).body
    assert (status["vehicleStatusId"], status["changedBy"], status["reason"]) == (4, api.acme.actor, "Brakes")
    newest, _ = await api.acme.list_history()
    assert (newest["requestId"], newest["fromStatusId"], newest["toStatusId"]) == (reply.body["requestId"], 1, 4)
    ended = (await api.acme.get(reply.headers["location"])).body
    assert (ended["state"], ended["changeNumber"], ended["endedBy"]) == ("executed", 3, None)
    assert [one["id"] for one in await list_plans(api.acme, f"requestId={newest['requestId']}")] == [reply.body["id"]]


async def test_until_changes_now_and_brings_the_status_before_back(api: Api) -> None:
    reply = await plan(api.acme, until=give(3), reason="Brakes")
    assert (reply.status, reply.content, reply.revision) == (204, b"", 2)
    (pending,) = await list_plans(api.acme)
    assert reply.headers["padron-planned-change"] == pending["id"]
    assert (pending["kind"], pending["vehicleStatusId"], pending["reverts"]) == ("return", 1, 3)
    await pass_time(api, 3)
    newest, _, _ = await api.acme.list_history()
    assert (newest["fromStatusId"], newest["toStatusId"]) == (4, 1)
    assert newest["reason"] == "Back from In the Shop, as planned: Brakes"
    assert newest["requestId"] == reply.headers["x-request-id"]


async def test_both_change_at_one_instant_and_change_back_at_the_other(api: Api) -> None:
    await api.acme.patch_status(HUMMER, 6)
    reply = await plan(api.acme, status=3, effectiveAt=give(1), until=give(2))
    assert reply.status == 202
    await pass_time(api, 1)
    (back,) = await list_plans(api.acme, "state=pending")
    assert (back["kind"], back["vehicleStatusId"], back["follows"]) == ("return", 6, reply.body["id"])
    await pass_time(api, 2)
    assert [one["toStatusId"] for one in (await api.acme.list_history())[:3]] == [6, 3, 6]


async def test_what_is_overdue_after_a_stop_happens_in_order_with_its_return(api: Api) -> None:
    await plan(api.acme, status=8, effectiveAt=give(4))
    await plan(api.acme, status=4, effectiveAt=give(1), until=give(3))
    await plan(api.acme, status=3, effectiveAt=give(2), vin=JEEP)
    await pass_time(api, 5)
    assert [one["toStatusId"] for one in (await api.acme.list_history())[:3]] == [8, 1, 4]
    assert (await api.acme.get_vehicle(JEEP))["vehicleStatusId"] == 3


async def test_a_return_lapses_when_somebody_set_the_status_meanwhile(api: Api) -> None:
    reply = await plan(api.acme, until=give(3))
    await api.acme.patch_status(HUMMER, 8)
    await api.acme.patch_status(HUMMER, 4)  # the same as planned, but somebody's own word
    await pass_time(api, 4)
    (lapsed,) = await list_plans(api.acme)
    assert (lapsed["id"], lapsed["state"]) == (reply.headers["padron-planned-change"], "lapsed")
    assert api.acme.actor in lapsed["detail"]
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 4


async def test_a_new_plate_or_vin_voids_no_return_and_the_plan_follows_the_vehicle(api: Api) -> None:
    right = make_vin(3)
    await plan(api.acme, until=give(3))
    await api.acme.put_vehicle(HUMMER, plate="NEW123")
    assert (await api.acme.upsert(right, "NEW123")).status == 200
    (pending,) = await list_plans(api.acme, f"vin={right}")
    assert pending["vin"] == right
    assert await list_plans(api.acme, f"vin={HUMMER}") == []
    await pass_time(api, 4)
    assert (await api.acme.get_vehicle(right))["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_a_vehicle_that_has_the_planned_status_already_is_left_without_a_trace(api: Api) -> None:
    reply = await plan(api.acme, effectiveAt=give(1), until=give(2))
    await api.acme.patch_status(HUMMER, 4)
    history = await api.acme.list_history()
    await pass_time(api, 3)
    ended = (await api.acme.get(reply.headers["location"])).body
    assert (ended["state"], ended["changeNumber"]) == ("executed", None)
    assert "already" in ended["detail"]
    assert "No return is planned" in ended["detail"]
    assert await api.acme.list_history() == history
    assert len(await list_plans(api.acme)) == 1


async def test_a_plan_whose_vin_several_vehicles_have_by_then_is_refused(api: Api) -> None:
    reply = await plan(api.acme, effectiveAt=give(1))
    await save(api.store, api.acme.account_id, registered(HUMMER, slot=1))
    await pass_time(api, 2)
    ended = (await api.acme.get(reply.headers["location"])).body
    assert (ended["state"], ended["changeNumber"]) == ("refused", None)
    assert "2 current vehicles" in ended["detail"]


WRONG_INSTANTS: list[tuple[dict[str, Any], str]] = [
    ({"effectiveAt": give(0)}, "the server's time is 2026-03-01T12:0"),
    ({"effectiveAt": "2020-02-29T00:00:00Z"}, "past"),
    ({"until": give(0)}, "after the server's time"),
    ({"effectiveAt": give(2), "until": give(2)}, "after effectiveAt"),
    ({"effectiveAt": give(2), "until": give(1)}, "after effectiveAt"),
    ({"effectiveAt": "2026-03-02T12:00:00"}, "Z or an offset"),
    ({"effectiveAt": "2026-03-02"}, "Z or an offset"),
    ({"effectiveAt": "2026-03-02 12:00:00Z"}, "Z or an offset"),
    ({"effectiveAt": "2027-02-30T12:00:00Z"}, "Z or an offset"),
    ({"effectiveAt": "2027-02-28T24:00:01Z"}, "Z or an offset"),
    ({"effectiveAt": "2027-02-28T12:00:00+25:00"}, "Z or an offset"),
    ({"effectiveAt": "9999-12-31T23:59:59-01:00"}, "Z or an offset"),
    ({"effectiveAt": "\uff12027-02-28T12:00:00Z"}, "Z or an offset"),
    ({"effectiveAt": "20270228T120000Z"}, "Z or an offset"),
    ({"effectiveAt": ""}, "Z or an offset"),
    ({"effectiveAt": "x" * 5_000}, "Z or an offset"),
    ({"effectiveAt": 1_790_000_000}, "effectiveAt"),
    ({"effectiveAt": None}, "effectiveAt"),
    ({"until": None}, "until"),
    ({"until": "tomorrow"}, "until is 'tomorrow'"),
    ({"effectiveAt": "2040-01-01T00:00:00Z"}, "ten years"),
    ({"until": "2040-01-01T00:00:00Z"}, "ten years"),
    ({"effectiveAt": give(1), "until": "2040-01-01T00:00:00Z"}, "ten years"),
]


@pytest.mark.long("postgres")
async def test_an_instant_that_cannot_be_is_400_and_plans_nothing(api: Api) -> None:
    for members, said in WRONG_INSTANTS:
        reply = await plan(api.acme, **members)
        assert reply.code == (400, "BadParameters"), members
        assert said in reply.detail, members
        assert await list_plans(api.acme) == [], members
        assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1
        (refused,) = (await send_bulk(api, [{"vin": HUMMER, "vehicleStatusId": 4, **members}])).body["results"]
        assert (refused["status"], refused["outcome"]) == (400, "refused"), members
        assert said in refused["detail"], members


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T14:00:00.123456789Z",
        "2026-03-01t14:00:00z",
        "2026-03-02T01:45:00+11:45",
        "2026-03-01T14:00:00-00:00",
    ],
)
async def test_every_form_of_rfc_3339_is_taken(api: Api, text: str) -> None:
    reply = await plan(api.acme, effectiveAt=text)
    assert reply.body["effectiveAt"] in {give(2), "2026-03-01T14:00:00.123456Z"}


@pytest.mark.long("postgres")
async def test_ten_years_ahead_can_be_planned_and_no_further(api: Api) -> None:
    clock = api.runtime.clock
    assert isinstance(clock, SteppedClock)
    last = clock.now + PLANNED_WITHIN
    assert (await plan(api.acme, effectiveAt=last.isoformat())).status == 202
    assert (await plan(api.acme, effectiveAt=(last + timedelta(minutes=1)).isoformat())).status == 400


@pytest.mark.long("postgres")
async def test_the_order_of_refusals_is_that_of_the_status_call(api: Api) -> None:
    await api.keep_duplicates(TWO_OF_ONE_VIN)
    later: dict[str, Any] = {"effectiveAt": give(2)}
    assert (await plan(api.nobody, **later)).status == 401
    assert (await plan(api.gamma, **later)).status == 403
    assert (await plan(api.acme, UNKNOWN_VIN, effectiveAt=give(-1))).status == 400
    assert (await plan(api.acme, UNKNOWN_VIN, **later)).code == (404, "VehicleNotFound")
    assert (await plan(api.beta, HUMMER, **later)).code == (404, "VehicleNotFound")
    assert (await plan(api.acme, TWO_OF_ONE_VIN, **later)).code == (409, "MultipleVehiclesFound")
    assert (await plan(api.acme, headers={"If-Match": '"9"'}, **later)).code == (412, "RevisionMismatch")
    assert (await plan(api.acme, headers={"If-Match": '"9"'}, until=give(2))).code == (412, "RevisionMismatch")
    assert (await plan(api.acme, status=2, **later)).status == 400
    assert await list_plans(api.acme) == []
    assert (await plan(api.acme, headers={"If-Match": (await api.acme.get(VEHICLE)).etag}, **later)).status == 202


async def test_a_cancelled_plan_does_not_happen_and_says_who_cancelled_it(api: Api) -> None:
    location = (await plan(api.acme, effectiveAt=give(1))).headers["location"]
    assert (await api.gamma.send("DELETE", location)).status == 403
    missing = await api.acme.send("DELETE", f"{PLANS}/{'0' * 30}")
    assert (await api.beta.send("DELETE", location)).without("instance", "detail") == missing.without(
        "instance", "detail"
    )
    assert (await api.beta.get(location)).code == (404, "PlannedChangeNotFound")
    assert (await api.beta.get(PLANS)).body["plannedChanges"] == []
    done = await api.acme.send("DELETE", location)
    check_reply("DELETE", f"{PLANS}/{{planId}}", done)
    assert (done.status, done.content) == (204, b"")
    cancelled = (await api.gamma.get(location)).body
    assert (cancelled["state"], cancelled["endedBy"]) == ("cancelled", api.acme.actor)
    assert cancelled["endedRequestId"] == done.headers["x-request-id"]
    again = await api.acme.send("DELETE", location)
    assert again.code == (409, "PlannedChangeEnded")
    await pass_time(api, 2)
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1
    assert (await api.gamma.get(location)).body == cancelled


@pytest.mark.long("postgres")
async def test_an_executed_plan_cannot_be_cancelled(api: Api) -> None:
    location = (await plan(api.acme, effectiveAt=give(1))).headers["location"]
    await pass_time(api, 1)
    reply = await api.acme.send("DELETE", location)
    check_reply("DELETE", f"{PLANS}/{{planId}}", reply)
    assert reply.code == (409, "PlannedChangeEnded")
    assert "executed" in reply.detail


@pytest.mark.long("postgres")
@each_row("target", ["x", "0" * 29, "0" * 31, "G" * 30, "%00", "é" * 30])
async def test_what_is_no_id_is_404(api: Api, target: str) -> None:
    for method in ("GET", "DELETE"):
        assert (await api.acme.send(method, f"{PLANS}/{target}")).status == 404


async def test_the_list_is_in_the_order_of_the_instants_filtered_and_in_pages(api: Api) -> None:
    hours = [5, 1, 4, 2, 3]
    for place, hour in enumerate(hours):
        await plan(api.acme, HUMMER if place % 2 else JEEP, status=4 + place, effectiveAt=give(hour))
    await pass_time(api, 2)
    assert [one["effectiveAt"] for one in await list_plans(api.acme)] == [give(hour) for hour in sorted(hours)]
    downwards = [one["effectiveAt"] for one in await list_plans(api.acme, "sort=-effectiveAt")]
    assert downwards == [give(hour) for hour in sorted(hours, reverse=True)]
    assert [one["effectiveAt"] for one in await list_plans(api.acme, "state=pending")] == [give(3), give(4), give(5)]
    assert [one["effectiveAt"] for one in await list_plans(api.acme, f"vin={HUMMER}")] == [give(1), give(2)]
    assert await list_plans(api.acme, f"vin={HUMMER}&state=pending") == []
    assert await list_plans(api.acme, "requestId=none") == []
    for query in ("", "state=pending&", f"vin={JEEP}&", "sort=-effectiveAt&", "state=pending&sort=-effectiveAt&"):
        whole = await list_plans(api.acme, query)
        paged, cursor = [], ""
        while True:
            page = (await api.acme.get(f"{PLANS}?{query}limit=1{cursor}")).body
            paged += page["plannedChanges"]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        assert paged == whole


@before_the_store
@each_row(
    "query",
    [
        "state=done",
        "sort=vin",
        "vin=ABC",
        "limit=0",
        "limit=501",
        "cursor=x",
        "colour=red",
        "state=",
        "vin=&",
        "requestId=%00",
    ],
)
async def test_a_question_that_cannot_be_is_400(api: Api, query: str) -> None:
    assert (await api.acme.get(f"{PLANS}?{query}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_a_cursor_goes_on_with_its_own_question_only(api: Api) -> None:
    for hour in (1, 2):
        await plan(api.acme, effectiveAt=give(hour))
    cursor = (await api.acme.get(f"{PLANS}?limit=1")).body["nextCursor"]
    assert (await api.acme.get(f"{PLANS}?state=pending&cursor={cursor}")).status == 400
    assert (await api.acme.get(f"{PLANS}?sort=-effectiveAt&cursor={cursor}")).status == 400
