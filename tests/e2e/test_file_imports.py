"""Files imported in the background of real servers, which are killed, stopped and joined by others meanwhile."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from padron.domain.file_import import LEASE, PART_BYTES
from tests import effort
from tests.cast import make_vin, wait_until
from tests.conftest import Select
from tests.database import write
from tests.e2e.client import build_request, connect
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server

pytestmark = pytest.mark.long("postgres")

IMPORTS = "/api/v2/imports"
ROWS = effort.IMPORT_ROWS
LONG_ROWS = 6_000  # of a file that takes longer than another server takes to import a small one
HALVED_ROWS = 1_200  # half of the file is more than one part
BAD_EVERY = 1_000
LOOK_EVERY_S = 0.03  # each look costs as much as several rows

_COUNT = "SELECT count(*), max(number), count(DISTINCT vin) FROM changes WHERE account_id = $1"


def make_file(rows: int = ROWS) -> bytes:
    """Give vehicles, half a kilobyte each, of which a few cannot be used."""
    lines = [
        f"{'NOVIN' if place % BAD_EVERY == 7 else make_vin(place)},{place % 5},{'x' * 140},{place:0>120},{'y' * 250}"
        for place in range(rows)
    ]
    return ("vin,doors,observations,ownerName,rfcName\n" + "\n".join(lines) + "\n").encode()


def build_upload(fleet: Fleet, file: bytes, *, key: str | None = None) -> bytes:
    head = build_request("POST", IMPORTS, token=fleet.token, key=key)
    return head[:-2] + f"Content-Type: text/csv\r\nContent-Length: {len(file)}\r\n\r\n".encode() + file


async def upload(server: Server, fleet: Fleet, file: bytes, *, key: str | None = None) -> str:
    """Send a file and give the address of its import."""
    async with connect(server.port) as connection:
        await connection.send(build_upload(fleet, file, key=key))
        answer = await connection.read_answer()
        assert answer.status == 202, answer.body
        return answer.headers["location"]


async def look(server: Server, fleet: Fleet, location: str) -> dict[str, Any]:
    async with connect(server.port) as connection:
        return (await connection.request("GET", location, token=fleet.token)).document


async def wait_for_rows(server: Server, fleet: Fleet, location: str, more_than: int) -> int:
    """Give how many rows are read once there are more than so many."""
    read = 0

    async def has_moved() -> bool:
        nonlocal read
        read = int((await look(server, fleet, location))["counts"]["read"])
        return read > more_than

    await wait_until(has_moved, seconds_max=LEASE.total_seconds() + 20, every_s=LOOK_EVERY_S)
    return read


async def end_lease(engine: str, database: str) -> None:
    """Let the time of a killed server's import be over; on SQLite the next server knows that there is no other."""
    if engine == "postgres":
        await write(engine, database, "UPDATE imports SET lease_until = now() WHERE lease_until IS NOT NULL")


async def wait_for_end(server: Server, fleet: Fleet, location: str) -> dict[str, Any]:
    async def has_ended() -> bool:
        return (await look(server, fleet, location))["state"] not in {"queued", "running"}

    await wait_until(has_ended, seconds_max=LEASE.total_seconds() + 60, every_s=LOOK_EVERY_S)
    return await look(server, fleet, location)


async def check_exact(select: Select, fleet: Fleet, done: dict[str, Any], rows: int = ROWS) -> None:
    bad = len(range(7, rows, BAD_EVERY))
    assert (done["state"], done["progress"]) == ("done", 1.0), done
    assert done["counts"] == {
        "read": rows, "registered": rows - bad, "updated": 0, "unchanged": 0, "keptDuplicates": 0, "refused": bad,
    }  # fmt: skip
    assert await select(_COUNT, fleet.account_id) == [(rows - bad,) * 3]
    assert await select("SELECT count(*) FROM import_refusals WHERE account_id = $1", fleet.account_id) == [(bad,)]

    async def is_cleared() -> bool:  # in a transaction of its own, after the one that ends the import
        return not await has_rows(select, "import_parts")

    await wait_until(is_cleared)


@pytest.mark.campaign
@pytest.mark.timeout(180)
async def test_a_killed_servers_import_is_continued_exactly(
    engine: str, url: str, database: str, tmp_path: Path, select: Select
) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=0)
    file = make_file()
    assert len(file) > 2 * PART_BYTES
    async with run_server(url, tmp_path) as server:
        location = await upload(server, fleet, file)
        read = await wait_for_rows(server, fleet, location, 0)
        server.kill()
        await end_lease(engine, database)
    for _ in range(effort.FILE_KILLS - 1):
        async with run_server(url, tmp_path) as server:
            read = await wait_for_rows(server, fleet, location, read)
            await asyncio.sleep(random.uniform(0, 0.05))  # any moment will do: there is nothing to wait for
            server.kill()
            await end_lease(engine, database)
    async with run_server(url, tmp_path) as server:
        assert (await look(server, fleet, location))["state"] == "running"
        done = await wait_for_end(server, fleet, location)
        await check_exact(select, fleet, done)
        assert await select("SELECT attempt FROM imports") == [(effort.FILE_KILLS + 1,)]
        assert "ERROR" not in server.read_log(), server.read_log()


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_server_that_is_told_to_end_gives_its_import_to_the_next_at_once(
    url: str, tmp_path: Path, select: Select
) -> None:
    fleet, other = await make_fleets(url, accounts=2, vehicles=0)
    async with run_server(url, tmp_path) as server:
        location = await upload(server, fleet, make_file(LONG_ROWS))  # it may not end before the server does
        await wait_for_rows(server, fleet, location, 0)
        assert await server.stop() == 0
        assert "Traceback" not in server.read_log()
    assert await select("SELECT state, lease_until FROM imports") == [("running", None)]
    async with run_server(url, tmp_path) as server:
        done = await wait_for_end(server, fleet, location)
        await check_exact(select, fleet, done, LONG_ROWS)
    assert await select(_COUNT, other.account_id) == [(0, None, 0)]


