"""How long vehicles had each status in a period: a drawn bar for all of them together, and one for each vehicle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Pair
from padron.console.pages.fleet.overview import write_share
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant, parse_instant
from padron.domain.status import VehicleStatus
from padron.domain.time_in_status import Period, TotalTime, VehicleTime, sum_by_status, sum_downtime
from padron.mounting import MountedReply
from padron.service.reports.time_in_status import StoppedError, report_page

ROWS = 50
USUAL_DAYS = 30
REASONS_SHOWN = 8
UNTIL = "until"  # the field of an address
WIDTH = 1_000  # of a drawn bar

_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.ARCHIVED, Code.CURSOR_GONE})


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePart:
    """The time in one status: its place in the drawn bar, and its share in words."""

    status: VehicleStatus
    length: timedelta
    share: str
    x: int
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VehicleTimes:
    """One vehicle with its bar."""

    vehicle: VehicleTime
    parts: Sequence[TimePart]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonTime:
    """The time in which vehicles were not operational for one reason; None where nobody gave one."""

    reason: str | None
    length: timedelta
    share: str


async def show_times(visit: PageVisit) -> MountedReply:
    """GET /console/time-in-status. Without a period it is the last thirty days, in the visitor's zone."""
    today = visit.now.astimezone(visit.preferences.zone).date()
    first = visit.query.get("from") or (today - timedelta(days=USUAL_DAYS)).isoformat()
    last = visit.query.get("to") or today.isoformat()
    cursor = visit.query.get("cursor") or None
    problem, vehicles, total, next_cursor, until = "", [], None, None, ""
    try:
        period = parse_period(visit, first, last, visit.query.get(UNTIL))
        until = format_instant(period.to_at)
        visit.request.begin_scan()
        found = await report_page(
            visit.runtime, visit.principal, period, {}, lambda: visit.runtime.watch.is_stopping, limit=ROWS,
            cursor=cursor,
        )  # fmt: skip
        vehicles, total, next_cursor = list(found.page.rows), found.total, found.page.next_cursor
    except StoppedError:
        raise PadronError(Code.STORE_UNAVAILABLE, "The server is stopping. Try again.") from None
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        problem = error.detail
    asked = [Pair("from", first), Pair("to", last)]
    return show(
        visit,
        "times.html",
        first=first,
        last=last,
        today=today.isoformat(),
        problem=problem,
        vehicles=[VehicleTimes(vehicle=one, parts=list_parts(sum_by_status(one.cells))) for one in vehicles],
        total=total,
        parts=[] if total is None else list_parts(sum_total(total)),
        reasons=[] if total is None else list_reasons(total),
        first_page=asked,
        next_page=[*asked, Pair(UNTIL, until), Pair("cursor", next_cursor)] if next_cursor else [],
        is_first=cursor is None,
    )


def parse_period(visit: PageVisit, first: str, last: str, until: str) -> Period:
    """Give the period from the beginning of one day to the end of another, but no later than now.

    Days are those of the visitor's zone. The later pages of a report name by ``until`` the instant that was now on the
    first one. Raises ``bad_parameters`` for what is no day.
    """
    zone = visit.preferences.zone
    try:
        begin = datetime.combine(date.fromisoformat(first), time(), zone)
        end = datetime.combine(date.fromisoformat(last) + timedelta(days=1), time(), zone)
        return Period(from_at=begin, to_at=min(end, parse_instant(UNTIL, until) if until else visit.now))
    except (ValueError, OverflowError):
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("times.bad_day")) from None


def sum_total(total: TotalTime) -> Mapping[VehicleStatus, int]:
    """Give the seconds of all vehicles in each status."""
    sums = dict(sum_by_status(total.cells))
    for status, seconds in total.others.items():
        sums[status] = sums.get(status, 0) + seconds
    return dict(sorted(sums.items()))


def list_parts(sums: Mapping[VehicleStatus, int]) -> list[TimePart]:
    """Give the parts of a bar. Together they are as wide as the drawing, up to a rounding."""
    whole = sum(sums.values())
    parts: list[TimePart] = []
    before = 0
    for status, seconds in sums.items():
        x, end = before * WIDTH // max(whole, 1), (before + seconds) * WIDTH // max(whole, 1)
        before += seconds
        if seconds:
            share = write_share(seconds, whole)
            length = timedelta(seconds=seconds)
            parts.append(TimePart(status=status, length=length, share=share, x=x, width=max(end - x, 1)))
    return parts


def list_reasons(total: TotalTime) -> list[ReasonTime]:
    """Give the reasons for the most downtime, the longest first."""
    sums = sum_downtime(total.cells)
    whole = sum(sums.values())
    return [
        ReasonTime(reason=reason, length=timedelta(seconds=seconds), share=write_share(seconds, whole))
        for reason, seconds in list(sums.items())[:REASONS_SHOWN]
    ]


ROUTES = (ConsoleRoute(method="GET", path="/console/time-in-status", endpoint=show_times, scope=Scope.VEHICLES_READ),)
