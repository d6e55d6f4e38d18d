"""GET …/runs/{runId}, …/runs/{runId}/results and GET /api/v2/vehicles/{vin}/results."""

import pytest

from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import Api, Reply
from tests.http.operations_api import (
    OPERATION,
    RUNS,
    answer,
    claim,
    claim_hummer,
    declare,
    get_run,
    register_fleet,
    start,
)
from tests.tables import each_row


async def test_the_counts_and_the_progress_follow_the_work(api: Api) -> None:
    await declare(api.acme, attempts=1)
    vins = await register_fleet(api, 5)
    run_id = (await start(api.acme))["runId"]
    claims = await claim(api.acme, 4)
    await answer(api.acme, claims[0]["claimId"], 1)
    await answer(api.acme, claims[1]["claimId"], 1, "failed")
    await api.acme.patch_status(vins[2], 3)
    run = await get_run(api.acme, run_id)
    assert run["counts"] == {
        "queued": 1, "claimed": 1, "succeeded": 1, "failed": 1, "withdrawn": 1, "exhausted": 0,
            "cancelled": 0,
    }  # fmt: skip
    assert (run["state"], run["progress"], run["vehicleCount"]) == ("open", 0.6, 5)


async def test_results_come_in_pages_that_neither_repeat_nor_skip(api: Api) -> None:
    await declare(api.acme, attempts=2)
    vins = await register_fleet(api, 5)
    run_id = (await start(api.acme))["runId"]
    for claimed in await claim(api.acme, 5):
        await answer(api.acme, claimed["claimId"], "late", "failed")
    for claimed in await claim(api.acme, 5):
        await answer(api.acme, claimed["claimId"], {"vin": claimed["vin"]})
    seen, cursor = [], ""
    while True:
        reply = await api.acme.get(f"{RUNS}/{run_id}/results?limit=3{cursor}")
        seen += reply.body["results"]
        if reply.body["nextCursor"] is None:
            break
        cursor = f"&cursor={reply.body['nextCursor']}"
    assert [(one["vin"], one["attempt"]) for one in seen] == [(vin, n) for vin in vins for n in (1, 2)]
    assert seen[1]["result"] == {"vin": vins[0]}
    assert seen[1]["by"] == api.acme.actor
    assert {one["operation"] for one in seen} == {"query-fines"}


@pytest.mark.long("postgres")
async def test_a_vehicles_results_come_newest_first_from_all_operations(api: Api) -> None:
    tracker = "/api/v2/operations/poll-tracker"
    await declare(api.acme)
    await declare(api.acme, tracker)
    await api.acme.put_vehicle(HUMMER)
    await api.acme.put_vehicle(JEEP)
    for number in range(3):
        await start(api.acme, {"vins": [HUMMER, JEEP]})
        for claimed in await claim(api.acme, 2):
            await answer(api.acme, claimed["claimId"], number)
    await api.acme.patch_status(HUMMER, 8)
    seen, cursor = [], ""
    while True:
        page = (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/results?limit=2{cursor}")).body
        seen += page["results"]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert [one["result"] for one in seen] == [2, 1, 0]
    assert {one["vin"] for one in seen} == {HUMMER}


@pytest.mark.long("postgres")
async def test_what_is_not_there_is_404(api: Api) -> None:
    claimed = await claim_hummer(api)
    run = f"{RUNS}/{claimed['runId']}"
    await declare(api.acme, "/api/v2/operations/poll-tracker")

    async def get_both(target: str) -> set[tuple[int, str]]:
        return {(await api.acme.get(target)).code, (await api.acme.get(f"{target}/results")).code}

    for run_id in ("0" * 16, "x", "f" * 16, claimed["runId"].upper() + "0"):
        assert await get_both(f"{RUNS}/{run_id}") == {(404, "RunNotFound")}
    assert await get_both(run.replace("query-fines", "poll-tracker")) == {(404, "RunNotFound")}
    assert await get_both(run.replace("query-fines", "none")) == {(404, "OperationNotFound")}
    assert (await api.acme.get(f"/api/v2/vehicles/{UNKNOWN_VIN}/results")).code == (404, "VehicleNotFound")


@pytest.mark.long("postgres")
async def test_another_account_sees_nothing(api: Api) -> None:
    claimed = await claim_hummer(api)
    await answer(api.acme, claimed["claimId"], 1)
    await declare(api.beta)
    run = f"{RUNS}/{claimed['runId']}"
    own = await api.beta.get(f"{RUNS}/{'1' * 16}")
    assert (await api.beta.get(run)).code == own.code == (404, "RunNotFound")
    assert (await api.beta.get(f"{run}/results")).code == (404, "RunNotFound")
    assert (await api.beta.get(f"/api/v2/vehicles/{HUMMER}/results")).code == (404, "VehicleNotFound")


@pytest.mark.long("postgres")
@each_row("query", ["limit=0", "limit=101", "cursor=x", "cursor=W1", "sort=vin"])
async def test_a_bad_page_is_400(api: Api, query: str) -> None:
    claimed = await claim_hummer(api)
    for target in (f"{RUNS}/{claimed['runId']}/results", f"/api/v2/vehicles/{HUMMER}/results"):
        assert (await api.acme.get(f"{target}?{query}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_several_vehicles_with_the_vin_are_409(api: Api) -> None:
    await api.keep_duplicates(HUMMER)
    assert (await api.acme.get(f"/api/v2/vehicles/{HUMMER}/results")).code == (409, "MultipleVehiclesFound")


@pytest.mark.long("postgres")
async def test_the_scope_is_needed(api: Api) -> None:
    claimed = await claim_hummer(api)
    replies: list[Reply] = [
        await api.gamma.get(target)
        for target in (
            f"{RUNS}/{claimed['runId']}", f"{RUNS}/{claimed['runId']}/results", f"/api/v2/vehicles/{HUMMER}/results",
        )
    ]  # fmt: skip
    assert {reply.code for reply in replies} == {(403, "Forbidden")}
    assert (await api.nobody.get(f"{OPERATION}/runs/{claimed['runId']}")).code == (401, "Unauthorized")
