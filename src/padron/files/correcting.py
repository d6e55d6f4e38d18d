"""Puts corrected cells in the place of a file's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import CORRECTION_LENGTH_MAX, CORRECTIONS_MAX, CellCorrection
from padron.domain.quoting import quote
from padron.domain.vehicle import check_text
from padron.files.columns import COLUMNS, FileRow, ImportRow


def check_corrections(corrections: Sequence[CellCorrection]) -> tuple[CellCorrection, ...]:
    """Give the corrections, of two for one cell the last. Raises ``bad_parameters`` for what names no cell."""
    latest = {(one.line, one.column): one for one in corrections}
    if len(latest) > CORRECTIONS_MAX:
        detail = f"There are {len(latest):,} corrections. At most {CORRECTIONS_MAX:,} are allowed: correct the file."
        raise PadronError(Code.BAD_PARAMETERS, detail)
    for one in latest.values():
        if one.column not in COLUMNS:
            detail = f"A correction names {quote(one.column)}, which is not a column."
            raise PadronError(Code.BAD_PARAMETERS, detail)
        if one.line < 1:
            raise PadronError(Code.BAD_PARAMETERS, f"A correction names the line {one.line}: lines begin with 1.")
        if one.value:
            check_text("value", one.value, CORRECTION_LENGTH_MAX, allowed="\n\r\t")
    return tuple(latest.values())


def correct_rows(rows: Iterable[FileRow], corrections: Sequence[CellCorrection]) -> Iterator[FileRow]:
    """Give the rows with the corrected cells. A line that could not be read as a row stays refused."""
    by_line: dict[int, dict[str, str]] = {}
    for one in corrections:
        by_line.setdefault(one.line, {})[one.column] = one.value
    for row in rows:
        cells = by_line.get(row.line)
        yield _correct(row, cells) if cells and isinstance(row, ImportRow) else row


def _correct(row: ImportRow, cells: Mapping[str, str]) -> ImportRow:
    problems = {column: detail for column, detail in row.problems.items() if column not in cells}
    return ImportRow(line=row.line, cells={**row.cells, **cells}, problems=problems)
