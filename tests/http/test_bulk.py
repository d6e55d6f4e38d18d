"""POST /api/v2/vehicles/status: for each vehicle what the single call would have said, one by one or all or nothing."""

import json
import re
from typing import Any

import pytest

from padron.service.statuses.bulk import BULK_MAX
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin, registered, save
from tests.http.api import Api, Reply
from tests.http.test_openapi import check_reply
from tests.tables import each_row

BULK = "/api/v2/vehicles/status"
PROBLEM = ("type", "title", "status", "detail", "errorType", "errorDetail")
TWO_OF_ONE_VIN = make_vin(7)


async def send(api: Api, vehicles: list[Any], **members: object) -> Reply:
    reply = await api.acme.send("POST", BULK, json.dumps({"vehicles": vehicles, **members}))
    check_reply("POST", BULK, reply)
    return reply


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01")
    await api.keep_duplicates(TWO_OF_ONE_VIN)


# What is asked of one vehicle; None stands for what only one of the two calls takes.
ASKED: list[tuple[str, dict[str, Any], str | None]] = [
    (HUMMER, {"vehicleStatusId": 4, "reason": "Brakes"}, None),
    (HUMMER, {"vehicleStatusId": 1}, None),
    (HUMMER.lower(), {"vehicleStatusId": 3}, None),
    (UNKNOWN_VIN, {"vehicleStatusId": 4}, None),
    (TWO_OF_ONE_VIN, {"vehicleStatusId": 4}, None),
    (HUMMER, {"vehicleStatusId": 2}, None),
    (HUMMER, {"vehicleStatusId": 10}, None),
    (HUMMER, {"vehicleStatusId": "4"}, None),
    (HUMMER, {"vehicleStatusId": 4.5}, None),
    (HUMMER, {"vehicleStatusId": 4, "reason": "x" * 501}, None),
    (HUMMER, {"vehicleStatusId": 4, "reason": "a\u0007b"}, None),
    (HUMMER, {"vehicleStatusId": 4, "reason": None}, None),
    (HUMMER, {"vehicleStatusId": 4, "colour": "red"}, None),
    (HUMMER, {}, None),
    ("3LNHL2GC1BR26254O", {"vehicleStatusId": 4}, None),
    ("ABC", {"vehicleStatusId": 4}, None),
    (HUMMER, {"vehicleStatusId": 4, "reason": ""}, "now"),
    (HUMMER, {"vehicleStatusId": 4}, "v1r9t1"),
    (JEEP, {"vehicleStatusId": 8}, "v1r9t1"),
    (JEEP, {"vehicleStatusId": 8}, "1"),
]


@pytest.mark.long("postgres")
@pytest.mark.parametrize("vin, body, revision", ASKED)
async def test_each_vehicle_is_answered_what_the_single_call_would_have_said(
    api: Api, vin: str, body: dict[str, Any], revision: str | None
) -> None:
    if revision == "now":
        revision = (await api.acme.get(f"/api/v2/vehicles/{vin}")).etag.strip('"')
    asked = {"vin": vin, **body} if revision is None else {"vin": vin, **body, "revision": revision}
    (dry,) = (await send(api, [asked], dryRun=True)).body["results"]
    headers = {} if revision is None else {"If-Match": f'"{revision}"'}
    single = await api.acme.patch(f"/api/v2/vehicles/{vin}/status", body, **headers)
    assert dry["status"] == single.status
    if single.status == 204:
        assert "revision" not in dry  # of what is not there
        (again,) = (await send(api, [{"vin": vin, **body}])).body["results"]
        assert f'"{again["revision"]}"' == single.etag
    else:
        # A fault in the form is named with its path, and the single call has fewer members.
        detail, _, _ = dry["detail"].replace("vehicles[0].", "").replace("'s vehicles[0]", "").partition(" Its members")
        dry["detail"], wanted = detail, single.body | {"detail": single.detail.partition(" Its members")[0]}
        assert {name: dry[name] for name in PROBLEM} == {name: wanted[name] for name in PROBLEM}


