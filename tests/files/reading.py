"""Reads a file as the importer does, and gives what it says."""

from collections.abc import Mapping
from pathlib import Path

from padron.domain.file_reading import ReadingOptions
from padron.files.columns import ImportRow, ParsedRow, RefusedRow, RowFault
from padron.files.rows import open_rows

Cells = Mapping[str, str]


def read_rows(
    path: Path, mapping: Mapping[str, str] | None = None, sheet: str | None = None
) -> list[tuple[int, Cells]]:
    """Give line and cells of each row. Fails on a refusal."""
    rows, refusals = read_all(path, mapping, sheet)
    assert refusals == []
    return rows


def read_all(
    path: Path, mapping: Mapping[str, str] | None = None, sheet: str | None = None
) -> tuple[list[tuple[int, Cells]], list[RowFault]]:
    """Give line and cells of each row that can be used, and the refusals of the others."""
    rows: list[tuple[int, Cells]] = []
    refusals: list[RowFault] = []
    with open_rows(path, ReadingOptions(mapping=mapping or {}, sheet=sheet)) as opened:
        for row in opened:
            assert not isinstance(row, ParsedRow)
            assert not isinstance(row, RefusedRow)
            if isinstance(row, ImportRow):
                refusals += [RowFault(line=row.line, column=name, detail=said) for name, said in row.problems.items()]
            if isinstance(row, ImportRow) and not row.problems:
                rows.append((row.line, row.cells))
            elif isinstance(row, RowFault):
                refusals.append(row)
        assert opened.bytes_read == opened.bytes_total == path.stat().st_size
    return rows, refusals
