"""When the inside fails: 500 and 503 show nothing of it, and carry the request id that the log has."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.service.runtime import build_runtime
from padron.store.base import Store
from tests.cast import HUMMER, make_cast
from tests.conftest import OpenStore, SteppedClock
from tests.http.api import CAR, LIST, STATUS, VEHICLE, Api, Reply, on_both
from tests.http.conftest import run_api
from tests.service.stores import FaultyStore

SECRET = "password=hunter2 at /srv/padron.db"


@pytest.fixture
async def faulty(open_store: OpenStore) -> FaultyStore:
    store: Store = await open_store()
    return FaultyStore(store)


@pytest.fixture
async def api(faulty: FaultyStore, clock: SteppedClock, limits: Limits) -> AsyncIterator[Api]:
    runtime = build_runtime(faulty, clock, limits=limits)
    async with run_api(runtime, await make_cast(runtime)) as api:
        await api.acme.register()
        yield api


async def change(api: Api, way: str) -> Reply:
    if way == "PATCH":
        return await api.acme.patch_status(HUMMER, 3)
    return await api.acme.put_vehicle(HUMMER, doors=2)


@pytest.mark.long("postgres")
@pytest.mark.parametrize("way", ["PATCH", "PUT"])
async def test_a_500_shows_nothing_of_the_inside_and_the_log_has_its_request_id(
    api: Api, faulty: FaultyStore, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await api.acme.get_vehicle()
    faulty.fails, faulty.error = True, RuntimeError(SECRET)
    with caplog.at_level(logging.ERROR):
        reply = await change(api, way)
    assert reply.code == (500, "InternalError")
    everything = f"{reply.headers} {reply.content!r}"
    for inside in ("hunter2", "padron.db", "RuntimeError", "Traceback", "File "):
        assert inside not in everything
    request_id = reply.headers["x-request-id"]
    assert reply.body["instance"] == request_id
    assert request_id in reply.detail
    assert request_id in caplog.text
    assert SECRET in caplog.text
    faulty.fails = False
    assert await api.acme.get_vehicle() == before
    assert (await change(api, way)).status in {200, 204}


@on_both("way", ["PATCH", "PUT"], "PATCH".__eq__)
async def test_a_database_that_cannot_be_reached_is_503_with_retry_after(
    api: Api, faulty: FaultyStore, way: str
) -> None:
    faulty.fails, faulty.error = True, PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached.")
    reply = await change(api, way)
    assert reply.code == (503, "StoreUnavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.body["errorType"] == "serviceUnavailable"
    faulty.fails = False
    assert (await change(api, way)).status in {200, 204}


@pytest.mark.parametrize("way", ["PATCH", "PUT"])
@pytest.mark.parametrize("written", [0, 1])
async def test_a_store_that_fails_between_two_writes_leaves_nothing_behind(
    api: Api, faulty: FaultyStore, way: str, written: int
) -> None:
    vehicle, history = await api.acme.get_vehicle(), await api.acme.list_history()
    faulty.fails_before_change = written
    assert (await change(api, way)).status == 500
    faulty.fails_before_change = None
    assert await api.acme.get_vehicle() == vehicle
    assert await api.acme.list_history() == history
    assert await api.acme.list_vins("assetStatusId=2") == []


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(queued_changes=3)], ids=["three"])
async def test_calls_beyond_what_may_wait_are_429_with_retry_after_and_the_rest_are_answered(
    api: Api, faulty: FaultyStore
) -> None:
    faulty.open.clear()
    faulty.entered.clear()
    first = asyncio.create_task(api.acme.patch_status(HUMMER, 3))
    await faulty.entered.wait()
    rest = [asyncio.create_task(api.acme.patch_status(HUMMER, 4)) for _ in range(10)]
    done, waiting = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 7:
        more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    for refused in done:
        assert refused.result().code == (429, "TooManyRequests")
        assert int(refused.result().headers["retry-after"]) >= 1
    faulty.open.set()
    assert [reply.status for reply in await asyncio.gather(first, *waiting)] == [204] * 4


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(total_calls=1)], ids=["one"])
async def test_a_server_with_too_many_requests_under_way_refuses_more_but_stays_alive(
    api: Api, faulty: FaultyStore
) -> None:
    faulty.open.clear()
    held = asyncio.create_task(api.beta.put(VEHICLE, CAR))
    await asyncio.sleep(0.1)
    for reply in (await api.acme.get(LIST), await api.acme.put(VEHICLE, CAR), await api.acme.get(STATUS)):
        assert reply.code == (429, "TooManyRequests")
        assert int(reply.headers["retry-after"]) >= 1
    assert (await api.nobody.get("/livez")).status == 200
    faulty.open.set()
    assert (await held).status == 201
    assert (await api.acme.get(STATUS)).status == 200


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(calls=2)], ids=["two"])
async def test_an_account_with_too_many_calls_under_way_leaves_places_to_others(api: Api, faulty: FaultyStore) -> None:
    await api.beta.register()
    faulty.open.clear()
    held = [asyncio.create_task(api.acme.patch_status(HUMMER, status)) for status in (3, 4)]
    await asyncio.sleep(0.1)
    for refused in (await api.acme.get(STATUS), await api.acme.patch_status(HUMMER, 5), await api.gamma.get(LIST)):
        assert refused.code == (429, "TooManyRequests")
        assert "This account" in refused.detail
        assert int(refused.headers["retry-after"]) >= 1
    assert (await api.beta.get(STATUS)).status == 200
    faulty.open.set()
    assert [reply.status for reply in await asyncio.gather(*held)] == [204, 204]
    assert (await api.acme.get(STATUS)).status == 200
