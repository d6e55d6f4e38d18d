"""Reads a sheet of an XLSX file as a stream. Formulas are never worked out: the value saved with one counts."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import cast

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import ReadingOptions
from padron.files.columns import ImportRow, Refusal
from padron.files.defusing import arm_text
from padron.files.headers import HeaderSearch, Table
from padron.files.xlsx_package import PART_BYTES_MAX, Package
from padron.files.xlsx_workbook import (
    CELL_LENGTH_MAX,
    Sheet,
    Texts,
    open_texts,
    read_date_styles,
    read_workbook,
    word_date,
)

COLUMNS_MAX = 1_000  # that are read of a sheet
NUMBER_MAX = 10**15  # spreadsheets keep 15 digits of a number: what has more is not what was typed

_match_place = re.compile("([A-Z]{1,3})([0-9]{1,7})").fullmatch
_replace_escapes = re.compile(
    "_x([0-9A-Fa-f]{4})_"
).sub  # ECMA-376, ST_Xstring: what XML cannot hold, and "_x…_" itself


class _CellError(Exception):
    """A cell that cannot be used, in one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """The cells of one row as text, and what is wrong with some of them, by their places from 0."""

    number: int
    cells: list[str]
    problems: dict[int, str]


class SheetReader:
    """Gives the cells of a sheet's rows as text, row by row, while its XML is read."""

    def __init__(self, package: Package, part: str, texts: Texts, dates: frozenset[int], *, from_1904: bool) -> None:
        self._texts = texts
        self._dates = dates
        self._from_1904 = from_1904
        self._rows: list[SheetRow] = []
        self._number = 0
        self._cells: list[str] = []
        self._problems: dict[int, str] = {}
        self._place = 0
        self._kind = self._style = ""
        self._has_formula = self._is_value = False
        self._value: list[str] = []
        self._length = 0
        self._aids = 0
        self._reader = package.open_part(
            part, start=self._start, end=self._end, text=self._add_text, bytes_max=PART_BYTES_MAX
        )

    @property
    def share_read(self) -> float:
        """How much of the sheet has been read, from 0 to 1."""
        return self._reader.bytes_read / max(self._reader.bytes_total, 1)

    def __iter__(self) -> Iterator[SheetRow]:
        """Give each row that has any content."""
        more = True
        while more:
            more = self._reader.read_block()
            yield from self._rows
            self._rows.clear()

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "c":
            self._begin_cell(attributes)
        elif tag in {"v", "t"}:
            self._is_value = not self._aids
        elif tag == "f":
            self._has_formula = True
        elif tag == "rPh":
            self._aids += 1
        elif tag == "row":
            number = attributes.get("r", "")
            # Never backwards: a row is told from the others by its number.
            given = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0  # noqa: PLR2004
            self._number = max(given, self._number + 1)
            self._cells, self._problems, self._place = [], {}, 0

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        match = _match_place(attributes.get("r", ""))
        if match is not None:
            self._place = _to_place(match[1])
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._has_formula = self._is_value = False
        self._value, self._length = [], 0

    def _add_text(self, text: str) -> None:
        if self._is_value:
            self._length += len(text)
            if self._length <= CELL_LENGTH_MAX:
                self._value.append(text)

    def _end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            self._is_value = False
        elif tag == "rPh":
            self._aids -= 1
        elif tag == "c":
            self._end_cell()
        elif tag == "row" and (self._cells or self._problems):
            self._rows.append(SheetRow(number=self._number, cells=self._cells, problems=self._problems))

    def _end_cell(self) -> None:
        place, self._place = self._place, self._place + 1
        try:
            text = self._read_cell(place)
        except _CellError as error:
            self._problems[min(place, COLUMNS_MAX)] = f"The cell {_to_letters(place)}{self._number} {error}"
            return
        if text:
            cells = self._cells
            if place > len(cells):
                cells.extend([""] * (place - len(cells)))
            cells[place : place + 1] = [text]

    def _read_cell(self, place: int) -> str:
        if place >= COLUMNS_MAX and (self._value or self._has_formula):
            raise _CellError(f"stands beyond the {COLUMNS_MAX:,} columns that are read.")
        if self._length > CELL_LENGTH_MAX:
            raise _CellError(f"has more than {CELL_LENGTH_MAX:,} characters.")
        value = "".join(self._value)
        kind = self._kind
        if kind == "s":
            return self._find_text(value)
        if kind in {"inlineStr", "str", "d"}:
            return arm_text(_unescape(value))
        if kind == "b":
            return {"1": "true", "0": "false"}.get(value, value)
        if kind == "e":
            raise _CellError(f"holds the error {value[:20]}, not a value.")
        if not value:
            if self._has_formula:
                raise _CellError("is a formula without a value: open the file in a spreadsheet program and save it.")
            return ""
        return self._read_number(value)

    def _find_text(self, value: str) -> str:
        text = self._texts.find(int(value)) if value.isascii() and value.isdigit() and len(value) < 12 else None  # noqa: PLR2004
        if text is None:
            raise _CellError("names a text that the workbook does not have.")
        return arm_text(_unescape(text))

    def _read_number(self, value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            raise _CellError(f"holds {value[:20]!a}, which is no number.") from None
        if not abs(number) < NUMBER_MAX:
            raise _CellError(
                "holds a number of more than 15 digits, of which spreadsheets keep only 15: format it as text and type "
                "it again."
            )
        if self._style and int(self._style) in self._dates:
            date = word_date(number, counts_from_1904=self._from_1904)
            if date is not None:
                return date
        return str(int(number)) if number.is_integer() else repr(number)


def _unescape(text: str) -> str:
    return _replace_escapes(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class XlsxRows:
    """The rows after the header of a workbook's sheet."""

    def __init__(self, sheet: SheetReader, bytes_total: int, options: ReadingOptions, name: str) -> None:
        self._sheet = sheet
        self._rest = iter(sheet)
        self.bytes_total = bytes_total
        table = self._read_header(options)
        self.header = replace(table.header, sheet=name)
        self._columns = table.columns

    @property
    def bytes_read(self) -> int:
        """How far the reading has come, as a share of the file."""
        return round(self._sheet.share_read * self.bytes_total)

    def __iter__(self) -> Iterator[ImportRow | Refusal]:
        """Give each row that has any content."""
        width = len(self._columns)
        for row in self._rest:
            cells = row.cells
            beyond = [detail for place, detail in sorted(row.problems.items()) if place >= width]
            if beyond or len(cells) > width:
                where = _to_letters(len(cells) - 1)
                detail = f"The row has a cell in column {where}, and only {width} columns are named."
                yield Refusal(line=row.number, column=None, detail=beyond[0] if beyond else detail)
                continue
            cells.extend([""] * (width - len(cells)))
            named = dict(zip(self._columns, cells, strict=True))
            named.pop(None, None)  # columns that are ignored
            problems = {
                column: detail
                for place, detail in sorted(row.problems.items())
                if (column := self._columns[place]) is not None
            }
            for column in problems:
                del named[column]
            yield ImportRow(line=row.number, cells=cast("dict[str, str]", named), problems=problems)

    def _read_header(self, options: ReadingOptions) -> Table:
        search = HeaderSearch(options)
        for row in self._rest:
            table = search.take(row.number, row.cells)
            if table is not None and row.problems:
                detail = next(iter(row.problems.values()))
                raise PadronError(Code.BAD_PARAMETERS, f"Row {row.number} names the columns. {detail}")
            if table is not None:
                return table
        raise search.refuse()


def open_sheet(opened: ExitStack, raw: BufferedReader, bytes_total: int, options: ReadingOptions) -> XlsxRows:
    """Open the sheet to read. Raises ``bad_parameters``, also when several have content and none is chosen."""
    package, sheet = Package(raw), options.sheet
    book = read_workbook(package)
    dates = read_date_styles(package, book.styles_part)
    texts = opened.enter_context(open_texts(package, book.texts_part))

    def read(chosen: Sheet) -> SheetReader:
        return SheetReader(package, chosen.part, texts, dates, from_1904=book.counts_from_1904)

    if sheet is not None:
        chosen = [one for one in book.sheets if one.name.casefold() == sheet.casefold()]
        if not chosen:
            raise PadronError(
                Code.BAD_PARAMETERS, f"The workbook has no sheet {sheet!r}: it has {_list_names(book.sheets)}."
            )
    else:
        chosen = [one for one in book.sheets if next(iter(read(one)), None) is not None] or book.sheets[:1]
        if len(chosen) > 1:
            detail = f"Several sheets have content, {_list_names(chosen)}: choose one with sheet (--sheet)."
            raise PadronError(Code.BAD_PARAMETERS, detail)
    return XlsxRows(read(chosen[0]), bytes_total, options, chosen[0].name)


def _list_names(sheets: list[Sheet]) -> str:
    shown = ", ".join(repr(one.name[:31]) for one in sheets[:10])
    return shown if len(sheets) <= 10 else f"{shown} and {len(sheets) - 10} more"  # noqa: PLR2004


def _to_place(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _to_letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
