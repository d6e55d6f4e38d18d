"""POST /api/v2/operations/{name}/runs: who is queued, who is left out and why."""

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN, make_vin
from tests.http.api import Api, before_the_store
from tests.http.operations_api import OPERATION, RUNS, claim, declare, get_run, post, register_fleet, start
from tests.tables import each_row


async def test_all_vehicles_are_queued_when_it_is_said(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 3)
    reply = await post(api.acme, RUNS, {"all": True})
    assert reply.status == 201
    run = reply.body
    assert reply.headers["location"] == f"{RUNS}/{run['runId']}"
    assert (run["state"], run["vehicleCount"], run["refusedCount"], run["refused"]) == ("open", 3, 0, [])
    assert run["counts"]["queued"] == 3
    assert [one["vin"] for one in await claim(api.acme, 10)] == vins


@before_the_store
@pytest.mark.parametrize("content", [None, "", "{}", '{"filter": {}}', '{"all": false}', '{"all": null}', '{"all": 1}'])
async def test_what_does_not_say_all_is_not_all(api: Api, content: str | None) -> None:
    await declare(api.acme)
    await register_fleet(api, 2)
    reply = await api.acme.send("POST", RUNS, content)
    assert reply.code == (400, "BadParameters")
    assert "all" in reply.detail or "body is missing" in reply.detail
    assert await claim(api.acme, 10) == []


async def test_only_operational_vehicles_are_queued_and_the_others_named_with_the_reason(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 2)
    await api.acme.patch_status(vins[1], 4)
    since = (await api.acme.get(f"/api/v2/vehicles/{vins[1]}/status")).body["since"]
    await api.keep_duplicates(JEEP)
    run = await start(api.acme, {"vins": [vins[0].lower(), UNKNOWN_VIN, vins[1], JEEP, vins[0]]})
    assert run["vehicleCount"] == 1
    assert run["refusedCount"] == 3
    assert run["refused"] == [
        {"vin": UNKNOWN_VIN, "reason": "unknown"},
        {"vin": vins[1], "reason": "notActive", "vehicleStatusId": 4, "since": since},
        {"vin": JEEP, "reason": "several"},
    ]
    assert (await get_run(api.acme, run["runId"])) == run


@pytest.mark.long("postgres")
@pytest.mark.parametrize("status", [0, 3, 4, 5, 6, 7, 8, 9])
async def test_no_status_but_active_is_queued(api: Api, status: int) -> None:
    await declare(api.acme)
    await api.acme.put_vehicle(HUMMER)
    await api.acme.patch_status(HUMMER, status)
    for body in ({"all": True}, {"vins": [HUMMER]}, {"filter": {"vin": HUMMER}}):
        run = await start(api.acme, body)
        assert (run["vehicleCount"], run["state"], run["progress"]) == (0, "finished", 1)
        assert [one["vehicleStatusId"] for one in run["refused"]] == [status]


async def test_a_filter_is_as_in_the_list(api: Api) -> None:
    await declare(api.acme)
    await api.acme.put_vehicle(make_vin(1), brandName="Hummer", doors=4)
    await api.acme.put_vehicle(make_vin(2), brandName="HUMMER", doors=2)
    await api.acme.put_vehicle(make_vin(3), brandName="Jeep", doors=4)
    await api.acme.patch_status(make_vin(1), 3)

    async def list_both(**filters: object) -> tuple[int, list[str]]:
        run = await start(api.acme, {"filter": filters})
        return run["vehicleCount"], [one["vin"] for one in run["refused"]]

    assert await list_both(brandName="hummer") == (1, [make_vin(1)])
    assert await list_both(brandName="hummer", doors=2) == (1, [])
    assert await list_both(doors=4) == (1, [make_vin(1)])
    assert await list_both(assetStatusId=3) == (0, [make_vin(1)])
    assert await list_both(assetStatusId=1) == (2, [])
    assert await list_both(vin=make_vin(3).lower()) == (1, [])


async def test_another_accounts_vehicle_is_unknown_and_never_queued(api: Api) -> None:
    await declare(api.acme)
    await api.beta.put_vehicle(HUMMER)
    run = await start(api.acme, {"vins": [HUMMER]})
    assert run["refused"] == [{"vin": HUMMER, "reason": "unknown"}]
    assert (await start(api.acme))["vehicleCount"] == 0


@before_the_store
@each_row(
    "body",
    [
        {"vins": []}, {"vins": ["x"]}, {"vins": "x"}, {"vins": None}, {"filter": None}, {"filter": {"colour": "red"}},
        {"filter": {"doors": "4"}}, {"filter": {"doors": 31}}, {"filter": {"brandName": ""}},
        {"all": "true"}, {"vins": [HUMMER], "all": False}, {"vins": [HUMMER], "filter": {}},
        {"filter": {"brandName": "x" * 151}}, {"filter": {"assetStatusId": 2}}, {"filter": {"assetStatusId": 10}},
        {"vins": [HUMMER], "filter": {"doors": 4}}, {"vins": [HUMMER], "all": True},
        {"filter": {"doors": 4}, "all": True}, {"vins": [HUMMER] * 10_001}, {"filter": {"engineNumber": "1"}},
    ],
)  # fmt: skip
async def test_what_is_malformed_is_400_and_starts_nothing(api: Api, body: object) -> None:
    await declare(api.acme)
    await api.acme.put_vehicle(HUMMER)
    assert (await post(api.acme, RUNS, body)).code == (400, "BadParameters")
    assert await claim(api.acme, 10) == []


@pytest.mark.long("postgres")
async def test_ten_thousand_vins_are_dealt_with_in_one_request(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 2)
    run = await start(api.acme, {"vins": [*vins, *(make_vin(number) for number in range(2, 10_000))]})
    assert (run["vehicleCount"], run["refusedCount"], len(run["refused"])) == (2, 9_998, 9_998)
    assert len((await get_run(api.acme, run["runId"]))["refused"]) == 1_000


@pytest.mark.long("postgres")
async def test_the_scope_is_needed_and_the_operation_must_exist(api: Api) -> None:
    assert (await post(api.gamma, RUNS, {})).code == (403, "Forbidden")
    assert (await post(api.nobody, RUNS, {})).code == (401, "Unauthorized")
    assert (await post(api.acme, RUNS, {"all": True})).code == (404, "OperationNotFound")
    assert (await post(api.acme, f"{OPERATION}A/runs", {})).code == (400, "BadParameters")
