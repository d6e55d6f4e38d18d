"""What workers get: vehicles claimed and results stored in a second, one by one and 500 at a time."""

import statistics
from typing import Any

from bench import runs
from bench.servers import Contestant, Load, find_free_port, serve

WORKERS = 8
LIMITS = (1, 500)


def measure(contestant: Contestant, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Queue the whole fleet and let workers work it off, several rounds; give what each round saw.

    Half the time they claim one vehicle at a time. Five hundred at a time they may be done before the time is up.
    """
    port, accounts = find_free_port(), contestant.fleets["bench"]
    seen: list[dict[str, Any]] = []
    with serve(contestant, port) as process:
        for number in range(1, rounds + 1):
            _, took = runs.queue(port, accounts)
            vehicle_count = sum(len(account["vins"]) for account in accounts)
            found: dict[str, Any] = {"queuedPerSecond": round(vehicle_count / took)}
            for limit, share in zip(LIMITS, (0.5, 1), strict=True):
                options = ["--limit", str(limit), "--connections", str(WORKERS)]
                load = Load(contestant=contestant, options=options, accounts=accounts, module="bench.workers")
                one = found[str(limit)] = load.measure(port, seconds * share, process)
                assert set(one["statuses"]) == {"200"}, f"Not every answer was 200: {one['statuses']}"
                # What was claimed when the time was up is answered by nobody, and nothing else is lost.
                assert 0 <= one["claimed"] - one["stored"] <= WORKERS * limit, "Results were refused."
            seen.append(found)
            print(f"round {number}/{rounds}  {contestant.name:9} {_describe(found)}", flush=True)
    return seen


def print_table(results: dict[str, list[dict[str, Any]]]) -> None:
    """Print the medians of each engine's rounds."""
    print(f"\n{'':9} limit  claims/s  results/s  claim p99 ms  answer p99 ms  CPU: server, database, generator")
    for name, rounds in results.items():
        for limit in map(str, LIMITS):
            one = [found[limit] for found in rounds]
            p99s = [statistics.median(each[call]["p99Ms"] for each in one) for call in ("claim", "answer")]
            shares = [
                statistics.median(each[f"{who}Cpu"] for each in one) for who in ("server", "database", "generator")
            ]
            claimed = statistics.median(each["claimedPerSecond"] for each in one)
            stored = statistics.median(each["storedPerSecond"] for each in one)
            print(
                f"{name:9} {limit:>5} {claimed:>9,.0f} {stored:>10,.0f} {p99s[0]:>13.2f} {p99s[1]:>14.2f}  "
                f"{shares[0]:.0%}, {shares[1]:.0%}, {shares[2]:.0%}"
            )
        print(f"{name:9} queued {statistics.median(found['queuedPerSecond'] for found in rounds):,.0f} vehicles/s")


def _describe(found: dict[str, Any]) -> str:
    rates = (f"limit {limit}: {found[str(limit)]['claimedPerSecond']:,} claims/s" for limit in LIMITS)
    return f"queued {found['queuedPerSecond']:,} vehicles/s  {'  '.join(rates)}"
