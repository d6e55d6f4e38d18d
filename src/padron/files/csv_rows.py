"""Reads a CSV file in blocks: any usual separator and encoding, with a limit for every length.

Most lines have no quotation mark: they are split directly, and only the others go to the slower csv module. A record
that is not well-formed is refused with its first line, and the reading continues with the next line.
"""

import csv
from collections.abc import Iterator
from io import BufferedReader
from typing import NamedTuple, cast

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.domain.quoting import join_names, quote
from padron.files.columns import VIN_COLUMN, ImportRow, RowFault, find_column
from padron.files.defusing import TEXT_MARK, arm_text
from padron.files.encodings import find_undecoded
from padron.files.headers import HeaderSearch, Table
from padron.files.lines import LINE_LENGTH_MAX, FileLines

RECORD_LENGTH_MAX = 1 << 20  # characters of all lines of one record with quoted cells
READ_AGAIN_MAX = 1 << 22  # characters of a file that are read again after quotation marks that are not closed
HEADER_LINES_MAX = 100  # lines, blank ones included, in which the column names must be

_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_MARK = "sep="  # spreadsheet programs may name the separator in the first line
_EXTRAS_SHOWN_MAX = 5


class _CsvRecord(NamedTuple):
    """A record's cells, the further lines that were read for it, and what is wrong with it: then it has no cells."""

    cells: list[str]
    taken: list[str]
    wrong: str | None = None


class CsvRows:
    """The rows after the header of an open file."""

    def __init__(
        self, raw: BufferedReader, bytes_total: int, options: ReadingOptions, search: HeaderSearch | None = None
    ) -> None:
        self._raw = raw
        self._bytes_total = bytes_total
        self._lines = FileLines(raw)
        self._read_again = 0
        csv.field_size_limit(RECORD_LENGTH_MAX)
        self._separator = _SEPARATORS[0]
        self._table = self._read_header(options, search or HeaderSearch(options))

    @property
    def header(self) -> Header:
        """Where and how the file names its columns."""
        return self._table.header

    @property
    def bytes_read(self) -> int:
        """How many bytes have been read."""
        return self._raw.tell()

    @property
    def bytes_total(self) -> int:
        """The size of the file."""
        return self._bytes_total

    def __iter__(self) -> Iterator[ImportRow | RowFault]:
        """Give each row. Lines without content are skipped."""
        lines, separator, is_utf_8 = self._lines, self._separator, self._lines.encoding == "utf-8"
        for line in lines:
            number = lines.number
            if line is None:
                yield RowFault(line=number, column=None, detail=_describe_length(LINE_LENGTH_MAX))
                continue
            if '"' in line:
                cells = self._read_quoted(line)
                if isinstance(cells, str):
                    yield RowFault(line=number, column=None, detail=cells)
                    continue
                is_marked = any("'" in cell or cell.startswith(TEXT_MARK) for cell in cells)
            else:
                cells = line.split(separator)
                is_marked = "'" in line
            if not any(map(str.strip, cells)):
                continue
            yield self._give_row(
                number,
                [arm_text(cell) for cell in cells] if is_marked else cells,
                is_whole=not is_utf_8 or line.isascii(),
            )

    def _read_header(self, options: ReadingOptions, search: HeaderSearch) -> Table:
        separators: tuple[str, ...] = _SEPARATORS
        for line in self._lines:
            number = self._lines.number
            if line is None:
                detail = f"Row {number} cannot be a header. {_describe_length(LINE_LENGTH_MAX)}"
                raise PadronError(Code.BAD_PARAMETERS, detail)
            if options.header_row is None and number > HEADER_LINES_MAX:
                break
            if number == 1 and _names_separator(line):
                named = _read_separator(line)
                separators = separators if named is None else (named,)
            elif line.strip(' ,;\t|"') and number >= search.begins_at:
                table = self._take_header(search, line, separators)
                if table is not None:
                    return table
        raise search.refuse()

    def _take_header(self, search: HeaderSearch, line: str, separators: tuple[str, ...]) -> Table | None:
        """Give the table if this line has the column names. The separator is the one that gives most known names."""
        number = self._lines.number
        found: dict[str, list[str]] = {}
        wrong = ""
        for separator in separators:
            record = self._read_record(line, separator)
            self._lines.give_back(record.taken)
            if record.wrong is not None:
                wrong = wrong or record.wrong
            else:
                found[separator] = _strip_names(record.cells)
        if not found:
            if any(find_column(name.strip(' "')) == VIN_COLUMN for one in separators for name in line.split(one)):
                raise PadronError(Code.BAD_PARAMETERS, f"Row {number} has the column names, but it is not CSV. {wrong}")
            return search.take(number, [line])
        self._separator = max(found, key=lambda one: (search.count_known(found[one]), len(found[one])))
        names = found[self._separator]
        self._read_record(line, self._separator)  # read it again, so that the next row comes after it
        return search.take(number, names)

    def _read_quoted(self, line: str) -> list[str] | str:
        """Give the cells of the record that begins with this line, or what is wrong with it.

        If the record is wrong, its further lines are given back, to be read as rows. If that happens too often (each
        line opens a quotation mark), no further lines are taken, because the time would grow without limit.
        """
        record = self._read_record(line, self._separator)
        if record.wrong is None:
            return record.cells
        self._lines.give_back(record.taken)
        self._read_again += sum(len(further) + 1 for further in record.taken)
        return record.wrong

    def _read_record(self, line: str, separator: str) -> _CsvRecord:
        taken: list[str] = []
        if '"' not in line:
            return _CsvRecord(line.split(separator), taken)
        lines = self._lines
        length_max = RECORD_LENGTH_MAX if self._read_again < READ_AGAIN_MAX else 0

        def give_lines() -> Iterator[str]:
            length = len(line)
            yield line
            for further in lines:
                taken.append(further or "")
                length += len(further or "") + 1  # blank lines count too
                if further is None or length > length_max:
                    raise _OpenQuoteError
                yield "\n" + further

        try:
            return _CsvRecord(next(csv.reader(give_lines(), delimiter=separator, strict=True)), taken)
        except (csv.Error, _OpenQuoteError, StopIteration) as error:
            if taken or isinstance(error, _OpenQuoteError) or "unexpected end" in str(error):
                wrong = "A quotation mark is not closed at the end of its cell, so the next line was read as a new row."
            else:
                wrong = f"The line is not CSV: {error}. Write a quotation mark inside a quoted cell twice."
            return _CsvRecord([], taken, wrong)

    def _give_row(self, line: int, cells: list[str], *, is_whole: bool) -> ImportRow | RowFault:
        columns = self._table.columns
        missing = len(columns) - len(cells)
        if missing > 0:  # spreadsheet programs omit empty cells at the end of a line
            cells = [*cells, *[""] * missing]
        elif missing < 0:
            if any(map(str.strip, cells[len(columns) :])):
                return RowFault(line=line, column=None, detail=_describe_extras(cells, len(columns)))
            del cells[len(columns) :]
        named = dict(zip(columns, cells, strict=True))
        named.pop(None, None)  # ignored columns
        known = cast("dict[str, str]", named)
        if is_whole:
            return ImportRow(line=line, cells=known)
        problems = {column: _describe_undecoded(column) for column, cell in known.items() if find_undecoded(cell)}
        if problems:
            known = {column: cell for column, cell in known.items() if column not in problems}
        return ImportRow(line=line, cells=known, problems=problems)


