"""POST /api/v2/operations/{name}/claims: what is handed out, under which lease, and how one waits for it."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest
from starlette.types import Message

from padron.http.calls import Call, ClientGoneError, Request
from padron.http.places import Places
from padron.http.routes.operations.claims import claim_work
from padron.http.server import Server
from tests.cast import HUMMER, JEEP
from tests.conftest import Select, SteppedClock
from tests.database import write
from tests.http.api import Api, before_the_store
from tests.http.operations_api import (
    CLAIMS,
    OPERATION,
    answer,
    claim,
    claim_hummer,
    declare,
    get_run,
    post,
    register_fleet,
    start,
)
from tests.tables import each_row


@pytest.mark.long("postgres")
async def test_a_claim_tells_the_vehicle_and_until_when_it_holds(api: Api, clock: SteppedClock) -> None:
    claimed = await claim_hummer(api, leaseSeconds=60)
    assert sorted(claimed) == ["attempt", "claimId", "id", "leaseUntil", "runId", "vin"]
    assert (claimed["vin"], claimed["attempt"]) == (HUMMER, 1)
    lease = datetime.fromisoformat(claimed["leaseUntil"]) - clock.now
    assert timedelta(seconds=55) < lease <= timedelta(seconds=60)


async def test_each_vehicle_is_handed_out_once(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 12)
    await start(api.acme)
    handed = await asyncio.gather(*(claim(api.acme, 3) for _ in range(4)))
    assert sorted(one["vin"] for claims in handed for one in claims) == vins
    assert await claim(api.acme) == []


@pytest.mark.long("postgres")
async def test_the_oldest_run_comes_first_and_a_vehicle_may_be_in_two_runs(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 2)
    runs = [(await start(api.acme))["runId"] for _ in range(2)]
    claims = await claim(api.acme, 10)
    assert [(one["runId"], one["vin"]) for one in claims] == [(run, vin) for run in runs for vin in vins]


@pytest.mark.long("postgres")
async def test_without_a_body_one_vehicle_is_claimed(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 2)
    await start(api.acme)
    reply = await api.acme.send("POST", CLAIMS)
    assert len(reply.body["claims"]) == 1


async def test_a_vehicle_that_was_deactivated_is_not_handed_out(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 3)
    await start(api.acme)
    assert (await api.acme.patch_status(vins[1], 3)).status == 204
    assert [one["vin"] for one in await claim(api.acme, 10)] == [vins[0], vins[2]]


async def test_work_that_is_queued_all_the_same_is_not_handed_out_while_the_vehicle_is_not_active(
    api: Api, engine: str, database: str
) -> None:
    # The withdrawal leaves no such work behind; this is the second look, which must hold without the first.
    await declare(api.acme)
    await register_fleet(api, 1)
    await start(api.acme)
    await write(engine, database, "UPDATE vehicles SET status = 4")
    assert await claim(api.acme) == []
    await write(engine, database, "UPDATE vehicles SET status = 1")
    assert len(await claim(api.acme)) == 1
    await write(engine, database, "UPDATE vehicles SET status = 4")
    expire = {
        "sqlite": "UPDATE work SET lease_until = 0",
        "postgres": "UPDATE work SET lease_until = to_timestamp(0)",
    }
    await write(engine, database, expire[engine])
    assert await claim(api.acme) == []


@pytest.mark.long("postgres")
async def test_a_vehicle_whose_vin_moved_keeps_its_work(api: Api) -> None:
    await declare(api.acme)
    await api.acme.upsert(HUMMER, "RTA412C")
    await start(api.acme)
    assert (await api.acme.upsert(JEEP, "RTA412C")).status == 200
    (claimed,) = await claim(api.acme)
    assert claimed["vin"] == JEEP
    assert (await answer(api.acme, claimed["claimId"], 1)).status == 200


async def test_an_expired_lease_is_handed_out_again_until_the_attempts_are_used_up(
    api: Api, clock: SteppedClock
) -> None:
    first = await claim_hummer(api, leaseSeconds=60, attempts=3)
    clock.now += timedelta(seconds=50)
    assert await claim(api.acme) == []
    seen = []
    for _ in range(5):
        clock.now += timedelta(seconds=61)
        seen += [one["attempt"] for one in await claim(api.acme, 10)]
    assert seen == [2, 3]
    run = await get_run(api.acme, first["runId"])
    assert (run["state"], run["counts"]["exhausted"]) == ("finished", 1)


async def test_a_claim_waits_for_work(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 1)
    waiting = asyncio.create_task(claim(api.acme, 10, wait=30))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    began = time.monotonic()
    await start(api.acme)
    assert len(await waiting) == 1
    assert time.monotonic() - began < 1


@pytest.mark.long("postgres")
async def test_a_claim_that_waits_in_vain_is_answered_with_nothing(api: Api) -> None:
    await declare(api.acme)
    began = time.monotonic()
    assert await claim(api.acme, wait=1) == []
    assert 0.9 < time.monotonic() - began < 2


@pytest.mark.long("postgres")
async def test_many_that_wait_share_what_comes_and_each_vehicle_goes_to_one(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 5)
    waiting = [asyncio.create_task(claim(api.acme, 1, wait=2)) for _ in range(8)]
    await asyncio.sleep(0.1)
    await start(api.acme)
    handed = [one["vin"] for claims in await asyncio.gather(*waiting) for one in claims]
    assert len(handed) == len(set(handed)) == 5


@pytest.mark.long("postgres")
async def test_a_client_that_hangs_up_ends_the_waiting(api: Api) -> None:
    await declare(api.acme)
    await register_fleet(api, 1)
    assert api.acme.member is not None
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    request = Request("POST", b"/api/v2/operations/query-fines/claims", b"", {}, {"name": "query-fines"})
    server = Server()
    server.runtime = api.runtime
    server.places = Places(api.runtime.limits)
    call = Call(request, "r-1", server, receive=to_app.get)
    call.principal = api.acme.member.principal
    to_app.put_nowait({"type": "http.request", "body": b'{"wait": 30}'})
    waiting = asyncio.create_task(claim_work(call))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    to_app.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(1):
        with pytest.raises(ClientGoneError):
            await waiting
    await start(api.acme)
    assert len(await claim(api.acme)) == 1  # nothing was handed to the one who has gone


@pytest.mark.long("postgres")
async def test_the_server_does_not_look_without_anybody_waiting(api: Api) -> None:
    await declare(api.acme)
    await claim(api.acme, wait=1)
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "padron-watch" in task.get_name()]


@before_the_store
@each_row(
    "body",
    [
        "[]",
        '{"limit": 0}',
        '{"limit": 501}',
        '{"limit": 1.5}',
        '{"wait": -1}',
        '{"wait": 31}',
        '{"wait": "1"}',
        '{"x": 1}',
    ],
)
async def test_a_limit_or_wait_out_of_range_is_400(api: Api, body: str) -> None:
    await declare(api.acme)
    assert (await api.acme.send("POST", CLAIMS, body)).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_another_account_is_handed_nothing(api: Api, select: Select) -> None:
    await declare(api.acme)
    await register_fleet(api, 2)
    await start(api.acme)
    assert (await post(api.beta, CLAIMS, {})).code == (404, "OperationNotFound")
    await declare(api.beta)
    assert await claim(api.beta, 10) == []
    assert await select("SELECT count(*) FROM work WHERE state = 'queued'") == [(2,)]


@pytest.mark.long("postgres")
async def test_the_scope_is_needed_and_the_operation_must_exist(api: Api) -> None:
    assert (await post(api.gamma, CLAIMS, {})).code == (403, "Forbidden")
    assert (await post(api.nobody, CLAIMS, {})).code == (401, "Unauthorized")
    assert (await post(api.acme, CLAIMS, {})).code == (404, "OperationNotFound")
    assert (await post(api.acme, f"{OPERATION}_/claims", {})).code == (400, "BadParameters")
