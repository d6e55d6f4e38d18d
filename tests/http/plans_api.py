"""What tests of planned changes do: plan, let time pass, list, and call in bulk."""

import json
from datetime import timedelta
from typing import Any

from padron.workers.plans import PlanWorker
from tests.cast import HUMMER, NOON
from tests.conftest import SteppedClock
from tests.http.api import Api, Client, Reply
from tests.http.test_openapi import check_reply

PLANS = "/api/v2/planned-changes"
BULK = "/api/v2/vehicles/status"


def give(hours: float) -> str:
    """Give an instant as a client writes it, so many hours after the tests' noon."""
    return (NOON + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


async def plan(
    client: Client, vin: str = HUMMER, status: int = 4, headers: dict[str, str] | None = None, **members: object
) -> Reply:
    body = {"vehicleStatusId": status, **members}
    reply = await client.send("PATCH", f"/api/v2/vehicles/{vin}/status", json.dumps(body), headers)
    check_reply("PATCH", "/api/v2/vehicles/{vin}/status", reply)
    return reply


async def pass_time(api: Api, hours: float) -> None:
    """Let the clock come to so many hours after noon, and what is due happen."""
    clock = api.runtime.clock
    assert isinstance(clock, SteppedClock)
    clock.now = NOON + timedelta(hours=hours)
    await PlanWorker(api.runtime).execute_due()


async def list_plans(client: Client, query: str = "") -> list[dict[str, Any]]:
    reply = await client.get(f"{PLANS}?{query}" if query else PLANS)
    check_reply("GET", PLANS, reply)
    assert reply.status == 200, reply.content
    plans: list[dict[str, Any]] = reply.body["plannedChanges"]
    return plans


async def send_bulk(api: Api, vehicles: list[dict[str, object]], key: str | None = None, **members: object) -> Reply:
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = await api.acme.send("POST", BULK, json.dumps({"vehicles": vehicles, **members}), headers)
    check_reply("POST", BULK, reply)
    return reply
