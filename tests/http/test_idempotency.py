"""Idempotency-Key on every POST: the work once, and the first answer again, whatever fails in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import KEPT_FOR, LEASE
from padron.domain.limits import Limits
from padron.http.routes import ROUTES
from padron.service.accounts import add_account
from padron.service.idempotency import delete_expired
from padron.service.runtime import build_runtime
from tests.cast import HUMMER, JEEP, make_cast, make_member
from tests.conftest import OpenStore, Select, SteppedClock
from tests.http.api import Api, Client, Reply
from tests.http.conftest import run_api
from tests.http.test_openapi import check_reply
from tests.service.stores import FaultyStore
from tests.tables import each_row

BULK = "/api/v2/vehicles/status"
STOLEN = {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 3}]}
GATE = {"operation": "dispatch", "vins": [HUMMER]}
POSTS = {route.name: route for route in ROUTES if route.method == "POST" and route.keeps_answer}


@pytest.fixture
async def faulty(open_store: OpenStore) -> FaultyStore:
    return FaultyStore(await open_store())


@pytest.fixture
async def api(faulty: FaultyStore, clock: SteppedClock, limits: Limits) -> AsyncIterator[Api]:
    runtime = build_runtime(faulty, clock, limits=limits)
    async with run_api(runtime, await make_cast(runtime)) as api:
        await api.acme.register(HUMMER)
        faulty.key_write_count = 0
        yield api


async def post(client: Client, body: object = STOLEN, key: str = "a key", path: str = BULK) -> Reply:
    reply = await client.send("POST", path, json.dumps(body), {"Idempotency-Key": key})
    check_reply("POST", path, reply)
    return reply


def give_all(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in reply.headers.items() if name != "idempotency-replayed"}
    return reply.status, reply.content, headers


async def count_changes(api: Api) -> int:
    return len(await api.acme.list_history(HUMMER))


async def test_the_same_request_is_done_once_and_given_its_first_answer_byte_for_byte(api: Api) -> None:
    first = await post(api.acme)
    await api.acme.patch_status(HUMMER, 1)
    again = await post(api.acme)
    assert give_all(again) == give_all(first)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await count_changes(api) == 3
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_refusals_are_given_again_too(api: Api) -> None:
    body = {"vehicles": [{"vin": JEEP, "vehicleStatusId": 3}, {"vin": HUMMER, "vehicleStatusId": 3}], "mode": "all"}
    first = await post(api.acme, body)
    assert first.code == (409, "BatchRefused")
    await api.acme.register(JEEP, plate="JEEP01")
    assert give_all(await post(api.acme, body)) == give_all(first)
    unknown = await post(api.acme, {}, "other", "/api/v2/requests/none/undo")
    assert unknown.status == 404
    assert give_all(await post(api.acme, {}, "other", "/api/v2/requests/none/undo")) == give_all(unknown)
    bad = await post(api.acme, {"vehicles": 5}, "third")
    assert give_all(await post(api.acme, {"vehicles": 5}, "third")) == give_all(bad)


@pytest.mark.long("postgres")
@pytest.mark.parametrize("other", ["body", "path", "query"])
async def test_the_same_key_for_another_request_is_422(api: Api, other: str) -> None:
    assert (await post(api.acme)).status == 200
    match other:
        case "body":
            reply = await post(api.acme, {**STOLEN, "mode": "all"})
        case "path":
            reply = await post(api.acme, STOLEN, path="/api/v2/gate")
        case _:
            reply = await post(api.acme, STOLEN, path=f"{BULK}?x=1")
    assert reply.code == (422, "IdempotencyKeyReused")
    assert await count_changes(api) == 2


@pytest.mark.long("postgres")
async def test_a_key_belongs_to_its_api_key(api: Api) -> None:
    first = await post(api.acme)
    account = api.cast.acme.account
    colleague = await make_member(api.runtime, account, "colleague", ["vehicles:status", "vehicles:bulk"])
    other = await api.nobody.send(
        "POST", BULK, json.dumps(STOLEN), {"Idempotency-Key": "a key", "Authorization": f"Bearer {colleague.token}"}
    )
    assert other.body["results"][0]["outcome"] == "unchanged"
    assert first.body["results"][0]["outcome"] == "changed"
    stranger = await post(api.beta)
    assert stranger.body["results"][0]["errorDetail"] == "VehicleNotFound"


@pytest.mark.long("postgres")
@each_row("key", ["", "x" * 256, "tab\tbed", "ñ"])
async def test_a_key_that_cannot_be_used_is_400(api: Api, key: str) -> None:
    assert (await post(api.acme, key=key)).code == (400, "BadParameters")
    assert await count_changes(api) == 1


@pytest.mark.long("postgres")
async def test_who_may_not_is_refused_before_the_key_is_looked_at(api: Api, select: Select) -> None:
    assert (await post(api.gamma)).status == 403
    assert (await post(api.nobody)).status == 401
    assert await select("SELECT count(*) FROM idempotency_keys") == [(0,)]


async def test_while_the_first_is_under_way_a_second_is_409_and_later_given_the_answer(
    api: Api, faulty: FaultyStore
) -> None:
    faulty.open.clear()
    faulty.entered.clear()
    first = asyncio.create_task(post(api.acme))
    await faulty.entered.wait()
    early = await post(api.acme)
    assert early.code == (409, "IdempotencyKeyInUse")
    assert int(early.headers["retry-after"]) >= 1
    faulty.open.set()
    answer = await first
    assert give_all(await post(api.acme)) == give_all(answer)
    assert await count_changes(api) == 2


@pytest.mark.long("postgres")
async def test_answers_5xx_and_429_are_not_kept(api: Api, faulty: FaultyStore) -> None:
    for code, status in ((Code.STORE_UNAVAILABLE, 503), (Code.OVERLOADED, 429)):
        faulty.fails, faulty.error = True, PadronError(code, "Not now.")
        assert (await post(api.acme)).status == status
    faulty.error = RuntimeError("broken")
    assert (await post(api.acme)).status == 500
    faulty.fails = False
    assert (await post(api.acme)).status == 200
    assert await count_changes(api) == 2


async def test_when_the_answer_was_committed_with_the_work_a_server_that_dies_then_loses_nothing(
    api: Api, faulty: FaultyStore
) -> None:
    faulty.fails_after_commit, faulty.error = True, PadronError(Code.STORE_UNAVAILABLE, "The connection is lost.")
    assert (await post(api.acme)).status == 503
    faulty.fails_after_commit = False
    again = await post(api.acme)
    assert (again.status, again.body["results"][0]["outcome"]) == (200, "changed")
    assert await count_changes(api) == 2


@pytest.mark.parametrize("action", ["resolve", "merge"])
async def test_a_repair_whose_answer_was_lost_on_the_way_is_given_it_and_done_once(
    api: Api, faulty: FaultyStore, action: str
) -> None:
    await api.keep_duplicates(JEEP)
    keep, gone = (vehicle.vehicle_id for vehicle in await api.store.read(api.acme.account_id).list_by_vin(JEEP))
    path = f"/api/v2/duplicates/{JEEP}/{action}"
    faulty.fails_after_commit, faulty.error = True, PadronError(Code.STORE_UNAVAILABLE, "The connection is lost.")
    assert (await post(api.acme, {"keep": keep}, path=path)).status == 503
    faulty.fails_after_commit = False
    again = await post(api.acme, {"keep": keep}, path=path)
    ((former),) = again.body["former"]
    assert (again.status, former["id"], former["vehicleId"]) == (200, gone, gone)
    assert former["revision"].startswith(f"v{gone}r2t")
    assert again.headers["idempotency-replayed"] == "true"


async def test_plans_too_are_committed_with_the_answer_and_planned_once(
    api: Api, faulty: FaultyStore, clock: SteppedClock
) -> None:
    later = (clock.now + timedelta(hours=1)).isoformat()
    body = {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 3, "effectiveAt": later}]}
    faulty.fails_after_commit, faulty.error = True, PadronError(Code.STORE_UNAVAILABLE, "The connection is lost.")
    assert (await post(api.acme, body)).status == 503
    faulty.fails_after_commit = False
    again = await post(api.acme, body)
    assert (again.status, again.body["results"][0]["outcome"]) == (200, "planned")
    (plan,) = (await api.acme.get("/api/v2/planned-changes")).body["plannedChanges"]
    assert plan["id"] == again.body["results"][0]["plannedChangeId"]


async def test_an_answer_that_could_not_be_kept_is_never_followed_by_the_work_again(
    api: Api, faulty: FaultyStore, clock: SteppedClock
) -> None:
    stolen = (await api.acme.patch_status(HUMMER, 3)).headers["x-request-id"]
    undo = f"/api/v2/requests/{stolen}/undo"
    faulty.fails_at_key_write, faulty.error = 2, PadronError(Code.STORE_UNAVAILABLE, "Gone.")
    assert (await post(api.acme, {}, path=undo)).status == 200
    assert (await post(api.acme, {}, path=undo)).code == (409, "IdempotencyKeyInUse")
    clock.now += LEASE
    lost = await post(api.acme, {}, path=undo)
    assert lost.code == (409, "IdempotencyAnswerLost")
    assert await count_changes(api) == 3


async def test_a_server_that_died_before_its_work_was_committed_holds_the_key_for_a_minute(
    api: Api, faulty: FaultyStore, clock: SteppedClock
) -> None:
    faulty.fails_before_change, faulty.fails_at_key_write = 0, 2
    faulty.error = PadronError(Code.STORE_UNAVAILABLE, "Gone.")
    assert (await post(api.acme)).status == 503
    faulty.fails_before_change = None
    assert (await post(api.acme)).code == (409, "IdempotencyKeyInUse")
    clock.now += LEASE
    assert (await post(api.acme)).status == 200
    assert await count_changes(api) == 2


async def test_work_that_outlasted_its_lease_is_undone_when_the_key_was_taken_up(
    api: Api, faulty: FaultyStore, clock: SteppedClock
) -> None:
    faulty.open.clear()
    faulty.entered.clear()
    slow = asyncio.create_task(post(api.acme))
    await faulty.entered.wait()
    clock.now += LEASE
    faulty.both_entered.clear()
    late = asyncio.create_task(post(api.acme))
    await asyncio.wait_for(_wait_for_claims(faulty, 2), 10)
    faulty.open.set()
    replies = sorted([await slow, await late], key=lambda reply: reply.status)
    assert [reply.status for reply in replies] == [200, 409]
    assert replies[1].body["errorDetail"] == "IdempotencyKeyInUse"
    assert await count_changes(api) == 2
    assert give_all(await post(api.acme)) == give_all(replies[0])


async def _wait_for_claims(faulty: FaultyStore, count: int) -> None:
    while faulty.key_write_count < count:  # noqa: ASYNC110 - the store is what we wait for
        await asyncio.sleep(0.005)


@pytest.mark.long("postgres")
async def test_after_a_day_a_key_may_be_used_anew_and_its_row_goes(
    api: Api, clock: SteppedClock, select: Select
) -> None:
    await post(api.acme)
    await post(api.acme, GATE, "another", "/api/v2/gate")
    clock.now += KEPT_FOR - timedelta(minutes=1)
    assert (await post(api.acme)).headers["idempotency-replayed"] == "true"
    clock.now += timedelta(minutes=1)
    anew = await post(api.acme, {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 4}]})
    assert anew.body["results"][0]["outcome"] == "changed"
    assert await delete_expired(api.runtime, api.acme.account_id) == 1
    assert await select("SELECT key_count, byte_count FROM idempotency_totals") == [(1, len(anew.content))]
    clock.now += KEPT_FOR
    assert await delete_expired(api.runtime, api.acme.account_id) == 1
    assert await select("SELECT key_count, byte_count FROM idempotency_totals") == [(0, 0)]
    assert await select("SELECT count(*) FROM idempotency_keys") == [(0,)]


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(idempotency_keys=1), Limits(idempotency_bytes=1)], ids=["keys", "bytes"])
async def test_an_account_cannot_keep_answers_without_end(api: Api, clock: SteppedClock) -> None:
    assert (await post(api.acme)).status == 200
    refused = await post(api.acme, key="one too many")
    assert refused.code == (429, "TooManyRequests")
    assert (await post(api.acme)).status == 200
    assert (await post(api.beta, GATE, path="/api/v2/gate")).status == 200
    clock.now += KEPT_FOR
    assert (await post(api.acme, key="one too many")).status == 200


@pytest.mark.long("postgres")
async def test_every_post_takes_a_key(api: Api) -> None:
    declared = {"description": "Query fines", "leaseSeconds": 60, "attempts": 3}
    await api.acme.put("/api/v2/operations/fines", declared)
    for name, route in POSTS.items():
        path = route.path.replace("{name}", "fines").replace("{requestId}", "none")
        for member in ("webhookId", "deliveryId", "runId"):
            path = path.replace(f"{{{member}}}", "1")
        body = '{"limit": 1}' if name == "claimWork" else json.dumps(route.body_example or {})
        headers = {"Idempotency-Key": name}
        first = await api.acme.send("POST", path, body, headers)
        again = await api.acme.send("POST", path, body, headers)
        assert give_all(again) == give_all(first), name
        assert again.headers["idempotency-replayed"] == "true", name


@pytest.mark.long("postgres")
async def test_a_run_is_started_once_and_a_webhook_added_once(api: Api, select: Select) -> None:
    await api.acme.put("/api/v2/operations/fines", {"description": "Fines", "leaseSeconds": 60, "attempts": 3})
    for _ in range(3):
        assert (await post(api.acme, {"all": True}, "run", "/api/v2/operations/fines/runs")).status == 201
        hook = {"url": "https://fleet.example/hook", "eventTypes": ["vehicle.registered"]}
        assert (await post(api.acme, hook, "hook", "/api/v2/webhooks")).status == 201
    assert await select("SELECT count(*) FROM runs") == [(1,)]
    assert await select("SELECT count(*) FROM webhook_endpoints") == [(1,)]


async def test_the_same_key_sent_many_times_at_once_is_done_once_on_all_servers(
    open_store: OpenStore, engine: str, clock: SteppedClock
) -> None:
    first = await open_store()
    stores = [first, first if engine == "sqlite" else await open_store()]
    runtimes = [build_runtime(store, clock) for store in stores]
    cast = await make_cast(runtimes[0])
    async with run_api(runtimes[0], cast) as one, run_api(runtimes[1], cast) as two:
        await one.acme.register(HUMMER)
        await add_account(runtimes[0], "Other")
        for turn in range(10):
            body = {"vehicles": [{"vin": HUMMER, "vehicleStatusId": 3 + turn % 2}]}
            replies = await asyncio.gather(*(post(api.acme, body, f"key {turn}") for api in (one, two) * 4))
            done = [reply for reply in replies if reply.status == 200]
            assert len({reply.content for reply in done}) == 1
            assert {reply.status for reply in replies} <= {200, 409}
            assert sum("idempotency-replayed" not in reply.headers for reply in done) == 1
            assert await count_changes(one) == turn + 2
