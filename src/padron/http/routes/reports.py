"""Reports on the record: how long vehicles had each status, as JSON in pages or as one CSV."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

from msgspec import UNSET

from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import Headers
from padron.domain.quoting import quote
from padron.domain.status_counts import DAYS_MAX
from padron.domain.time_in_status import Period, TimeQuery, TotalTime
from padron.http import parameters
from padron.http.answers import problems
from padron.http.answers.replies import Reply, StreamReply, build_json_reply
from padron.http.calls import Call, ClientGoneError
from padron.http.declarations import Parameter, Route, Success
from padron.http.places import Kind
from padron.http.requests import queries
from padron.service.reports import status_counts, time_in_status
from padron.service.reports.shapes import (
    StatusCounts,
    TimeReport,
    format_csv_header,
    format_csv_total,
    format_csv_vehicles,
    shape_status_day,
    shape_total_time,
    shape_vehicle_time,
)
from padron.service.reports.time_in_status import HasGone, StoppedError
from padron.service.vehicles.questions import parse_number

_PARAMETERS = frozenset({*queries.DATA_PARAMETERS, "from", "to", "format", *queries.PAGE_PARAMETERS})
_FORMATS = ("json", "csv")
_CSV_HEADERS: Headers = (
    (b"content-type", b"text/csv; charset=utf-8; header=present"),
    (b"content-disposition", b'attachment; filename="time-in-status.csv"'),
    (b"cache-control", b"private, no-store"),
)


async def report_time_in_status(call: Call) -> Reply | StreamReply:
    """GET /api/v2/reports/time-in-status."""
    given = queries.read_query(call, _PARAMETERS)
    period = Period(from_at=_parse_end(given, "from"), to_at=_parse_end(given, "to"))
    filters = queries.parse_filters(given)
    if _parse_format(call, given) == "csv":
        for name in queries.PAGE_PARAMETERS & given.keys():
            raise PadronError(Code.BAD_PARAMETERS, f"A CSV has all vehicles in one page: leave out {name}.")
        call.seat.begin(Kind.EXPORT)
        query = await time_in_status.open_report(call.runtime, call.principal, period, filters)
        return StreamReply(_stream(call, query), _CSV_HEADERS)
    limit = queries.parse_limit(given)
    call.seat.begin(Kind.SCAN)
    gone = call.watch_client()
    try:
        found = await time_in_status.report_page(
            call.runtime,
            call.principal,
            period,
            filters,
            _watch_end(call, gone),
            limit=limit,
            cursor=given.get("cursor"),
        )
    except StoppedError:
        raise _give_end(gone) from None
    finally:
        gone.cancel()
    report = TimeReport(
        from_at=period.from_at,
        to_at=period.to_at,
        vehicles=[shape_vehicle_time(vehicle) for vehicle in found.page.rows],
        next_cursor=found.page.next_cursor,
        more=found.page.more,
        cursor=found.cursor,
        total=UNSET if found.total is None else shape_total_time(found.total),
    )
    return build_json_reply(200, report)


async def _stream(call: Call, query: TimeQuery) -> AsyncGenerator[bytes, None]:
    """Give the CSV, with the sums at its end. An incomplete CSV breaks off, so it cannot look complete."""
    total = TotalTime()
    gone = call.watch_client()
    try:
        yield format_csv_header().encode()
        async for batch in time_in_status.follow_report(call.runtime, call.principal, query, _watch_end(call, gone)):
            total.add(batch)
            yield format_csv_vehicles(batch).encode()
        yield format_csv_total(total).encode()
    except StoppedError:
        if not gone.done():
            raise  # the server is stopping, and the reader must notice that the CSV is incomplete
    finally:
        gone.cancel()


def _watch_end(call: Call, gone: asyncio.Future[None]) -> HasGone:
    """Give a function that says whether the client is gone or the server is stopping."""
    return lambda: gone.done() or call.runtime.watch.is_stopping


def _give_end(gone: asyncio.Future[None]) -> Exception:
    if gone.done():
        return ClientGoneError()
    return PadronError(Code.STORE_UNAVAILABLE, "The server stopped before this report was complete. Ask again.")


def _parse_end(given: dict[str, str], name: str) -> datetime:
    at = queries.parse_instant(given, name)
    if at is None:
        raise PadronError(
            Code.BAD_PARAMETERS, f"{name} is missing: a report needs a period, such as from=2026-11-01T00:00:00Z&to=…"
        )
    return at


def _parse_format(call: Call, given: dict[str, str]) -> str:
    if "format" not in given:
        return "csv" if call.request.prefers(b"text/csv") else "json"
    if given["format"] not in _FORMATS:
        raise PadronError(Code.BAD_PARAMETERS, f"format is {quote(given['format'])}: it must be json or csv.")
    return given["format"]


async def report_status_counts(call: Call) -> Reply:
    """GET /api/v2/reports/status-counts."""
    given = queries.read_query(call, frozenset({"days"}))
    days = parse_number("days", given["days"], 1, DAYS_MAX) if "days" in given else DAYS_MAX
    call.seat.begin(Kind.SCAN)
    found = await status_counts.report_status_counts(call.runtime, call.principal, days)
    return build_json_reply(200, StatusCounts(days=[shape_status_day(day) for day in found]))


_DESCRIPTION = """\
For each vehicle that existed in the period, in order of registration: the seconds in each status, and the downtime (not
operational) by the reason of the change that set the status. The sum of a vehicle's seconds is the time in which it
existed in the period. The member `total` is the sum over all matching vehicles, and is only on the first page. The
filters are compared with the core data at the end of the period.

As CSV (format=csv, or Accept: text/csv), one answer has all vehicles, with a line for each vehicle, status and reason.
The lines of the total follow at the end.\
"""

ROUTES: tuple[Route, ...] = (
    Route(
        name="reportStatusCounts", method="GET", path="/api/v2/reports/status-counts", tag="Reports",
        summary="Report how many vehicles had which status on the last days",
        description="Gives the current vehicles by status at the end of each of the last days, oldest first. Days end "
        "at midnight UTC, and the last one ends now. Days whose changes are archived are left out. The first answer "
        "after a start of the server may take some seconds for millions of vehicles.",
        endpoint=report_status_counts, scope=Scope.VEHICLES_READ,
        parameters=(
            Parameter(name="days", place="query", description="How many days.",
                      schema={"type": "integer", "minimum": 1, "maximum": DAYS_MAX, "default": DAYS_MAX}),
        ),
        answers={200: Success(description="The counts.", body=StatusCounts)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="reportTimeInStatus", method="GET", path="/api/v2/reports/time-in-status", tag="Reports",
        summary="Report how long vehicles were in which status",
        description=_DESCRIPTION,
        endpoint=report_time_in_status, scope=Scope.VEHICLES_READ,
        parameters=(
            Parameter(name="from", place="query", required=True, description="The start of the period.",
                      schema=parameters.INSTANT),
            Parameter(name="to", place="query", required=True,
                      description="The end of the period, which is not part of it. It must not be in the future.",
                      schema=parameters.INSTANT),
            *parameters.DATA_FILTERS,
            Parameter(name="format", place="query", description="The form of the answer.",
                      schema={"type": "string", "enum": list(_FORMATS), "default": "json"}),
            parameters.LIMIT, parameters.CURSOR,
        ),
        answers={200: Success(description="The report.", body=TimeReport, other_media_types=("text/csv",))},
        problems=(problems.BAD_PARAMETERS, problems.ARCHIVED),
    ),
)  # fmt: skip
