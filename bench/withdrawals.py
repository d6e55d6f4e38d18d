"""What operations cost the status call: three cases in turns, each call a change from Active or back to it.

``without``    a server that has the withdrawing of work left out; the account has no operation
``unused``     the server as it is, on the same account: each second call looks for work and finds none
``used``       the server as it is, while a run waits for every vehicle: each second call withdraws a vehicle's work

No call is about a vehicle that another one is about at the time.
"""

import random
import statistics
from dataclasses import replace
from typing import Any

from bench import runs
from bench.fleet import Listed
from bench.servers import Contestant, Load, find_free_port, serve
from padron.domain.status import VehicleStatus

CONNECTIONS = 64
FLEETS = {"idle": VehicleStatus.ACTIVE, "busy": VehicleStatus.ACTIVE}
CASES = {"without": "idle", "unused": "idle", "used": "busy"}
Round = dict[str, dict[str, Any]]


def measure(contestant: Contestant, rounds: int, seconds: float) -> list[Round]:
    """Load a server in each case in turn, several rounds; give what each round saw."""
    part = _Part(contestant, rounds + 1)
    part.prepare()
    seen = list[Round]()
    for number in range(1, rounds + 1):
        order = [*CASES][number % 3 :] + [*CASES][: number % 3]
        found = {case: part.measure(case, number, seconds) for case in order}
        seen.append(found)
        rates = "  ".join(f"{case} {found[case]['perSecond']:,}/s" for case in CASES)
        print(f"round {number}/{rounds}  {contestant.name:9} {rates}", flush=True)
    return seen


class _Part:
    """One contestant's cases. A vehicle has work only once, so each round has a share of the vehicles for itself."""

    def __init__(self, contestant: Contestant, share_count: int) -> None:
        command = [part if part != "padron" else "bench.without" for part in contestant.command]
        without = replace(contestant, command=command)
        self.servers = {"without": without, "unused": contestant, "used": contestant}
        self.share_count = share_count
        self.busy = contestant.fleets["busy"]
        self.port = find_free_port()

    def prepare(self) -> None:
        """Queue a run for each busy account, and see that the server without the withdrawing leaves it alone."""
        with serve(self.servers["used"], self.port):
            self.paths, _ = runs.queue(self.port, self.busy)
        with serve(self.servers["without"], self.port):
            self._load("used", 0).run(self.port, 1)
            assert self._count_withdrawn() == 0, "The server without it does withdraw work."

    def measure(self, case: str, number: int, seconds: float) -> dict[str, Any]:
        """Load a server in one case, after warming up with the first share."""
        with serve(self.servers[case], self.port) as process:
            self._load(case, 0).run(self.port, 1)
            before = self._count_withdrawn()
            seen = self._load(case, number).measure(self.port, seconds, process)
            withdrawn, calls = self._count_withdrawn() - before, seen["requests"] if case == "used" else 0
        assert set(seen["statuses"]) == {"204"}, f"Not every answer was 204: {seen['statuses']}"
        assert calls / 2 <= withdrawn <= (calls + CONNECTIONS) / 2, (
            f"{calls} calls withdrew the work of {withdrawn} vehicles. Are there enough --vehicles?"
        )
        return seen

    def _load(self, case: str, number: int) -> Load:
        contestant = self.servers[case]
        accounts = [self._take_share(account, number) for account in contestant.fleets[CASES[case]]]
        return Load(
            contestant=contestant,
            options=["--kind", "patch-active", "--connections", str(CONNECTIONS)],
            accounts=accounts,
        )

    def _take_share(self, account: Listed, number: int) -> Listed:
        vins: list[str] = account["vins"][number :: self.share_count]
        return {"token": account["token"], "vins": random.Random(number).sample(vins, len(vins))}

    def _count_withdrawn(self) -> int:
        return runs.count(self.port, self.busy, self.paths, "withdrawn")


def print_table(results: dict[str, list[Round]]) -> None:
    """Print the medians of each engine's rounds; a ratio is the median of the rounds' own ratios."""
    print(
        f"\n{'':9} operations  {'PATCH/s':>8} {'range':>15} {'p99 ms':>7} {'ratio':>6}  "
        "CPU us: server, database  CPU: generator"
    )
    for name, rounds in results.items():
        for case in CASES:
            rates = [found[case]["perSecond"] for found in rounds]
            medians = {
                key: statistics.median(found[case][key] for found in rounds)
                for key in ("p99Ms", "serverCpuUsPerRequest", "databaseCpuUsPerRequest", "generatorCpu")
            }
            cpu_us = f"{medians['serverCpuUsPerRequest']:.0f}, {medians['databaseCpuUsPerRequest']:.0f}"
            spread = f"{min(rates):,}-{max(rates):,}"
            print(
                f"{name:9} {case:10}  {statistics.median(rates):>8,.0f} {spread:>15} "
                f"{medians['p99Ms']:>7.2f} {give_ratio(rounds, case):>6.3f}  {cpu_us:<24}  "
                f"{medians['generatorCpu']:.0%}"
            )


def give_ratio(rounds: list[Round], case: str) -> float:
    """Give how many calls there were for each one without withdrawing: by round, so that a run's drift cancels out."""
    return float(statistics.median(found[case]["perSecond"] / found["without"]["perSecond"] for found in rounds))
