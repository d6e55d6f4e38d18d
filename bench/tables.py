"""The tables of the side-by-side run."""

import statistics
from collections.abc import Mapping
from typing import Any

PADRON = ("padron-sqlite", "padron-postgres", "padron-postgres-2")
# Ratios that are aimed at: of whom to whom, how many times at the least.
AIMS = (
    ("padron-sqlite", "bare", 0.50),
    ("padron-postgres", "bare", 0.40),
    ("padron-sqlite", "fastapi", 24.0),
    ("padron-postgres", "fastapi", 18.0),
    ("padron-sqlite", "kinto", 40.0),
    ("padron-postgres", "kinto", 40.0),
    ("padron-postgres", "pgbench", 1.0),
    ("padron-postgres", "pgbench-one", 1.0),
    ("padron-postgres-2", "padron-postgres", 1.5),
)
# The same by processor time for a change, server and database together: how many times the other one's is.
CPU_RATIOS = (
    ("padron-sqlite", "fastapi"),
    ("padron-postgres", "fastapi"),
    ("padron-sqlite", "kinto"),
    ("padron-postgres", "kinto"),
    ("padron-sqlite", "bare"),
    ("padron-postgres", "bare"),
)
ALONE_P50_MS_MAX = 1.5
# The processor time of a change with metrics and a log of the requests: how many times that without, at the most.
WATCHED_RATIO_MAX = 1.05


def print_tables(document: Mapping[str, Any]) -> None:
    """Print the figures of every contestant, then the ratios beside what is aimed at."""
    results, titles = document["results"], document["titles"]
    print(
        f"\n{'status changes, closed loop':42} {'/s':>8} {'range':>15} {'p50 ms':>8} {'p99':>8} {'p99.9':>8} "
        f"{'CPU us':>7} {'+ db':>6} {'RSS MB':>7}"
    )
    for name, found in results.items():
        runs = found["closed"]
        rates = [run["perSecond"] for run in runs]
        print(
            f"{titles[name]:42} {statistics.median(rates):>8,.0f} {f'{min(rates):,}-{max(rates):,}':>15} "
            + " ".join(f"{give_median(runs, key):>8.2f}" for key in ("p50Ms", "p99Ms", "p999Ms"))
            + f" {_show(runs, 'serverCpuUsPerRequest'):>7} {_show(runs, 'databaseCpuUsPerRequest'):>6}"
            + f" {_show(runs, 'serverRssMb'):>7}"
        )
    print(
        f"\n{'open loop at half of its own rate':42} {'/s':>8} {'p50 ms':>8} {'p99':>8} {'p99.9':>8}   "
        f"{'one connection':>14} {'reads/s':>9} {'gate/s':>9}"
    )
    for name, found in results.items():
        if "open" not in found:
            continue
        latencies = " ".join(f"{give_median(found['open'], key):>8.2f}" for key in ("p50Ms", "p99Ms", "p999Ms"))
        alone = found["alone"][0]
        reads = " ".join(
            f"{give_median(found[kind], 'perSecond') if kind in found else 0:>9,.0f}" for kind in ("read", "gate")
        )
        print(
            f"{titles[name]:42} {give_median(found['open'], 'rate'):>8,.0f} {latencies}   "
            f"{alone['p50Ms']:>11.2f} ms {reads}"
        )
    print_ratios(results)


def print_ratios(results: Mapping[str, Any]) -> None:
    """Print the ratios of processor time, which hardly depend on what else the machine does. Then those of rates."""
    print(f"\n{'processor time for a change, server + database':48} {'us':>6} {'of the other':>13} {'ratio':>6}")
    for one, other in CPU_RATIOS:
        own, others = give_cpu_us(results[one]["closed"]), give_cpu_us(results[other]["closed"])
        print(f"{f'{other} : {one}':48} {own:>6.0f} {others:>13.0f} {others / own:>6.2f}")
    print_watched(results["padron-sqlite"]["closed"], results["padron-sqlite-unwatched"]["closed"])
    print(f"\n{'ratio of changes/s':44} {'median':>7} {'range':>13}  aim")
    for one, other, aim in AIMS:
        median, low, high = give_ratio(results, one, other)
        met = "met" if median >= aim else "NOT MET"
        print(f"{f'{one} : {other}':44} {median:>7.2f} {f'{low:.2f}-{high:.2f}':>13}  {aim:g} {met}")
    alone = results["padron-sqlite"]["alone"][0]["p50Ms"]
    met = "met" if alone < ALONE_P50_MS_MAX else "NOT MET"
    print(f"{'padron-sqlite, one connection, p50':44} {alone:>4.2f} ms {'':>13}  {ALONE_P50_MS_MAX} {met}")


def print_watched(watched: list[dict[str, Any]], unwatched: list[dict[str, Any]]) -> None:
    """Print what metrics and the log of requests add to the processor time of a change, in rounds that take turns."""
    ratios = [give_cpu_us([one]) / give_cpu_us([other]) for one, other in zip(watched, unwatched, strict=True)]
    median = statistics.median(ratios)
    met = "met" if median <= WATCHED_RATIO_MAX else "NOT MET"
    shown = f"{median:.3f}, rounds {min(ratios):.3f}-{max(ratios):.3f}"
    print(f"{'processor time, watched : unwatched':48} {shown}  at most {WATCHED_RATIO_MAX:g} {met}")


def give_ratio(results: Mapping[str, Any], one: str, other: str) -> tuple[float, float, float]:
    """Give the ratio of two contestants' rates: of the medians, and the least and the greatest of any round."""
    pairs = zip(results[one]["closed"], results[other]["closed"], strict=True)
    ratios = [left["perSecond"] / right["perSecond"] for left, right in pairs]
    median = give_median(results[one]["closed"], "perSecond") / give_median(results[other]["closed"], "perSecond")
    return median, min(ratios), max(ratios)


def give_cpu_us(runs: list[dict[str, Any]]) -> float:
    """Give the processor time of server and database for a change that succeeded, in microseconds."""
    keys = ("serverCpuUsPerRequest", "databaseCpuUsPerRequest")
    return float(statistics.median(sum(run.get(key, 0.0) for key in keys) / give_good_share(run) for run in runs))


def give_good_share(run: dict[str, Any]) -> float:
    """Give the share of the requests that succeeded."""
    good = sum(count for status, count in run["statuses"].items() if status.startswith("2"))
    return float(max(good, 1) / max(run["requests"], 1))


def give_median(runs: list[dict[str, Any]], key: str) -> float:
    """Give the median of a figure over the rounds."""
    return float(statistics.median(run[key] for run in runs))


def _show(runs: list[dict[str, Any]], key: str) -> str:
    return f"{give_median(runs, key):,.0f}" if key in runs[0] else ""
