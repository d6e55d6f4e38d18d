"""Drawings of numbers over days: areas that lie on each other, and one small line for each row of a table.

They are SVG with attributes alone. Their colours are those of the statuses, by the classes of the style sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from padron.domain.status import VehicleStatus, is_operational
from padron.domain.status_counts import StatusDay

WIDTH = 1_000  # of the drawing; the page stretches it
HEIGHT = 240
LINE_WIDTH = 120
LINE_HEIGHT = 24
_LINE_MARGIN = 3  # above and below a line, so that it is not cut off
_STEPS = (1, 2, 4, 5, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusArea:
    """The vehicles of one status as an area of the chart: the ``d`` of a path."""

    status: VehicleStatus
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StackedChart:
    """Areas that lie on each other, and the number at the upper edge."""

    areas: Sequence[StatusArea]
    top: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRow:
    """A status, how many vehicles have it now, how many more or fewer than at first, and its own line."""

    status: VehicleStatus
    count: int
    change: int
    line: str  # the ``points`` of a polyline


def stack_days(days: Sequence[StatusDay]) -> StackedChart:
    """Give the chart of some days, the operational vehicles at the bottom."""
    top = find_top(max((day.total for day in days), default=0))
    lower = [0] * len(days)
    areas: list[StatusArea] = []
    for status in _list_used(days):
        upper = [below + day.counts[status] for below, day in zip(lower, days, strict=True)]
        edge = _list_points(upper, top)
        floor = _list_points(lower, top)
        areas.append(StatusArea(status=status, path=f"M{' L'.join(edge)} L{' L'.join(reversed(floor))}Z"))
        lower = upper
    return StackedChart(areas=areas, top=top)


def list_rows(days: Sequence[StatusDay]) -> list[StatusRow]:
    """Give a row for each status that any vehicle had."""
    return [
        StatusRow(
            status=status,
            count=days[-1].counts[status],
            change=days[-1].counts[status] - days[0].counts[status],
            line=draw_line([day.counts[status] for day in days]),
        )
        for status in _list_used(days)
    ]


def draw_line(values: Sequence[int]) -> str:
    """Give the points of a line from its lowest to its highest value. A level line is in the middle."""
    least, most = min(values), max(values)
    room = LINE_HEIGHT - 2 * _LINE_MARGIN
    points = []
    for place, value in enumerate(values):
        share = (value - least) / (most - least) if most > least else 0.5
        points.append(f"{_give_x(place, len(values), LINE_WIDTH)},{LINE_HEIGHT - _LINE_MARGIN - round(share * room)}")
    if len(points) == 1:
        points.append(f"{LINE_WIDTH},{points[0].partition(',')[2]}")
    return " ".join(points)


def find_top(most: int) -> int:
    """Give a round number that is not below the highest one."""
    size = 1
    while size * 10 < most:
        size *= 10
    return next(size * step for step in _STEPS if size * step >= most)


def _list_used(days: Sequence[StatusDay]) -> list[VehicleStatus]:
    """Give the statuses that any vehicle had, the operational ones first."""
    used = [status for status in (days[0].counts if days else ()) if any(day.counts[status] for day in days)]
    return sorted(used, key=lambda status: (not is_operational(status), status.value))


def _list_points(values: Sequence[int], top: int) -> list[str]:
    points = [
        f"{_give_x(place, len(values), WIDTH)} {HEIGHT - round(value / top * HEIGHT)}"
        for place, value in enumerate(values)
    ]
    return points if len(points) > 1 else [points[0], f"{WIDTH} {points[0].partition(' ')[2]}"]


def _give_x(place: int, count: int, width: int) -> int:
    return round(place * width / (count - 1)) if count > 1 else 0
