"""The JSON form of files that are uploaded to be looked at, and of what they look like."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.file_import import FileImport, format_import_id
from padron.domain.file_preview import Confidence, FilePreview, PreviewRow
from padron.domain.file_reading import (
    CORRECTION_LENGTH_MAX,
    CORRECTIONS_MAX,
    HEADER_ROW_MAX,
    MAPPED_MAX,
    SHEET_LENGTH_MAX,
    CellCorrection,
    ReadingOptions,
)

FINGERPRINT_PATTERN = "^[0-9a-f]{32}$"


class KeptFileShape(Struct, rename="camel", omit_defaults=True):
    """An uploaded file that waits to be imported. It is deleted at ``keptUntil``, which each import of it moves."""

    id: str
    byte_count: int
    kept_until: datetime
    file_name: str | UnsetType = UNSET


class PreviewColumnShape(Struct, rename="camel"):
    """One column. ``column`` is the field that it seems to be, and null for a column that would be left out.

    ``confidence`` is `chosen` (by a mapping), `sure` (a known name), `likely` (a similar name, or such cells) or
    `none`.
    """

    name: str
    column: str | None
    confidence: Confidence


class PreviewRowShape(Struct, rename="camel"):
    """The beginning of each cell of a row."""

    line: int
    cells: list[str]


class PreviewShape(Struct, rename="camel", omit_defaults=True):
    """The beginning of a file. ``before`` has the rows up to the names.

    A workbook has ``sheets``. ``fingerprint`` is the same for all files with the same names.
    """

    columns: list[PreviewColumnShape]
    rows: list[PreviewRowShape]
    before: list[PreviewRowShape]
    fingerprint: str
    sheets: list[str] | UnsetType = UNSET
    sheet: str | UnsetType = UNSET
    header_row: int | UnsetType = UNSET


class CorrectionBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What a cell of the file should have been. ``line`` and ``column`` are those of the report."""

    line: Annotated[int, Meta(ge=1)]
    column: Annotated[str, Meta(max_length=50)]
    value: Annotated[str, Meta(max_length=CORRECTION_LENGTH_MAX)]


class KeptImportBody(Struct, rename="camel", forbid_unknown_fields=True):
    """How to import the file. The members are those of a direct import, and ``corrections`` of single cells.

    With ``fingerprint``, of the preview, the mapping is kept for the next file with the same names.
    """

    dry_run: bool = False
    keep_duplicates: bool = False
    sheet: Annotated[str, Meta(min_length=1, max_length=SHEET_LENGTH_MAX)] | UnsetType = UNSET
    header_row: Annotated[int, Meta(ge=1, le=HEADER_ROW_MAX)] | UnsetType = UNSET
    mapping: Annotated[dict[str, str], Meta(max_length=MAPPED_MAX)] = {}
    ignore_unknown: bool = False
    normalize: bool = False
    corrections: Annotated[list[CorrectionBody], Meta(max_length=CORRECTIONS_MAX)] = []
    fingerprint: Annotated[str, Meta(pattern=FINGERPRINT_PATTERN)] | UnsetType = UNSET


def shape_kept_file(one: FileImport) -> KeptFileShape:
    """Give the JSON form of a kept file."""
    return KeptFileShape(
        id=format_import_id(one.import_id),
        byte_count=one.byte_count,
        kept_until=one.kept_until or one.moved_at,
        file_name=UNSET if one.file_name is None else one.file_name,
    )


def shape_preview(one: FilePreview) -> PreviewShape:
    """Give the JSON form of a preview."""
    return PreviewShape(
        columns=[
            PreviewColumnShape(name=column.name, column=column.column, confidence=column.confidence)
            for column in one.columns
        ],
        rows=[_shape_row(row) for row in one.rows],
        before=[_shape_row(row) for row in one.before],
        fingerprint=one.fingerprint,
        sheets=list(one.sheets) or UNSET,
        sheet=UNSET if one.sheet is None else one.sheet,
        header_row=UNSET if one.header_row is None else one.header_row,
    )


def give_reading(body: KeptImportBody) -> ReadingOptions:
    """Give the options of a body."""
    return ReadingOptions(
        mapping=body.mapping,
        sheet=None if body.sheet is UNSET else body.sheet,
        header_row=None if body.header_row is UNSET else body.header_row,
        ignore_unknown=body.ignore_unknown,
        normalize=body.normalize,
        corrections=tuple(
            CellCorrection(line=one.line, column=one.column, value=one.value) for one in body.corrections
        ),
    )


def _shape_row(row: PreviewRow) -> PreviewRowShape:
    return PreviewRowShape(line=row.line, cells=list(row.cells))
