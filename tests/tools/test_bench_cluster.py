"""The benchmark of several databases fills them once, takes turns, and gives a table for each kind of work."""

import asyncio
import re
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from bench import registers, trips
from bench.cluster import Named, main, make_contestant, write_table, write_trips
from bench.kinds import Kind, Measured, list_kinds, measure_idle
from bench.postmasters import find_postmasters
from bench.registers import FleetSize
from bench.servers import find_free_port, serve
from bench.trips import Trips
from padron.config import read_settings
from padron.service import accounts
from padron.wiring import use_runtime

ROOT = Path(__file__).parents[2]
CALLS = Kind(part="status", title="Status calls", counts="calls", fleet="1", measure=measure_idle)
_QUICK = ("--accounts", "2", "--vehicles", "60", "--rounds", "1", "--seconds", "0.3", "--rows", "30")


def make_measured(count: int, database_cpu_s: float | None = 0.5) -> Measured:
    return Measured(count=count, seconds=2, server_cpu_s=1, database_cpu_s=database_cpu_s, p50_ms=3, p99_ms=4)


async def run_bench(url: str, only: str) -> str:
    """Measure a database beside itself, and give what was printed."""
    databases = ("--database", f"one={url}", "--database", f"two={url}")
    command = [sys.executable, "-m", "bench.cluster", *databases, *_QUICK, "--only", only]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


def list_cells(printed: str, title: str, row: str) -> list[str]:
    """Give the cells of a row of the table below a title."""
    table = printed.partition(f"### {title}")[2].partition("###")[0]
    found = re.search(rf"^\| {re.escape(row)} \| (.*) \|$", table, re.MULTILINE)
    assert found, f"no row {row} below {title}"
    return found[1].split(" | ")


async def test_a_database_beside_itself_gives_a_table_and_is_filled_once(postgres_database: str) -> None:
    printed = await run_bench(postgres_database, "gate")
    for name in ("one", "two"):
        rate, ratio, server_us, database_us, p50_ms, _ = list_cells(printed, "Single questions to the gate", name)
        assert float(rate.split(" ")[0].replace(",", "")) > 0
        assert float(ratio) > 0
        assert min(float(server_us.replace(",", "")), float(p50_ms)) > 0
        assert database_us != ""  # so its server was found; a short load may take no whole hundredth of a second
    connection = await asyncpg.connect(postgres_database)
    names = [row[0] for row in await connection.fetch("SELECT name FROM accounts ORDER BY name")]
    await connection.close()
    assert names == ["bench-2x30-0", "bench-2x30-1", "claims-2x30-0", "claims-2x30-1"]


async def test_the_round_trips_of_a_request_are_counted(postgres_database: str) -> None:
    size = FleetSize(name="bench", accounts=1, each=30)
    ((account,),) = await registers.prepare(postgres_database, [size])
    contestant = make_contestant(Named(name="plain", url=postgres_database), {})
    found = await asyncio.to_thread(trips.measure, contestant, account)
    assert found["gate, one VIN"] == Trips(round_trips=1, servers=1)
    assert found["bulk call of 30"].round_trips > found["gate, one VIN"].round_trips
    assert {one.servers for one in found.values()} == {1}


async def test_round_trips_of_background_work_are_not_counted(postgres_database: str, tmp_path: Path) -> None:
    contestant = make_contestant(Named(name="plain", url=postgres_database), {})
    notes = tmp_path / "trips"

    def leave_alone() -> None:
        with serve(trips.let_count(contestant, notes), find_free_port()):
            time.sleep(1)  # it looks for work several times in a second

    await asyncio.to_thread(leave_alone)
    assert notes.read_text("utf-8") == ""


@pytest.mark.long
@pytest.mark.parametrize("kind", [kind for kind in list_kinds([2]) if kind.part != "gate"], ids=lambda kind: kind.part)
async def test_each_kind_of_work_is_measured(postgres_database: str, kind: Kind) -> None:
    printed = await run_bench(postgres_database, kind.part)
    assert all(list_cells(printed, kind.title, "two")[:4])


def test_a_table_has_medians_and_ratios_to_the_first_database() -> None:
    rounds = {
        "plain": [make_measured(count) for count in (400, 200, 300)],
        "cluster": [make_measured(count, None) for count in (100, 150, 900)],
    }
    *_, plain, cluster = write_table(CALLS, rounds)
    assert plain == "| plain | 150 (100 to 200) | 1.00 | 3,333 | 1,667 | 3.00 | 4.00 |"
    assert cluster == "| cluster | 75.0 (50.0 to 450.0) | 0.50 | 6,667 |  | 3.00 | 4.00 |"


def test_round_trips_are_side_by_side() -> None:
    found = {name: {"status call": Trips(round_trips=trips, servers=1)} for name, trips in (("a", 1), ("b", 2))}
    assert list(write_trips(found))[-1] == "| status call | 1 to 1 | 2 to 1 |"


async def test_the_servers_of_a_database_are_found(postgres_database: str) -> None:
    found = await asyncio.to_thread(find_postmasters, postgres_database)
    assert found is not None
    assert [process.name() for process in found] == ["postgres"]


async def test_an_account_that_was_filled_by_half_is_named(postgres_database: str) -> None:
    size = FleetSize(name="bench", accounts=1, each=30)
    async with use_runtime(read_settings({"PADRON_DATABASE_URL": postgres_database})) as runtime:
        await accounts.add_account(runtime, size.name_account(0))
    with pytest.raises(SystemExit, match="has 0 vehicles instead of 30"):
        await registers.prepare(postgres_database, [size])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--database", "sqlite:///x.db"],
        ["--database", "one=sqlite:///x.db"],
        ["--database", "a=postgresql://x", "--database", "a=postgresql://y"],
        ["--database", "a=postgresql://x", "--only", "gates"],
        ["--database", "a=postgresql://x", "--accounts", "1,1"],
        ["--database", "a=postgresql://x", "--accounts", "0"],
    ],
)
def test_arguments_that_are_wrong_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
