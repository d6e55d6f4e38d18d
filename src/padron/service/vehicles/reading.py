"""Reads vehicles, now or at an instant, with their status and their history."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from padron.domain.account import Principal, Scope
from padron.domain.change import START, HistoryEntry, Span, get_only
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.query import LIMIT_MAX, TIME_SORTS, ListedVehicle, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle, VehicleVersion
from padron.domain.vin import Vin
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.service.vehicles.recency import check_place, find_place, find_seen
from padron.service.vehicles.searching import FoundRows, search_vehicles
from padron.store.reader import Reader

SHORT_PAGE = 100  # vehicles: it takes the event loop for two milliseconds, and a longer one waits for its turn
PRESENT = timedelta(minutes=1)  # this recent counts as the present while the clock is behind the record
STEP_CHANGES = 200_000  # one statement looks at the vehicles registered by so many changes: 0.8 s at most


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryPage(Page[HistoryEntry]):
    """A page of a history. If earlier changes of the vehicle are archived, the last page says up to which instant."""

    archived_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVehicles:
    """A page of vehicles. The filter ``operational`` and the past also give the place in the feed it reflects."""

    page: Page[VehicleVersion]
    cursor: str | None  # of the feed: the page includes all changes up to it


async def get_vehicle(
    runtime: Runtime, principal: Principal, vin: Vin, as_of: datetime | None = None
) -> VehicleVersion:
    """Give a vehicle that is current, or was current at an instant, with its core data.

    Raises ``vehicle_not_found``, ``multiple_vehicles_found``, and ``bad_parameters`` for a future
    instant.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    reader = runtime.store.read(principal.account_id)
    if as_of is None:
        found = await reader.list_versions_by_vin(vin)
    else:
        cut = await _find_state(runtime, reader, as_of)
        query = VehicleQuery(filters={"vin": vin}, up_to=cut, limit=LIMIT_MAX)
        found = [version for version, _ in await reader.list_vehicles(query)]
        (await reader.find_record_start()).check_number(cut)
    only = get_only([version.vehicle for version in found], vin)
    return next(version for version in found if version.vehicle is only)


async def get_status(runtime: Runtime, principal: Principal, vin: Vin) -> Vehicle:
    """Give a current vehicle's status. Raises ``vehicle_not_found``, ``multiple_vehicles_found``."""
    principal.check_scope(Scope.VEHICLES_READ)
    return get_only(await runtime.store.read(principal.account_id).list_by_vin(vin), vin)


async def list_vehicles(
    runtime: Runtime, principal: Principal, query: VehicleQuery, cursor: str | None, seen: str | None = None
) -> FoundVehicles:
    """Give a page of the list, now or as of an instant, in a state that includes ``seen``.

    Raises ``bad_parameters`` for a cursor that belongs to another question, and for a future
    instant.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    if query.words and query.as_of is not None:
        raise PadronError(Code.BAD_PARAMETERS, "q finds only present vehicles: leave out asOf.")
    epoch = runtime.store.epoch
    continued = cursors.continue_list(epoch, query, cursor)
    asked, told = continued.query, continued.told
    if asked.up_to is not None:  # the past has a refusal of its own, better than that of a cursor
        (await runtime.store.read(principal.account_id).find_record_start()).check_number(asked.up_to)
    await check_place(runtime, principal, told)
    at_least = max(await find_seen(runtime, principal, seen), told.number)
    if query.as_of is not None and asked.up_to is None:
        # Read from the primary, so that an instant means the same on every server.
        present = runtime.store.read(principal.account_id)
        asked = replace(asked, up_to=await _find_state(runtime, present, query.as_of))
    reader = runtime.store.read_recent(principal.account_id, max(at_least, asked.up_to or 0))
    # Read before the list: a reader who continues from here may see a change twice, but misses
    # none. The past is cut exactly there.
    last_change = asked.up_to
    if last_change is None and query.operational is not None:
        last_change = await reader.find_last_change()
    found = await _list_rows(reader, asked)
    if asked.up_to is not None:
        (await reader.find_record_start()).check_number(asked.up_to)
    # Another server may give the next page. A reader who then follows the feed from here must find
    # there everything that this page already shows.
    is_followed = found.last is not None or len(found.rows) == asked.limit
    reached = await find_place(reader, asked.up_to or max(at_least, last_change or 0)) if is_followed else START
    page = cut_page(found.rows, query.limit, lambda last: cursors.format_list_cursor(epoch, asked, *last, reached))
    if page.next_cursor is None and found.last is not None:  # the work was bounded, and the page is short
        page = Page(rows=page.rows, next_cursor=cursors.format_place_cursor(epoch, asked, found.last, reached))
    return FoundVehicles(
        page=Page(rows=[row.version for row in page.rows], next_cursor=page.next_cursor),
        cursor=None
        if last_change is None
        else cursors.format_feed_cursor(epoch, await find_place(reader, last_change)),
    )


def wait_for_turn(runtime: Runtime, principal: Principal, query: VehicleQuery) -> AbstractAsyncContextManager[None]:
    """Give the block in which a page of the list is read and written: the account's turn, if the page may take long."""
    return runtime.turns.take(principal.account_id) if may_take_long(query) else nullcontext()