class _OpenQuoteError(Exception):
    """A quoted cell makes its record longer than the maximum."""


def _names_separator(line: str) -> bool:
    return line.lstrip('"').lower().startswith(_SEPARATOR_MARK)


def _read_separator(line: str) -> str | None:
    """Give the separator that the first line names, or None. Raises ``bad_parameters`` if it is not one character.

    Programs that save such a file again put quotation marks around this line, and separators after it.
    """
    named = line.lstrip('"')[len(_SEPARATOR_MARK) :]
    if not named.strip('"'):
        return None
    separator, rest = named[0], named[1:]
    if separator == '"' or separator.isalnum() or rest.strip(',;\t|" ' + separator):
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The first line names the separator {quote(named)}: it must be one character, as in sep=;",
        )
    return separator


def _strip_names(cells: list[str]) -> list[str]:
    names = [arm_text(cell) for cell in cells]
    while names and not names[-1].strip():
        names.pop()
    return names


def _describe_undecoded(column: str) -> str:
    return f"{column} is not UTF-8, but the rest of the file is. Save the file as UTF-8."


def _describe_extras(cells: list[str], width: int) -> str:
    filled = [
        f"cell {number} {quote(cell.strip())}"
        for number, cell in enumerate(cells, start=1)
        if number > width and cell.strip()
    ]
    return (
        f"The row has more cells than the {width} named columns: {join_names(filled, _EXTRAS_SHOWN_MAX)}. "
        "Put quotation marks around a cell that contains the separator."
    )


def _describe_length(length_max: int) -> str:
    return f"The line has more than {length_max:,} characters, so it was skipped. Check that the file is a table."
