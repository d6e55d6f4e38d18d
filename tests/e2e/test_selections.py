"""A selection that a real server applies: the server is killed again and again, and no vehicle is changed twice."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from padron.domain.selection import LEASE
from tests import effort
from tests.cast import wait_until
from tests.conftest import Select
from tests.database import write
from tests.e2e.client import connect
from tests.e2e.program import Fleet, Server, make_fleets, run_server

SELECTIONS = "/api/v2/selections"
SOLD = {"vehicleStatusId": 8, "reason": "Sold to Flota Sur"}
_CHANGES = "SELECT count(*), count(DISTINCT vehicle_id) FROM changes WHERE account_id = $1 AND request_id = $2"


async def call(server: Server, fleet: Fleet, method: str, target: str, body: object = None) -> dict[str, Any]:
    async with connect(server.port) as connection:
        answer = await connection.request(method, target, token=fleet.token, body=body)
        assert answer.status in {200, 201, 202}, answer.body
        return answer.document


async def end_lease(engine: str, database: str) -> None:
    """Let the time of a killed server be over; on SQLite the next server knows that there is no other."""
    if engine == "postgres":
        await write(engine, database, "UPDATE selections SET lease_until = now() WHERE lease_until IS NOT NULL")


@pytest.mark.campaign
@pytest.mark.timeout(180)
@pytest.mark.long
async def test_a_killed_servers_selection_is_continued_exactly(
    engine: str, url: str, database: str, tmp_path: Path, select: Select
) -> None:
    vehicles = effort.SELECTED_VEHICLES
    (fleet,) = await make_fleets(url, accounts=1, vehicles=vehicles)
    one, request_id = "", ""
    done = 0

    async def has_moved() -> bool:
        found = (await call(server, fleet, "GET", f"{one}?limit=1"))["selection"]
        return bool(sum(found["counts"].values()) > done or found["state"] == "done")

    for kill in range(effort.IMPORT_KILLS[engine]):
        async with run_server(url, tmp_path) as server:
            if kill == 0:
                made = await call(server, fleet, "POST", SELECTIONS, {"all": True})
                one = f"{SELECTIONS}/{made['id']}"
                assert made["count"] == vehicles
                applied = await call(server, fleet, "POST", f"{one}/apply", {**SOLD, "digest": made["digest"]})
                request_id = applied["requestId"]
            await wait_until(has_moved, seconds_max=LEASE.total_seconds() + 20)
            await asyncio.sleep(random.uniform(0, 0.02))  # any moment will do: there is nothing to wait for
            server.kill()
        ((done,),) = await select("SELECT changed FROM selections")
        await end_lease(engine, database)
    assert done < vehicles, "the kills came too late to interrupt anything"
    async with run_server(url, tmp_path) as server:

        async def has_ended() -> bool:
            state: str = (await call(server, fleet, "GET", f"{one}?limit=1"))["selection"]["state"]
            return state == "done"

        await wait_until(has_ended, seconds_max=LEASE.total_seconds() + 60)
        found = (await call(server, fleet, "GET", f"{one}?limit=1"))["selection"]
        assert found["counts"] == {"changed": vehicles, "unchanged": 0, "planned": 0, "refused": 0, "left": 0}
        assert await select(_CHANGES, fleet.account_id, request_id) == [(vehicles, vehicles)]
        assert await select("SELECT attempt FROM selections") == [(effort.IMPORT_KILLS[engine] + 1,)]
        assert "ERROR" not in server.read_log(), server.read_log()
