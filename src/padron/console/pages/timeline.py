"""The statuses of a vehicle over time, as parts of a drawn bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from padron.domain.change import HistoryEntry
from padron.domain.status import VehicleStatus

WIDTH = 1_000  # of the drawing; the page stretches it
LEAST = 4  # so that a short time is still seen


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSpan:
    """A status from one instant to another, and its place in the drawing."""

    status: VehicleStatus
    begin: datetime
    end: datetime
    x: int
    width: int

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.begin


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSum:
    """How long a vehicle had a status in all."""

    status: VehicleStatus
    length: timedelta


def draw_spans(history: Sequence[HistoryEntry], now: datetime) -> list[StatusSpan]:
    """Give the statuses that a history, newest first, tells of, oldest first. They fill the whole drawing."""
    steps: list[HistoryEntry] = []
    for entry in reversed(history):
        if not steps or entry.to_status is not steps[-1].to_status:
            steps.append(entry)
    if not steps:
        return []
    begins = [entry.at for entry in steps]
    ends = [*begins[1:], max(now, begins[-1])]
    whole = max((ends[-1] - begins[0]) / timedelta(seconds=1), 1.0)
    shares = [(end - begin) / timedelta(seconds=1) / whole for begin, end in zip(begins, ends, strict=True)]
    room = WIDTH - LEAST * len(steps)
    spans: list[StatusSpan] = []
    x = 0
    for entry, begin, end, share in zip(steps, begins, ends, shares, strict=True):
        width = LEAST + int(share * room)
        spans.append(StatusSpan(status=entry.to_status, begin=begin, end=end, x=x, width=width))
        x += width
    return spans


def sum_spans(spans: Sequence[StatusSpan]) -> list[StatusSum]:
    """Give how long each status was, the longest first."""
    sums: dict[VehicleStatus, timedelta] = {}
    for span in spans:
        sums[span.status] = sums.get(span.status, timedelta()) + span.length
    summed = [StatusSum(status=status, length=length) for status, length in sums.items()]
    return sorted(summed, key=lambda one: -one.length)
