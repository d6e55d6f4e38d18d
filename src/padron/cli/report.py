"""``padron report``: reports from the record of changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from padron.cli.options import CommonOptions, Csv, Json, check_one_form, parse_instant, run_with_runtime
from padron.cli.outputs import print_error, print_json, print_table
from padron.cli.vehicles import give_principal
from padron.domain.instants import format_instant
from padron.domain.status import STATUS_TEXTS, VehicleStatus
from padron.domain.time_in_status import Period, TotalTime, VehicleTime
from padron.domain.vin import parse_vin
from padron.service.accounts import get_account
from padron.service.reports.shapes import (
    TotalTimeShape,
    VehicleTimeShape,
    format_csv_header,
    format_csv_total,
    format_csv_vehicles,
    shape_total_time,
    shape_vehicle_time,
)
from padron.service.reports.time_in_status import Filters, follow_report, open_report
from padron.service.runtime import Runtime
from padron.wiring import read_clock

TABLE_VEHICLES_MAX = 1_000
REASONS_SHOWN_MAX = 50

_NO_REASON = "(no reason)"
_DEFAULTS = CommonOptions()

report = App(name="report", help="Report on an account's vehicles.")


@report.command(name="time-in-status")
def time_in_status(
    *,
    account: str,
    from_: Annotated[str, Parameter(name="--from")],
    to: str,
    vin: str | None = None,
    json: Json = False,
    csv: Csv = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Print the days of each vehicle in each status, its downtime, and the totals with the reasons for downtime.

    Downtime is the time in which a vehicle existed but was not operational. JSON and CSV give seconds.

    Parameters
    ----------
    account
        The name of the account that owns the vehicles.

    from_
        The start: a date (midnight in UTC), an instant such as 2026-11-01T08:00:00-06:00, or yesterday.

    to
        The end, which is not part of the period: 2026-12-01 for all of November. It must not be in the future. today
        is the last midnight in UTC, yesterday is the one before, and now is the present instant.
    vin
        Only the vehicle with this VIN.
    """
    check_one_form(json=json, csv=csv)
    now = read_clock()
    period = Period(from_at=parse_instant("--from", from_, now), to_at=parse_instant("--to", to, now))
    filters: Filters = {} if vin is None else {"vin": parse_vin(vin)}
    total = TotalTime()
    kept: list[VehicleTime] = []

    def take(batch: list[VehicleTime]) -> None:
        total.add(batch)
        if csv:
            print(format_csv_vehicles(batch), end="")
        else:
            kept.extend(batch if json else batch[: TABLE_VEHICLES_MAX - len(kept)])

    async def work(runtime: Runtime) -> None:
        principal = give_principal((await get_account(runtime, account)).account_id)
        query = await open_report(runtime, principal, period, filters)
        if csv:
            print(format_csv_header(), end="")
        with _show_progress(query.until) as show:
            async for batch in follow_report(runtime, principal, query, lambda: False):
                take(batch)
                show(batch)

    run_with_runtime(options, work)
    if csv:
        print(format_csv_total(total), end="")
    elif json:
        print_json(_show_report(period, kept, total))
    else:
        _print_tables([shape_vehicle_time(vehicle) for vehicle in kept], shape_total_time(total))
    return 0


def _show_report(period: Period, vehicles: list[VehicleTime], total: TotalTime) -> dict[str, object]:
    """Give the report with the same members as in the API, all pages together."""
    return {
        "from": format_instant(period.from_at),
        "to": format_instant(period.to_at),
        "vehicles": [msgspec.to_builtins(shape_vehicle_time(vehicle)) for vehicle in vehicles],
        "total": msgspec.to_builtins(shape_total_time(total)),
    }


def _print_tables(vehicles: list[VehicleTimeShape], total: TotalTimeShape) -> None:
    statuses = [VehicleStatus(one.vehicle_status_id) for one in total.statuses]
    columns = ("VIN", "Plate", "Unit", "Days", *(STATUS_TEXTS[status].name for status in statuses), "Downtime")
    rows = [
        (vehicle.vin, vehicle.plate or "", vehicle.custom_id or "", *_give_cells(vehicle, statuses))
        for vehicle in vehicles
    ]
    if rows:
        rows.append((f"Total ({total.vehicle_count})", "", "", *_give_cells(total, statuses)))
    print_table(columns, rows, "No vehicle existed in this period.")
    if total.downtime.seconds:
        print()
        reasons = [
            (_NO_REASON if one.reason is None else one.reason, _format_days(one.seconds))
            for one in total.downtime.reasons[:REASONS_SHOWN_MAX]
        ]
        shown = sum(one.seconds for one in total.downtime.reasons[:REASONS_SHOWN_MAX])
        if total.downtime.seconds > shown:
            reasons.append(("(other reasons)", _format_days(total.downtime.seconds - shown)))
        print_table(("Downtime by reason", "Days"), reasons, "")
    if total.vehicle_count > len(vehicles):
        print_error(f"The table has the first {len(vehicles)} of {total.vehicle_count} vehicles. --csv prints all.")


def _give_cells(one: VehicleTimeShape | TotalTimeShape, statuses: list[VehicleStatus]) -> list[str]:
    seconds = {status.vehicle_status_id: status.seconds for status in one.statuses}
    figures = [one.seconds, *(seconds.get(status.value, 0) for status in statuses), one.downtime.seconds]
    return [_format_days(figure) for figure in figures]


def _format_days(seconds: int) -> str:
    return f"{seconds / 86_400:,.2f}"


@contextmanager
def _show_progress(last: int) -> Iterator[Callable[[list[VehicleTime]], None]]:
    """Draw a bar on stderr while vehicles are read, if stderr is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.fields[vehicles]} vehicles"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=last or None, vehicles=0)
        count = 0

        def show(batch: list[VehicleTime]) -> None:
            nonlocal count
            count += len(batch)
            if batch:
                progress.update(task, completed=batch[-1].vehicle_id, vehicles=count)

        yield show
