"""Two server processes on one PostgreSQL: they share the record, the vehicles and what is known of the keys."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import connect
from tests.e2e.load import BESIDE_S, Load
from tests.e2e.program import Fleet, make_fleets, run_command, run_server
from tests.e2e.record import check_record

KNOWN_S_MAX = 2.0
SCOPES = ("--scope", "vehicles:read,vehicles:status")


@pytest.fixture
def engine() -> str:
    return "postgres"


async def get_statuses(ports: list[int], token: str, vin: str) -> list[int]:
    """Give what each server answers to a key."""
    statuses = []
    for port in ports:
        async with connect(port) as connection:
            answer = await connection.request("GET", f"/api/v2/vehicles/{vin}/status", token=token)
            statuses.append(answer.status)
    return statuses


def make_condition(ports: list[int], token: str, fleet: Fleet, expected: int) -> Callable[[], Awaitable[bool]]:
    async def is_expected() -> bool:
        return set(await get_statuses(ports, token, fleet.vins[0])) == {expected}

    return is_expected


async def test_two_servers_under_load_write_one_record(url: str, tmp_path: Path, select: Select) -> None:
    load = Load(await make_fleets(url, accounts=2, vehicles=3))
    async with run_server(url, tmp_path) as first, run_server(url, tmp_path) as second:
        async with load.under_way(first.port, second.port, connections=16):
            await load.wait_for_answers(400, seconds_max=30)
        assert load.give_statuses() == {204}
        assert await check_record(select, load.calls) > 200
        for server in (first, second):
            log = server.read_log()
            assert "ERROR" not in log, log


@pytest.mark.long
async def test_a_key_counts_on_both_servers_when_added_and_no_longer_when_revoked(url: str, tmp_path: Path) -> None:
    fleets = await make_fleets(url, accounts=2)
    fleet, other = fleets
    load = Load([other])
    async with run_server(url, tmp_path) as first, run_server(url, tmp_path) as second:
        ports = [first.port, second.port]
        async with load.under_way(*ports, connections=4, pause_s=BESIDE_S):
            added = await run_command(url, "keys", "add", "--account", fleet.name, "--name", "new", *SCOPES, "--json")
            token = added.document["secret"]
            assert await get_statuses(ports, token, fleet.vins[0]) == [200, 200]
            revoked = await run_command(url, "keys", "revoke", added.document["id"], "--json")
            assert revoked.document["revoked"] is True
            await wait_until(make_condition(ports, token, fleet, 401), seconds_max=KNOWN_S_MAX)
            assert await get_statuses(ports, fleet.token, fleet.vins[0]) == [200, 200]
        assert load.give_statuses() == {204}
