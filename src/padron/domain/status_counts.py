"""How many vehicles had each status at the end of each day, counted back from the present by what changed since."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from padron.domain.status import VehicleStatus, is_operational

DAYS_MAX = 90
COUNTED_STATUSES = tuple(status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusMoves:
    """How many changes of one day (UTC) took vehicles from one status to another.

    ``before`` is None for a registration. Status id 2 stands for a vehicle that is not current.
    """

    day: date
    before: VehicleStatus | None
    after: VehicleStatus
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentCounts:
    """The current vehicles by status at one instant, and the number of the account's last change then."""

    last_change: int
    counts: Mapping[VehicleStatus, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusDay:
    """The vehicles by status at the end of a day (UTC), or now for the present day."""

    day: date
    counts: Mapping[VehicleStatus, int]

    @property
    def total(self) -> int:
        """How many vehicles there were."""
        return sum(self.counts.values())

    @property
    def operational(self) -> int:
        """How many of them operations could touch."""
        return sum(count for status, count in self.counts.items() if is_operational(status))


@dataclass(kw_only=True, slots=True)
class StatusTally:
    """The present counts, and by how much each day changed them. It follows the record from ``first_day`` on."""

    number: int  # of the last change that is counted
    first_day: date
    counts: dict[VehicleStatus, int]
    nets: dict[date, dict[VehicleStatus, int]] = field(default_factory=dict)

    def add(self, moves: Iterable[StatusMoves], *, is_new: bool) -> None:
        """Count changes: ``is_new`` are those that the present counts do not include yet."""
        for move in moves:
            net = self.nets.setdefault(move.day, {})
            for status, count in ((move.before, -move.count), (move.after, move.count)):
                if status is None or status is VehicleStatus.INFO_CHANGED:
                    continue
                net[status] = net.get(status, 0) + count
                if is_new:
                    self.counts[status] = self.counts.get(status, 0) + count

    def list_days(self, today: date, count: int) -> list[StatusDay]:
        """Give the last ``count`` days up to today, oldest first. Days before the first known one are left out."""
        return list(self._count_back(today, count))[::-1]

    def _count_back(self, today: date, count: int) -> Iterator[StatusDay]:
        counts = dict(self.counts)
        for back in range(count):
            day = today - timedelta(days=back)
            if day < self.first_day:
                return
            yield StatusDay(day=day, counts={status: counts.get(status, 0) for status in COUNTED_STATUSES})
            for status, net in self.nets.get(day, {}).items():
                counts[status] = counts.get(status, 0) - net

    def forget_before(self, day: date) -> None:
        """Drop what no later question needs."""
        self.first_day = max(self.first_day, day)
        self.nets = {one: net for one, net in self.nets.items() if one >= day}


def find_first_day(now: datetime) -> date:
    """Give the first day that a question may ask for."""
    return now.date() - timedelta(days=DAYS_MAX - 1)
