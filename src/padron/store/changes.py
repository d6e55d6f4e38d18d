"""The record of changes on both engines: its rows, and a reader of one account's committed changes.

Each engine's own transaction writes changes, together with their vehicles.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import cast

import msgspec

from padron.domain.archives import RecordStart
from padron.domain.change import START, Change, ChangeType, ErasedValues, FeedEntry, HistoryEntry, Place
from padron.domain.deletion import DeletionEntry
from padron.domain.status import is_operational
from padron.domain.vehicle import Difference
from padron.store.port import Columns, ReadPort, Row, ToInstant
from padron.store.vehicles import give_status, give_status_or_none, to_details

HISTORY = Columns(
    "number", "type", "changed_at", "changed_by", "request_id", "from_status", "to_status", "reason", "differences"
)
FEED = Columns(*HISTORY.names, "vehicle_id", "vin", "present_status")
FOLLOWED = Columns(*FEED.names, "allowed", "former_allowed")
DELETION = Columns(
    "number", "vehicle_id", "vin", "changed_at", "changed_by", "request_id", "from_status", "reason", "details"
)  # fmt: skip

_HISTORY_WIDTH = len(HISTORY.names)
_FEED_WIDTH = len(FEED.names)
_NUMBER_MAX = 2**63 - 1
_MICROSECOND = timedelta(microseconds=1)  # instants have no smaller parts
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_PLACES_KEPT = 4_096  # of accounts that are asked often

_Differences = dict[str, Difference]


class ChangeReader:
    """One account's committed changes. Each method sees one instant."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def find_cut(self, at: datetime) -> int:
        """Give the number of the last change up to an instant, or 0. It names the register's state at that instant.

        The answer never changes, unless a later change is recorded with an instant before this one.
        """
        return cast("int", (await self._port.read_page("find_cut", at))[0][0])

    async def list_request_changes(self, request_id: str, after: int, limit: int) -> list[FeedEntry]:
        """Give the changes of one request with a number above ``after``, in order."""
        rows = await self._port.read_page("list_request_changes", request_id, after, limit)
        return [to_feed_entry(row, self._port.to_instant) for row in rows]

    async def list_history(self, vehicle_id: int, before: int | None, limit: int) -> list[HistoryEntry]:
        """Give a vehicle's changes with a number below ``before``, newest first."""
        below = _NUMBER_MAX if before is None else before
        rows = await self._port.read_page("list_history", vehicle_id, below, limit)
        return [to_history_entry(row, self._port.to_instant) for row in rows]

    async def list_deletions(self, before: int | None, since: datetime, limit: int) -> list[DeletionEntry]:
        """Give the deletions since an instant with a number below ``before`` that were not undone, the last one first.

        It looks at no other changes. So it takes as long as there are deletions since then.
        """
        below = _NUMBER_MAX if before is None else before
        earlier = await self.find_cut(since - _MICROSECOND)
        rows = await self._port.read_page("list_deletions", below, earlier, limit)
        return [to_deletion(row, self._port.to_instant) for row in rows]

    async def list_changes(self, after: int, limit: int) -> list[FeedEntry]:
        """Give the account's changes with a number above ``after``, in order, without a gap.

        Every server gives a change as soon as its writer has its answer. Each entry has the gate's verdict.
        """
        rows = await self._port.read_page("list_changes", after, limit)
        return [_to_followed_entry(row, self._port.to_instant) for row in rows]

    async def find_last_change(self) -> int:
        """Give the number of the account's last change, or 0 before the first one."""
        rows = await self._port.read_point("find_last_change")
        return cast("int", rows[0][0]) if rows else 0  # a replica may not have a new account yet

    async def find_last_place(self) -> Place:
        """Give the place after the account's last change, at one instant."""
        rows = await self._port.read_point("find_last_place")
        if not rows:
            return START  # the account was deleted a moment ago
        number, *change = rows[0]
        return to_place(number, change, self._port.to_instant)

    async def find_last_instant(self) -> datetime:
        """Give the instant of the account's last change, or 1970 before the first one. No later change is earlier."""
        return self._port.to_instant((await self._port.read_point("find_last_instant"))[0][0])

    async def find_place(self, number: int) -> Place | None:
        """Give the place after the change with this number. 0 is the beginning; give None for an unknown number."""
        if number == 0:
            return START
        rows = await self._port.read_point("find_change", number)
        return to_place(number, rows[0], self._port.to_instant) if rows else None

    async def find_record_start(self) -> RecordStart:
        """Give where the record begins.

        Ask after whatever was read from the record: changes are deleted only once this gives a later start. So what
        was read is complete after the start that is given then.
        """
        rows = await self._port.read_point("find_record_start")
        number, at = rows[0] if rows else (0, None)  # a replica may not have a new account yet
        return RecordStart(number=number, at=NEVER if at is None else self._port.to_instant(at))

    async def find_request_end(self, request_id: str) -> int:
        """Give the number of a request's last change, or of the account's last change if the request made no change."""
        return cast("int", (await self._port.read_point("find_request_end", request_id))[0][0])


