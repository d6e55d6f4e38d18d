"""How many round trips to the database one request takes, and to how many servers."""

import json
import tempfile
import time
import urllib.request
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from bench import runs
from bench.fleet import Listed
from bench.servers import Contestant, find_free_port, serve

WARM = 3
SAMPLES = 9  # the least counts, because some of them look at the key again as well
SETTLE_S = 0.03  # for what goes on after an answer
_OPERATION = f"/api/v2/operations/{runs.OPERATION}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A request whose round trips are counted."""

    method: str
    path: str
    body: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trips:
    """What a request takes: the least of its samples."""

    round_trips: int
    servers: int

    def __str__(self) -> str:
        return f"{self.round_trips} to {self.servers}"


def list_samples(account: Listed, number: int) -> dict[str, Sample]:
    """Give the requests by their names. An odd number asks for another status than an even one, so each is a change."""
    vins, status_id = account["vins"], 4 + number % 2
    single = f"/api/v2/vehicles/{vins[0]}"
    now = datetime.now(UTC)
    at, before = quote(now.isoformat()), quote((now - timedelta(hours=1)).isoformat())
    statuses = [{"vin": one, "vehicleStatusId": status_id} for one in vins[:1_000]]
    return {
        "status call": Sample(method="PATCH", path=f"{single}/status", body={"vehicleStatusId": status_id}),
        f"bulk call of {len(statuses):,}": Sample(
            method="POST", path="/api/v2/vehicles/status", body={"vehicles": statuses}
        ),
        "gate, one VIN": Sample(method="GET", path=f"/api/v2/gate/{vins[0]}?operation=bench"),
        "gate, 50 VINs": Sample(method="POST", path="/api/v2/gate", body={"operation": "bench", "vins": vins[:50]}),
        "vehicle": Sample(method="GET", path=single),
        "list, 25 vehicles": Sample(method="GET", path="/api/v2/vehicles"),
        "list as of an instant": Sample(method="GET", path=f"/api/v2/vehicles?asOf={at}"),
        "feed, 500 changes": Sample(method="GET", path="/api/v2/changes?limit=500"),
        "claim without work": Sample(method="POST", path=f"{_OPERATION}/claims", body={"limit": 1}),
        "report, 25 vehicles": Sample(
            method="GET", path=f"/api/v2/reports/time-in-status?from={before}&to={at}&limit=25"
        ),
        "export as CSV": Sample(method="GET", path="/api/v2/vehicles.csv"),
    }


def measure(contestant: Contestant, account: Listed) -> dict[str, Trips]:
    """Send each request alone, several times, and give what the server that counts has noted."""
    port = find_free_port()
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "trips"
        with serve(let_count(contestant, notes), port):
            declared = {"description": "Measured.", "leaseSeconds": 3_600, "attempts": 1}
            runs.ask(port, account, "PUT", _OPERATION, declared)
            return {name: _count(port, account, name, notes) for name in list_samples(account, 0)}


def let_count(contestant: Contestant, notes: Path) -> Contestant:
    """Give the same server, which notes each round trip of a request."""
    command = [*contestant.command]
    place = command.index("padron")
    command[place : place + 1] = ["bench.counted", str(notes)]
    return replace(contestant, command=command)


def _count(port: int, account: Listed, name: str, notes: Path) -> Trips:
    trips, servers = [], []
    for number in range(WARM + SAMPLES):
        sample = list_samples(account, number)[name]
        before = notes.stat().st_size
        _send(port, account, sample)
        time.sleep(SETTLE_S)
        with notes.open("rb") as file:
            file.seek(before)
            places = file.read().split()
        if number >= WARM:
            trips.append(len(places))
            servers.append(len(set(places)))
    return Trips(round_trips=min(trips), servers=min(servers))


def _send(port: int, account: Listed, sample: Sample) -> None:
    headers = {"Authorization": f"Bearer {account['token']}", "Content-Type": "application/json"}
    data = None if sample.body is None else json.dumps(sample.body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{sample.path}", data, headers, method=sample.method)
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - our own loopback address
        reply.read()
