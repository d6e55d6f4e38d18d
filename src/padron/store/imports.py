"""Imports of files on both engines: one account's imports, with their bytes and refused lines.

Locks: an import's row comes after vehicles and the counter. A transaction that adds or takes an import first locks the
account's row, and locks no vehicle.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from padron.domain.file_import import FileImport, ImportCounts, ImportState, KeptRefusal
from padron.domain.file_reading import Header, ReadingOptions
from padron.store.port import BoardPort, Columns, ReadPort, Row, ToInstant, WritePort, give_or_none

IMPORT = Columns(
    "import_id", "state", "file_name", "keep_duplicates", "dry_run", "created_by", "request_id", "created_at",
    "moved_at", "started_at", "ended_at", "byte_count", "part_count", "bytes_read", "bytes_total", "read",
    "registered", "updated", "unchanged", "kept_duplicates", "refused", "refusals_kept", "detail", "tries", "attempt",
    "lease_holder", "lease_until", "options", "header", "source_id", "kept_until",
)  # fmt: skip
IMPORT_REFUSAL = Columns("place", "line", "column_name", "detail")


class ImportTransaction:
    """One account's imports, in its open transaction. What ``lock_`` reads cannot change until its end."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def list_open(self) -> list[FileImport]:
        """Give the imports that have not ended, oldest first. No other transaction can add or take one meanwhile."""
        await self._port.fetch("lock_importer")
        return [_to_import(row, self._port.to_instant) for row in await self._port.fetch("list_open_imports")]

    async def is_account_enabled(self) -> bool:
        """Say whether the account is enabled."""
        return bool(await self._port.fetch("find_enabled_account"))

    async def add_import(self, new: FileImport) -> None:
        """Add an import."""
        await self._port.write_rows("insert_import", [_from_import(new)])

    async def lock_import(self, import_id: int) -> FileImport | None:
        """Give an import, even an unfinished upload, locked against other transactions."""
        rows = await self._port.fetch("lock_import", import_id)
        return _to_import(rows[0], self._port.to_instant) if rows else None

    async def save_import(self, changed: FileImport) -> None:
        """Write an import that is locked."""
        await self._port.write_rows("save_import", [_from_import(changed)])

    async def delete_import(self, import_id: int) -> None:
        """Delete an import that has neither bytes nor refused lines."""
        await self._port.write_rows("delete_import", [(import_id,)])

    async def add_part(self, import_id: int, number: int, data: bytes) -> None:
        """Add the next bytes of a file."""
        await self._port.write_rows("insert_part", [(import_id, number, data)])

    async def delete_parts(self, import_id: int, limit: int) -> int:
        """Delete at most ``limit`` parts of a file's bytes and give their number."""
        return len(await self._port.fetch("delete_parts", import_id, limit))

    async def add_refusals(self, import_id: int, refusals: Sequence[KeptRefusal]) -> None:
        """Add refused lines."""
        rows = [(import_id, *_from_refusal(refusal)) for refusal in refusals]
        await self._port.write_rows("insert_import_refusal", rows)

    async def delete_refusals(self, import_id: int, limit: int) -> int:
        """Delete at most ``limit`` refused lines and give their number."""
        return len(await self._port.fetch("delete_import_refusals", import_id, limit))

    async def save_mapping(self, fingerprint: str, mapping: Mapping[str, str], at: datetime, kept_max: int) -> None:
        """Keep how a file's names were mapped. Only the latest ``kept_max`` mappings remain."""
        text = msgspec.json.encode(mapping).decode()
        await self._port.write_rows("save_import_mapping", [(fingerprint, text, at)])
        await self._port.fetch("drop_old_mappings", kept_max)

    async def list_ended(self, before: datetime, limit: int) -> list[int]:
        """Give imports that ended before an instant."""
        return [row[0] for row in await self._port.fetch("list_ended_imports", before, limit)]

    async def list_leftovers(self) -> list[int]:
        """Give ended imports whose bytes still exist."""
        return [row[0] for row in await self._port.fetch("list_leftovers")]


