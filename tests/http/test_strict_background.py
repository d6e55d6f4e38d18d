"""Answers that tell what was done in the background wait for leases of local gates, as calls do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from padron.workers.base import PauseRange, run_workers
from padron.workers.imports import ImportWorker
from tests.cast import HUMMER, JEEP
from tests.http.api import Api, Client
from tests.http.plans_api import PLANS, give, pass_time, plan
from tests.http.test_gate_leases import acknowledge, awaited, switch, take
from tests.http.test_imports import IMPORTS, send
from tests.http.test_selections import SELECTIONS, post, select
from tests.service.selecting import work_off


@pytest.fixture(autouse=True)
async def fleet(api: Api) -> None:
    await api.acme.register(HUMMER)
    await switch(api)


async def plan_and_execute(api: Api, status_id: int) -> list[str]:
    """Give what tells of a planned change that was executed."""
    planned = await plan(api.acme, status=status_id, effectiveAt=give(1))
    await pass_time(api, 1)
    return [planned.headers["location"], PLANS]


async def import_file(api: Api, status_id: int) -> list[str]:
    """Give what tells of an import that is done."""
    accepted = await send(api.acme, f"vin,vehicleStatusId\n{HUMMER},{status_id}\n".encode())
    async with run_workers([ImportWorker(api.runtime, poll=PauseRange(s_min=0.01, s_max=0.02))]):
        await wait_for_change(api.acme)
    return [accepted.headers["location"], IMPORTS]


async def apply_selection(api: Api, status_id: int) -> list[str]:
    """Give what tells of a selection that was applied."""
    one = await select(api.acme, filter=f"vin={HUMMER}")
    wanted = {"vehicleStatusId": status_id, "reason": "x"}
    digest = (await post(api.acme, f"{one}/preview", wanted)).body["digest"]
    assert (await post(api.acme, f"{one}/apply", {**wanted, "digest": digest})).status == 202
    await work_off(api.runtime)
    return [one, SELECTIONS, f"{one}/report"]


DO: dict[str, Callable[[Api, int], Awaitable[list[str]]]] = {
    "plan": plan_and_execute,
    "import": import_file,
    "selection": apply_selection,
}


async def wait_for_change(client: Client) -> None:
    """Wait until the feed has the change of status, which it has before anybody is told that the work is done."""
    async with asyncio.timeout(60):
        while len((await client.get("/api/v2/changes")).body["changes"]) < 2:  # noqa: ASYNC110 - the feed says so
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("work", DO)
async def test_what_tells_of_a_deactivation_in_the_background_waits(api: Api, work: str) -> None:
    lease = await take(api.acme)
    async with AsyncExitStack() as waiting:
        for target in await DO[work](api, 4):
            await waiting.enter_async_context(awaited(api, api.acme.get(target)))
        await acknowledge(api.acme, lease["leaseId"])


@pytest.mark.parametrize("work", ["plan", "selection"])  # an import tells only how many vehicles it changed
async def test_what_tells_of_other_work_does_not_wait(api: Api, work: str) -> None:
    await api.acme.patch_status(HUMMER, 4)
    await take(api.acme)
    for target in await DO[work](api, 1):
        reply = await asyncio.wait_for(api.acme.get(target), 5)
        assert reply.status == 200, reply.content
    assert api.runtime.leases.held_count == 0


async def test_an_executed_plan_waits_for_its_own_change_only(api: Api) -> None:
    lease = await take(api.acme)
    planned = await plan(api.acme, effectiveAt=give(1))
    await pass_time(api, 1)
    await acknowledge(api.acme, lease["leaseId"])
    await api.acme.register(JEEP, plate="JEEP001")  # the lease has not acknowledged this
    assert (await asyncio.wait_for(api.acme.get(planned.headers["location"]), 5)).body["state"] == "executed"
