"""The floor under all: the same rows written one transaction for each change, by pgbench and by a bare SQLite loop."""

import random
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import apsw
import psutil

from bench.contestants.base import ACCOUNTS, Place
from bench.contestants.padron import Padron
from bench.load import STATUS_IDS, give_percentiles
from bench.servers import read_cpu_s
from padron.store.sqlite.connection import open_connection

# Vehicle, counter and change row, in Padrón's own schema.
_SCRIPTS = {"pgbench": "pgbench_statements.sql", "pgbench-one": "pgbench_one.sql"}


class PgBench:
    """pgbench on a database of Padrón's own schema, filled as the others are."""

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self.title = title
        self._url = ""
        self._script = Path()
        self._program = Path()
        self._database: psutil.Process | None = None

    def set_up(self, place: Place) -> None:
        """Make the database and load the fleet as Padrón does."""
        twin = Padron(self.name, self.title, engine="postgres")
        twin.set_up(place)
        self._url, self._database = twin.url, place.database_process
        self._program = Path(place.postgres.bin_path) / "pgbench"
        self._script = place.folder / f"{self.name}.sql"
        template = (Path(__file__).parent / _SCRIPTS[self.name]).read_text("utf-8")
        script = template.format(account_last=ACCOUNTS - 1, each=place.vehicles // ACCOUNTS)
        self._script.write_text(script, "utf-8")

    def measure(self, connections: int, seconds: float) -> dict[str, Any]:
        """Make changes for so long and give what was seen."""
        before, log = read_cpu_s(self._database), self._script.with_suffix(".log")
        for old in log.parent.glob(f"{log.name}.*"):
            old.unlink()
        command = [
            str(self._program), "-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(round(seconds)),
            "--log", "--log-prefix", str(log), "-f", str(self._script), self._url,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
        used = read_cpu_s(self._database) - before
        lines = [line for path in log.parent.glob(f"{log.name}.*") for line in path.read_text("utf-8").splitlines()]
        latencies = [int(line.split()[2]) / 1e6 for line in lines]
        rate = float(re.findall(r"tps = ([0-9.]+)", done.stdout)[0])
        return {
            "seconds": round(seconds, 3),
            "requests": len(latencies),
            "perSecond": round(rate),
            "statuses": {"done": len(latencies)},
            "databaseCpuUsPerRequest": round(used / len(latencies) * 1e6, 1),
            **give_percentiles(latencies),
        }


class SqliteLoop:
    """A loop in one thread, one transaction for each change, with the settings that Padrón's durability rests on."""

    name = "sqlite-loop"
    title = "bare loop on SQLite, a commit for each change"

    def __init__(self) -> None:
        self._path = ""
        self._vehicles = 0

    def set_up(self, place: Place) -> None:
        """Make the file and load the fleet as Padrón does."""
        twin = Padron(self.name, self.title, engine="sqlite")
        twin.set_up(place)
        self._path, self._vehicles = twin.url.removeprefix("sqlite:///"), place.vehicles

    def measure(self, connections: int, seconds: float) -> dict[str, Any]:
        """Make changes for so long and give what was seen. It has one connection, whatever is asked for."""
        del connections
        connection, rng, latencies = open_connection(self._path), random.Random(), []
        each, started = self._vehicles // ACCOUNTS, time.perf_counter()
        cpu_before, ends = time.process_time(), started + seconds
        try:
            while (begun := time.perf_counter()) < ends:
                account = rng.randrange(ACCOUNTS)
                vin = f"3PADRN00X0{account * each + rng.randrange(each):07d}"
                _change_one(connection, account + 1, vin, rng.choice(STATUS_IDS))
                latencies.append(time.perf_counter() - begun)
        finally:
            connection.close()
        took = time.perf_counter() - started
        return {
            "seconds": round(took, 3),
            "requests": len(latencies),
            "perSecond": round(len(latencies) / took),
            "statuses": {"done": len(latencies)},
            "serverCpuUsPerRequest": round((time.process_time() - cpu_before) / len(latencies) * 1e6, 1),
            **give_percentiles(latencies),
        }


def _change_one(connection: apsw.Connection, account_id: int, vin: str, status: int) -> None:
    now = time.time_ns() // 1000
    connection.execute("BEGIN IMMEDIATE")
    ((vehicle_id, former),) = connection.execute(
        "SELECT vehicle_id, status FROM vehicles WHERE account_id = ? AND vin = ? AND slot = 0", (account_id, vin)
    )
    connection.execute(
        "UPDATE vehicles SET status = ?, status_since = ?, status_by = 'loop', revision = revision + 1, updated_at = ? "
        "WHERE account_id = ? AND vehicle_id = ?",
        (status, now, now, account_id, vehicle_id),
    )
    ((number,),) = connection.execute(
        "UPDATE counters SET last_change = last_change + 1 WHERE account_id = ? RETURNING last_change", (account_id,)
    )
    connection.execute(
        "INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id, "
        "from_status, to_status) VALUES (?, ?, ?, ?, 'statusChanged', ?, 'loop', 'loop', ?, ?)",
        (account_id, number, vehicle_id, vin, now, former, status),
    )
    connection.execute("COMMIT")
