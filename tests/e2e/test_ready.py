"""`/readyz` of the real program says what is wrong, quickly, and nothing that is secret."""

import asyncio
import ctypes
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests import effort
from tests.cast import wait_until
from tests.damages import OF_PLACES, damage_file, find_pages, make_free_pages
from tests.e2e.client import Connection, connect
from tests.e2e.load import BESIDE_S, Load
from tests.e2e.program import Server, make_fleets, run_command, run_server
from tests.e2e.test_disk_full import fill_disk, full_disk

NOTICED_S_MAX = 1.5  # a second, and some time for a busy machine
TMPFS_BYTES = 4_000_000
_MS_NOSUID = 2

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these limits and mounts")
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
on_postgres = pytest.mark.parametrize("engine", ["postgres"])


async def list_troubles(connection: Connection) -> list[str]:
    """Give the codes of what is wrong, after checking the answer."""
    answer = await connection.request("GET", "/readyz")
    assert answer.seconds < 1.0 + 0.5
    assert b"/dev/shm" not in answer.body
    assert b"padron.db" not in answer.body
    if answer.status == 200:
        assert answer.document["status"] == "ok"
        return [warning["code"] for warning in answer.document.get("warnings", [])]
    problem = answer.check_problem(
        503, "serviceUnavailable", "StoreUnavailable", further=frozenset({"troubles"})
    )  # fmt: skip
    troubles = problem["troubles"]
    assert all(trouble["detail"].endswith(".") for trouble in troubles)
    assert problem["detail"] == troubles[0]["detail"]
    return [trouble["code"] for trouble in troubles]


async def wait_for(connection: Connection, codes: list[str], seconds_max: float = 10) -> None:
    async def is_so() -> bool:
        return await list_troubles(connection) == codes

    await wait_until(is_so, seconds_max=seconds_max)


@asynccontextmanager
async def serve_load(url: str, folder: Path) -> AsyncIterator[tuple[Server, Load, Connection]]:
    load = Load(await make_fleets(url))
    async with run_server(url, folder) as server, connect(server.port) as connection:
        answer = await connection.request("GET", "/readyz")
        # The check of the whole file is over before a small register is served.
        whole = {"integrity": "checked"} if url.startswith("sqlite:") else {}
        assert (answer.status, answer.document) == (200, {"status": "ok", **whole})
        yield server, load, connection