def encode_differences(change: Change) -> str | None:
    """Give the text of the column ``differences``: those of core data, or what an erasure did."""
    if change.erased is not None:
        return msgspec.json.encode(change.erased).decode()
    return None if change.differences is None else msgspec.json.encode(change.differences).decode()


def to_history_entry(row: Row, to_instant: ToInstant) -> HistoryEntry:
    """Give the history entry of a row."""
    number, kind, at, by, request_id, from_status, to_status, reason, differences = row
    erased = None
    if kind == ChangeType.ERASED and differences is not None:
        erased, differences = msgspec.json.decode(differences, type=ErasedValues), None
    return HistoryEntry(
        number=number,
        type=ChangeType(kind),
        at=to_instant(at),
        by=by,
        request_id=request_id,
        from_status=give_status_or_none(from_status),
        to_status=give_status(to_status),
        reason=reason,
        differences=None if differences is None else msgspec.json.decode(differences, type=_Differences),
        erased=erased,
    )


def to_deletion(row: Row, to_instant: ToInstant) -> DeletionEntry:
    """Give the deletion of a row."""
    number, vehicle_id, vin, at, by, request_id, status, reason, details = row
    return DeletionEntry(
        number=number,
        vehicle_id=vehicle_id,
        vin=vin,
        at=to_instant(at),
        by=by,
        request_id=request_id,
        status=give_status(status),
        reason=reason,
        details=to_details(details),
    )


def to_feed_entry(row: Row, to_instant: ToInstant) -> FeedEntry:
    """Give the feed entry of a row, without the gate's verdict."""
    vehicle_id, vin, present_status = row[_HISTORY_WIDTH:_FEED_WIDTH]
    return FeedEntry(
        change=to_history_entry(row[:_HISTORY_WIDTH], to_instant),
        vehicle_id=vehicle_id,
        vin=vin,
        is_operational=is_operational(give_status(present_status)),
    )


def _to_followed_entry(row: Row, to_instant: ToInstant) -> FeedEntry:
    allowed, former_allowed = row[_FEED_WIDTH:]
    return replace(
        to_feed_entry(row, to_instant),
        is_allowed=bool(allowed),
        is_former_allowed=None if former_allowed is None else bool(former_allowed),
    )


def to_place(number: int, row: Row, to_instant: ToInstant) -> Place:
    """Give the place after a change from its row: request, instant and VIN. NULL values mean the beginning."""
    request_id, at, vin = row
    if request_id is None or at is None or vin is None:
        return START
    return _give_place_after(number, request_id, to_instant(at), vin)


@lru_cache(maxsize=_PLACES_KEPT)
def _give_place_after(number: int, request_id: str, at: datetime, vin: str) -> Place:
    """Give the place after a change. Between two changes of an account, every answer of the gate names the same one."""
    return Place.after(number, request_id=request_id, at=at, vin=vin)