def may_take_long(query: VehicleQuery) -> bool:
    """Say whether a page may look at more vehicles than it gives, or gives many.

    Then the pages of an account take turns. Otherwise they could take all reading threads or connections, and other
    accounts would wait for their own pages.
    """
    return (
        query.limit > SHORT_PAGE
        or query.as_of is not None
        or bool(query.words)
        or query.sort in TIME_SORTS  # SQLite has no index for them
        or (query.sort is not None and (bool(query.filters) or query.has_status))  # what the filters leave is sorted
        or len(query.filters) + query.has_status > 1  # an index serves one of them
    )


async def _list_rows(reader: Reader, asked: VehicleQuery) -> FoundRows:
    if asked.words:
        return await search_vehicles(reader, asked)
    return FoundRows(
        rows=await _list_in_steps(reader, asked) if _may_walk_far(asked) else await reader.list_vehicles(asked)
    )


def _may_walk_far(query: VehicleQuery) -> bool:
    """Say whether the query looks at vehicles one by one: there is no index for a status in the past."""
    by_status = (
        query.operational is not None or query.statuses or query.status not in {None, VehicleStatus.INFO_CHANGED}
    )
    return query.up_to is not None and query.sort is None and bool(by_status)


async def _list_in_steps(reader: Reader, query: VehicleQuery) -> list[ListedVehicle]:
    """Give a page. Uses as many statements as needed, each over a bounded part of the account."""
    last = query.up_to or 0
    begin = query.after.vehicle_id if query.after is not None else last if query.descending else 1
    rows: list[ListedVehicle] = []
    while 1 <= begin <= last and len(rows) < query.limit:
        end = max(begin - STEP_CHANGES, 1) if query.descending else begin + STEP_CHANGES
        span = Span(first=min(begin, end), last=max(begin, end))
        part = replace(query, registered_by=span, limit=query.limit - len(rows))
        rows += await reader.list_vehicles(part)
        begin = end - 1 if query.descending else end + 1
    return rows


async def _find_state(runtime: Runtime, reader: Reader, as_of: datetime) -> int:
    """Give the number of the last change up to an instant.

    Raises ``bad_parameters`` for a future instant, and ``archived`` for one whose changes are not in the record.

    After the clock was set back, the account's last change is later than the clock. A client that
    asks for the present then names the clock's instant. So an instant just before the clock's means
    everything recorded.
    """
    if as_of < runtime.clock() - PRESENT:
        return await _find_cut(reader, as_of)
    last_at = await reader.find_last_instant()
    now = runtime.clock()  # after it: while others write, the record passes a clock that was looked at before
    check_past("asOf", as_of, max(now, last_at))
    if as_of >= now - min(PRESENT, max(last_at - now, timedelta(0))):
        return await _find_cut(reader, max(as_of, last_at))
    return await _find_cut(reader, as_of)


async def _find_cut(reader: Reader, at: datetime) -> int:
    cut = await reader.find_cut(at)
    (await reader.find_record_start()).check_instant(at)
    return cut


def check_past(name: str, at: datetime, now: datetime) -> None:
    """Raise ``bad_parameters`` for a future instant: nothing is known about it."""
    if at > now:
        detail = f"{name} is {format_instant(at)}, which is in the future; the server's time is {format_instant(now)}."
        raise PadronError(Code.BAD_PARAMETERS, detail)


async def list_history(
    runtime: Runtime,
    principal: Principal,
    vin: Vin,
    *,
    limit: int,
    cursor: str | None,
    vehicle_id: int | None = None,
    seen: str | None = None,
) -> HistoryPage:
    """Give a page of the history of the current vehicle with a VIN, or else of the last one that was deleted.

    ``vehicle_id`` selects any vehicle that has the VIN, or had it when it became former.

    The answer's state includes ``seen``. Of the archived changes, only the last one is shown, because those between
    the ones that were kept are missing. Raises as ``get_status``, ``archived``, and for a bad cursor.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    epoch = runtime.store.epoch
    before = cursors.parse_history_cursor(epoch, cursor)
    at_least = await find_seen(runtime, principal, seen)
    present = runtime.store.read(principal.account_id)
    if vehicle_id is None:
        found = await present.list_by_vin(vin)
        vehicle_id = None if found else await present.find_former(vin)
        vehicle_id = vehicle_id or get_only(found, vin).vehicle_id
    elif not await present.has_vehicle(vehicle_id, vin):
        raise PadronError(Code.VEHICLE_NOT_FOUND, f"The account has no vehicle {vehicle_id} with the VIN {vin}.")
    # A vehicle's id is the number of its registration, so the history of a known vehicle is never
    # empty.
    reader = runtime.store.read_recent(principal.account_id, max(at_least, vehicle_id))
    entries = await reader.list_history(vehicle_id, before, look_beyond(limit))
    start = await reader.find_record_start()
    if before is not None:
        start.check_number(before - 1)
    complete = [entry for n, entry in enumerate(entries) if not n or entries[n - 1].number > start.number]
    page = cut_page(complete, limit, lambda last: cursors.format_history_cursor(epoch, last.number))
    is_cut = bool(page.rows) and not page.more and vehicle_id < page.rows[-1].number <= start.number
    return HistoryPage(
        rows=page.rows, next_cursor=page.next_cursor, archived_until=start.at if is_cut else None
    )  # fmt: skip
