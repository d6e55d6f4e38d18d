"""Backups made while the program serves, and registers restored from them, on both engines."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import apsw
import pytest

from tests.cast import wait_until
from tests.conftest import Select
from tests.database import write
from tests.e2e.client import connect
from tests.e2e.load import Call, Load
from tests.e2e.program import make_fleets, run_server
from tests.e2e.record import check_file, check_record
from tests.e2e.test_ready import small_disk
from tests.postgres import Postgres
from tests.starting import Outcome, run_program, start_program

FEED = "/api/v2/changes"
WITHOUT_TOOLS = "/nowhere"
BALLAST = """
    INSERT INTO ballast
    SELECT b.* FROM (
        SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 100000) AS i GROUP BY i % 10000
    ) AS b, generate_series(1, 5)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """Somebody who runs commands on a register, with PostgreSQL's programs at hand."""

    url: str
    folder: Path
    variables: Mapping[str, str]
    server: Postgres | None

    async def run(self, *words: str, path: str | None = None) -> Outcome:
        if self.server is not None and words[0] == "restore":
            await self.server.leave_alone(self.url)
        variables = {**self.variables, **({} if path is None else {"PATH": path})}
        return await asyncio.to_thread(
            run_program, *words, "--database-url", self.url, folder=self.folder, variables=variables
        )

    async def back_up(self, *words: str) -> Outcome:
        outcome = await self.run("backup", *words, "--json")
        assert outcome.status == 0, outcome.stderr
        return outcome

    async def restore(self, *words: str) -> Outcome:
        outcome = await self.run("restore", *words, "--json")
        assert outcome.status == 0, outcome.stderr
        return outcome


@pytest.fixture
def operator(engine: str, url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Operator:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    path = os.environ["PATH"] if server is None else f"{server.bin_folder}{os.pathsep}{os.environ['PATH']}"
    return Operator(url=url, folder=tmp_path, variables={"PATH": path}, server=server)


def list_leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".part" in path.name)


def give_promises(load: Load, promised: Collection[str]) -> list[Call]:
    """Give all calls. Only the promised ones must be in the register; the others may be."""
    return [call if call.reason in promised else replace(call, answer=None) for call in load.calls]


async def read_rows(select: Select) -> dict[str, object]:
    return {
        "changes": await select("SELECT * FROM changes ORDER BY account_id, number"),
        "vehicles": await select("SELECT * FROM vehicles ORDER BY account_id, vehicle_id"),
        "keys": await select("SELECT key_id, secret_sha256 FROM api_keys ORDER BY key_id"),
    }


async def test_a_backup_made_under_load_restores_to_one_instant_of_the_register(
    engine: str, operator: Operator, select: Select
) -> None:
    load = Load(await make_fleets(operator.url))
    async with run_server(operator.url, operator.folder) as server:
        async with load.under_way(server.port):
            await load.wait_for_answers(50)
            promised = {call.reason for call in load.calls if call.answer is not None}
            made = (await operator.back_up("padron.backup")).document
            await load.wait_for_answers(50)
        assert load.give_statuses() == {204}
        assert load.give_slowest_share(0.99) < 1.0
        assert "ERROR" not in server.read_log()
        assert await server.stop() == 0
    assert made["vehicles"] == 18
    assert (operator.folder / "padron.backup").stat().st_size == made["bytes"]
    restored = (await operator.restore("padron.backup", "--replace")).document
    assert restored["accounts"] == made["accounts"]
    assert restored["compared"] is True
    changes = await check_record(select, give_promises(load, promised))
    assert changes == sum(account["lastChange"] for account in made["accounts"])
    if engine == "sqlite":
        await check_file(select)
        assert Path(restored["kept"]).stat().st_size > 0


@pytest.mark.long("postgres")
async def test_a_follower_of_the_lost_life_is_told_so_by_the_restored_register(operator: Operator) -> None:
    """Without any other command: the restore itself begins a new life."""
    fleets = await make_fleets(operator.url, accounts=1)
    load = Load(fleets)
    token = fleets[0].token
    async with run_server(operator.url, operator.folder) as server, connect(server.port) as connection:
        await load.touch_all(connection)
        before = (await connection.request("GET", FEED, token=token)).document["nextCursor"]
        await operator.back_up("padron.backup")
        await load.touch_all(connection)
        beyond = (await connection.request("GET", FEED, token=token)).document["nextCursor"]
        assert await server.stop() == 0
    await operator.restore("padron.backup", "--replace")
    async with run_server(operator.url, operator.folder) as server, connect(server.port) as connection:
        for grown in (False, True):
            if grown:
                for _ in range(3):  # past the number of the cursor
                    assert {answer.status for answer in await load.touch_all(connection)} == {204}
            for cursor in (before, beyond):
                answer = await connection.request("GET", f"{FEED}?after={cursor}&wait=30", token=token)
                assert "Start again without it" in answer.check_problem(410, "gone", "CursorGone")["detail"]
        page = (await connection.request("GET", FEED, token=token)).document
        assert page["changes"][0]["number"] == 1


