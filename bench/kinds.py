"""The kinds of work that bench.cluster measures on each database: what one turn does, and what it counts."""

import http.client
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from bench import imports, registers, runs
from bench.fleet import Listed
from bench.load import give_percentiles
from bench.postmasters import Postmasters, read_database_cpu_s
from bench.servers import Contestant, Load, read_cpu_s

WARM_UP_S = 1.0
POLL_S = 0.05
IDLE_TURNS = 3  # so many turns' time, because processor time is counted in hundredths of a second
IMPORT_S_MAX = 600.0
CLAIMERS = 8
CLAIM_LIMIT = 50
CLAIM_FLEET = "claims"
DRIVER_CORES_MAX = 0.9

Seen = dict[str, Any]  # by a load: how many requests in how many seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One turn: how much was done in how many seconds, and the processor time of all of it."""

    count: float
    seconds: float
    server_cpu_s: float
    database_cpu_s: float | None  # None: unknown
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def per_second(self) -> float:
        """The rate."""
        return self.count / self.seconds

    @property
    def server_us(self) -> float:
        """The server's processor time for each, in microseconds."""
        return self.server_cpu_s / self.count * 1e6

    @property
    def database_us(self) -> float | None:
        """The database's processor time for each, in microseconds."""
        return None if self.database_cpu_s is None else self.database_cpu_s / self.count * 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A server that was just started on one of the databases."""

    contestant: Contestant
    url: str
    port: int
    process: psutil.Process
    postmasters: Postmasters
    seconds: float
    rows: int  # of a file to import

    def measure(self, work: Callable[[], Seen], counted: str = "requests") -> Measured:
        """Do the work, and give what was done with its processor time. Answers that are no success do not count."""
        before, database_before = read_cpu_s(self.process), read_database_cpu_s(self.postmasters)
        seen = work()
        used, database = read_cpu_s(self.process) - before, read_database_cpu_s(self.postmasters)
        bad = sum(count for status, count in seen.get("statuses", {}).items() if not status.startswith("2"))
        if bad:
            print(f"  {self.contestant.name}: {bad:,} answers do not count: {seen['statuses']}", flush=True)
        if seen.get("generatorCpu", 0) > DRIVER_CORES_MAX:
            print(f"  {self.contestant.name}: the load generator was the bottleneck.", flush=True)
        count = seen[counted] - bad
        if count <= 0:
            raise RuntimeError(f"Nothing was done on {self.contestant.name}: {seen}")
        return Measured(
            count=count,
            seconds=seen["seconds"],
            server_cpu_s=used,
            database_cpu_s=None if database is None or database_before is None else database - database_before,
            p50_ms=seen.get("p50Ms"),
            p99_ms=seen.get("p99Ms"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of work."""

    part: str  # its name for --only
    title: str
    counts: str  # what its rate counts; empty for a server that has nothing to do
    fleet: str
    measure: Callable[[Turn, str], Measured]  # in a turn, with the fleet of this name


