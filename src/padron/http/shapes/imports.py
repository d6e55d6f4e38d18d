"""The JSON form of imports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.file_import import FileImport, ImportState, format_import_id
from padron.domain.file_reading import Header
from padron.http.shapes.vehicles import FORMER_NAME, ActorName


class ImportCountsShape(Struct, rename="camel"):
    """The results of the rows so far. In a dry run, the results that an import would have."""

    read: int
    registered: int
    updated: int
    unchanged: int
    kept_duplicates: int
    refused: int


class ImportShape(Struct, rename="camel", omit_defaults=True):
    """The state of an import. ``requestId`` is the id in the history, and can be undone. ``detail`` says why it failed.

    ``progress`` is the share of the file that was read. ``refusalsKept`` is the number of faults in the report.
    ``headerRow`` is the row with the column names, ``sheet`` is the sheet of the workbook, and ``ignoredColumns`` are
    the names of columns that are not read.
    """

    id: str
    import_id: Annotated[str, FORMER_NAME]
    state: ImportState
    keep_duplicates: bool
    dry_run: bool
    byte_count: int
    progress: Annotated[float, Meta(ge=0, le=1)]
    rows_per_second: float
    counts: ImportCountsShape
    refusals_kept: int
    request_id: str
    created_at: datetime
    created_by: str
    created_by_name: ActorName
    file_name: str | UnsetType = UNSET
    started_at: datetime | UnsetType = UNSET
    ended_at: datetime | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    header_row: int | UnsetType = UNSET
    sheet: str | UnsetType = UNSET
    ignored_columns: list[str] | UnsetType = UNSET


class ImportList(Struct, rename="camel"):
    """A page of imports, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    imports: list[ImportShape]
    next_cursor: str | None
    more: bool


def shape_import(one: FileImport, names: Mapping[str, str]) -> ImportShape:
    """Give the JSON form of an import, with the names of authors by their ids."""
    counts, header = one.counts, one.header or Header()
    return ImportShape(
        id=format_import_id(one.import_id),
        import_id=format_import_id(one.import_id),
        state=one.state,
        keep_duplicates=one.keep_duplicates,
        dry_run=one.dry_run,
        byte_count=one.byte_count,
        progress=one.progress,
        rows_per_second=one.rows_per_second,
        counts=ImportCountsShape(
            read=counts.read,
            registered=counts.registered,
            updated=counts.updated,
            unchanged=counts.unchanged,
            kept_duplicates=counts.kept_duplicates,
            refused=counts.refused,
        ),
        refusals_kept=one.refusals_kept,
        request_id=one.request_id,
        created_at=one.created_at,
        created_by=one.created_by,
        created_by_name=names.get(one.created_by),
        file_name=UNSET if one.file_name is None else one.file_name,
        started_at=one.started_at or UNSET,
        ended_at=one.ended_at or UNSET,
        detail=UNSET if one.detail is None else one.detail,
        header_row=UNSET if header.row is None else header.row,
        sheet=UNSET if header.sheet is None else header.sheet,
        ignored_columns=list(header.ignored) or UNSET,
    )