@pytest.mark.long("postgres")
async def test_a_backup_is_for_its_owner_alone_and_replaces_a_file_only_when_asked(operator: Operator) -> None:
    await make_fleets(operator.url, accounts=1)
    file, note = operator.folder / "padron.backup", operator.folder / "padron.backup.json"
    file.write_text("precious")
    refused = await operator.run("backup", "padron.backup")
    assert refused.status == 1
    assert "already exists. Use --replace" in refused.stderr
    assert file.read_text() == "precious"
    assert not note.exists()
    await operator.back_up("padron.backup", "--replace")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, note)] == [0o600, 0o600]
    assert json.loads(note.read_text())["size_bytes"] == file.stat().st_size
    assert list_leftovers(operator.folder) == []
    refused = await operator.run("backup", "nowhere/padron.backup")
    assert refused.status == 1
    assert "there is no folder 'nowhere'" in refused.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these mounts")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_without_room_for_its_note_a_backup_leaves_no_file(operator: Operator, database: str) -> None:
    await make_fleets(operator.url, accounts=1)
    with small_disk(operator.folder) as place:
        disk = os.statvfs(place)
        room = disk.f_bavail * disk.f_frsize - Path(database).stat().st_size
        (place / "filling").write_bytes(bytes(room))
        refused = await operator.run("backup", "disk/padron.backup")
        assert refused.status == 1
        assert "cannot be written: No space left on device." in refused.stderr
        assert [path.name for path in place.iterdir()] == ["filling"]
        (place / "filling").unlink()
        await operator.back_up("disk/padron.backup")
        before = [path.read_bytes() for path in (place / "padron.backup", place / "padron.backup.json")]
        free = os.statvfs(place)
        room = free.f_bavail * free.f_frsize - Path(database).stat().st_size
        (place / "filling").write_bytes(bytes(room))
        refused = await operator.run("backup", "disk/padron.backup", "--replace")
        assert refused.status == 1
        assert before == [path.read_bytes() for path in (place / "padron.backup", place / "padron.backup.json")]


@pytest.mark.long("postgres")
async def test_a_backup_restores_into_an_empty_register_without_a_word(
    engine: str, operator: Operator, select: Select
) -> None:
    await make_fleets(operator.url, accounts=2)
    before = await read_rows(select)
    await operator.back_up("padron.backup")
    await empty(engine, operator)
    outcome = await operator.run("restore", "padron.backup")
    assert outcome.status == 0, outcome.stderr
    assert "2 accounts, 12 vehicles, 12 changes" in outcome.stdout
    assert "kept" not in outcome.stdout
    assert await read_rows(select) == before
    assert list_leftovers(operator.folder) == []


async def empty(engine: str, operator: Operator) -> None:
    """Make a new database of the register, as an operator would."""
    if engine == "sqlite":
        Path(operator.url.removeprefix("sqlite:///")).unlink()
        return
    for schema in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
        await write("postgres", operator.url, schema)


