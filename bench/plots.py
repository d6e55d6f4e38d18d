"""Draws the results of the side-by-side run and of the trials of size, with a Python that has matplotlib."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

OURS, THEIRS, FLOOR = "#1f5fa8", "#9a9a9a", "#d0d0d0"


def give_colour(name: str) -> str:
    """Give a contestant's colour: ours, another's, or the floor's."""
    if name.startswith("padron"):
        return OURS
    return FLOOR if name.startswith(("pgbench", "sqlite")) else THEIRS


def draw_rates(document: dict[str, Any], file: Path) -> None:
    """Draw changes a second, medians with ranges."""
    results, titles = document["results"], document["titles"]
    names = list(results)[::-1]
    rates = [sorted(run["perSecond"] for run in results[name]["closed"]) for name in names]
    medians = [run[len(run) // 2] for run in rates]
    errors = [[median - run[0] for median, run in zip(medians, rates, strict=True)],
              [run[-1] - median for median, run in zip(medians, rates, strict=True)]]  # fmt: skip
    figure, axes = plt.subplots(figsize=(9, 4.5))
    axes.barh([titles[name] for name in names], medians, xerr=errors, color=[give_colour(name) for name in names])
    for place, median in enumerate(medians):
        axes.text(median, place, f"  {median:,}", va="center", fontsize=9)
    axes.set_xlabel("durable status changes a second (closed loop, 64 connections)")
    axes.set_xlim(0, max(medians) * 1.15)
    save(figure, file)


def draw_latencies(document: dict[str, Any], file: Path) -> None:
    """Draw the open loop's p50, p99 and p99.9, on a logarithmic scale."""
    results, titles = document["results"], document["titles"]
    names = [name for name in results if "open" in results[name]]
    figure, axes = plt.subplots(figsize=(9, 4.5))
    for name in names:
        runs = results[name]["open"]
        values = [sorted(run[key] for run in runs)[len(runs) // 2] for key in ("p50Ms", "p99Ms", "p999Ms")]
        axes.plot(["p50", "p99", "p99.9"], values, marker="o", label=f"{titles[name]} ({runs[0]['rate']:,.0f}/s)")
    axes.set_yscale("log")
    axes.set_ylabel("ms from when the request was due")
    axes.legend(fontsize=8)
    save(figure, file)


def draw_growth(document: dict[str, Any], file: Path) -> None:
    """Draw status calls a second and memory against the number of vehicles, and of accounts."""
    points = document["points"]
    figure, axes = plt.subplots(2, 2, figsize=(10, 7))
    for row, (key, label) in enumerate(
        (("perSecond", "status calls a second"), ("serverRssMb", "memory of the server, MB"))
    ):
        for column, size in enumerate(("vehicles", "accounts")):
            axis = axes[row][column]
            for engine, colour in (("sqlite", OURS), ("postgres", "#b5651d")):
                own = [point for point in points if point["engine"] == engine and point["changes"] == 0]
                own = [
                    point for point in own if (point["accounts"] == 1) == (size == "vehicles") or point["accounts"] == 1
                ]
                pairs = sorted({point[size]: point[key] for point in own}.items())
                axis.plot(*zip(*pairs, strict=True), marker="o", color=colour, label=engine)
            axis.set_xscale("log")
            axis.set_ylim(bottom=0)
            axis.set_xlabel(size)
            axis.set_ylabel(label)
            axis.legend(fontsize=8)
    save(figure, file)


def save(figure: Any, file: Path) -> None:  # noqa: ANN401 - matplotlib's
    """Write a plot."""
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    """Run as a program."""
    file = Path(sys.argv[1])
    document = json.loads(file.read_text("utf-8"))
    if "points" in document:
        draw_growth(document, file.with_name("growth.png"))
        return
    draw_rates(document, file.with_name("changes-per-second.png"))
    draw_latencies(document, file.with_name("latency.png"))


if __name__ == "__main__":
    main()
