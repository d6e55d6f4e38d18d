"""The form of a report of time in status, as JSON and as CSV, for HTTP and the command line."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.status import STATUS_TEXTS, VehicleStatus, is_operational
from padron.domain.status_counts import StatusDay
from padron.domain.time_in_status import Cell, TotalTime, VehicleTime, sum_by_status, sum_downtime
from padron.service.reports.csv_lines import format_csv

CSV_COLUMNS = (
    "kind",
    "vin",
    "vehicleStatusId",
    "status",
    "operational",
    "reason",
    "seconds",
    "days",
    "plate",
    "customId",
)
OTHER_REASONS = "(other reasons)"

_DAY_S = 86_400
_DAY_DIGITS = 6

Days = Annotated[float, Meta(description="seconds / 86400, rounded to six digits.")]


class StatusTimeShape(Struct, rename="camel"):
    """Time in one status."""

    vehicle_status_id: int
    name: str
    seconds: int
    days: Days


class ReasonTimeShape(Struct, rename="camel"):
    """Time for one reason; null where none was given."""

    reason: str | None
    seconds: int
    days: Days


class DowntimeShape(Struct, rename="camel", omit_defaults=True):
    """Time in which a vehicle existed and was not operational, and what for, most first."""

    seconds: int
    days: Days
    reasons: list[ReasonTimeShape]
    other_reasons_seconds: Annotated[
        int | UnsetType, Meta(description="Time for further reasons, where there are more than a thousand.")
    ] = UNSET


class VehicleTimeShape(Struct, rename="camel"):
    """One vehicle: the seconds are those of its existence in the period, and the sum of its statuses' seconds."""

    vin: str
    plate: Annotated[str | None, Meta(description="At the end of the period; null for none.")]
    custom_id: Annotated[str | None, Meta(description="The unit number at the end of the period; null for none.")]
    seconds: int
    days: Days
    statuses: list[StatusTimeShape]
    downtime: DowntimeShape


class TotalTimeShape(Struct, rename="camel"):
    """All vehicles that fit, the other pages' too: each figure is the sum of the vehicles' own."""

    vehicle_count: int
    seconds: int
    days: Days
    statuses: list[StatusTimeShape]
    downtime: DowntimeShape


class TimeReport(Struct, rename={"from_at": "from", "to_at": "to", "next_cursor": "nextCursor"}, omit_defaults=True):
    """A page of vehicles in order of registration; ``total`` is in the first page only."""

    from_at: datetime
    to_at: datetime
    vehicles: list[VehicleTimeShape]
    next_cursor: str | None
    more: bool
    cursor: Annotated[str, Meta(description="A cursor of the feed: the report rests on the changes up to it.")]
    total: TotalTimeShape | UnsetType = UNSET


class StatusCountShape(Struct, rename="camel"):
    """How many vehicles had one status."""

    vehicle_status_id: int
    name: str
    count: int


class StatusDayShape(Struct, rename="camel"):
    """One day."""

    date: Annotated[str, Meta(description="The day (UTC), as 2026-11-29.")]
    vehicle_count: int
    operational_count: Annotated[int, Meta(description="Vehicles that operations could touch.")]
    statuses: Annotated[list[StatusCountShape], Meta(description="Every status that a vehicle can have.")]


class StatusCounts(Struct, rename="camel"):
    """The vehicles by status at the end of each day, oldest first. The last day ends now."""

    days: list[StatusDayShape]


def shape_status_day(day: StatusDay) -> StatusDayShape:
    """Give the form of a day's counts."""
    return StatusDayShape(
        date=day.day.isoformat(),
        vehicle_count=day.total,
        operational_count=day.operational,
        statuses=[
            StatusCountShape(vehicle_status_id=status.value, name=STATUS_TEXTS[status].name, count=count)
            for status, count in day.counts.items()
        ],
    )


def shape_vehicle_time(vehicle: VehicleTime) -> VehicleTimeShape:
    """Give the form of a vehicle's time."""
    seconds = sum(vehicle.cells.values())
    return VehicleTimeShape(
        vin=vehicle.vin,
        plate=vehicle.plate,
        custom_id=vehicle.custom_id,
        seconds=seconds,
        days=give_days(seconds),
        statuses=_shape_statuses(sum_by_status(vehicle.cells)),
        downtime=_shape_downtime(vehicle.cells),
    )


def shape_total_time(total: TotalTime) -> TotalTimeShape:
    """Give the form of the sum over vehicles."""
    others: dict[Cell, int] = {Cell(status, OTHER_REASONS): seconds for status, seconds in total.others.items()}
    by_status = sum_by_status(total.cells)
    for status, seconds in total.others.items():
        by_status[status] = by_status.get(status, 0) + seconds
    downtime = _shape_downtime(total.cells)
    if other_seconds := sum(sum_downtime(others).values()):
        downtime.seconds += other_seconds
        downtime.days = give_days(downtime.seconds)
        downtime.other_reasons_seconds = other_seconds
    seconds = sum(by_status.values())
    return TotalTimeShape(
        vehicle_count=total.vehicle_count,
        seconds=seconds,
        days=give_days(seconds),
        statuses=_shape_statuses(dict(sorted(by_status.items()))),
        downtime=downtime,
    )


def format_csv_header() -> str:
    """Give the first line."""
    return format_csv([CSV_COLUMNS])


def format_csv_vehicles(vehicles: Iterable[VehicleTime]) -> str:
    """Give a line for each status and reason of each vehicle."""
    return format_csv(
        row
        for vehicle in vehicles
        for row in _list_rows("vehicle", vehicle.vin, vehicle.cells, vehicle.plate or "", vehicle.custom_id or "")
    )


def format_csv_total(total: TotalTime) -> str:
    """Give the lines of the sum over all vehicles, one for each status and reason."""
    others: dict[Cell, int] = {Cell(status, OTHER_REASONS): seconds for status, seconds in total.others.items()}
    return format_csv(row for cells in (total.cells, others) for row in _list_rows("total", "", cells))


def give_days(seconds: int) -> float:
    """Give days, rounded for reading. Exact sums are in seconds."""
    return round(seconds / _DAY_S, _DAY_DIGITS)


def _list_rows(
    kind: str, vin: str, cells: Mapping[Cell, int], plate: str = "", custom_id: str = ""
) -> Iterator[tuple[str, ...]]:
    for cell, seconds in sorted(cells.items(), key=lambda item: (item[0].status, item[0].reason or "")):
        status, reason = cell
        operational = "true" if is_operational(status) else "false"
        days = f"{give_days(seconds):.{_DAY_DIGITS}f}"
        name = STATUS_TEXTS[status].name
        yield kind, vin, str(status.value), name, operational, reason or "", str(seconds), days, plate, custom_id


def _shape_statuses(sums: Mapping[VehicleStatus, int]) -> list[StatusTimeShape]:
    return [
        StatusTimeShape(
            vehicle_status_id=status.value, name=STATUS_TEXTS[status].name, seconds=seconds, days=give_days(seconds)
        )
        for status, seconds in sums.items()
    ]


def _shape_downtime(cells: Mapping[Cell, int]) -> DowntimeShape:
    sums = sum_downtime(cells)
    seconds = sum(sums.values())
    reasons = [ReasonTimeShape(reason=reason, seconds=own, days=give_days(own)) for reason, own in sums.items()]
    return DowntimeShape(seconds=seconds, days=give_days(seconds), reasons=reasons)
