"""A server with a continuous backup is killed and its database deleted: the folder has what was answered."""

import asyncio
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padron.store.sqlite.backup.folders import list_chains
from tests import effort
from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import connect
from tests.e2e.load import Load
from tests.e2e.program import make_fleets, run_command, run_server
from tests.e2e.record import check_file, check_record
from tests.starting import run_program

LOST_S_MAX = 1.0
FEED = "/api/v2/changes"


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder


def delete_database(database: str) -> None:
    for path in Path(database).parent.glob(f"{Path(database).name}*"):
        path.unlink()


async def wait_for_base(folder: Path, count: int = 1) -> None:
    """Wait until so many chains have a base."""

    async def is_there() -> bool:
        return sum(bool(chain.list_bases()) for chain in list_chains(folder)) >= count

    await wait_until(is_there, seconds_max=30)


@pytest.mark.campaign
@pytest.mark.usefixtures("disk_folder")
@pytest.mark.timeout(180)
async def test_after_a_kill_and_the_loss_of_the_database_all_but_the_last_second_is_there(
    url: str, database: str, folder: Path, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url, accounts=4, vehicles=6))
    for cycle in range(effort.BACKUP_KILLS):
        async with run_server(url, tmp_path, backup_to=folder) as server:
            await wait_for_base(folder, cycle + 1)
            async with load.under_way(server.port, connections=20):
                await load.wait_for_answers(random.randint(50, 300))
                await asyncio.sleep(random.uniform(0, 0.8))
                killed_s = time.monotonic()
                server.kill()
            assert load.give_statuses() == {204}
            assert "ERROR" not in server.read_log()
            assert "gap" not in server.read_log()
        delete_database(database)
        restored = await run_command(url, "restore", str(folder), "--json")
        for call in load.calls:
            if call.answered_s > killed_s - LOST_S_MAX:
                call.answer = None  # it may be lost, and then another change has its revision
        changes = await check_record(select, load.calls)
        await check_file(select)
        assert changes == sum(account["lastChange"] for account in restored.document["accounts"])


async def test_an_instant_is_restored_by_the_command_and_followers_of_the_lost_life_are_told(
    url: str, database: str, folder: Path, tmp_path: Path, select: Select
) -> None:
    fleets = await make_fleets(url, accounts=1)
    load, token = Load(fleets), fleets[0].token
    async with run_server(url, tmp_path, backup_to=folder) as server, connect(server.port) as connection:
        await wait_for_base(folder)
        await load.touch_all(connection)
        before = len(load.calls)
        at = datetime.now(UTC)
        await asyncio.sleep(0.01)
        await load.touch_all(connection)
        cursor = (await connection.request("GET", FEED, token=token)).document["nextCursor"]
        refused = await run_command(url, "restore", str(folder), "--replace")
        assert refused.status == 1
        assert "Stop that server" in refused.stderr
        assert await server.stop() == 0
    refused = await run_command(url, "restore", str(folder))
    assert refused.status == 1
    assert "already holds a register. Use --replace" in refused.stderr
    restored = await run_command(url, "restore", str(folder), "--at", at.isoformat(), "--replace", "--json")
    assert datetime.fromisoformat(restored.document["reachedAt"]) <= at
    assert restored.document["remarks"] == []
    await check_record(select, load.calls[:before])
    async with run_server(url, tmp_path, backup_to=folder) as server, connect(server.port) as connection:
        answer = await connection.request("GET", f"{FEED}?after={cursor}", token=token)
        answer.check_problem(410, "gone", "CursorGone")
        assert await server.stop() == 0
    newest = await run_command(f"sqlite:///{tmp_path}/newest.db", "restore", str(folder))
    assert newest.status == 0, newest.stderr
    assert "This is the state of" in newest.stdout
    assert Path(database).exists()


async def test_a_trial_restore_touches_no_database_and_leaves_nothing(url: str, folder: Path, tmp_path: Path) -> None:
    load = Load(await make_fleets(url, accounts=1))
    async with run_server(url, tmp_path, backup_to=folder) as server, connect(server.port) as connection:
        await wait_for_base(folder)
        await load.touch_all(connection)
        nowhere = "sqlite:////nowhere/padron.db"
        outcome = await run_command(nowhere, "restore", str(folder), "--check")
        assert outcome.status == 0, outcome.stderr
        assert "can be restored: 1 account, 6 vehicles" in outcome.stdout
        (chain,) = list_chains(folder)
        segment = chain.give_segment(1)
        data = segment.read_bytes()
        segment.write_bytes(data[:30] + bytes([data[30] ^ 1]) + data[31:])
        outcome = await run_command(nowhere, "restore", str(folder), "--check")
        assert outcome.status == 1
        assert "is damaged at byte" in outcome.stderr
    assert {path.name for path in folder.iterdir()} == {chain.path.name, "padron-backup.lock"}


async def test_a_server_does_not_start_without_its_folder(url: str, folder: Path, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    refused = await run_command(url, "serve", "--port", "0", "--backup-to", str(tmp_path / "missing"))
    assert refused.status == 1
    assert "cannot be used: No such file or directory. Make it first." in refused.stderr
    assert refused.stderr.count("\n") == 1
    async with run_server(url, tmp_path, backup_to=folder):
        other = f"sqlite:///{tmp_path}/other.db"
        refused = await run_command(other, "serve", "--port", "0", "--backup-to", str(folder))
        assert refused.status == 1
        assert "Another server backs up into the folder" in refused.stderr


@pytest.mark.parametrize(
    "words, said",
    [
        (("--backup-keep-days", "0"), "--backup-keep-days is '0': use a whole number from 1 to 99999."),
        (("--backup-base-mb", "x"), "--backup-base-mb is 'x': use a whole number"),
        (("--backup-to", "x", "--database-url", "postgresql://a@b/c"), "--backup-to is for a SQLite file"),
    ],
    ids=str,
)
async def test_wrong_settings_are_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    url = f"sqlite:///{tmp_path}/padron.db"
    given = words if "--database-url" in words else (*words, "--database-url", url)
    refused = await asyncio.to_thread(run_program, "serve", "--port", "0", *given)
    assert refused.status == 2
    assert said in refused.stderr
