"""How long vehicles had each status: microseconds of the record, rounded to seconds whose sums are still right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vin import Vin

REASONS_MAX = 1_000  # that a total lists separately: the first ones, in order of registration


class Cell(NamedTuple):
    """A status, and the reason of the change that set it."""

    status: VehicleStatus
    reason: str | None


_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """From an instant on until before another one."""

    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeQuery:
    """A query to the store: a period, the last changes up to its start and its end, and some vehicles after one."""

    from_at: datetime
    to_at: datetime
    since: int
    until: int
    filters: Mapping[str, str | int]  # as in the list, by the core data at the end of the period
    after: int = 0
    limit: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusTime:
    """How long one vehicle had one status for one reason. Status id 2 means the time in which it did not exist."""

    vehicle_id: int
    vin: Vin
    status: VehicleStatus
    reason: str | None
    microseconds: int
    plate: str | None = None  # at the end of the period, like custom_id
    custom_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleTime:
    """A vehicle's time in a period, in whole seconds. The sum of ``cells`` is the time in which it existed."""

    vehicle_id: int
    vin: Vin
    cells: Mapping[Cell, int]
    plate: str | None = None
    custom_id: str | None = None


@dataclass(kw_only=True, slots=True)
class TotalTime:
    """The sum over vehicles. After a thousand different reasons, the time of further reasons is added together."""

    vehicle_count: int = 0
    cells: dict[Cell, int] = field(default_factory=dict)
    others: dict[VehicleStatus, int] = field(default_factory=dict)

    def add(self, vehicles: Iterable[VehicleTime]) -> None:
        """Add the time of some vehicles."""
        for vehicle in vehicles:
            self.vehicle_count += 1
            for cell, seconds in vehicle.cells.items():
                if cell in self.cells or cell.reason is None or len(self.cells) < REASONS_MAX:
                    self.cells[cell] = self.cells.get(cell, 0) + seconds
                else:
                    self.others[cell.status] = self.others.get(cell.status, 0) + seconds


def gather_vehicle_times(times: Iterable[StatusTime]) -> list[VehicleTime]:
    """Give the vehicles that existed in the period, in order. ``times`` has all parts of one vehicle together."""
    gathered = []
    for vehicle_id, own in groupby(times, key=lambda time: time.vehicle_id):
        parts = [time for time in own if time.microseconds and time.status is not VehicleStatus.INFO_CHANGED]
        if parts:
            cells = round_cells({Cell(time.status, time.reason): time.microseconds for time in parts})
            first = parts[0]
            gathered.append(
                VehicleTime(
                    vehicle_id=vehicle_id, vin=first.vin, cells=cells, plate=first.plate, custom_id=first.custom_id
                )
            )
    return gathered


def round_cells(cells: Mapping[Cell, int]) -> dict[Cell, int]:
    """Give whole seconds for microseconds. The sum of the seconds is the sum of the microseconds, rounded down.

    Each cell is rounded down. The missing seconds go to the cells that lost most (the largest-remainder method).
    """
    ordered = sorted(cells.items(), key=lambda item: (item[0].status, item[0].reason is not None, item[0].reason or ""))
    rounded = {cell: microseconds // _MICROSECONDS for cell, microseconds in ordered}
    missing = sum(cells.values()) // _MICROSECONDS - sum(rounded.values())
    losers = sorted(rounded, key=lambda cell: cells[cell] % _MICROSECONDS, reverse=True)
    for cell in losers[:missing]:
        rounded[cell] += 1
    return rounded


def sum_by_status(cells: Mapping[Cell, int]) -> dict[VehicleStatus, int]:
    """Give the seconds in each status, in the order of status ids."""
    sums: dict[VehicleStatus, int] = {}
    for (status, _), seconds in cells.items():
        sums[status] = sums.get(status, 0) + seconds
    return dict(sorted(sums.items()))


def sum_downtime(cells: Mapping[Cell, int]) -> dict[str | None, int]:
    """Give the seconds in which a vehicle was not operational, by the recorded reason, the longest first."""
    sums: dict[str | None, int] = {}
    for (status, reason), seconds in cells.items():
        if not is_operational(status):
            sums[reason] = sums.get(reason, 0) + seconds
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0] is not None, item[0] or "")))