def list_kinds(account_counts: Sequence[int]) -> list[Kind]:
    """Give all kinds in the order in which they are measured.

    All but status calls and claims use the fleet with the middle number of accounts.
    """
    middle = str(sorted(account_counts)[len(account_counts) // 2])
    statuses = [
        Kind(
            part="status",
            title=f"Status calls, accounts: {count}",
            counts="calls",
            fleet=str(count),
            measure=load("patch", 64),
        )
        for count in account_counts
    ]
    others: list[tuple[str, str, str, Callable[[Turn, str], Measured]]] = [
        ("idle", "A server with nothing to do", "", measure_idle),
        ("gate", "Single questions to the gate", "questions", load("gate", 64)),
        ("gate-batch", "Questions to the gate, of 50 VINs", "questions", load("gate-50", 16)),
        ("feed", "Pages of the feed, of 500 changes", "pages", load("changes", 4)),
        ("bulk", "Bulk calls of 1,000 vehicles", "calls", load("bulk", 4)),
        ("as-of", "Lists of 100 vehicles as of an instant", "pages", load("as-of", 8)),
        ("report", "Reports of time in status, of 100 vehicles", "pages", load("report", 4)),
        ("export", "Exports of an account as CSV", "exports", measure_export),
        ("import", "Imports of a file into a new account", "rows", measure_import),
    ]
    listed = [
        Kind(part=part, title=title, counts=counts, fleet=middle, measure=measure)
        for part, title, counts, measure in others
    ]
    claims = Kind(
        part="claims",
        title=f"Claims of {CLAIM_LIMIT} vehicles, with their results",
        counts="vehicles",
        fleet=CLAIM_FLEET,
        measure=measure_claims,
    )
    return [listed[0], *statuses, *listed[1:], claims]


def load(kind: str, connections: int) -> Callable[[Turn, str], Measured]:
    """Give what loads a server with a kind of request of the load generator, after warming up."""

    def measure(turn: Turn, fleet: str) -> Measured:
        prepared = turn.contestant.prepare_load(kind, connections, fleet)
        prepared.run(turn.port, WARM_UP_S)
        return turn.measure(lambda: prepared.run(turn.port, turn.seconds))

    return measure


def measure_idle(turn: Turn, _: str) -> Measured:
    """Leave a server alone: it still looks for work. Its rate is one second a second."""
    time.sleep(WARM_UP_S)

    def work() -> Seen:
        began = time.perf_counter()
        time.sleep(IDLE_TURNS * turn.seconds)
        took = time.perf_counter() - began
        return {"requests": took, "seconds": took}

    return turn.measure(work)


def measure_claims(turn: Turn, fleet: str) -> Measured:
    """Queue the whole fleet and let workers claim vehicles and answer them. Queueing is not measured."""
    accounts = list(turn.contestant.fleets[fleet])
    paths, _ = runs.queue(turn.port, accounts)
    options = ["--limit", str(CLAIM_LIMIT), "--connections", str(CLAIMERS)]
    prepared = Load(contestant=turn.contestant, options=options, accounts=accounts, module="bench.workers")
    measured = turn.measure(lambda: prepared.run(turn.port, turn.seconds), counted="stored")
    runs.cancel(turn.port, accounts, paths)
    return measured


def measure_export(turn: Turn, fleet: str) -> Measured:
    """Read one account after the other as CSV, on one connection."""
    accounts = turn.contestant.fleets[fleet]
    _export(turn, accounts, 0)
    return turn.measure(lambda: _export(turn, accounts, turn.seconds))


def _export(turn: Turn, accounts: Sequence[Listed], seconds: float) -> Seen:
    connection = http.client.HTTPConnection("127.0.0.1", turn.port, timeout=60)
    latencies: list[float] = []
    began = time.perf_counter()
    while not latencies or time.perf_counter() - began < seconds:
        account, sent_at = accounts[len(latencies) % len(accounts)], time.perf_counter()
        connection.request("GET", "/api/v2/vehicles.csv", headers={"Authorization": f"Bearer {account['token']}"})
        with connection.getresponse() as reply:
            lines = reply.read().count(b"\n")
        assert (reply.status, lines) == (200, 1 + len(account["vins"])), f"{reply.status}, {lines} lines"
        latencies.append(time.perf_counter() - sent_at)
    took = time.perf_counter() - began
    connection.close()
    return {"requests": len(latencies), "seconds": took, **give_percentiles(latencies)}


def measure_import(turn: Turn, _: str) -> Measured:
    """Send a file to an account without vehicles, and wait until all rows are in. The account stays."""
    account = registers.add_empty_account_now(turn.url, f"import-{uuid4()}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.csv"
        imports.write_file(path, turn.rows)
        return turn.measure(lambda: _import(turn, account, path))


def _import(turn: Turn, account: Listed, path: Path) -> Seen:
    began = time.perf_counter()
    sent = _send_file(turn.port, account, path)
    while (found := runs.ask(turn.port, account, "GET", sent))["state"] in {"queued", "running"}:
        assert time.perf_counter() - began < IMPORT_S_MAX, f"The import is not over: {found}"
        time.sleep(POLL_S)
    counts: Mapping[str, int] = found["counts"]
    assert counts["registered"] == turn.rows, found
    return {"requests": turn.rows, "seconds": time.perf_counter() - began}


def _send_file(port: int, account: Listed, path: Path) -> str:
    """Send a file and give the path of its import."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {account['token']}", "Content-Type": "text/csv"}
    connection.request("POST", "/api/v2/imports", path.read_bytes(), headers)
    with connection.getresponse() as reply:
        body = reply.read()
    connection.close()
    assert reply.status == 202, body.decode()
    return str(reply.headers["location"])
