"""The time of each vehicle in each status, and the sums. The record is read in bounded batches."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.time_in_status import Period, TimeQuery, TotalTime, VehicleTime, gather_vehicle_times
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.service.vehicles.reading import check_past
from padron.service.vehicles.recency import check_place, find_place

# Vehicles in one statement: few at first, then more while a statement is short. Its time depends on
# how often the vehicles changed, which is unknown beforehand.
BATCH_VEHICLES = 500
BATCH_VEHICLES_FIRST = 20
BATCH_S_SHORT = 0.05
BATCH_S_LONG = 0.25

Filters = dict[str, str | int]
HasGone = Callable[[], bool]  # says that nobody waits for the answer any more


class StoppedError(Exception):
    """The client has gone, so the rest of the report was not made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimesInStatus:
    """A page of vehicles, in order of registration. Only the first page has ``total``, the sum of all."""

    page: Page[VehicleTime]
    total: TotalTime | None
    cursor: str  # of the feed: the report includes the changes up to it


async def open_report(runtime: Runtime, principal: Principal, period: Period, filters: Filters) -> TimeQuery:
    """Give the query for a period, cut off at the record's current end.

    Raises ``forbidden``, ``archived``, and ``bad_parameters`` for a period that is empty or not over yet.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    query = _check_period(runtime, period, filters)
    reader = runtime.store.read(principal.account_id)
    since, until = await reader.find_cut(query.from_at), await reader.find_cut(query.to_at)
    (await reader.find_record_start()).check_instant(query.from_at)
    return replace(query, since=since, until=until)


async def report_page(
    runtime: Runtime,
    principal: Principal,
    period: Period,
    filters: Filters,
    is_gone: HasGone,
    *,
    limit: int,
    cursor: str | None,
) -> TimesInStatus:
    """Give a page of vehicles. The first page also has the sum over all vehicles.

    Raises as ``open_report``, ``bad_parameters`` for a bad cursor, and StoppedError.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    if cursor is None:
        query = await open_report(runtime, principal, period, filters)
    else:
        continued = cursors.continue_report(runtime.store.epoch, _check_period(runtime, period, filters), cursor)
        query = continued.query
        (await runtime.store.read(principal.account_id).find_record_start()).check_number(query.since)
        await check_place(runtime, principal, continued.told)
    total = TotalTime() if cursor is None else None
    listed: list[VehicleTime] = []
    async for batch in follow_report(runtime, principal, query, is_gone):
        listed += batch[: look_beyond(limit) - len(listed)]
        if total is not None:
            total.add(batch)
        elif len(listed) > limit:
            break
    epoch = runtime.store.epoch
    until = await find_place(runtime.store.read(principal.account_id), query.until)
    return TimesInStatus(
        page=cut_page(listed, limit, lambda last: cursors.format_report_cursor(epoch, query, until, last.vehicle_id)),
        total=total,
        cursor=cursors.format_feed_cursor(epoch, until),
    )


async def follow_report(
    runtime: Runtime, principal: Principal, query: TimeQuery, is_gone: HasGone
) -> AsyncIterator[list[VehicleTime]]:
    """Give all vehicles of the period, batch by batch. Raises ``forbidden`` and StoppedError."""
    principal.check_scope(Scope.VEHICLES_READ)
    reader, loop = runtime.store.read(principal.account_id), asyncio.get_running_loop()
    query = replace(query, limit=min(BATCH_VEHICLES_FIRST, BATCH_VEHICLES))
    while True:
        begun = loop.time()
        rows = await reader.sum_statuses(query)
        took_s = loop.time() - begun
        (await reader.find_record_start()).check_number(query.since)
        if is_gone():
            raise StoppedError
        if not rows:
            return
        yield gather_vehicle_times(rows)
        query = replace(query, after=rows[-1].vehicle_id, limit=give_next_size(query.limit, took_s))


def give_next_size(size: int, took_s: float) -> int:
    """Give the number of vehicles for the next statement."""
    if took_s < BATCH_S_SHORT:
        return min(size * 2, BATCH_VEHICLES)
    return max(size // 4, 1) if took_s > BATCH_S_LONG else size


def _check_period(runtime: Runtime, period: Period, filters: Filters) -> TimeQuery:
    from_at, to_at = period.from_at.astimezone(UTC), period.to_at.astimezone(UTC)
    if from_at >= to_at:
        raise PadronError(Code.BAD_PARAMETERS, "from is not before to. A period must end after its beginning.")
    check_past("to", to_at, runtime.clock())
    return TimeQuery(from_at=from_at, to_at=to_at, since=0, until=0, filters=filters)
