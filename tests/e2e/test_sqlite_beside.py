"""Commands beside a server under load on the same SQLite file: both do their work, and neither waits for long."""

import asyncio
import csv
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cast import make_vin, wait_until
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.load import BESIDE_S, Load
from tests.e2e.program import Fleet, make_fleets, run_command, run_server
from tests.e2e.record import check_file, check_record

KNOWN_S_MAX = 2.0


@pytest.fixture
def engine() -> str:
    return "sqlite"


def write_fleet(path: Path, count: int) -> Path:
    """Write a file with vehicles that the register does not know yet."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["vin", "plate", "vehicleStatusId", "ownerName"])
        for number in range(count):
            rows.writerow([make_vin(1_000_000 + number), f"B{number:05d}", 1, f"Owner {number}"])
    return path


async def get_status(connection: Connection, token: str, fleet: Fleet) -> int:
    target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
    return (await connection.request("GET", target, token=token)).status


async def wait_for_401(connection: Connection, token: str, fleet: Fleet, *, seconds_max: float) -> None:
    async def is_refused() -> bool:
        return await get_status(connection, token, fleet) == 401

    await wait_until(is_refused, seconds_max=seconds_max)


# Status changes between the import's first transaction and its last.
ANSWERED_MEANWHILE = """
SELECT count(*) FROM changes, (
    SELECT min(changed_at) AS began_at, max(changed_at) AS ended_at FROM changes WHERE account_id = $1) AS imported
WHERE account_id <> $1 AND type = 'statusChanged' AND changed_at BETWEEN began_at AND ended_at
"""


@pytest.mark.parametrize("count", [1_000, pytest.param(5_000, marks=pytest.mark.long)])
async def test_an_import_and_a_server_under_load_do_not_stop_each_other(
    url: str, tmp_path: Path, select: Select, count: int
) -> None:
    load = Load(await make_fleets(url))
    file = write_fleet(tmp_path / "fleet.csv", count)
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port):
            await load.wait_for_answers(100)
            added = await run_command(url, "accounts", "add", "Imported", "--json")
            assert added.document["name"] == "Imported"
            imported = await run_command(url, "vehicles", "import", "--account", "Imported", "--json", str(file))
            assert imported.document["registered"] == count
            assert imported.document["stopped"] is None
            ((answered,),) = await select(ANSWERED_MEANWHILE, added.document["id"])
            assert answered > 0
        assert load.give_statuses() == {204}  # one that waits for the file for over two seconds would get 503
        assert "ERROR" not in server.read_log()
    assert await check_record(select, load.calls) > count + 100
    await check_file(select)


async def test_keys_made_and_revoked_beside_the_server_count_within_two_seconds(url: str, tmp_path: Path) -> None:
    fleets = await make_fleets(url, accounts=2)
    fleet = fleets[0]
    load = Load(fleets[1:])
    add = ("keys", "add", "--account", fleet.name, "--scope", "vehicles:read", "--json")
    async with run_server(url, tmp_path) as server, AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect(server.port))
        async with load.under_way(server.port, pause_s=BESIDE_S):
            new, brief = await asyncio.gather(
                run_command(url, *add, "--name", "new"),
                run_command(url, *add, "--name", "brief", "--expires-in", "3s"),
            )
            assert await get_status(connection, new.document["secret"], fleet) == 200
            assert await get_status(connection, brief.document["secret"], fleet) == 200
            await run_command(url, "keys", "revoke", new.document["id"])
            await wait_for_401(connection, new.document["secret"], fleet, seconds_max=KNOWN_S_MAX)
            await wait_for_401(connection, brief.document["secret"], fleet, seconds_max=3 + KNOWN_S_MAX)
            assert await get_status(connection, fleet.token, fleet) == 200
        assert load.give_statuses() == {204}
