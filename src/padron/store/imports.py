"""The records of imports over named statements: what is alike in both engines.

An engine gives two ways to run its own statements, and how it reads and binds instants. Locks: an import's row comes
after vehicles and the counter; whoever adds or takes an import locks the account's row first, and no vehicle.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

import msgspec

from padron.domain.file_import import FileImport, ImportCounts, ImportState, KeptRefusal
from padron.domain.file_reading import Header, ReadingOptions

Row = tuple[Any, ...]
Fetch = Callable[[str, tuple[object, ...]], Awaitable[Sequence[Any]]]
WriteMany = Callable[[str, list[tuple[object, ...]]], Awaitable[None]]
ToInstant = Callable[[Any], datetime | None]


class ImportBoard(Protocol):
    """Where workers see what is to be done, in all accounts: for the server itself, never for a request."""

    async def list_waiting(self, now: datetime, holder: str, limit: int) -> list[int]:
        """Give accounts in which an import waits for a worker; what the holder has itself waits too."""
        ...


class ImportTransaction:
    """One account's transaction on its imports, over the statements of an engine."""

    def __init__(self, fetch: Fetch, write_many: WriteMany, account_id: int, to_instant: ToInstant) -> None:
        self._fetch = fetch
        self._write_many = write_many
        self._account_id = account_id
        self._to_instant = to_instant

    async def list_open(self) -> list[FileImport]:
        """Give the imports that have not ended, oldest first. Nobody else adds or takes one until the end."""
        await self._fetch("lock_importer", (self._account_id,))
        rows = await self._fetch("list_open_imports", (self._account_id,))
        return [to_import(row, self._to_instant) for row in rows]

    async def add_import(self, new: FileImport) -> None:
        """Add an import."""
        await self._write_many("insert_import", [self._give_row(new)])

    async def lock_import(self, import_id: int) -> FileImport | None:
        """Give an import, uploads included, locked against other transactions."""
        rows = await self._fetch("lock_import", (self._account_id, import_id))
        return to_import(rows[0], self._to_instant) if rows else None

    async def save_import(self, changed: FileImport) -> None:
        """Write an import that is locked."""
        await self._write_many("save_import", [self._give_row(changed)])

    async def delete_import(self, import_id: int) -> None:
        """Delete an import that has neither bytes nor refused lines."""
        await self._write_many("delete_import", [(self._account_id, import_id)])

    async def add_part(self, import_id: int, number: int, data: bytes) -> None:
        """Add the next bytes of a file."""
        await self._write_many("insert_part", [(self._account_id, import_id, number, data)])

    async def delete_parts(self, import_id: int, limit: int) -> int:
        """Delete some bytes of a file and give the number of the parts."""
        return len(await self._fetch("delete_parts", (self._account_id, import_id, limit)))

    async def add_refusals(self, import_id: int, refusals: Sequence[KeptRefusal]) -> None:
        """Add refused lines."""
        rows: list[tuple[object, ...]] = [
            (self._account_id, import_id, one.place, one.line, one.column, one.detail) for one in refusals
        ]
        if rows:
            await self._write_many("insert_import_refusal", rows)

    async def delete_refusals(self, import_id: int, limit: int) -> int:
        """Delete some refused lines and give their number."""
        return len(await self._fetch("delete_import_refusals", (self._account_id, import_id, limit)))

    async def list_ended(self, before: datetime, limit: int) -> list[int]:
        """Give imports that ended before an instant."""
        return [row[0] for row in await self._fetch("list_ended_imports", (self._account_id, before, limit))]

    async def list_leftovers(self) -> list[int]:
        """Give imports that ended and whose bytes are still there."""
        return [row[0] for row in await self._fetch("list_leftovers", (self._account_id,))]

    def _give_row(self, one: FileImport) -> tuple[object, ...]:
        counts = one.counts
        return (
            self._account_id, one.import_id, one.state.value, one.file_name, int(one.keep_duplicates),
            int(one.dry_run), one.created_by, one.request_id, one.created_at, one.moved_at, one.started_at,
            one.ended_at, one.byte_count, one.part_count, one.bytes_read, one.bytes_total,
            counts.read, counts.registered, counts.updated, counts.unchanged, counts.kept_duplicates, counts.refused,
            one.refusals_kept, one.detail, one.tries, one.attempt, one.lease_holder, one.lease_until,
            msgspec.json.encode(one.options).decode(),
            None if one.header is None else msgspec.json.encode(one.header).decode(),
        )  # fmt: skip


class ImportReader:
    """One account's committed imports. An upload that is under way is none yet."""

    def __init__(self, fetch: Fetch, account_id: int, to_instant: ToInstant) -> None:
        self._fetch = fetch
        self._account_id = account_id
        self._to_instant = to_instant

    async def list_imports(self, before: int, limit: int) -> list[FileImport]:
        """Give imports with an id below ``before``, newest first."""
        rows = await self._fetch("list_imports", (self._account_id, before, limit))
        return [to_import(row, self._to_instant) for row in rows]

    async def find_import(self, import_id: int) -> FileImport | None:
        """Give one import, if there is one."""
        rows = await self._fetch("find_import", (self._account_id, import_id))
        return to_import(rows[0], self._to_instant) if rows else None

    async def load_part(self, import_id: int, number: int) -> bytes | None:
        """Give some bytes of a file, counted from 0; None when they are gone."""
        rows = await self._fetch("load_part", (self._account_id, import_id, number))
        return bytes(rows[0][0]) if rows else None

    async def list_refusals(self, import_id: int, after: int, limit: int) -> list[KeptRefusal]:
        """Give refused lines after a place, in order."""
        rows = await self._fetch("list_import_refusals", (self._account_id, import_id, after, limit))
        return [KeptRefusal(place=row[0], line=row[1], column=row[2], detail=row[3]) for row in rows]


def to_import(row: Row, to_instant: ToInstant) -> FileImport:
    """Give the import of a row."""
    return FileImport(
        import_id=row[0],
        state=ImportState(row[1]),
        file_name=row[2],
        keep_duplicates=row[3] == 1,
        dry_run=row[4] == 1,
        created_by=row[5],
        request_id=row[6],
        created_at=cast("datetime", to_instant(row[7])),
        moved_at=cast("datetime", to_instant(row[8])),
        started_at=to_instant(row[9]),
        ended_at=to_instant(row[10]),
        byte_count=row[11],
        part_count=row[12],
        bytes_read=row[13],
        bytes_total=row[14],
        counts=ImportCounts(
            read=row[15],
            registered=row[16],
            updated=row[17],
            unchanged=row[18],
            kept_duplicates=row[19],
            refused=row[20],
        ),
        refusals_kept=row[21],
        detail=row[22],
        tries=row[23],
        attempt=row[24],
        lease_holder=row[25],
        lease_until=to_instant(row[26]),
        options=ReadingOptions() if row[27] is None else msgspec.json.decode(row[27], type=ReadingOptions),
        header=None if row[28] is None else msgspec.json.decode(row[28], type=Header),
    )
