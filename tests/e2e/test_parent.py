"""Several processes of one server: none outlives its parent, a dead one is named and replaced, a sick one slowly."""

import asyncio
import signal
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cable import run_cable
from tests.cast import wait_until
from tests.e2e.client import connect
from tests.e2e.load import BESIDE_S, Load
from tests.e2e.program import make_fleets
from tests.e2e.units import Unit, is_alive, is_open, run_unit
from tests.postgres import Postgres

WORKERS = 2
SILENT_S = 4.0

pytestmark = pytest.mark.timeout(150)  # each starts several processes, one after the other


@pytest.fixture
def engine() -> str:
    return "postgres"


async def wait_for_children(unit: Unit, count: int = WORKERS) -> list[int]:
    """Give the ids of the processes once there are so many."""

    async def are_there() -> bool:
        return len(unit.children) == count

    await wait_until(are_there, seconds_max=40)
    return [child.pid for child in unit.children]


def give_port(unit: Unit) -> int:
    return int(unit.log.partition("http://127.0.0.1:")[2].partition(",")[0])


async def wait_until_it_answers(unit: Unit) -> int:
    await unit.wait_for_log("Listening on")
    async with connect(give_port(unit)) as connection:
        assert (await connection.request("GET", "/readyz")).status == 200
    return give_port(unit)


async def test_processes_end_with_a_parent_that_was_killed_and_finish_what_they_do(url: str, tmp_path: Path) -> None:
    load = Load(await make_fleets(url))
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS)) as unit:
        port = await wait_until_it_answers(unit)
        pids = await wait_for_children(unit)
        async with load.under_way(port, pause_s=BESIDE_S):
            await load.wait_for_answers(50)
            unit.process.kill()

            async def are_gone() -> bool:
                return not any(is_alive(pid) for pid in pids)

            await wait_until(are_gone, seconds_max=30)
        assert not is_open(port)
        assert load.give_statuses() == {204}
        assert unit.log.count("The parent process has ended") == WORKERS


@pytest.mark.long
async def test_processes_that_are_still_starting_end_with_a_parent_that_was_killed(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS)) as unit:
        pids = await wait_for_children(unit)
        unit.process.kill()

        async def are_gone() -> bool:
            return not any(is_alive(pid) for pid in pids)

        await wait_until(are_gone, seconds_max=15)


@pytest.mark.long
async def test_a_dead_process_is_named_with_what_ended_it_and_replaced(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS)) as unit:
        await wait_until_it_answers(unit)
        victim, *_ = await wait_for_children(unit)
        unit.children[0].send_signal(signal.SIGSEGV)
        await unit.wait_for_log(f"({victim}) was ended by SIGSEGV after ")
        assert "Another one starts in 0.5 seconds" in unit.log
        assert victim not in await wait_for_children(unit)
        await wait_until_it_answers(unit)
        assert await unit.stop() == 0


async def test_a_process_that_dies_again_and_again_is_replaced_ever_more_slowly(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS)) as unit:
        port = await wait_until_it_answers(unit)
        steady, _ = await wait_for_children(unit)
        begins = set()
        for pause in ("0.5", "1"):
            sick = next(pid for pid in await wait_for_children(unit) if pid != steady)
            next(child for child in unit.children if child.pid == sick).kill()
            await unit.wait_for_log(f"({sick}) was ended by SIGKILL")
            (said,) = [line for line in unit.log.splitlines() if f"({sick}) was ended" in line]
            assert f"Another one starts in {pause} seconds" in said
            begins.add(said.partition(f" ({sick})")[0].partition("Process ")[2])
            async with connect(port) as connection:  # the other one serves meanwhile
                assert (await connection.request("GET", "/readyz")).status == 200
        assert is_alive(steady)
        assert len(begins) == 1, "One that takes the place of another has its number."


async def test_a_process_that_is_frozen_is_killed_and_replaced(url: str, tmp_path: Path) -> None:
    await make_fleets(url, accounts=1)
    periods = {"padron.cli.parent.SILENT_S_MAX": SILENT_S}
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS), periods=periods) as unit:
        await wait_until_it_answers(unit)
        victim, *_ = await wait_for_children(unit)
        unit.children[0].send_signal(signal.SIGSTOP)
        await unit.wait_for_log(f"({victim}) gave no sign of life and was killed", SILENT_S + 15)
        assert victim not in await wait_for_children(unit)


async def test_a_server_none_of_whose_processes_could_start_ends(url: str, tmp_path: Path) -> None:
    """The database can be reached until the server has processes."""
    await make_fleets(url, accounts=1)
    units: list[Unit] = []

    def has_no_processes() -> bool:
        return not any(unit.children for unit in units)

    async with run_cable(partial(reach_database, url), has_no_processes) as cable:
        way = f"postgresql://postgres:@127.0.0.1:{cable.port}{urlsplit(url).path}"
        async with run_unit(way, tmp_path / "log", "--workers", str(WORKERS)) as unit:
            units.append(unit)
            await unit.wait_for_log("Listening on")
            assert await asyncio.to_thread(unit.process.wait, 30) == 1
            assert "No process could start, so the server ends" in unit.log


async def reach_database(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    (folder,) = parse_qs(urlsplit(url).query)["host"]
    return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")


@pytest.mark.long
async def test_a_process_that_cannot_start_during_an_outage_does_not_end_the_server(
    url: str, tmp_path: Path, postgres_server: Postgres
) -> None:
    await make_fleets(url, accounts=1)
    async with run_unit(url, tmp_path / "log", "--workers", str(WORKERS)) as unit:
        port = await wait_until_it_answers(unit)
        await wait_for_children(unit)
        await asyncio.sleep(1)  # until the parent has seen one of them ready
        async with postgres_server.killed():
            unit.children[0].kill()
            await unit.wait_for_log("ended with exit status 3", seconds_max=30)
            assert unit.process.poll() is None
            assert is_open(port)
        await wait_for_children(unit)
        assert await unit.stop() == 0
