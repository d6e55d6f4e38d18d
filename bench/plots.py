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
        rate, *values = [
            sorted(run[key] for run in runs)[len(runs) // 2] for key in ("rate", "p50Ms", "p99Ms", "p999Ms")
        ]
        axes.plot(["p50", "p99", "p99.9"], values, marker="o", label=f"{titles[name]} ({rate:,.0f}/s)")
    axes.set_yscale("log")
    axes.set_ylabel("ms from when the request was due")
    axes.legend(fontsize=8)
    save(figure, file)


def draw_growth(document: dict[str, Any], file: Path) -> None:
    """Draw status calls a second and memory by vehicles and by accounts, and how long pages take by vehicles."""
    figure, axes = plt.subplots(2, 3, figsize=(14, 7))
    each = document["settings"]["vehiclesOfAccounts"]
    for engine, colour in (("sqlite", OURS), ("postgres", "#b5651d")):
        points = [point for point in document["points"] if point["engine"] == engine]
        by_vehicles = [point for point in points if point["curve"] == "vehicles"]
        by_accounts = [point for point in points if point["curve"] == "accounts"]
        for row, (key, label) in enumerate(
            (("perSecond", "status calls a second"), ("serverRssMb", "memory of the server, MB"))
        ):
            draw_curve(axes[row][0], {point["vehicles"]: point[key] for point in by_vehicles}, engine, colour)
            draw_curve(axes[row][1], {point["accounts"]: point[key] for point in by_accounts}, engine, colour)
            axes[row][0].set(xlabel="vehicles, of one account", ylabel=label)
            axes[row][1].set(xlabel=f"accounts, of {each:,} vehicles in all", ylabel=label)
        medians = {point["vehicles"]: find_middle(point["pages"], "p50Ms") for point in by_vehicles}
        lasts = {point["vehicles"]: find_middle(point["pages"], "p99Ms") for point in by_vehicles}
        draw_curve(axes[0][2], medians, f"{engine}, p50", colour)
        draw_curve(axes[0][2], lasts, f"{engine}, p99", colour, "--")
        axes[0][2].set(xlabel="vehicles, of one account", ylabel="the middle one of all kinds of pages, ms")
        axes[1][2].set_yscale("log")
        slowest = {point["vehicles"]: max(page["p50Ms"] for page in point["pages"].values()) for point in by_vehicles}
        draw_curve(axes[1][2], slowest, f"{engine}, p50", colour)
        axes[1][2].set(xlabel="vehicles, of one account", ylabel="the slowest kind of page, ms")
    save(figure, file)


def find_middle(pages: dict[str, Any], key: str) -> float:
    """Give the median over all kinds of pages."""
    return float(sorted(page[key] for page in pages.values())[len(pages) // 2])


def draw_curve(axis: Any, values: dict[int, float], label: str, colour: str, style: str = "-") -> None:  # noqa: ANN401
    """Draw one curve over sizes; the axis begins at zero."""
    axis.plot(sorted(values), [values[size] for size in sorted(values)], style, marker="o", color=colour, label=label)
    axis.set_xscale("log")
    if axis.get_yscale() == "linear":
        axis.set_ylim(bottom=0, auto=True)
    axis.legend(fontsize=8)


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