class ImportReader:
    """One account's committed imports. An unfinished upload is not yet an import here."""

    def __init__(self, port: ReadPort) -> None:
        self._port = port

    async def list_imports(self, before: int, limit: int) -> list[FileImport]:
        """Give imports with an id below ``before``, newest first."""
        rows = await self._port.read_page("list_imports", before, limit)
        return [_to_import(row, self._port.to_instant) for row in rows]

    async def find_import(self, import_id: int) -> FileImport | None:
        """Give one import, if there is one."""
        rows = await self._port.read_page("find_import", import_id)
        return _to_import(rows[0], self._port.to_instant) if rows else None

    async def find_kept_file(self, file_id: int, now: datetime) -> FileImport | None:
        """Give a file that is kept to be looked at, if there is one."""
        rows = await self._port.read_page("find_kept_file", file_id, now)
        return _to_import(rows[0], self._port.to_instant) if rows else None

    async def find_mapping(self, fingerprint: str) -> Mapping[str, str]:
        """Give how files with these names were mapped the last time; empty if never."""
        rows = await self._port.read_page("find_import_mapping", fingerprint)
        return msgspec.json.decode(rows[0][0], type=dict[str, str]) if rows else {}

    async def load_part(self, import_id: int, number: int) -> bytes | None:
        """Give one part of a file's bytes, counted from 0; None when it is deleted."""
        rows = await self._port.read_page("load_part", import_id, number)
        return bytes(rows[0][0]) if rows else None

    async def list_refusals(self, import_id: int, after: int, limit: int) -> list[KeptRefusal]:
        """Give refused lines after a place, in order."""
        return [_to_refusal(row) for row in await self._port.read_page("list_import_refusals", import_id, after, limit)]


class ImportBoard:
    """The work for import workers, in all accounts: for the server itself, never for a request."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def list_waiting(self, now: datetime, holder: str, limit: int) -> list[int]:
        """Give accounts in which an import waits for a worker. An import that the holder itself has also counts."""
        return [row[0] for row in await self._port.read_point("list_waiting_imports", now, holder, limit)]

    async def survey_imports(self) -> dict[ImportState, int]:
        """Give the number of imports of all accounts that have not ended, by state."""
        return {ImportState(state): count for state, count in await self._port.read_page("survey_imports")}


def _to_import(row: Row, to_instant: ToInstant) -> FileImport:
    named = IMPORT.name(row)
    options, header = named["options"], named["header"]
    return FileImport(
        import_id=named["import_id"],
        state=ImportState(named["state"]),
        file_name=named["file_name"],
        keep_duplicates=named["keep_duplicates"] == 1,
        dry_run=named["dry_run"] == 1,
        created_by=named["created_by"],
        request_id=named["request_id"],
        created_at=to_instant(named["created_at"]),
        moved_at=to_instant(named["moved_at"]),
        started_at=give_or_none(to_instant, named["started_at"]),
        ended_at=give_or_none(to_instant, named["ended_at"]),
        byte_count=named["byte_count"],
        part_count=named["part_count"],
        bytes_read=named["bytes_read"],
        bytes_total=named["bytes_total"],
        counts=ImportCounts(
            read=named["read"],
            registered=named["registered"],
            updated=named["updated"],
            unchanged=named["unchanged"],
            kept_duplicates=named["kept_duplicates"],
            refused=named["refused"],
        ),
        refusals_kept=named["refusals_kept"],
        detail=named["detail"],
        tries=named["tries"],
        attempt=named["attempt"],
        lease_holder=named["lease_holder"],
        lease_until=give_or_none(to_instant, named["lease_until"]),
        options=ReadingOptions() if options is None else msgspec.json.decode(options, type=ReadingOptions),
        header=None if header is None else msgspec.json.decode(header, type=Header),
        source_id=named["source_id"],
        kept_until=give_or_none(to_instant, named["kept_until"]),
    )


def _from_import(one: FileImport) -> Sequence[object]:
    return IMPORT.order(
        {
            "import_id": one.import_id,
            "state": one.state.value,
            "file_name": one.file_name,
            "keep_duplicates": int(one.keep_duplicates),
            "dry_run": int(one.dry_run),
            "created_by": one.created_by,
            "request_id": one.request_id,
            "created_at": one.created_at,
            "moved_at": one.moved_at,
            "started_at": one.started_at,
            "ended_at": one.ended_at,
            "byte_count": one.byte_count,
            "part_count": one.part_count,
            "bytes_read": one.bytes_read,
            "bytes_total": one.bytes_total,
            "read": one.counts.read,
            "registered": one.counts.registered,
            "updated": one.counts.updated,
            "unchanged": one.counts.unchanged,
            "kept_duplicates": one.counts.kept_duplicates,
            "refused": one.counts.refused,
            "refusals_kept": one.refusals_kept,
            "detail": one.detail,
            "tries": one.tries,
            "attempt": one.attempt,
            "lease_holder": one.lease_holder,
            "lease_until": one.lease_until,
            "options": msgspec.json.encode(one.options).decode(),
            "header": None if one.header is None else msgspec.json.encode(one.header).decode(),
            "source_id": one.source_id,
            "kept_until": one.kept_until,
        }
    )


def _to_refusal(row: Row) -> KeptRefusal:
    named = IMPORT_REFUSAL.name(row)
    return KeptRefusal(
        place=named["place"], line=named["line"], column=named["column_name"], detail=named["detail"]
    )  # fmt: skip


def _from_refusal(refusal: KeptRefusal) -> Sequence[object]:
    return IMPORT_REFUSAL.order(
        {"place": refusal.place, "line": refusal.line, "column_name": refusal.column, "detail": refusal.detail}
    )