@pytest.mark.long("postgres")
async def test_damaged_backups_and_those_not_meant_to_replace_are_refused_and_leave_the_register_as_it_is(
    operator: Operator, select: Select
) -> None:
    await make_fleets(operator.url, accounts=1)
    before = await read_rows(select)
    await operator.back_up("padron.backup")
    whole = (operator.folder / "padron.backup").read_bytes()
    place = len(whole) // 2
    flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for damaged in (flipped, whole[:-1], whole[: place // 2], whole + b"x"):
        (operator.folder / "padron.backup").write_bytes(damaged)
        refused = await operator.run("restore", "padron.backup", "--replace")
        assert refused.status == 1
        assert "is damaged" in refused.stderr
        assert await read_rows(select) == before
    (operator.folder / "padron.backup").write_bytes(whole)
    refused = await operator.run("restore", "padron.backup")
    assert refused.status == 1
    assert "--replace" in refused.stderr
    note = json.loads((operator.folder / "padron.backup.json").read_text())
    note["summary"]["accounts"][0]["last_change"] += 1
    (operator.folder / "padron.backup.json").write_text(json.dumps(note))
    refused = await operator.run("restore", "padron.backup", "--replace")
    assert refused.status == 1
    assert "is not what was copied: the account 'Fleet 1' has 6 vehicles, change 6, not 6 and 7" in refused.stderr
    assert list_leftovers(operator.folder) == []


@pytest.mark.long("postgres")
async def test_without_its_note_a_backup_is_restored_and_the_command_says_what_was_not_compared(
    operator: Operator,
) -> None:
    await make_fleets(operator.url, accounts=1)
    await operator.back_up("padron.backup")
    (operator.folder / "padron.backup.json").unlink()
    outcome = await operator.run("restore", "padron.backup", "--replace")
    assert outcome.status == 0, outcome.stderr
    assert "were not compared" in outcome.stdout


async def test_a_register_that_is_served_is_not_restored(operator: Operator) -> None:
    await make_fleets(operator.url, accounts=1)
    await operator.back_up("padron.backup")
    async with run_server(operator.url, operator.folder) as server:
        if operator.server is not None:
            await operator.server.leave_alone(operator.url)
            async with connect(server.port) as connection:  # connects the server again, and it alone
                assert (await connection.request("GET", "/readyz")).status == 200
            refused = await replace(operator, server=None).run("restore", "padron.backup", "--replace")
        else:
            refused = await operator.run("restore", "padron.backup", "--replace")
        assert refused.status == 1
        assert "Stop" in refused.stderr
        assert await server.stop() == 0


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM], ids=str)
@pytest.mark.long("postgres")
async def test_an_interrupted_backup_leaves_nothing_half(
    engine: str, operator: Operator, number: signal.Signals
) -> None:
    await make_fleets(operator.url, accounts=1)
    await swell(engine, operator.url)
    log = operator.folder / "backup.log"
    words = ("backup", "padron.backup", "--database-url", operator.url)
    with log.open("wb") as stream:
        program = start_program(
            *words, stdout=stream, stderr=stream, folder=operator.folder, variables=operator.variables
        )

    async def has_begun() -> bool:
        parts = list(operator.folder.glob(".padron.backup.*.part"))
        return any(part.stat().st_size > 0 for part in parts) or program.poll() is not None

    try:
        await wait_until(has_begun)
        program.send_signal(number)
        assert await asyncio.to_thread(program.wait, 10) == 128 + number, log.read_text()
    finally:
        program.kill()
    assert "The backup was interrupted. No file was written." in log.read_text()
    assert not list(operator.folder.glob("*padron.backup*"))


async def swell(engine: str, url: str) -> None:
    """Make the database so large that a copy takes a while."""
    database = url.removeprefix("sqlite:///")
    if engine == "sqlite":
        await write(engine, database, "CREATE TABLE ballast (bytes BLOB)")
        ballast = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT zeroblob(5000000) FROM n"
        await write(engine, database, f"INSERT INTO ballast {ballast}")
        return
    await write(engine, database, "CREATE TABLE ballast (text text)")
    await write(engine, database, BALLAST)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_without_pg_dump_the_command_says_what_to_install(operator: Operator) -> None:
    await make_fleets(operator.url, accounts=1)
    refused = await operator.run("backup", "padron.backup", path=WITHOUT_TOOLS)
    assert refused.status == 1
    assert "The program pg_dump was not found" in refused.stderr
    assert "docs/backup.md" in refused.stderr
    assert list_leftovers(operator.folder) == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_damaged_database_is_replaced_and_its_log_does_not_come_back(
    operator: Operator, database: str, select: Select
) -> None:
    fleets = await make_fleets(operator.url, accounts=1)
    await operator.back_up("padron.backup")
    before = await read_rows(select)
    async with run_server(operator.url, operator.folder) as server, connect(server.port) as connection:
        await Load(fleets).touch_all(connection)
        server.kill()
    assert Path(f"{database}-wal").stat().st_size > 0
    with Path(database).open("r+b") as file:
        file.write(b"no header")
    outcome = await operator.restore("padron.backup", "--replace")
    assert await read_rows(select) == before
    await check_file(select)
    assert Path(outcome.document["kept"]).read_bytes().startswith(b"no header")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_is_not_a_backup_of_this_engine_is_refused(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("PGD")
    (tmp_path / "dump").write_text("PGDMP and more")
    foreign = apsw.Connection(str(tmp_path / "foreign.db"))
    foreign.execute("CREATE TABLE notes (text TEXT)")
    foreign.close()
    for name, said in (
        ("notes.txt", "is not a backup of Padrón"),
        ("dump", "is a backup of PostgreSQL"),
        ("foreign.db", "is not a register"),
        ("missing", "there is no such file"),
    ):
        refused = await replace(operator, url=f"sqlite:///{tmp_path}/new.db").run("restore", name)
        assert refused.status in {1, 2}, refused.stderr
        assert said in refused.stderr
    assert not (tmp_path / "new.db").exists()
