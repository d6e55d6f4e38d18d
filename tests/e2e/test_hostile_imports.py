"""Files made to stop the server: meanwhile others are answered at once, and the server ends when it is told to."""

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from padron.domain.file_import import LEASE
from tests.cast import wait_until
from tests.e2e.client import connect
from tests.e2e.program import STOP_S_MAX, Fleet, Server, make_fleets, run_server
from tests.e2e.test_file_imports import look, upload, wait_for_end
from tests.files.workbooks import build_workbook, give_row
from tests.processes import list_readers

pytestmark = pytest.mark.long("postgres")

CALLS = 10
ANSWER_S_MAX = 1.0
EMPTY_ROWS = 7_000_000  # in a workbook of 60 kB, for which a process takes twenty seconds


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("slow") / "fleet.xlsx"
    return build_workbook(path, give_row(1, "vin") + "<row/>" * EMPTY_ROWS).read_bytes()


async def wait_for_readers(server: Server, count: int) -> list[psutil.Process]:
    await wait_until(lambda: _has_readers(server, count), seconds_max=20, every_s=0.03)
    return list_readers(server.pid)


async def _has_readers(server: Server, count: int) -> bool:
    return len(list_readers(server.pid)) == count


async def measure_calls(server: Server, fleet: Fleet) -> float:
    """Change statuses and give the longest wait for an answer."""
    late_s = 0.0
    async with connect(server.port) as connection:
        for place in range(CALLS):
            begun = time.monotonic()
            path = f"/api/v2/vehicles/{fleet.vins[place % len(fleet.vins)]}/status"
            answer = await connection.request("PATCH", path, token=fleet.token, body={"vehicleStatusId": 3 + place % 2})
            assert answer.status == 204, answer.body
            late_s = max(late_s, time.monotonic() - begun)
            await asyncio.sleep(0.02)
    return late_s


@pytest.mark.timeout(180)
async def test_while_files_take_all_places_another_account_is_answered_and_the_server_ends(
    url: str, tmp_path: Path, slow: bytes
) -> None:
    one, two, other = await make_fleets(url, accounts=3)
    async with run_server(url, tmp_path) as server:
        locations = [(fleet, await upload(server, fleet, slow)) for fleet in (one, one, two, two)]
        readers = await wait_for_readers(server, 2)
        assert await measure_calls(server, other) < ANSWER_S_MAX
        begun = time.monotonic()
        assert await server.stop() == 0
        assert time.monotonic() - begun < STOP_S_MAX
        assert not any(one.is_running() for one in readers)
        assert "Traceback" not in server.read_log()
    async with run_server(url, tmp_path) as server:  # which takes them up again
        await wait_for_readers(server, 2)
        assert await measure_calls(server, other) < ANSWER_S_MAX
        async with connect(server.port) as connection:
            for fleet, location in locations:
                assert (await connection.request("DELETE", location, token=fleet.token)).status == 204
        await wait_for_readers(server, 0)
        small = await upload(server, other, b"vin\n" + other.vins[0].encode() + b"\n")
        assert (await wait_for_end(server, other, small))["state"] == "done"


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_file_that_ends_its_process_is_not_tried_again_by_the_next_server(
    url: str, tmp_path: Path, slow: bytes
) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    async with run_server(url, tmp_path) as server:
        location = await upload(server, fleet, slow)
        (reader,) = await wait_for_readers(server, 1)
        reader.kill()
        failed = await wait_for_end(server, fleet, location)
        assert failed["state"] == "failed"
        assert "SIGKILL" in failed["detail"]
        await server.stop()
    async with run_server(url, tmp_path) as server:
        assert (await look(server, fleet, location))["detail"] == failed["detail"]
        small = await upload(server, fleet, b"vin\n" + fleet.vins[0].encode() + b"\n")
        assert (await wait_for_end(server, fleet, small))["state"] == "done"
        assert list_readers(server.pid) == []


@pytest.mark.timeout(180)
async def test_a_server_that_is_killed_leaves_no_process_behind(url: str, tmp_path: Path, slow: bytes) -> None:
    (fleet,) = await make_fleets(url, accounts=1)
    async with run_server(url, tmp_path) as server:
        await upload(server, fleet, slow)
        (reader,) = await wait_for_readers(server, 1)
        server.kill()
        await wait_until(lambda: _is_gone(reader), seconds_max=LEASE.total_seconds())


async def _is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
