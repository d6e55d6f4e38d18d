"""The archiving of an account's record on both engines: its mark, the changes to archive, and their deletion."""

from collections.abc import Sequence
from datetime import datetime

from padron.domain.archives import ArchivedChange, ArchiveMark, NextPortion
from padron.store.changes import HISTORY, NEVER, to_history_entry
from padron.store.port import ReadPort, Row, ToInstant, WritePort
from padron.store.vehicles import to_details

_HISTORY_WIDTH = len(HISTORY.names)


class ArchiveReader:
    """What the archiving reads of one account. Each method sees one instant."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def load_mark(self) -> ArchiveMark:
        """Give how far the archiving has come."""
        return _to_mark(await self._port.read_point("load_archive_mark"), self._port.to_instant)

    async def find_portion(self, after: int, before: datetime, limit: int) -> NextPortion | None:
        """Give the next changes after a number that are all earlier than an instant; None without any."""
        ((last, count, earliest_at),) = await self._port.read_page("find_portion", after, before, limit)
        if not count:
            return None
        return NextPortion(last=last, count=count, earliest_at=self._port.to_instant(earliest_at))

    async def list_changes(self, after: int, up_to: int, limit: int) -> Sequence[ArchivedChange]:
        """Give the changes after a number up to another one, in order."""
        rows = await self._port.read_page("list_archived", after, up_to, limit)
        return [_to_archived(row, self._port.to_instant) for row in rows]


class ArchiveTransaction:
    """The archiving of one account, in its open transaction. It locks the account's counter, after everything else."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def lock_mark(self) -> ArchiveMark:
        """Give how far the archiving has come. It stays there until the transaction ends."""
        return _to_mark(await self._port.fetch("lock_archive_mark"), self._port.to_instant)

    async def find_needed(self) -> int | None:
        """Give the number after which webhooks need the record; None without webhooks.

        Ask with the mark locked: a replay locks it too, so it cannot go back meanwhile.
        """
        (asked,) = await self._port.fetch("find_needed_by_webhooks")
        return min((number for number in asked if number is not None), default=None)

    async def begin_portion(self, after: int, last: int) -> bool:
        """Note that the changes after a number up to ``last`` are being written. Give False if the mark moved."""
        return bool(await self._port.fetch("begin_portion", after, last))

    async def settle_portion(self, after: int, last: int, latest_at: datetime) -> bool:
        """Note that the portion is in a file. From now on, its changes may be deleted. Give False if the mark moved."""
        return bool(await self._port.fetch("settle_portion", after, last, latest_at))

    async def clear_changes(self, first: int, last: int, archived_to: int) -> int:
        """Delete the changes from ``first`` to ``last`` that no later question needs, and give their number.

        Earlier changes that were kept go as well, if these changes supersede them.
        """
        rows = await self._port.fetch("clear_changes", first, last, archived_to)
        await self._port.fetch("note_cleared", last)
        return len(rows)


def _to_mark(rows: Sequence[Row], to_instant: ToInstant) -> ArchiveMark:
    if not rows:  # the account has just been deleted
        return ArchiveMark(archived_to=0, archived_at=NEVER, archiving_to=0, cleared_to=0)
    archived_to, archived_at, archiving_to, cleared_to = rows[0]
    return ArchiveMark(
        archived_to=archived_to,
        archived_at=to_instant(archived_at),
        archiving_to=archiving_to,
        cleared_to=cleared_to,
    )


def _to_archived(row: Row, to_instant: ToInstant) -> ArchivedChange:
    vehicle_id, vin, details = row[_HISTORY_WIDTH:]
    return ArchivedChange(
        change=to_history_entry(row[:_HISTORY_WIDTH], to_instant),
        vehicle_id=vehicle_id,
        vin=vin,
        details=None if details is None else to_details(details),
    )
