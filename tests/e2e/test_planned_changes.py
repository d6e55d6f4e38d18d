"""Planned changes by real servers: within a second, by exactly one of them, and after a kill."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.program import Fleet, make_fleets, run_server

PLANS = "/api/v2/planned-changes"
LATE_MAX = timedelta(seconds=1)
FLEET = 120


def give(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


async def plan_all(connection: Connection, fleet: Fleet, begins: datetime, ends: datetime | None = None) -> None:
    """Plan a change of each vehicle, and its return."""
    members = {"vehicleStatusId": 8, "effectiveAt": give(begins), **({} if ends is None else {"until": give(ends)})}
    body = {"vehicles": [{"vin": vin, **members} for vin in fleet.vins]}
    answer = await connection.request("POST", "/api/v2/vehicles/status", token=fleet.token, body=body)
    assert answer.document["planned"] == len(fleet.vins)


async def list_plans(connection: Connection, fleet: Fleet) -> list[dict[str, Any]]:
    answer = await connection.request("GET", f"{PLANS}?limit=500", token=fleet.token)
    plans: list[dict[str, Any]] = answer.document["plannedChanges"]
    return plans


def count_executed(connection: Connection, fleet: Fleet, expected: int) -> Callable[[], Any]:
    async def is_done() -> bool:
        return [plan["state"] for plan in await list_plans(connection, fleet)] == ["executed"] * expected

    return is_done


def find_lateness(plans: list[dict[str, Any]]) -> timedelta:
    """Give how late the latest was, of the instants as the server notes them; none may be early."""
    late = [datetime.fromisoformat(one["endedAt"]) - datetime.fromisoformat(one["effectiveAt"]) for one in plans]
    assert min(late) >= timedelta(0)
    return max(late)


@pytest.mark.long("postgres")
async def test_a_server_executes_a_plan_and_its_return_within_a_second(url: str, tmp_path: Path) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        begins = datetime.now(UTC) + timedelta(seconds=2)
        ends = begins + timedelta(seconds=1)
        (vin,) = fleet.vins
        body = {"vehicleStatusId": 4, "effectiveAt": give(begins), "until": give(ends)}
        answer = await connection.request("PATCH", f"/api/v2/vehicles/{vin}/status", token=fleet.token, body=body)
        assert answer.status == 202
        seen: dict[int, datetime] = {}
        while len(seen) < 2:
            status = await connection.request("GET", f"/api/v2/vehicles/{vin}/status", token=fleet.token)
            number, now = status.document["vehicleStatusId"], datetime.now(UTC)
            assert number == 1 or now >= begins
            if number == 4:
                seen.setdefault(4, now)
            elif seen:
                seen[1] = now
            assert now < ends + LATE_MAX
            await asyncio.sleep(0.01)
        assert seen[4] - begins < LATE_MAX
        assert timedelta(0) <= seen[1] - ends < LATE_MAX


@pytest.mark.long("postgres")
async def test_what_came_due_while_the_server_was_dead_happens_when_it_is_back(url: str, tmp_path: Path) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=20)
    async with run_server(url, tmp_path) as server:
        async with connect(server.port) as connection:
            begins = datetime.now(UTC) + timedelta(seconds=1)
            await plan_all(connection, fleet, begins, begins + timedelta(seconds=0.2))
            await plan_all(connection, fleet, begins + timedelta(hours=1))
        server.kill()
    await asyncio.sleep(max(0, (begins + timedelta(seconds=0.3) - datetime.now(UTC)).total_seconds()))
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        back = datetime.now(UTC)

        async def is_done() -> bool:
            plans = await list_plans(connection, fleet)
            return sorted(plan["state"] for plan in plans) == ["executed"] * 40 + ["pending"] * 20

        await wait_until(is_done)
        assert datetime.now(UTC) - back < LATE_MAX
        for vin in fleet.vins:
            history = await connection.request("GET", f"/api/v2/vehicles/{vin}/history", token=fleet.token)
            assert [one["toStatusId"] for one in history.document["history"]] == [1, 8, 1]


@pytest.mark.long
async def test_several_servers_execute_each_plan_once_though_one_is_killed_in_the_middle(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    fleets = await make_fleets(url, accounts=2, vehicles=FLEET)
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(run_server(url, tmp_path))]
        if engine == "postgres":
            servers += [await stack.enter_async_context(run_server(url, tmp_path)) for _ in range(2)]
        begins = datetime.now(UTC) + timedelta(seconds=2)
        async with connect(servers[-1].port) as connection:
            for fleet in fleets:
                await plan_all(connection, fleet, begins, begins + timedelta(seconds=0.5))

        async def has_begun() -> bool:
            ((count,),) = await select("SELECT count(*) FROM changes WHERE to_status = 8")
            return bool(count)

        await wait_until(has_begun)
        servers[0].kill()
        if engine == "sqlite":
            servers.append(await stack.enter_async_context(run_server(url, tmp_path)))
        async with connect(servers[-1].port) as connection:
            for fleet in fleets:
                await wait_until(count_executed(connection, fleet, 2 * FLEET))
                if engine == "postgres":
                    assert find_lateness(await list_plans(connection, fleet)) < LATE_MAX
    rows = await select("SELECT account_id, vin, to_status FROM changes WHERE type = 'statusChanged' ORDER BY number")
    for fleet in fleets:
        for vin in fleet.vins:
            own = [status for account_id, text, status in rows if (account_id, text) == (fleet.account_id, vin)]
            assert own == [8, 1]
