"""A server whose lists, history and feed come from a replica: what a client may count on, however far that is behind.

The replica is held where it is and may be behind for ever, but for one test, so whatever is fresh came from the
primary.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from padron.domain.account import Scope
from padron.domain.change import START, Place
from padron.service.accounts import add_account, revoke_key
from padron.service.changes.cursors import format_feed_cursor
from padron.service.changes.feed import Wait, follow_changes
from padron.service.changes.pages import FeedFilter, FeedQuery
from padron.service.operations.gate import LARGE_QUESTION
from padron.service.runtime import build_runtime
from padron.store.postgres import open_store
from tests.cast import HUMMER, JEEP, make_cast, make_member, make_vin, registered, save, wait_until
from tests.conftest import SteppedClock
from tests.http.api import HISTORY, LIST, STATUS, VEHICLE, Api, Client
from tests.http.conftest import run_api
from tests.replica import ReplicaServer

CHANGES = "/api/v2/changes"
OPERABLE = f"{LIST}?operational=true&limit=1"
FOR_EVER_S = 300.0
SHORT_S = 0.5


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
def bound_s() -> float:
    """How far the replica may be behind."""
    return FOR_EVER_S


@pytest.fixture
async def api(database: str, replica: ReplicaServer, clock: SteppedClock, bound_s: float) -> AsyncIterator[Api]:
    await replica.catch_up()
    store = await open_store(database, replica.give_url(database), bound_s)
    runtime = build_runtime(store, clock)

    async def is_fresh() -> bool:
        return store.is_replica_fresh is True

    await wait_until(is_fresh)
    async with run_api(runtime, await make_cast(runtime)) as api:
        yield api


async def hold(replica: ReplicaServer) -> None:
    """Let the replica come to the present, and stay there."""
    await replica.catch_up()
    await replica.hold()


async def list_statuses(api: Api, **headers: str) -> list[int]:
    reply = await api.acme.get(LIST, **headers)
    assert reply.status == 200, reply.content
    return [vehicle["vehicleStatusId"] for vehicle in reply.body["vehicles"]]


async def test_a_list_may_be_behind_but_not_for_who_names_its_own_change(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    await hold(replica)
    changed = await api.acme.patch_status(HUMMER, 3)
    assert await list_statuses(api) == [1]
    assert await list_statuses(api, Padron_After=changed.headers["x-request-id"]) == [3]
    assert await list_statuses(api) == [1]


async def test_a_cursor_of_the_feed_or_the_gate_names_what_was_seen(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    before = (await api.acme.get(CHANGES)).body["nextCursor"]
    await hold(replica)
    await api.acme.patch_status(HUMMER, 3)
    gate = (await api.acme.get(f"/api/v2/gate/{HUMMER}?operation=dispatch")).body
    assert gate["allowed"] is False
    assert await list_statuses(api, Padron_After=gate["cursor"]) == [3]
    assert await list_statuses(api, Padron_After=before) == [1]


async def test_who_changed_nothing_sees_what_it_found(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    await hold(replica)
    await api.acme.patch_status(HUMMER, 3)
    again = await api.acme.patch_status(HUMMER, 3)
    assert again.status == 204
    assert await list_statuses(api, Padron_After=again.headers["x-request-id"]) == [3]


async def test_another_accounts_request_tells_nothing(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    changed = await api.acme.patch_status(HUMMER, 3)
    await hold(replica)
    theirs = await api.beta.get(LIST, Padron_After=changed.headers["x-request-id"])
    nobodys = await api.beta.get(LIST, Padron_After="no-such-request")
    assert theirs.status == 200
    assert theirs.without() == nobodys.without()


async def test_what_names_nothing_is_refused(api: Api) -> None:
    await api.acme.register()
    for text in ("", "a b", "é", "x" * 101, "a,b", "WyJoaXN0b3J5Iiwx=", '["feed",1]'):
        for target in (LIST, "/api/vehicles", HISTORY, CHANGES):
            reply = await api.acme.get(target, Padron_After=text)
            assert reply.code == (400, "BadParameters"), (target, text)
            assert "Padron-After" in reply.detail


async def test_a_cursor_beyond_the_replica_is_the_primarys_to_judge(api: Api, replica: ReplicaServer) -> None:
    """It is no cursor of another register, and one that is says so wherever it is sent."""
    await api.acme.register()
    await hold(replica)
    await api.acme.patch_status(HUMMER, 3)
    verdict = (await api.acme.get(f"/api/v2/gate/{HUMMER}?operation=dispatch")).body
    assert await list_statuses(api, Padron_After=verdict["cursor"]) == [3]
    reply = await api.acme.get(f"{CHANGES}?after={verdict['cursor']}")
    assert (reply.status, reply.body["changes"], reply.body["nextCursor"]) == (200, [], verdict["cursor"])
    beyond = format_feed_cursor(api.store.epoch, Place(number=3, mark=1))
    for target in (LIST, "/api/vehicles", HISTORY, CHANGES):
        assert (await api.acme.get(target, Padron_After=beyond)).code == (410, "CursorGone")
    assert (await api.acme.get(f"{CHANGES}?after={beyond}")).code == (410, "CursorGone")


async def test_all_pages_are_at_least_as_new_as_the_cursor_of_the_first(api: Api, replica: ReplicaServer) -> None:
    """Otherwise a change before the cursor is on no page, and who follows the feed from there never hears of it."""
    await api.acme.register(HUMMER, plate="AAA001")
    await api.acme.register(JEEP, plate="AAA002")
    await hold(replica)
    changed = await api.acme.patch_status(JEEP, 3)
    first = (await api.acme.get(OPERABLE, Padron_After=changed.headers["x-request-id"])).body
    assert [vehicle["vin"] for vehicle in first["vehicles"]] == [HUMMER]
    assert first["nextCursor"] is None  # so the Jeep is out: it is not on the second page of an old state
    first = (await api.acme.get(f"{LIST}?limit=1", Padron_After=changed.headers["x-request-id"])).body
    second = (await api.acme.get(f"{LIST}?limit=1&cursor={first['nextCursor']}")).body
    assert [vehicle["vehicleStatusId"] for vehicle in second["vehicles"]] == [3]


async def test_a_copy_of_what_is_operable_misses_nothing_when_its_pages_come_from_two_servers(
    api: Api, replica: ReplicaServer
) -> None:
    vins = [make_vin(number) for number in range(6)]
    await save(api.store, api.acme.account_id, *(registered(vin) for vin in vins))
    await hold(replica)
    await api.acme.patch_status(vins[4], 3)
    known = (await api.acme.get(CHANGES, Padron_After="no-such-request")).body["nextCursor"]
    page = (await api.acme.get(f"{LIST}?operational=true&limit=2", Padron_After=known)).body
    cursor, operable = page["cursor"], [vehicle["vin"] for vehicle in page["vehicles"]]
    while page["nextCursor"] is not None:
        page = (await api.acme.get(f"{LIST}?operational=true&limit=2&cursor={page['nextCursor']}")).body
        operable += [vehicle["vin"] for vehicle in page["vehicles"]]
    told = (await api.acme.get(f"{CHANGES}?after={cursor}")).body["changes"]
    left = {change["vin"] for change in told if not change["operational"]}
    assert [vin for vin in operable if vin not in left] == [vin for vin in vins if vin != vins[4]]


async def test_a_vehicle_registered_a_moment_ago_has_a_history(api: Api, replica: ReplicaServer) -> None:
    await hold(replica)
    await api.acme.register()
    assert [entry["type"] for entry in await api.acme.list_history()] == ["registered"]
    await replica.let_go()
    await hold(replica)
    changed = await api.acme.patch_status(HUMMER, 3)
    assert len(await api.acme.list_history()) == 1
    assert len((await api.acme.get(HISTORY, Padron_After=changed.headers["x-request-id"])).body["history"]) == 2


async def test_a_new_account_that_the_replica_does_not_have_yet_is_empty_and_no_error(
    api: Api, replica: ReplicaServer
) -> None:
    await hold(replica)
    account = await add_account(api.runtime, "Delta")
    scopes = [scope.value for scope in Scope]
    delta = Client(api.nobody.http, await make_member(api.runtime, account, "Delta", scopes))
    for target in (LIST, OPERABLE, CHANGES, "/api/v2/gate/refusals"):
        reply = await delta.get(target)
        assert reply.status == 200, reply.content
    changed = await delta.register()
    assert len(await delta.list_history()) == 1
    assert (await delta.get(LIST, Padron_After=changed.headers["x-request-id"])).body["vehicles"] != []


async def test_what_a_vehicle_is_comes_from_the_primary(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    old = (await api.acme.get(VEHICLE)).etag
    await hold(replica)
    await api.acme.patch_status(HUMMER, 3)
    assert (await api.acme.get(VEHICLE)).body["vehicleStatusId"] == 3
    assert (await api.acme.get(STATUS)).body["vehicleStatusId"] == 3
    assert (await api.acme.get(VEHICLE, If_None_Match=old)).status == 200
    assert (await api.acme.get(f"/api/v2/gate/{HUMMER}?operation=dispatch")).body["allowed"] is False


async def test_a_revoked_key_is_refused_however_far_the_replica_is_behind(
    api: Api, replica: ReplicaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.authentication.BELIEVED_S", 0.0)
    assert (await api.gamma.get(LIST)).status == 200
    await hold(replica)
    await revoke_key(api.runtime, api.gamma.actor)
    assert (await api.gamma.get(LIST)).status == 401


async def test_who_waits_for_a_change_is_told_at_once(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    await hold(replica)
    cursor = (await api.acme.get(CHANGES)).body["nextCursor"]
    waiting = asyncio.create_task(api.acme.get(f"{CHANGES}?after={cursor}&wait=20"))
    await asyncio.sleep(0.1)
    begin_s = time.perf_counter()
    await api.acme.patch_status(HUMMER, 3)
    changes = (await waiting).body["changes"]
    assert [change["toStatusId"] for change in changes] == [3]
    assert time.perf_counter() - begin_s < 2


async def test_who_follows_the_feed_is_told_of_each_change_once_and_in_order(api: Api, replica: ReplicaServer) -> None:
    await api.acme.register()
    await hold(replica)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    told: list[int] = []

    async def follow() -> None:
        pages = follow_changes(
            api.runtime,
            api.cast.acme.principal,
            FeedQuery(after=START, limit=100, wanted=FeedFilter()),
            Wait(seconds=20, gone=gone),
        )
        async for one in pages:
            told.extend(entry.change.number for entry in one.page.entries)

    following = asyncio.create_task(follow())
    for status in (3, 1, 4, 1):
        await api.acme.patch_status(HUMMER, status)
        if status == 4:
            await replica.let_go()

    async def is_told() -> bool:
        return len(told) >= 5

    await wait_until(is_told)
    gone.set_result(None)
    await following
    assert told == [1, 2, 3, 4, 5]


async def test_a_large_question_to_the_gate_is_never_answered_from_the_past(api: Api, replica: ReplicaServer) -> None:
    vins = [make_vin(number) for number in range(LARGE_QUESTION)]
    await save(api.store, api.acme.account_id, *(registered(vin) for vin in vins))
    await hold(replica)
    await api.acme.patch_status(vins[7], 3)
    reply = await api.acme.send("POST", "/api/v2/gate", '{"operation":"dispatch","vins":["' + '","'.join(vins) + '"]}')
    assert [result["vin"] for result in reply.body["results"] if not result["allowed"]] == [vins[7]]


async def test_a_refusal_is_listed_however_far_the_replica_is_behind(api: Api, replica: ReplicaServer) -> None:
    await hold(replica)
    await api.acme.get(f"/api/v2/gate/{HUMMER}?operation=dispatch")
    assert len((await api.acme.get("/api/v2/gate/refusals")).body["refusals"]) == 1


@pytest.mark.parametrize("bound_s", [SHORT_S])
async def test_readiness_tells_whether_the_replica_is_used(api: Api, replica: ReplicaServer) -> None:
    async def is_ready(state: str) -> bool:
        reply = await api.nobody.get("/readyz")
        assert reply.status == 200
        bodies.append(reply.body)
        return bool(reply.body["replica"] == state)

    bodies: list[dict[str, Any]] = []
    await wait_until(lambda: is_ready("fresh"))
    assert bodies[-1] == {"status": "ok", "replica": "fresh"}
    await hold(replica)
    await api.acme.register()
    await wait_until(lambda: is_ready("behind"))
    assert await list_statuses(api) == [1]
    body = bodies[-1]
    (warning,) = body.pop("warnings")
    assert body == {"status": "ok", "replica": "behind"}
    assert warning["code"] == "replica_behind"
    assert "replica" in warning["detail"]
