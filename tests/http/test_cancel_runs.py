"""Runs are listed and cancelled, operations are deleted, and nothing of them is handed out afterwards."""

import asyncio
import json
from datetime import timedelta

import pytest

from padron.domain.operation import RUN_CHUNK_SIZE
from padron.service.operations import queueing
from tests.cast import HUMMER, JEEP, wait_until
from tests.conftest import SteppedClock
from tests.http.api import Api
from tests.http.operations_api import (
    CLAIMS,
    OPERATION,
    RUNS,
    answer,
    claim,
    claim_hummer,
    declare,
    get_run,
    post,
    register_fleet,
    start,
)  # fmt: skip

UNKNOWN_RUN = "0123456789abcdef"


async def cancel(api: Api, run_id: str, target: str = RUNS) -> tuple[int, bytes]:
    reply = await api.acme.send("DELETE", f"{target}/{run_id}")
    return reply.status, reply.content


@pytest.mark.long("postgres")
async def test_runs_are_listed_newest_first_in_pages(api: Api) -> None:
    await declare(api.acme)
    await declare(api.acme, "/api/v2/operations/poll")
    await register_fleet(api, 2)
    started = [(await start(api.acme))["id"] for _ in range(5)]
    await start(api.acme, target="/api/v2/operations/poll/runs")
    found: list[str] = []
    cursor = ""
    for size, more in ((2, True), (2, True), (1, False)):
        page = (await api.acme.get(f"{RUNS}?limit=2{cursor}")).body
        assert (len(page["runs"]), page["more"]) == (size, more)
        found += [one["id"] for one in page["runs"]]
        cursor = f"&cursor={page['nextCursor']}"
    assert found == sorted(started, reverse=True)
    (first, *_) = (await api.acme.get(RUNS)).body["runs"]
    run = await get_run(api.acme, first["id"])
    assert first == {
        "id": run["id"], "operation": "query-fines", "queueing": False, "createdAt": run["createdAt"],
        "createdBy": api.acme.actor, "createdByName": api.acme.actor_name, "vehicleCount": 2, "refusedCount": 0,
    }  # fmt: skip


@pytest.mark.long("postgres")
async def test_a_list_of_runs_has_nothing_of_another_account(api: Api) -> None:
    await declare(api.acme)
    await declare(api.beta)
    await start(api.acme)
    assert (await api.beta.get(RUNS)).body == {"runs": [], "nextCursor": None, "more": False}
    assert (await api.acme.get("/api/v2/operations/none/runs")).code == (404, "OperationNotFound")
    for query in ("limit=0", "cursor=x", "sort=id"):
        assert (await api.acme.get(f"{RUNS}?{query}")).code == (400, "BadParameters")


async def test_a_cancelled_run_hands_nothing_out_and_takes_no_late_result(api: Api, clock: SteppedClock) -> None:
    await declare(api.acme)
    await register_fleet(api, 4)
    run = await start(api.acme)
    (done, held) = await claim(api.acme, limit=2)
    assert (await answer(api.acme, done["id"], {"fines": 2})).status == 200
    assert await cancel(api, run["id"]) == (204, b"")
    assert await claim(api.acme, limit=10) == []
    late = await answer(api.acme, held["id"], {"fines": 1})
    assert late.code == (409, "ClaimWithdrawn")
    assert "cancelled" in late.detail
    clock.now += timedelta(hours=1)  # the lease has ended
    assert await claim(api.acme, limit=10) == []
    after = await get_run(api.acme, run["id"])
    assert (after["state"], after["progress"], after["cancelledBy"]) == ("cancelled", 1, api.acme.actor)
    assert (after["counts"]["succeeded"], after["counts"]["cancelled"]) == (1, 3)
    results = (await api.acme.get(f"{RUNS}/{run['id']}/results")).body["results"]
    assert [one["result"] for one in results] == [{"fines": 2}]
    (entry,) = (await api.acme.get(RUNS)).body["runs"]
    assert entry["cancelledAt"] == after["cancelledAt"]


@pytest.mark.long("postgres")
async def test_another_run_goes_on(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 3)
    first, second = await start(api.acme), await start(api.acme)
    assert (await cancel(api, first["id"]))[0] == 204
    claimed = await claim(api.acme, limit=10)
    assert {one["runId"] for one in claimed} == {second["id"]}
    assert len(claimed) == 3
    assert "cancelledAt" not in await get_run(api.acme, second["id"])


@pytest.mark.long("postgres")
async def test_cancelling_again_changes_nothing_and_a_finished_run_is_left(api: Api) -> None:
    claimed = await claim_hummer(api)
    run_id = claimed["runId"]
    assert (await cancel(api, run_id))[0] == 204
    before = await get_run(api.acme, run_id)
    assert (await cancel(api, run_id))[0] == 204
    assert await get_run(api.acme, run_id) == before
    finished = await start(api.acme)
    (one,) = await claim(api.acme)
    assert (await answer(api.acme, one["id"])).status == 200
    refused = await api.acme.send("DELETE", f"{RUNS}/{finished['id']}")
    assert refused.code == (409, "RunEnded")
    assert (await get_run(api.acme, finished["id"]))["state"] == "finished"


