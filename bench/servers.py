"""The servers under test: fills their databases, starts and loads them, and reads their processor time."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import fleet
from bench.fleet import Listed
from padron.config import read_settings
from padron.domain.status import VehicleStatus
from padron.wiring import migrate_database, open_runtime

ROOT = Path(__file__).parents[1]
ACCOUNTS = 10
QUIET = ("--access-log", "off")  # a line for each request would hide the results; bench.watched measures its cost
START_S_MAX = 60  # on a busy machine
ALL_ACTIVE = {"bench": VehicleStatus.ACTIVE}


@dataclass(kw_only=True)
class Contestant:
    """One server under test; with a database of its own, the fleets in it by name."""

    name: str
    command: list[str]
    probe: str
    fleets: Mapping[str, list[Listed]]
    database: psutil.Process | None = None  # when it is not the server itself

    def prepare_load(self, kind: str, connections: int, fleet_name: str = "bench") -> "Load":
        """Give the load of a kind of request on one of the fleets."""
        options = ["--kind", kind, "--connections", str(connections)]
        return Load(contestant=self, options=options, accounts=self.fleets[fleet_name])


@dataclass(kw_only=True)
class Load:
    """What a load generator is told."""

    contestant: Contestant
    options: Sequence[str]
    accounts: list[Listed]
    module: str = "bench.load"

    def run(self, port: int, seconds: float) -> dict[str, Any]:
        """Load the server and give what was seen."""
        command = [sys.executable, "-m", self.module, "--port", str(port), "--seconds", str(seconds), *self.options]
        done = subprocess.run(
            command, cwd=ROOT, check=True, input=json.dumps(self.accounts), stdout=subprocess.PIPE, text=True
        )
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    def measure(self, port: int, seconds: float, process: psutil.Process) -> dict[str, Any]:
        """Load the server and give what was seen, with its memory, and the processor time of it and its database."""
        database = self.contestant.database
        before, database_before = read_cpu_s(process), read_cpu_s(database)
        seen = self.run(port, seconds)
        used, database_used = read_cpu_s(process) - before, read_cpu_s(database) - database_before
        seen["serverCpuUsPerRequest"] = round(used / seen["requests"] * 1e6, 1)
        seen["databaseCpuUsPerRequest"] = round(database_used / seen["requests"] * 1e6, 1)
        seen["serverCpu"] = round(used / seen["seconds"], 2)
        seen["databaseCpu"] = round(database_used / seen["seconds"], 2)
        seen["serverRssMb"] = round(process.memory_info().rss / 1e6, 1)
        return seen


def read_cpu_s(process: psutil.Process | None) -> float:
    """Give the processor time that a process and its children have taken: 0 for none."""
    if process is None:
        return 0
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended: the next look has it among its parent's
            times = child.cpu_times()
            total += times.user + times.system
    return float(total)


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
    """Return when the address answers at all. Raises RuntimeError after START_S_MAX or when the server has ended."""
    deadline = time.monotonic() + START_S_MAX
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


class Databases:
    """A folder for SQLite files and a PostgreSQL, for as many databases as are asked for."""

    def __init__(self, folder: Path, postgres: Any) -> None:  # noqa: ANN401 - its wheel is imported late
        self._folder = folder
        self._postgres = postgres

    def prepare(
        self,
        part: str,
        vehicles: int,
        fleets: Mapping[str, VehicleStatus] = ALL_ACTIVE,
        *,
        accounts: int = ACCOUNTS,
    ) -> tuple[Contestant, Contestant]:
        """Give a server on SQLite and one on PostgreSQL, each with fleets of so many vehicles, of these statuses.

        The vehicles of a fleet belong to so many accounts.
        """
        self._postgres.psql(f"CREATE DATABASE {part}")
        urls = {
            "sqlite": f"sqlite:///{self._folder}/{part}.db",
            "postgres": self._postgres.get_uri(database=part),
        }
        databases = {"sqlite": None, "postgres": psutil.Process(self._postgres.get_pid())}
        found = [self._prepare(name, url, databases[name], (vehicles, accounts), fleets) for name, url in urls.items()]
        return found[0], found[1]

    def _prepare(
        self,
        name: str,
        url: str,
        database: psutil.Process | None,
        size: tuple[int, int],
        fleets: Mapping[str, VehicleStatus],
    ) -> Contestant:
        vehicles, accounts = size
        print(f"Registering {vehicles * len(fleets):,} vehicles on {name} ...", flush=True)
        return Contestant(
            name=name,
            command=[sys.executable, "-m", "padron", "serve", "--port", "{port}", "--database-url", url, *QUIET],
            probe="/livez",
            fleets=fill_database_now(url, vehicles, fleets, accounts),
            database=database,
        )


def fill_database_now(
    url: str, vehicles: int, fleets: Mapping[str, VehicleStatus], accounts: int = ACCOUNTS
) -> dict[str, list[Listed]]:
    """Bring the schema up to date and register the fleets; give keys and VINs."""
    return asyncio.run(fill_database(url, vehicles, fleets, accounts))


async def fill_database(
    url: str, vehicles: int, fleets: Mapping[str, VehicleStatus], accounts: int = ACCOUNTS
) -> dict[str, list[Listed]]:
    """Bring the schema up to date and register the fleets; give keys and VINs."""
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    runtime = await open_runtime(settings)
    try:
        return {name: await fleet.fill(runtime, name, accounts, vehicles, status) for name, status in fleets.items()}
    finally:
        await runtime.close()