async def test_one_refused_vehicle_leaves_the_others_changed(api: Api) -> None:
    stolen = {"vin": HUMMER, "vehicleStatusId": 3, "reason": "Reported"}
    reply = await send(api, [stolen, {"vin": UNKNOWN_VIN, "vehicleStatusId": 3}, {"vin": JEEP, "vehicleStatusId": 1}])
    assert reply.status == 200
    assert [one["outcome"] for one in reply.body["results"]] == ["changed", "refused", "unchanged"]
    assert (reply.body["changed"], reply.body["refused"], reply.body["unchanged"]) == (1, 1, 1)
    newest, _ = await api.acme.list_history(HUMMER)
    assert (newest["toStatusId"], newest["reason"], newest["by"]) == (3, "Reported", api.acme.actor)
    assert newest["requestId"] == reply.body["requestId"] == reply.headers["x-request-id"]
    assert len(await api.acme.list_history(JEEP)) == 1


async def test_a_vehicle_that_comes_twice_is_changed_twice_in_order(api: Api) -> None:
    reply = await send(api, [{"vin": HUMMER, "vehicleStatusId": number} for number in (3, 3, 1)])
    numbers = [
        (one["outcome"], re.fullmatch("v[0-9]+r([23])t[0-9a-f]+", one["revision"])) for one in reply.body["results"]
    ]
    assert [(outcome, found and found[1]) for outcome, found in numbers] == [
        ("changed", "2"), ("unchanged", "2"), ("changed", "3"),
    ]  # fmt: skip


@each_row("bad", [{"vin": UNKNOWN_VIN, "vehicleStatusId": 3}, {"vin": JEEP}, 5, None, "x"])
async def test_with_mode_all_one_refused_vehicle_leaves_all_as_they_were(api: Api, bad: Any) -> None:  # noqa: ANN401
    before = await api.acme.get_vehicle(HUMMER)
    reply = await send(api, [{"vin": HUMMER, "vehicleStatusId": 3}, bad], mode="all")
    assert reply.code == (409, "BatchRefused")
    good, refused = reply.body["results"]
    assert (good["status"], good["outcome"]) == (424, "notDone")
    assert refused["detail"] in reply.detail
    assert await api.acme.get_vehicle(HUMMER) == before


@pytest.mark.long("postgres")
async def test_with_mode_all_and_none_refused_all_are_changed(api: Api) -> None:
    reply = await send(api, [{"vin": vin, "vehicleStatusId": 8} for vin in (HUMMER, JEEP)], mode="all")
    assert (reply.status, reply.body["changed"]) == (200, 2)
    assert sorted(await api.acme.list_vins("assetStatusId=8")) == [HUMMER, JEEP]


@pytest.mark.long("postgres")
@pytest.mark.parametrize("mode", ["each", "all"])
async def test_a_dry_run_changes_nothing_and_answers_as_the_call_would(api: Api, mode: str) -> None:
    vehicles = [{"vin": HUMMER, "vehicleStatusId": 3}, {"vin": JEEP, "vehicleStatusId": 1}]
    dry = await send(api, vehicles, mode=mode, dryRun=True)
    assert len(await api.acme.list_history(HUMMER)) == 1
    wet = await send(api, vehicles, mode=mode)
    done = [{name: value for name, value in one.items() if name != "revision"} for one in wet.body["results"]]
    assert done == dry.body["results"]
    assert len(await api.acme.list_history(HUMMER)) == 2


@pytest.mark.long("postgres")
@pytest.mark.slow_callback("writes and reads bodies of a thousand vehicles")
async def test_a_thousand_vehicles_fit_and_one_more_or_none_is_refused(api: Api) -> None:
    vins = [make_vin(100 + number) for number in range(BULK_MAX)]
    await save(api.store, api.acme.account_id, *(registered(vin) for vin in vins))
    vehicles = [{"vin": vin, "vehicleStatusId": 6, "reason": "x" * 400} for vin in vins]
    reply = await send(api, vehicles)
    assert (reply.status, reply.body["changed"]) == (200, BULK_MAX)
    for wrong in ([*vehicles, vehicles[0]], []):
        assert (await send(api, wrong)).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_a_body_over_a_megabyte_is_413_and_another_account_s_vehicles_are_unknown(api: Api) -> None:
    vehicles = [{"vin": HUMMER, "vehicleStatusId": 3, "reason": "x" * 1_000}] * 1_000
    assert (await send(api, vehicles)).code == (413, "BodyTooLarge")
    reply = await api.beta.send("POST", BULK, json.dumps({"vehicles": [{"vin": HUMMER, "vehicleStatusId": 3}]}))
    assert reply.body["results"][0]["errorDetail"] == "VehicleNotFound"