@pytest.mark.long
class TestTwoServers:
    @pytest.fixture
    def engine(self) -> str:
        return "postgres"

    @pytest.mark.timeout(180)
    async def test_exactly_one_works_and_the_other_takes_over_when_it_dies(
        self, url: str, database: str, tmp_path: Path, select: Select
    ) -> None:
        first, second = await make_fleets(url, accounts=2, vehicles=0)
        async with run_server(url, tmp_path) as one:
            location = await upload(one, first, make_file(LONG_ROWS))
            await wait_for_rows(one, first, location, 0)
            async with run_server(url, tmp_path) as two:
                read = await wait_for_rows(two, first, location, 2_000)
                small = await upload(two, second, make_file(500))
                await check_exact_small(select, second, await wait_for_end(two, second, small))
                assert await select("SELECT attempt FROM imports WHERE account_id = $1", first.account_id) == [(1,)]
                one.kill()
                await end_lease("postgres", database)
                done = await wait_for_end(two, first, location)
                assert done["counts"]["read"] > read
                bad = len(range(7, LONG_ROWS, BAD_EVERY))
                assert (done["counts"]["registered"], done["counts"]["unchanged"]) == (LONG_ROWS - bad, 0)
                assert await select(_COUNT, first.account_id) == [(LONG_ROWS - bad,) * 3]
                assert await select("SELECT attempt FROM imports WHERE account_id = $1", first.account_id) == [(2,)]

    @pytest.mark.timeout(120)
    async def test_many_imports_of_many_accounts_are_each_done_once(
        self, url: str, tmp_path: Path, select: Select
    ) -> None:
        fleets = await make_fleets(url, accounts=4, vehicles=0)
        async with run_server(url, tmp_path) as one, run_server(url, tmp_path) as two:
            locations = [
                (fleet, await upload(random.choice([one, two]), fleet, make_file(1_000)))
                for fleet in fleets
                for _ in range(2)
            ]
            for fleet, location in locations:
                done = await wait_for_end(one, fleet, location)
                assert done["state"] == "done", done
        for fleet in fleets:
            assert await select(_COUNT, fleet.account_id) == [(999, 999, 999)]
        assert await select("SELECT DISTINCT attempt FROM imports") == [(1,)]


async def check_exact_small(select: Select, fleet: Fleet, done: dict[str, Any]) -> None:
    assert done["counts"]["registered"] == 499
    assert await select(_COUNT, fleet.account_id) == [(499,) * 3]


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(url: str, tmp_path: Path, select: Select) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=0)
    data = build_upload(fleet, make_file(HALVED_ROWS))
    async with run_server(url, tmp_path) as server:
        async with connect(server.port) as connection:
            await connection.send(data[: len(data) // 2])
            await wait_until(lambda: has_rows(select, "import_parts"))
            connection.reset()

        async def is_gone() -> bool:
            return not await has_rows(select, "imports")

        await wait_until(is_gone)
        assert not await has_rows(select, "import_parts")
        assert "ERROR" not in server.read_log(), server.read_log()


@pytest.mark.long
async def test_half_an_upload_does_not_delay_the_end_of_a_server(url: str, tmp_path: Path, select: Select) -> None:
    (fleet,) = await make_fleets(url, accounts=1, vehicles=0)
    data = build_upload(fleet, make_file(HALVED_ROWS))
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await connection.send(data[: len(data) // 2])
        await wait_until(lambda: has_rows(select, "import_parts"))
        server.ask_to_stop()
        assert (await connection.read_answer()).status == 503
        assert await server.wait() == 0
        assert "Traceback" not in server.read_log()
    assert not await has_rows(select, "imports")


@pytest.mark.long
async def test_what_the_command_exports_the_api_imports(url: str, tmp_path: Path) -> None:
    first, second = await make_fleets(url, accounts=2, vehicles=6)
    files = [tmp_path / "fleet.csv", tmp_path / "fleet.jsonl"]
    for file in files:
        exported = await run_command(url, "vehicles", "export", "--account", first.name, str(file), "--json")
        assert exported.document["vehicles"] == 6
    async with run_server(url, tmp_path) as server:
        for file in files:
            done = await wait_for_end(server, second, await upload(server, second, file.read_bytes()))
            assert (done["state"], done["counts"]["unchanged"]) == ("done", 6), done


async def has_rows(select: Select, table: str) -> bool:
    return bool(await select(f"SELECT 1 FROM {table} LIMIT 1"))  # noqa: S608 - a table of ours