@needs_linux
@on_sqlite
@pytest.mark.long
async def test_a_disk_that_refuses_to_write_is_told_and_its_end_too(url: str, database: str, tmp_path: Path) -> None:
    async with serve_load(url, tmp_path) as (server, load, connection):
        await load.touch_all(connection)
        with full_disk(server, database):
            await fill_disk(load, connection)
            assert await list_troubles(connection) == ["disk_failing"]
            await asyncio.sleep(1)
            assert await list_troubles(connection) == ["disk_failing"]  # nobody wrote in between
        await wait_for(connection, [])  # although no call came that wrote
        assert await server.stop() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder on a disk of some megabytes."""
    system = ctypes.CDLL(None, use_errno=True)
    place = folder / "disk"
    place.mkdir()
    options = f"size={TMPFS_BYTES}".encode()
    if system.mount(b"tmpfs", bytes(place), b"tmpfs", _MS_NOSUID, options) != 0:
        pytest.skip("This user may not mount a disk.")
    try:
        yield place
    finally:
        assert system.umount2(bytes(place), 2) == 0


@needs_linux
@on_sqlite
async def test_a_full_disk_is_told_before_and_after_a_write_fails(database: str, tmp_path: Path) -> None:
    with small_disk(tmp_path) as place:
        path = shutil.copy(database, place / "padron.db")
        async with serve_load(f"sqlite:///{path}", tmp_path) as (server, load, connection):
            filling = place / "filling"
            with filling.open("wb") as file:
                disk = os.statvfs(place)
                file.write(bytes(disk.f_bavail * disk.f_frsize - 100_000))
            await wait_for(connection, ["disk_full"])  # before anybody writes
            await fill_disk(load, connection)
            assert await list_troubles(connection) == ["disk_full"]
            filling.unlink()
            await wait_for(connection, [])
            assert {answer.status for answer in await load.touch_all(connection)} == {204}
            assert await server.stop() == 0


@needs_linux
@on_sqlite
async def test_on_a_disk_without_any_room_the_program_says_that_it_is_full(database: str, tmp_path: Path) -> None:
    """Nothing can be opened then, because the index of the log needs room."""
    with small_disk(tmp_path) as place:
        url = f"sqlite:///{shutil.copy(database, place / 'padron.db')}"
        await make_fleets(url, accounts=1)
        disk = os.statvfs(place)
        (place / "filling").write_bytes(bytes(disk.f_bavail * disk.f_frsize))
        for words in (("serve", "--port", "0"), ("vehicles", "list", "--account", "Fleet 1"), ("doctor",)):
            refused = await run_command(url, *words)
            assert refused.status == 1
            assert "The disk of the database is full. Make room on it." in refused.stdout + refused.stderr
        (place / "filling").unlink()
        assert (await run_command(url, "vehicles", "list", "--account", "Fleet 1")).status == 0


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    Path(shutil.copy(path, f"{path}.copy")).replace(path)


@on_sqlite
@pytest.mark.parametrize(
    "harm, suffix",
    [
        (remove, ""),
        pytest.param(remove, "-wal", marks=pytest.mark.long),
        pytest.param(replace, "", marks=pytest.mark.long),
        pytest.param(replace, "-wal", marks=pytest.mark.long),
    ],
)
async def test_a_file_that_goes_is_told_within_a_second_and_calls_are_refused(
    url: str, database: str, tmp_path: Path, harm: Callable[[Path], None], suffix: str
) -> None:
    async with serve_load(url, tmp_path) as (server, load, connection):
        await load.touch_all(connection)
        harm(Path(f"{database}{suffix}"))
        await wait_for(connection, ["file_gone"], NOTICED_S_MAX)
        fleet = load.make_call().fleet
        vehicle = f"/api/v2/vehicles/{fleet.vins[0]}"
        for method, target, body in (
            ("GET", vehicle, None),
            ("GET", "/api/v2/vehicles", None),
            ("PATCH", f"{vehicle}/status", {"vehicleStatusId": 4}),
        ):
            answer = await connection.request(method, target, token=fleet.token, body=body)
            answer.check_problem(503, "serviceUnavailable", "StoreUnavailable")
        assert (await connection.request("GET", "/livez")).status == 200
        await asyncio.sleep(1)
        assert server.read_log().count("the register is not in order") == 1
        assert await server.stop() == 0


@on_sqlite
async def test_a_server_on_a_damaged_file_serves_nothing_and_says_so_once(
    url: str, database: str, tmp_path: Path
) -> None:  # fmt: skip
    (fleet, *_) = await make_fleets(url, vehicles=200)
    make_free_pages(database)
    damage_file(database, OF_PLACES["a bit of a free page"], find_pages(database), effort.roll(1))
    async with run_server(url, tmp_path, is_sound=False) as server, connect(server.port) as connection:
        await wait_for(connection, ["damaged"])
        for target in (f"/api/v2/vehicles/{fleet.vins[0]}", "/api/v2/vehicles", "/api/v2/changes"):
            answer = await connection.request("GET", target, token=fleet.token)
            answer.check_problem(503, "serviceUnavailable", "StoreUnavailable")
        assert server.read_log().count("CRITICAL") == 1
        doctor = await run_command(url, "doctor")
        assert doctor.status == 1
        assert "fault  pages" in doctor.stdout
        assert await server.stop() == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
@pytest.mark.long
async def test_doctor_finds_nothing_wrong_beside_a_server_under_load(url: str, tmp_path: Path, engine: str) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server, load.under_way(server.port, pause_s=BESIDE_S):
        doctor = await run_command(url, "doctor", "--json")
        findings = json.loads(doctor.stdout)["findings"]
        found = {one["check"]: one for one in findings if one["severity"] == "fault"}
        found.pop("settings", None) if engine == "postgres" else None  # of the server of the tests
        assert found == {}
        await load.wait_for_answers(100)
    assert load.give_statuses() == {204}


@pytest.mark.long
@on_postgres
async def test_a_database_that_takes_no_writes_is_told(url: str, tmp_path: Path) -> None:
    async with serve_load(url, tmp_path) as (_, _, connection):
        await alter(url, "SET default_transaction_read_only = on")
        await wait_for(connection, ["read_only"])
        await alter(url, "RESET default_transaction_read_only")
        await wait_for(connection, [])


@on_postgres
async def test_another_schema_is_told(url: str, tmp_path: Path) -> None:
    async with serve_load(url, tmp_path) as (_, _, connection):
        database = await asyncpg.connect(url)
        await database.execute("INSERT INTO schema_migrations VALUES (9999, 'later')")
        await wait_for(connection, ["migrations_pending"])
        await database.execute("DELETE FROM schema_migrations WHERE number = 9999")
        await wait_for(connection, [])
        await database.close()


async def alter(url: str, what: str) -> None:
    """Change a setting of the database, and end the connections that still have the old one."""
    database = await asyncpg.connect(url)
    try:
        await database.execute("SET default_transaction_read_only = off")
        name = await database.fetchval("SELECT quote_ident(current_database())")
        await database.execute(f"ALTER DATABASE {name} {what}")
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await database.close()
