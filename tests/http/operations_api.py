"""Operations as a client sees them: the few calls that every test of them makes."""

import json
from typing import Any

from padron.domain.vin import Vin
from tests.cast import HUMMER, make_vin
from tests.http.api import Api, Client, Reply

OPERATION = "/api/v2/operations/query-fines"
RUNS = f"{OPERATION}/runs"
CLAIMS = f"{OPERATION}/claims"
RESULTS = f"{CLAIMS}/results"
DECLARATION = {"description": "Ask the city for open fines", "leaseSeconds": 60, "attempts": 2}


async def post(client: Client, target: str, body: object) -> Reply:
    return await client.send("POST", target, json.dumps(body))


async def declare(client: Client, target: str = OPERATION, **values: int) -> Reply:
    reply = await client.put(target, {**DECLARATION, **values})
    assert reply.status in {200, 201}, reply.content
    return reply


async def register_fleet(api: Api, count: int) -> list[Vin]:
    vins = [make_vin(number) for number in range(count)]
    for vin in vins:
        assert (await api.acme.put_vehicle(vin)).status == 201
    return vins


async def start(client: Client, body: object | None = None, target: str = RUNS) -> dict[str, Any]:
    reply = await post(client, target, {"all": True} if body is None else body)
    assert reply.status in {201, 202}, reply.content
    run: dict[str, Any] = reply.body
    return run


async def get_run(client: Client, run_id: str, target: str = RUNS) -> dict[str, Any]:
    reply = await client.get(f"{target}/{run_id}")
    assert reply.status == 200, reply.content
    run: dict[str, Any] = reply.body
    return run


async def claim(client: Client, limit: int = 1, wait: int = 0, target: str = CLAIMS) -> list[dict[str, Any]]:
    reply = await post(client, target, {"limit": limit, "wait": wait})
    assert reply.status == 200, reply.content
    claims: list[dict[str, Any]] = reply.body["claims"]
    return claims


async def answer(client: Client, claim_id: str, result: object = None, outcome: str = "succeeded") -> Reply:
    return await post(client, RESULTS, {"results": [{"claimId": claim_id, "outcome": outcome, "result": result}]})


async def claim_hummer(api: Api, **values: int) -> dict[str, Any]:
    """Declare, register, queue and claim the one vehicle."""
    await declare(api.acme, OPERATION, **values)
    await api.acme.put_vehicle(HUMMER)
    await start(api.acme)
    (claimed,) = await claim(api.acme)
    return claimed
