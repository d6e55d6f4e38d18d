"""Plain counters and histograms for what an operator watches, and the board that collects them.

It is below all rooms, so each of them may count. One observation costs less than a microsecond: there are no labels
and no locks. The room ``telemetry`` turns what the board collects into the text that Prometheus reads.
"""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

# In seconds. The bounds of OpenTelemetry, and finer ones below: a status call takes about a millisecond.
DURATIONS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)  # of batches

_log = logging.getLogger("padron.metrics")


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A copy of a histogram. ``counts`` has one number for each bound, and one for what is above all of them."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Histogram:
    """Counts observations by size. The bounds are fixed."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[float, ...] = DURATIONS_S) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def copy(self) -> Distribution:
        """Give what was counted so far."""
        return Distribution(bounds=self._bounds, counts=tuple(self._counts), total=self._total)


class FamilyKind(Enum):
    """What the numbers of a family do: counters only grow, gauges rise and fall."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


Value = float | Distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Numbers with one name and one meaning. ``samples`` has one for each combination of the labels' values.

    The values of a label come from a closed set: a VIN, a plate or a key is never one. A counter's name ends in
    ``_total``.
    """

    name: str
    meaning: str
    kind: FamilyKind
    labels: tuple[str, ...]
    samples: Mapping[tuple[str, ...], Value]


def give_gauge(name: str, meaning: str, value: float) -> Family:
    """Give a family of one number that rises and falls."""
    return Family(name=name, meaning=meaning, kind=FamilyKind.GAUGE, labels=(), samples={(): value})


def give_counter(name: str, meaning: str, value: float) -> Family:
    """Give a family of one number that only grows."""
    return Family(name=name, meaning=meaning, kind=FamilyKind.COUNTER, labels=(), samples={(): value})


def give_histogram(name: str, meaning: str, histogram: Histogram) -> Family:
    """Give a family of one histogram."""
    return Family(name=name, meaning=meaning, kind=FamilyKind.HISTOGRAM, labels=(), samples={(): histogram.copy()})


def give_gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Family:
    """Give a family of numbers that rise and fall, with one label."""
    samples: dict[tuple[str, ...], Value] = {(word,): value for word, value in values.items()}
    return Family(name=name, meaning=meaning, kind=FamilyKind.GAUGE, labels=(label,), samples=samples)


def give_counters(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Family:
    """Give a family of numbers that only grow, with one label."""
    samples: dict[tuple[str, ...], Value] = {(word,): value for word, value in values.items()}
    return Family(name=name, meaning=meaning, kind=FamilyKind.COUNTER, labels=(label,), samples=samples)


def give_histograms(name: str, meaning: str, label: str, histograms: Mapping[str, Histogram]) -> Family:
    """Give a family of histograms, with one label."""
    samples: dict[tuple[str, ...], Value] = {(word,): histogram.copy() for word, histogram in histograms.items()}
    return Family(name=name, meaning=meaning, kind=FamilyKind.HISTOGRAM, labels=(label,), samples=samples)


GiveFamilies = Callable[[], Iterable[Family]]


class MeterBoard:
    """The parts of one process that count something. Each part gives its families when somebody asks."""

    def __init__(self) -> None:
        self._parts: list[GiveFamilies] = []
        self._failing: set[GiveFamilies] = set()

    def add(self, part: GiveFamilies) -> None:
        """Let a part take part from now on. It is called on the event loop and must not wait."""
        self._parts.append(part)

    def collect(self) -> list[Family]:
        """Give the families of all parts. One that fails is left out, and logged once."""
        families: list[Family] = []
        for part in self._parts:
            try:
                families.extend(part())
            except Exception:  # noqa: BLE001 - a part that fails must not take the others with it
                if part not in self._failing:
                    self._failing.add(part)
                    _log.exception("some metrics are left out, because their part fails")
            else:
                self._failing.discard(part)
        return families