@pytest.mark.long("postgres")
async def test_only_a_run_of_the_operation_and_the_account_is_cancelled(api: Api) -> None:
    await declare(api.acme)
    await declare(api.beta)
    await register_fleet(api, 1)
    run = await start(api.acme)
    for target in (f"{RUNS}/{UNKNOWN_RUN}", f"{RUNS}/x"):
        assert (await api.acme.send("DELETE", target)).code == (404, "RunNotFound")
    assert (await api.beta.send("DELETE", f"{RUNS}/{run['id']}")).code == (404, "RunNotFound")
    other = f"/api/v2/operations/none/runs/{run['id']}"
    assert (await api.acme.send("DELETE", other)).code == (404, "OperationNotFound")
    assert (await api.gamma.send("DELETE", f"{RUNS}/{run['id']}")).code == (403, "Forbidden")
    assert len(await claim(api.acme)) == 1


async def test_a_run_that_is_being_queued_stops(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "RUN_CHUNK_SIZE", 2)
    monkeypatch.setattr(queueing, "TASKS_MAX", 0)  # nothing is added in the background
    await declare(api.acme)
    await register_fleet(api, 12)
    monkeypatch.setattr("padron.service.operations.runs.RUN_FIRST_CHUNKS", 0)
    run = await start(api.acme)
    assert run["state"] == "queueing"
    assert (await cancel(api, run["id"]))[0] == 204
    monkeypatch.setattr(queueing, "TASKS_MAX", 2)
    api.runtime.queueing._wake()
    await asyncio.sleep(0.2)
    after = await get_run(api.acme, run["id"])
    assert (after["state"], after["vehicleCount"]) == ("cancelled", 0)
    assert await claim(api.acme, limit=20) == []


async def test_work_that_an_interrupted_call_left_is_not_handed_out_either(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 3)
    first, second = await start(api.acme), await start(api.acme)
    run_id = int(first["id"], 16)

    async def mark(transaction: object) -> None:
        await transaction.operations.cancel_run(run_id, api.runtime.clock(), "k")  # type: ignore[attr-defined]

    await api.store.write(api.acme.account_id, mark)
    claimed = [one for _ in range(3) for one in await claim(api.acme)]
    assert [one["runId"] for one in claimed] == [second["id"]] * 3
    assert await claim(api.acme) == []
    assert (await get_run(api.acme, first["id"]))["counts"]["cancelled"] == 3


@pytest.mark.long("postgres")
async def test_a_large_run_is_cancelled_in_portions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.service.operations.cancelling.RUN_CHUNK_SIZE", 2)
    assert RUN_CHUNK_SIZE > 2
    await declare(api.acme)
    await register_fleet(api, 7)
    run = await start(api.acme)
    (one,) = await claim(api.acme)
    await answer(api.acme, one["id"])
    assert (await cancel(api, run["id"]))[0] == 204
    counts = (await get_run(api.acme, run["id"]))["counts"]
    assert (counts["cancelled"], counts["succeeded"]) == (6, 1)


async def test_a_deleted_operation_is_gone_with_its_open_work_and_its_results_stay(api: Api) -> None:
    await declare(api.acme)
    await api.acme.register(HUMMER)
    await api.acme.register(JEEP, plate="JEEP01")
    await start(api.acme)
    (one, other) = await claim(api.acme, limit=2)
    await answer(api.acme, one["id"], {"fines": 2})
    await start(api.acme, {"vins": [JEEP]})
    assert (await api.acme.send("DELETE", OPERATION)).status == 204
    assert (await api.acme.get("/api/v2/operations")).body == {"operations": []}
    for refused in (
        await api.acme.get(RUNS),
        await post(api.acme, CLAIMS, {}),
        await post(api.acme, RUNS, {"all": True}),
        await answer(api.acme, other["id"]),
        await api.acme.send("DELETE", OPERATION),
    ):
        assert refused.code == (404, "OperationNotFound")
    results = (await api.acme.get(f"/api/v2/vehicles/{one['vin']}/results")).body["results"]
    assert [(given["operation"], given["result"]) for given in results] == [("query-fines", {"fines": 2})]
    await declare(api.acme)
    assert await claim(api.acme, limit=10) == []
    assert [run["vehicleCount"] for run in (await api.acme.get(RUNS)).body["runs"]] == [1, 2]


@pytest.mark.long("postgres")
async def test_a_place_of_an_operation_is_free_after_its_deletion(api: Api) -> None:
    await declare(api.acme)
    await declare(api.beta)
    assert (await api.acme.send("DELETE", OPERATION)).status == 204
    assert len((await api.beta.get("/api/v2/operations")).body["operations"]) == 1
    assert (await declare(api.acme)).status == 201
    assert (await api.gamma.send("DELETE", OPERATION)).code == (403, "Forbidden")
    assert (await api.acme.send("DELETE", "/api/v2/operations/Ä")).status == 400


@pytest.mark.long("postgres")
async def test_a_worker_that_waits_receives_nothing_of_a_deleted_operation(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 1)
    waiting = asyncio.create_task(post(api.acme, CLAIMS, {"wait": 1}))
    await asyncio.sleep(0.1)
    assert (await api.acme.send("DELETE", OPERATION)).status == 204
    assert (await post(api.acme, RUNS, {"all": True})).status == 404
    assert json.loads((await waiting).content) == {"claims": []}


async def test_runs_that_are_started_during_the_deletion_are_cancelled_or_refused(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 3)
    starting = [asyncio.create_task(post(api.acme, RUNS, {"all": True})) for _ in range(6)]
    assert (await api.acme.send("DELETE", OPERATION)).status == 204
    statuses = {(await one).status for one in starting}
    assert statuses <= {201, 202, 404}
    await declare(api.acme)

    async def is_quiet() -> bool:
        return not await claim(api.acme, limit=10)

    assert await is_quiet()
    await wait_until(is_quiet)
