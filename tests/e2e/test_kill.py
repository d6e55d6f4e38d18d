"""The server killed under load, again and again: what was answered with 204 is there, once, and nothing half done."""

import asyncio
import random
from pathlib import Path

import pytest

from tests import effort
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.load import Load
from tests.e2e.program import Fleet, make_fleets, run_server
from tests.e2e.record import check_file, check_record

CONNECTIONS = 20

_READ_CHANGES = """
    SELECT from_status, to_status, reason FROM changes
    WHERE account_id = $1 AND vin = $2 AND type = 'statusChanged' ORDER BY number DESC
"""


async def read_history(connection: Connection, fleet: Fleet, vin: str) -> list[tuple[int, int, str]]:
    """Give a vehicle's status changes as the API tells them, newest first."""
    history: list[tuple[int, int, str]] = []
    cursor = ""
    while True:
        target = f"/api/v2/vehicles/{vin}/history?limit=500{cursor}"
        page = (await connection.request("GET", target, token=fleet.token)).document
        history += [
            (entry["fromStatusId"], entry["toStatusId"], entry["reason"])
            for entry in page["history"]
            if entry["type"] == "statusChanged"
        ]
        if page["nextCursor"] is None:
            return history
        cursor = f"&cursor={page['nextCursor']}"


@pytest.mark.campaign
@pytest.mark.usefixtures("disk_folder")
@pytest.mark.timeout(120)
async def test_a_killed_server_has_done_each_answered_change_once(
    engine: str, url: str, tmp_path: Path, select: Select
) -> None:
    fleets = await make_fleets(url, accounts=4, vehicles=6)
    load = Load(fleets)
    changes = 0
    for cycle in range(effort.KILLS[engine] + 1):
        async with run_server(url, tmp_path) as server:
            found = await check_record(select, load.calls)
            assert found > changes, "The cycle before changed nothing."
            changes = found
            if engine == "sqlite":
                await check_file(select)
            if cycle == effort.KILLS[engine]:
                fleet = random.choice(fleets)
                async with connect(server.port) as connection:
                    for vin in fleet.vins:
                        rows = await select(_READ_CHANGES, fleet.account_id, vin)
                        assert await read_history(connection, fleet, vin) == rows
                break
            async with load.under_way(server.port, connections=CONNECTIONS):
                await load.wait_for_answers(random.randint(30, 150))
                await asyncio.sleep(random.uniform(0, 0.02))  # any moment will do: there is nothing to wait for
                server.kill()
            assert load.give_statuses() == {204}
