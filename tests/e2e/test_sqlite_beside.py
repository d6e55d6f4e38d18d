"""Commands beside a server under load on the same SQLite file: both do their work, and neither waits for long."""

import asyncio
import csv
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cast import make_vin, wait_until
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.load import Load
from tests.e2e.program import Fleet, make_fleets, run_command, run_server
from tests.e2e.record import check_file, check_record

KNOWN_S_MAX = 2.0
P99_S_MAX = 1.0
ROWS = 5_000


@pytest.fixture
def engine() -> str:
    return "sqlite"


def write_fleet(path: Path) -> Path:
    """Write a file with vehicles that the register does not know yet."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["vin", "plate", "vehicleStatusId", "ownerName"])
        for number in range(ROWS):
            rows.writerow([make_vin(1_000_000 + number), f"B{number:05d}", 1, f"Owner {number}"])
    return path


async def get_status(connection: Connection, token: str, fleet: Fleet) -> int:
    target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
    return (await connection.request("GET", target, token=token)).status


async def wait_for_401(connection: Connection, token: str, fleet: Fleet, *, seconds_max: float) -> None:
    async def is_refused() -> bool:
        return await get_status(connection, token, fleet) == 401

    await wait_until(is_refused, seconds_max=seconds_max)


async def test_an_import_and_a_server_under_load_do_not_stop_each_other(
    url: str, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    file = write_fleet(tmp_path / "fleet.csv")
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port):
            await load.wait_for_answers(100)
            added = await run_command(url, "accounts", "add", "Imported", "--json")
            assert added.document["name"] == "Imported"
            imported = await run_command(url, "vehicles", "import", "--account", "Imported", "--json", str(file))
            assert imported.document["registered"] == ROWS
            assert imported.document["stopped"] is None
        assert load.give_statuses() == {204}
        assert load.give_slowest_share(0.99) < P99_S_MAX
        assert "ERROR" not in server.read_log()
    assert await check_record(select, load.calls) > ROWS + 100
    await check_file(select)


async def test_keys_made_and_revoked_beside_the_server_count_within_two_seconds(url: str, tmp_path: Path) -> None:
    fleets = await make_fleets(url, accounts=2)
    fleet = fleets[0]
    load = Load(fleets[1:])
    add = ("keys", "add", "--account", fleet.name, "--scope", "vehicles:read", "--json")
    async with run_server(url, tmp_path) as server, AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect(server.port))
        async with load.under_way(server.port):
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
