"""A disk that takes no more, under a server on SQLite: writes are 503, reads go on, and the file stays sound.

The disk is full for the server alone: the system lets its process write no file beyond a size. SQLite reports that
as an error of input or output (EFBIG), where a truly full disk would be SQLITE_FULL; both are one answer to clients.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cast import wait_until
from tests.conftest import Select
from tests.e2e.client import Connection, connect
from tests.e2e.load import Load
from tests.e2e.program import Server, make_fleets, run_server
from tests.e2e.record import check_file, check_record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit a process that runs")

ROOM_BYTES = 64 * 1024  # what the log beside the database may still grow by
REFUSED_S_MAX = 2.5


@pytest.fixture
def engine() -> str:
    return "sqlite"


@contextmanager
def full_disk(server: Server, database: str) -> Iterator[None]:
    """Let no file of the server grow by more than a little, until the block ends."""
    limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    size = Path(f"{database}-wal").stat().st_size + ROOM_BYTES
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)


async def fill_disk(load: Load, connection: Connection) -> None:
    """Write until the disk takes no more."""

    async def is_full() -> bool:
        return (await load.send(connection, load.make_call())).status == 503

    await wait_until(is_full)


async def test_a_full_disk_refuses_writes_alone_and_when_there_is_room_they_work_again(
    url: str, database: str, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await load.touch_all(connection)
        with full_disk(server, database):
            await fill_disk(load, connection)
            done = await select("SELECT count(*) FROM changes")
            refused_before = len(load.calls)
            async with load.under_way(server.port):
                await load.wait_for_answers(100)
                await read_everything(load, connection)
            for call in load.calls[refused_before:]:
                assert call.answer is not None
                if call.answer.status != 204:  # a call that changes nothing needs no room
                    call.answer.check_problem(503, "serviceUnavailable", "StoreUnavailable")
                    assert int(call.answer.headers["retry-after"]) >= 1
                    assert call.answer.seconds < REFUSED_S_MAX
            assert load.give_statuses() == {204, 503}
            assert await select("SELECT count(*) FROM changes") == done, "It was not full."
            await check_file(select)
        assert {answer.status for answer in await load.touch_all(connection)} == {204}
        await check_record(select, load.calls)
        assert "ERROR" not in server.read_log()
        assert await server.stop() == 0
    await check_file(select)


async def test_a_server_that_died_on_a_full_disk_has_all_it_answered_when_there_is_room(
    url: str, database: str, tmp_path: Path, select: Select
) -> None:
    load = Load(await make_fleets(url))
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        with full_disk(server, database):
            async with load.under_way(server.port):
                await fill_disk(load, connection)
                await load.wait_for_answers(50)
        server.kill()
    async with run_server(url, tmp_path) as server, connect(server.port) as connection:
        await check_record(select, load.calls)
        assert {answer.status for answer in await load.touch_all(connection)} == {204}
        await check_record(select, load.calls)
        await check_file(select)


async def read_everything(load: Load, connection: Connection) -> None:
    """Check that what only reads is answered."""
    fleet = load.calls[0].fleet
    vehicle = f"/api/v2/vehicles/{fleet.vins[0]}"
    for target in (vehicle, f"{vehicle}/status", f"{vehicle}/history", "/api/v2/vehicles", "/livez"):
        answer = await connection.request("GET", target, token=fleet.token)
        assert answer.status == 200, (target, answer.body)
