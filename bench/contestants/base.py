"""What a contestant is: set up with the fleet, started, asked to change and to read, and stopped."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil

from bench.servers import ROOT, find_free_port, wait_until_up

ACCOUNTS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where contestants keep what they need: a folder, a running PostgreSQL, and the Python of the other projects."""

    folder: Path
    postgres: Any  # its wheel is imported late
    rivals_python: Path
    vehicles: int

    def create_database(self, name: str) -> str:
        """Give the URL of a new database."""
        self.postgres.psql(f"CREATE DATABASE {name}")
        return str(self.postgres.get_uri(database=name))

    @property
    def database_process(self) -> psutil.Process:
        """PostgreSQL, with its children."""
        return psutil.Process(self.postgres.get_pid())


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """How one account's requests look. ``%s`` stands for the VIN, ``%d`` for the id of a status."""

    headers: str
    vins: Sequence[str]
    change_line: str
    change_body: str
    read_line: str = ""  # empty where there is nothing to read
    gate_line: str = ""  # only Padrón has a gate


@dataclass(kw_only=True, slots=True)
class Running:
    """A started contestant: where it listens, and whose processor time counts."""

    port: int
    process: psutil.Process
    database: psutil.Process | None
    wordings: Sequence[Wording] = field(default_factory=list)


class Contestant(Protocol):
    """Whoever is measured."""

    name: str
    title: str

    def set_up(self, place: Place) -> None:
        """Make the database and load the fleet, once."""
        ...


class Server(Contestant, Protocol):
    """A contestant that answers HTTP."""

    def start(self) -> contextlib.AbstractContextManager[Running]:
        """Run the server until the block ends."""
        ...


class Floor(Contestant, Protocol):
    """What lies under all: the same row work without a server. It is its own load."""

    def measure(self, connections: int, seconds: float) -> dict[str, Any]:
        """Make changes for so long and give what was seen, in the driver's own words."""
        ...


@contextlib.contextmanager
def run_server(command: Sequence[str], probe: str, environment: dict[str, str], log: Path) -> Iterator[tuple[int, int]]:
    """Run a server on a free port until the block ends; give the port and the process id.

    ``{port}`` in the command and in the environment's values is replaced.
    """
    port = find_free_port()
    filled = [part.replace("{port}", str(port)) for part in command]
    variables = {name: value.replace("{port}", str(port)) for name, value in environment.items()}
    with log.open("ab") as output:
        process = subprocess.Popen(filled, cwd=ROOT, env=variables, stdout=output, stderr=output)
    try:
        wait_until_up(f"http://127.0.0.1:{port}{probe}", process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(15)


def list_vins(vehicles: int) -> list[list[str]]:
    """Give the VINs of each account's vehicles, the same for every contestant."""
    each = vehicles // ACCOUNTS
    return [[f"3PADRN00X0{account * each + number:07d}" for number in range(each)] for account in range(ACCOUNTS)]
