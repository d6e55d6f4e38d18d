"""Records to archive: any history of some vehicles, all that may be asked about it, and the answers."""

import random
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from padron.domain.account import Principal
from padron.domain.archives import ArchivedChange
from padron.domain.change import Change, FeedEntry, HistoryEntry, Place
from padron.domain.deletion import Deletion, decide_deletion
from padron.domain.erasure import Selection
from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.time_in_status import Period
from padron.domain.vehicle import VehicleVersion
from padron.files.archives import list_parts, read_changes
from padron.service.changes.feed import list_changes
from padron.service.changes.pages import FeedFilter, FeedQuery
from padron.service.reports.time_in_status import TimesInStatus, report_page
from padron.service.runtime import Runtime
from padron.service.vehicles.erasure import Erasure, erase_values
from padron.service.vehicles.reading import list_history, list_vehicles
from tests.cast import NOON, info_changed, make_vin, registered, restored, retired, save, status_changed

STATUSES = list(SETTABLE_STATUSES.values())


async def write_record(
    runtime: Runtime, principal: Principal, dice: random.Random, count: int, *, first: int = 0, at: datetime = NOON
) -> datetime:
    """Write some hundred changes of any kind, between one and a few thousand seconds apart. Give the last instant."""
    store, account_id = runtime.store, principal.account_id
    for n in range(first, first + count):
        at += timedelta(seconds=dice.choice([0, 1, 60, 3_000]), microseconds=dice.choice([0, 1]))
        vehicles = [row.version for row in await store.read(account_id).list_vehicles(VehicleQuery(filters={}))]
        request_id = f"r{n // dice.choice([1, 1, 4])}"
        if len(vehicles) < 4 or (len(vehicles) < 12 and dice.random() < 0.1):
            change = registered(make_vin(n), plate=f"P{n:04d}", at=at, request_id=request_id)
        else:
            change = _choose_change(dice.choice(vehicles), dice, n, at, request_id)
        await save(store, account_id, change)
        if change.retires and dice.random() < 0.5:
            await save(store, account_id, restored(change.vehicle, {"plate": f"R{n:04d}"}, at=at))
        if dice.random() < 0.03:
            selection = Selection(fields=frozenset({"ownerName"}))
            await erase_values(
                runtime, principal, Erasure(vin=change.vehicle.vin, selection=selection, by="Acme", request_id=f"e{n}")
            )
    return at


def _choose_change(version: VehicleVersion, dice: random.Random, n: int, at: datetime, request_id: str) -> Change:
    luck = dice.random()
    if luck < 0.03:
        deletion = Deletion(vin=version.vehicle.vin, by="Acme", request_id=request_id)
        return decide_deletion([version.vehicle], deletion, at)
    if luck < 0.06:
        return retired(version.vehicle, at=at, request_id=request_id)
    if luck < 0.25:
        before, after = dict(version.details), {"plate": f"C{n:04d}", "ownerName": dice.choice(["Ana", "Ñandú"])}
        return info_changed(version.vehicle, before, after, at=at, request_id=request_id)
    others = [status for status in STATUSES if status is not version.vehicle.status]
    return status_changed(version.vehicle, dice.choice(others), at=at, request_id=request_id)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the register answered while it had the whole record."""

    feed: list[FeedEntry]
    states: dict[datetime, dict[VehicleStatus | None, list[VehicleVersion]]]
    reports: dict[tuple[datetime, datetime], TimesInStatus]
    histories: dict[int, list[HistoryEntry]]


async def read_feed(runtime: Runtime, principal: Principal, after: Place) -> list[FeedEntry]:
    found: list[FeedEntry] = []
    more = True
    while more:
        page = await list_changes(runtime, principal, FeedQuery(after=after, limit=50, wanted=FeedFilter()))
        found += page.entries
        after, more = page.position, page.more
    return found


async def read_state(
    runtime: Runtime, principal: Principal, at: datetime, status: VehicleStatus | None
) -> list[VehicleVersion]:
    found: list[VehicleVersion] = []
    cursor: str | None = None
    query = VehicleQuery(filters={}, as_of=at, status=status, limit=7)
    while True:
        page = (await list_vehicles(runtime, principal, query, cursor)).page
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return found


async def read_report(runtime: Runtime, principal: Principal, from_at: datetime, to_at: datetime) -> TimesInStatus:
    period = Period(from_at=from_at, to_at=to_at)
    return await report_page(runtime, principal, period, {}, lambda: False, limit=500, cursor=None)


async def read_history(runtime: Runtime, principal: Principal, entry: FeedEntry) -> list[HistoryEntry]:
    found: list[HistoryEntry] = []
    cursor: str | None = None
    while True:
        page = await list_history(
            runtime, principal, entry.vin, limit=3, cursor=cursor, vehicle_id=entry.vehicle_id
        )  # fmt: skip
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return found


async def learn(runtime: Runtime, principal: Principal, feed: list[FeedEntry], dice: random.Random) -> Known:
    """Ask the whole record about some instants, periods, and every vehicle."""
    chosen = {dice.choice(feed).change.at + timedelta(microseconds=dice.choice([-1, 0, 1])) for _ in range(8)}
    instants = sorted({at for at in chosen if at <= feed[-1].change.at} | {feed[-1].change.at})
    states = {
        at: {status: await read_state(runtime, principal, at, status) for status in (None, *VehicleStatus)}
        for at in instants
    }
    pairs = [(one, other) for one in instants for other in instants if one < other]
    reports = {pair: await read_report(runtime, principal, *pair) for pair in pairs}
    last = {entry.vehicle_id: entry for entry in feed}
    histories = {
        vehicle_id: await read_history(runtime, principal, entry) for vehicle_id, entry in last.items()
    }  # fmt: skip
    return Known(feed=feed, states=states, reports=reports, histories=histories)


async def refuses(code: Code, question: Awaitable[object]) -> bool:
    """Say whether a question is refused with this code."""
    try:
        await question
    except PadronError as error:
        return error.code is code
    return False


def read_archive(folder: Path, account_id: int) -> list[ArchivedChange]:
    """Give all archived changes, from all files in order."""
    return [change for part in list_parts(folder, account_id) for change in read_changes(part)]
