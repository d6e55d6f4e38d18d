"""Planned changes that are all due at one instant: how late the last is done, and what status calls notice of it."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.fleet import Listed
from bench.runs import ask
from bench.servers import Contestant, find_free_port, serve

PLANS = 10_000
CHUNK = 1_000
LEAD_S = 4.0  # from the first call that plans to the instant that all are due
CONNECTIONS = 64

_PATH = "/api/v2/planned-changes?state=pending&limit=1"


def measure(contestant: Contestant, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Let plans fall due in one account and spread over all, and in all under a load of status calls."""
    seen: list[dict[str, Any]] = []
    accounts = contestant.fleets["bench"]
    for number in range(1, rounds + 1):
        port, found = find_free_port(), dict[str, Any]()
        with serve(contestant, port):
            for name, owners in (("one account", accounts[:1]), ("ten accounts", accounts)):
                begins = plan(port, owners, 4 + number % 2)
                found[name] = round(wait(port, owners, begins) * 1_000)
            begins = plan(port, accounts, 6 + number % 2)
            load = contestant.prepare_load("patch", CONNECTIONS).run(port, max(seconds, LEAD_S + 2))
            found["under load"] = round(wait(port, accounts, begins) * 1_000)
            found["patch"] = {name: load[name] for name in ("perSecond", "p50Ms", "p99Ms", "maxMs") if name in load}
        seen.append(found)
        print(f"round {number}/{rounds}  {contestant.name:9} {found}", flush=True)
    return seen


def plan(port: int, accounts: list[Listed], status: int) -> datetime:
    """Plan a change of ``PLANS`` vehicles in all, and give the instant."""
    begins = datetime.now(UTC) + timedelta(seconds=LEAD_S)
    each = PLANS // len(accounts)
    for account in accounts:
        for start in range(0, each, CHUNK):
            vehicles = [
                {"vin": vin, "vehicleStatusId": status, "effectiveAt": begins.isoformat()}
                for vin in account["vins"][start : min(start + CHUNK, each)]
            ]
            answer = ask(port, account, "POST", "/api/v2/vehicles/status", {"vehicles": vehicles})
            assert answer["planned"] == len(vehicles)
    assert datetime.now(UTC) < begins, "Planning took too long: make LEAD_S larger."
    return begins


def wait(port: int, accounts: list[Listed], begins: datetime) -> float:
    """Return how many seconds after the instant nothing is pending any more."""
    time.sleep(max(0, (begins - datetime.now(UTC)).total_seconds()))
    for account in accounts:
        while ask(port, account, "GET", _PATH)["plannedChanges"]:
            time.sleep(0.01)
    return (datetime.now(UTC) - begins).total_seconds()


def print_table(results: dict[str, list[dict[str, Any]]]) -> None:
    """Print the medians of each engine's rounds."""
    print(f"\n{'':9} {PLANS:,} due at one instant, ms until the last is done: one account, ten, ten under load")
    for name, rounds in results.items():
        late = [
            statistics.median(one[what] for one in rounds) for what in ("one account", "ten accounts", "under load")
        ]
        print(f"{name:9} {late[0]:>7,.0f} {late[1]:>7,.0f} {late[2]:>7,.0f}")
