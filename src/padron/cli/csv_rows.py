"""Reads a CSV file of vehicles: UTF-8 with or without a mark, commas or semicolons, one row at a time."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.service.import_chunks import Refusal
from padron.service.imports import ImportRow, parse_header

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HEADER_BYTES_MAX = 65_536


class CsvRows:
    """The rows after the header of an open file. A row that is not well-formed is given as its refusal."""

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        first = raw.peek(_HEADER_BYTES_MAX)[:_HEADER_BYTES_MAX]
        if first.startswith(_UTF16_MARKS):
            raise PadronError(Code.BAD_PARAMETERS, "The file is UTF-16: save it as UTF-8.")
        header = first.partition(b"\n")[0]
        delimiter = ";" if header.count(b";") > header.count(b",") else ","
        # A byte that is not UTF-8 becomes half a surrogate pair, so that its own line can be refused by number.
        text = TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            self._columns = parse_header(next(self._reader, []))
        except csv.Error as error:
            raise PadronError(Code.BAD_PARAMETERS, f"The first line is not CSV: {error}.") from error

    def __iter__(self) -> Iterator[ImportRow | Refusal]:
        """Give each row, blank lines left out. After a line that ends the CSV form nothing more can be read."""
        while True:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                detail = f"The line is not CSV, so nothing after it was read: {error}."
                yield Refusal(line=line, column=None, detail=detail)
                return
            if cells:
                yield self._give_row(line, cells)

    @property
    def bytes_read(self) -> int:
        """How far the reading has come."""
        return self._raw.tell()

    def _give_row(self, line: int, cells: list[str]) -> ImportRow | Refusal:
        if len(cells) != len(self._columns):
            detail = f"The line has {len(cells)} cells, and the first line names {len(self._columns)} columns."
            return Refusal(line=line, column=None, detail=detail)
        for column, cell in zip(self._columns, cells, strict=True):
            if not _is_utf8(cell):
                return Refusal(line=line, column=column, detail=f"{column} is not UTF-8: save the file as UTF-8.")
        return ImportRow(line=line, cells=dict(zip(self._columns, cells, strict=True)))


@contextmanager
def open_rows(path: Path) -> Iterator[CsvRows]:
    """Open a file and read its header. Raises ``bad_parameters`` when either cannot be read."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise PadronError(Code.BAD_PARAMETERS, f"The file {str(path)!a} cannot be read: {error.strerror}.") from error
    with raw:
        yield CsvRows(raw)


def _is_utf8(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
