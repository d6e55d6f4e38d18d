"""An upgrade under load: a newer program migrates the database, and the servers of the older one go on."""

from pathlib import Path

import pytest

from padron.store.sql.migrations import MigrationKind
from tests.conftest import Select
from tests.e2e.client import connect
from tests.e2e.load import BESIDE_S, Load
from tests.e2e.program import Fleet, make_fleets, run_server
from tests.e2e.record import check_record
from tests.newer import migrate_further


async def check_other_calls(port: int, fleet: Fleet) -> None:
    """Read and write with other calls than the one of the load."""
    vehicle = f"/api/v2/vehicles/{fleet.vins[0]}"
    requests: list[tuple[str, str, object, int]] = [
        ("PUT", vehicle, {"plate": f"NEW{fleet.account_id}X", "vehicleColor": "azul"}, 200),
        ("GET", vehicle, None, 200),
        ("GET", f"{vehicle}/history", None, 200),
        ("GET", "/api/v2/vehicles?vehicleColor=azul", None, 200),
        ("GET", "/api/v2/changes", None, 200),
        ("PUT", "/api/v2/operations/poll-tracker", {"description": "", "leaseSeconds": 60, "attempts": 1}, 201),
        ("POST", "/api/v2/operations/poll-tracker/runs", {"vins": [fleet.vins[0]]}, 201),
        ("POST", "/api/v2/operations/poll-tracker/claims", {"limit": 1}, 200),
    ]
    async with connect(port) as connection:
        for method, target, body, status in requests:
            answer = await connection.request(method, target, token=fleet.token, body=body)
            assert answer.status == status, (method, target, answer.body)


async def give_readiness(port: int) -> int:
    async with connect(port) as connection:
        return (await connection.request("GET", "/readyz")).status


@pytest.mark.long
async def test_servers_of_an_older_program_go_on_through_an_expansion_and_not_after_a_contraction(
    engine: str, url: str, database: str, tmp_path: Path, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleets = await make_fleets(url)
    load = Load(fleets)
    async with run_server(url, tmp_path) as server:
        async with load.under_way(server.port, pause_s=BESIDE_S):
            await load.wait_for_answers(200)
            await migrate_further(engine, database, monkeypatch, MigrationKind.EXPAND)
            await load.wait_for_answers(200)
        assert load.give_statuses() == {204}
        await check_record(select, load.calls)
        await check_other_calls(server.port, fleets[0])
        assert await give_readiness(server.port) == 200
        if engine == "postgres":  # another one of the older program may start beside it, too
            async with run_server(url, tmp_path) as other:
                await check_other_calls(other.port, fleets[1])
        await migrate_further(engine, database, monkeypatch, MigrationKind.EXPAND, MigrationKind.CONTRACT)
        assert await give_readiness(server.port) == 503
        assert await server.stop() == 0
        assert "Traceback" not in server.read_log()
