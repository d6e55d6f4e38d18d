"""What many requests at once do to an account's limits: they hold to the last one, and nobody is answered 503."""

import asyncio
import json
from collections import Counter

import pytest

from padron.domain.limits import DEFAULT_LIMITS, Limits
from tests.cast import make_vin, registered, save
from tests.conftest import Select
from tests.http.api import VEHICLE, Api, Client

AT_ONCE = 60
ROUNDS = 3
FLOOD = 120


@pytest.fixture
def limits() -> Limits:
    """The limits as they are, but for operations, of which 250 requests would be needed."""
    return Limits(operations=40)


async def declare(client: Client, name: str) -> int:
    body = {"description": "", "leaseSeconds": 60, "attempts": 3}
    return (await client.put(f"/api/v2/operations/{name}", body)).status


@pytest.mark.slow_callback("sends 90 requests at once, from the same loop")
async def test_the_limit_of_operations_is_exact(api: Api, limits: Limits, select: Select) -> None:
    asked = (declare(api.acme, f"op-{number}") for number in range(limits.operations + 50))
    assert Counter(await asyncio.gather(*asked)) == {201: limits.operations, 400: 50}
    assert await select("SELECT count(*) FROM operations") == [(limits.operations,)]
    assert await declare(api.acme, "op-0") in {200, 400}
    assert await declare(api.beta, "op-0") == 201


async def test_one_of_many_that_declare_the_same_operation_is_told_that_it_is_new(api: Api) -> None:
    for place in range(ROUNDS):
        asked = (declare(api.acme, f"op-{place}") for _ in range(AT_ONCE))
        assert Counter(await asyncio.gather(*asked)) == {201: 1, 200: AT_ONCE - 1}


@pytest.mark.long("postgres")
async def test_the_limit_of_endpoints_is_exact(api: Api, select: Select) -> None:
    async def add(number: int) -> int:
        body = {"url": f"https://example.com/{number}", "eventTypes": ["vehicle.status_changed"]}
        return (await api.acme.send("POST", "/api/v2/webhooks", json.dumps(body))).status

    asked = (add(number) for number in range(DEFAULT_LIMITS.webhooks + 20))
    assert Counter(await asyncio.gather(*asked)) == {201: DEFAULT_LIMITS.webhooks, 409: 20}
    assert await select("SELECT count(*) FROM webhook_endpoints") == [(DEFAULT_LIMITS.webhooks,)]


async def test_the_limit_of_imports_is_exact(api: Api) -> None:
    async def upload(number: int) -> int:
        content = f"vin\n{make_vin(number)}\n".encode()
        return (await api.acme.send("POST", "/api/v2/imports", content, {"content-type": "text/csv"})).status

    statuses = Counter(await asyncio.gather(*(upload(number) for number in range(DEFAULT_LIMITS.imports + 20))))
    assert statuses == {202: DEFAULT_LIMITS.imports, 409: 20}


async def test_the_limit_of_runs_by_filter_is_exact_and_runs_by_vin_go_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.operations.queueing.RUN_CHUNK_SIZE", 1)
    monkeypatch.setattr("padron.service.operations.runs.RUN_FIRST_CHUNKS", 1)
    monkeypatch.setattr(api.runtime.queueing, "go_on", lambda *_: None)  # so that none is ever filled
    fleet = [registered(make_vin(number), ownerName="Ana") for number in range(5)]
    await save(api.runtime.store, api.acme.account_id, *fleet)
    await declare(api.acme, "poll")
    await declare(api.acme, "weigh")
    names = ["poll", "weigh"] * (DEFAULT_LIMITS.runs + 5)
    asked = (start(api.acme, name, {"filter": {"ownerName": "Ana"}}) for name in names)
    assert Counter(await asyncio.gather(*asked)) == {202: DEFAULT_LIMITS.runs, 409: DEFAULT_LIMITS.runs + 10}
    assert await start(api.acme, "poll", {"vins": [make_vin(1), make_vin(2)]}) == 201


async def start(client: Client, name: str, body: object) -> int:
    return (await client.send("POST", f"/api/v2/operations/{name}/runs", json.dumps(body))).status


@pytest.mark.long("postgres")
async def test_many_identical_puts_are_all_answered(api: Api, select: Select) -> None:
    for place in range(ROUNDS):
        path = f"/api/v2/vehicles/{make_vin(place)}"
        asked = (api.acme.put(path, {"plate": f"ABC{place}00", "doors": 4}) for _ in range(AT_ONCE))
        assert Counter(reply.status for reply in await asyncio.gather(*asked)) == {201: 1, 200: AT_ONCE - 1}
    for place in range(ROUNDS):
        upserts = (api.acme.upsert(make_vin(100 + place), f"UPS{place}00", ownerName="Ana") for _ in range(AT_ONCE))
        assert Counter(reply.status for reply in await asyncio.gather(*upserts)) == {200: AT_ONCE}
    assert await select("SELECT count(*) FROM changes") == [(2 * ROUNDS,)]


@pytest.mark.parametrize("engine", ["postgres"])  # where transactions wait for each other
async def test_another_accounts_put_does_not_wait_behind_a_flood(api: Api) -> None:
    flood = [asyncio.create_task(api.acme.put(VEHICLE, {"doors": number % 30})) for number in range(FLOOD)]
    await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
    before = sum(task.done() for task in flood)
    assert (await api.beta.put(VEHICLE, {"doors": 4})).status == 201
    assert sum(task.done() for task in flood) - before < FLOOD // 4
    await asyncio.wait(flood)
    assert {task.result().status for task in flood} <= {200, 201}
