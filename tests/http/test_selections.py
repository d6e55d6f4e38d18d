"""Selections by the API: made, shown, confirmed with a digest, followed, reported, undone."""

import csv
import io
import json
from typing import Any

import pytest

from padron.domain.selection import Digest, SelectedVehicle
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import Api, Client, Reply, before_the_store
from tests.service.selecting import work_off
from tests.tables import each_row

SELECTIONS = "/api/v2/selections"
SOLD = {"vehicleStatusId": 8, "reason": "Sold to Flota Sur"}


async def post(client: Client, target: str, body: object) -> Reply:
    return await client.send("POST", target, json.dumps(body))


async def select(client: Client, **body: Any) -> str:  # noqa: ANN401 - JSON
    reply = await post(client, SELECTIONS, body)
    assert reply.status == 201, reply.content
    assert reply.headers["location"] == f"{SELECTIONS}/{reply.body['id']}"
    return f"{SELECTIONS}/{reply.body['id']}"


async def register_two(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER, plate="RTA412C", customId="unit 7")
    await api.acme.put_vehicle(JEEP, plate="RTA413C")


async def read_report(client: Client, one: str) -> list[dict[str, str]]:
    reply = await client.get(f"{one}/report")
    assert reply.status == 200
    return list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))


@pytest.mark.own_register
async def test_a_set_is_shown_confirmed_followed_and_undone(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, filter="assetStatusId=1")
    preview = (await post(api.acme, f"{one}/preview", SOLD)).body
    assert preview["counts"] == {"changed": 2, "unchanged": 0, "planned": 0, "refused": 0, "left": 0}
    assert (preview["leavingOperations"], preview["byStatus"]) == (2, [{"vehicleStatusId": 1, "count": 2}])
    applied = await post(api.acme, f"{one}/apply", {**SOLD, "digest": preview["digest"]})
    assert (applied.status, applied.body["state"]) == (202, "queued")
    await work_off(api.runtime)
    done = (await api.acme.get(one)).body
    assert (done["selection"]["state"], done["selection"]["counts"]["changed"]) == ("done", 2)
    assert {row["outcome"] for row in done["vehicles"]} == {"changed"}
    history = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/history")).body["history"]
    assert (history[0]["requestId"], history[0]["reason"]) == (applied.body["requestId"], SOLD["reason"])
    undone = await post(api.acme, f"/api/v2/requests/{applied.body['requestId']}/undo", {})
    assert undone.body["undone"] == 2


@pytest.mark.own_register
async def test_what_changed_since_is_409_with_the_vehicles_and_the_new_digest(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, all=True)
    preview = (await post(api.acme, f"{one}/preview", SOLD)).body
    await api.acme.patch(f"/api/v2/vehicles/{JEEP}/status", {"vehicleStatusId": 3})
    refused = await post(api.acme, f"{one}/apply", {**SOLD, "digest": preview["digest"]})
    assert refused.code == (409, "SelectionChanged")
    assert [(each["vin"], each["fromStatusId"], each["toStatusId"]) for each in refused.body["changed"]] == [
        (JEEP, 1, 3)
    ]
    await work_off(api.runtime)
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/status")).body["vehicleStatusId"] == 1
    again = await post(api.acme, f"{one}/apply", {**SOLD, "digest": refused.body["digest"]})
    assert again.status == 202
    assert (await post(api.acme, f"{one}/apply", {**SOLD, "digest": refused.body["digest"]})).code == (
        409,
        "SelectionEnded",
    )


@pytest.mark.long("postgres")
async def test_a_deleted_vehicle_is_named_and_left(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, all=True)
    preview = (await post(api.acme, f"{one}/preview", SOLD)).body
    assert (await api.acme.send("DELETE", f"/api/v2/vehicles/{JEEP}")).status == 200
    refused = await post(api.acme, f"{one}/apply", {**SOLD, "digest": preview["digest"]})
    assert [(each["vin"], each["revision"]) for each in refused.body["changed"]] == [(JEEP, None)]
    shown = (await post(api.acme, f"{one}/preview", SOLD)).body
    assert [(each["vin"], each["errorDetail"]) for each in shown["refused"]] == [(JEEP, "VehicleNotFound")]


@pytest.mark.long("postgres")
async def test_the_digest_can_be_computed_from_the_answer(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, all=True)
    page = (await api.acme.get(one)).body
    digest = Digest()
    digest.add(
        SelectedVehicle(vehicle_id=0, vin=Vin(row["vin"]), tag=row["revision"], status=VehicleStatus.ACTIVE)
        for row in page["vehicles"]
    )
    assert str(digest) == page["selection"]["digest"]


@pytest.mark.long("postgres")
async def test_a_list_keeps_its_faults_and_the_report_has_them(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, list=f"{HUMMER.lower()}\nunit 7\nrta413c\n{UNKNOWN_VIN}\n=1+1\n")
    page = (await api.acme.get(one)).body
    assert [row["vin"] for row in page["vehicles"]] == [HUMMER, JEEP]
    assert [(fault["line"], fault["reason"]) for fault in page["faults"]] == [
        (2, "duplicate"), (4, "unknown"), (5, "unknown"),
    ]  # fmt: skip
    report = await read_report(api.acme, one)
    assert [(row["vin"], row["outcome"], row["line"]) for row in report] == [
        (HUMMER, "", ""), (JEEP, "", ""), ("unit 7", "duplicate", "2"), (UNKNOWN_VIN, "unknown", "4"),
        ("'=1+1", "unknown", "5"),
    ]  # fmt: skip


@pytest.mark.long("postgres")
async def test_a_page_of_vehicles_goes_on_where_the_last_one_ended(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, all=True)
    first = (await api.acme.get(f"{one}?limit=1")).body
    second = (await api.acme.get(f"{one}?limit=1&cursor={first['nextCursor']}")).body
    assert [row["vin"] for row in (*first["vehicles"], *second["vehicles"])] == [HUMMER, JEEP]
    assert (first["more"], second["more"], second["nextCursor"]) == (True, False, None)


async def test_a_selection_is_deleted_and_nobody_else_sees_it(api: Api) -> None:
    await register_two(api)
    one = await select(api.acme, all=True)
    assert [item["id"] for item in (await api.acme.get(SELECTIONS)).body["selections"]] == [one.rpartition("/")[2]]
    stranger = await api.beta.get(one)
    nobody = await api.beta.get(f"{SELECTIONS}/{'1' * 16}")
    assert stranger.code == nobody.code == (404, "SelectionNotFound")
    assert (await api.acme.send("DELETE", one)).status == 204
    assert (await api.acme.get(one)).code == (404, "SelectionNotFound")


@before_the_store
@each_row(
    "body",
    [
        {}, {"all": False}, {"all": True, "list": "x"}, {"vehicles": []}, {"filter": "colour=red"},
        {"filter": "plate="}, {"filter": "sort=vin"}, {"filter": "assetStatusId=2"}, {"list": " ,; "},
        {"vehicles": [{"vin": "short"}]},
        {"filter": ""},
    ],
)  # fmt: skip
async def test_a_body_that_says_nothing_clear_is_refused(api: Api, body: object) -> None:
    assert (await post(api.acme, SELECTIONS, body)).code == (400, "BadParameters")
