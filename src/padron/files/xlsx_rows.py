"""Reads a sheet of an XLSX file as a stream. Formulas are never calculated: the value saved with a formula counts."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BufferedReader
from itertools import chain, islice
from typing import assert_never, cast

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import ReadingOptions
from padron.domain.quoting import quote
from padron.files.columns import ImportRow, RowFault
from padron.files.defusing import arm_text
from padron.files.headers import HeaderSearch, Table
from padron.files.xlsx_package import PART_BYTES_MAX, Package
from padron.files.xlsx_styles import NumberFormat, Shown, read_styles, word_date, word_elapsed, word_number, word_shaped
from padron.files.xlsx_workbook import CELL_LENGTH_MAX, Sheet, Texts, open_texts, read_workbook

COLUMNS_MAX = 1_000  # columns of a sheet that are read
NUMBER_MAX = 10**15  # spreadsheets keep 15 digits of a number, so a longer number is not what was typed

_NOT_FINITE = frozenset({"nan", "inf", "-inf", "infinity", "-infinity"})
_match_number = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_match_iso_date = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})?T?(?:([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]{1,9})?Z?)?"
).fullmatch
_match_place = re.compile("([A-Z]{1,3})([0-9]{1,7})").fullmatch
_replace_escapes = re.compile(
    "_x([0-9A-Fa-f]{4})_"
).sub  # ECMA-376, ST_Xstring: characters that XML cannot contain, and "_x…_" itself


class _CellError(Exception):
    """A cell that cannot be used, with a message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """The cells of one row as text, and the faults of some cells, by their places from 0."""

    number: int
    cells: list[str]
    problems: dict[int, str]


class SheetReader:
    """Gives the cells of a sheet's rows as text, row by row, while it reads the XML."""

    def __init__(
        self, package: Package, part: str, texts: Texts, formats: Mapping[str, NumberFormat], *, from_1904: bool
    ) -> None:
        self._texts = texts
        self._formats = formats
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
        """The share of the sheet that has been read, from 0 to 1."""
        return self._reader.bytes_read / max(self._reader.bytes_total, 1)

    def __iter__(self) -> Iterator[SheetRow]:
        """Give each row with content."""
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
            # The number never decreases, because it identifies the row in messages.
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
            raise _CellError(f"is after column {COLUMNS_MAX:,}, the last one that is read.")
        if self._length > CELL_LENGTH_MAX:
            raise _CellError(f"has more than {CELL_LENGTH_MAX:,} characters.")
        value = "".join(self._value)
        kind = self._kind
        if kind not in {"inlineStr", "str"} and not (value := value.strip()):
            if self._has_formula:
                raise _CellError("is a formula without a value: open the file in a spreadsheet program and save it.")
            return ""
        match kind:
            case "s":
                return self._find_text(value)
            case "inlineStr" | "str":
                return arm_text(_unescape(value))
            case "d":
                return _read_iso_date(value)
            case "b":
                return {"1": "true", "0": "false"}.get(value, value.lower())
            case "e":
                raise _CellError(f"has the error {value[:20]}, not a value.")
            case _:
                return self._read_number(value)

    def _find_text(self, value: str) -> str:
        text = self._texts.find(int(value)) if value.isascii() and value.isdigit() and len(value) < 12 else None  # noqa: PLR2004
        if text is None:
            raise _CellError("refers to a text that is not in the workbook.")
        return arm_text(_unescape(text))

    def _read_number(self, value: str) -> str:
        number = float(value) if _match_number(value) else float("nan")
        if number != number and value.casefold() not in _NOT_FINITE:  # noqa: PLR0124 - nan is what differs from itself
            raise _CellError(f"has {quote(value)}, which is not a number.")
        if not abs(number) < NUMBER_MAX:
            raise _CellError(
                "has a number with more than 15 digits, but spreadsheets keep only 15. Format the cell as text and "
                "type the number again."
            )
        shape = self._formats.get(self._style)
        return word_number(number) if shape is None else self._read_shaped(number, shape)

    def _read_shaped(self, number: float, shape: NumberFormat) -> str:
        match shape.shown:
            case Shown.DATE:
                return word_date(number, counts_from_1904=self._from_1904) or word_number(number)
            case Shown.ELAPSED:
                return word_elapsed(number) or word_number(number)
            case Shown.SHAPED | Shown.UNCLEAR:
                text = word_shaped(number, shape)
                if text is None:
                    raise _CellError(
                        f"has the number format {quote(shape.code)}, which is supported only for whole numbers. "
                        "Format the cell as text and type the value again."
                    )
                return text
            case _:
                assert_never(shape.shown)


def _read_iso_date(value: str) -> str:
    match = _match_iso_date(value)
    if match is None or not (match[1] or match[2]):
        raise _CellError(f"has {quote(value)}, which is not a date.")
    time = "" if match[1] and (match[2] or "").strip("0:") == "" else match[2]
    return " ".join(one for one in (match[1], time) if one)


def _unescape(text: str) -> str:
    return _replace_escapes(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


@dataclass(frozen=True, kw_only=True, slots=True)
class _OpenSheet:
    """A sheet that is being read, and its rows from the first one."""

    name: str
    reader: SheetReader
    rows: Iterator[SheetRow]
    has_content: bool


class XlsxRows:
    """The rows after the header of a workbook's sheet."""

    def __init__(self, sheet: "_OpenSheet", bytes_total: int, search: HeaderSearch) -> None:
        self._sheet = sheet.reader
        self._rest = sheet.rows
        self.bytes_total = bytes_total
        table = self._read_header(search)
        self.header = replace(table.header, sheet=sheet.name)
        self._columns = table.columns

    @property
    def bytes_read(self) -> int:
        """The progress of the reading, in bytes of the file."""
        return round(self._sheet.share_read * self.bytes_total)

    def __iter__(self) -> Iterator[ImportRow | RowFault]:
        """Give each row with content."""
        width = len(self._columns)
        for row in self._rest:
            cells = row.cells
            beyond = [detail for place, detail in sorted(row.problems.items()) if place >= width]
            if beyond or len(cells) > width:
                where = _to_letters(len(cells) - 1)
                detail = f"The row has a cell in column {where}, but only {width} columns have names."
                yield RowFault(line=row.number, column=None, detail=beyond[0] if beyond else detail)
                continue
            cells.extend([""] * (width - len(cells)))
            named = dict(zip(self._columns, cells, strict=True))
            named.pop(None, None)  # ignored columns
            problems = {
                column: detail
                for place, detail in sorted(row.problems.items())
                if (column := self._columns[place]) is not None
            }
            for column in problems:
                del named[column]
            yield ImportRow(line=row.number, cells=cast("dict[str, str]", named), problems=problems)

    def _read_header(self, search: HeaderSearch) -> Table:
        for row in self._rest:
            table = search.take(row.number, row.cells)
            if table is not None and row.problems:
                detail = next(iter(row.problems.values()))
                raise PadronError(Code.BAD_PARAMETERS, f"Row {row.number} has the column names. {detail}")
            if table is not None:
                return table
        raise search.refuse()


def open_sheet(
    opened: ExitStack,
    raw: BufferedReader,
    bytes_total: int,
    options: ReadingOptions,
    search: HeaderSearch | None = None,
) -> XlsxRows:
    """Open the sheet to read. Raises ``bad_parameters``, also when several sheets have content and none is chosen."""
    package = Package(raw)
    package.check_kind()
    book = read_workbook(package)
    formats = read_styles(package, book.styles_part)
    texts = opened.enter_context(open_texts(package, book.texts_part))

    def read(chosen: Sheet) -> _OpenSheet:
        reader = SheetReader(package, chosen.part, texts, formats, from_1904=book.counts_from_1904)
        rest = iter(reader)
        first = list(islice(rest, 1))
        return _OpenSheet(name=chosen.name, reader=reader, rows=chain(first, rest), has_content=bool(first))

    search = search or HeaderSearch(options)
    search.note_sheets([sheet.name for sheet in book.sheets])
    chosen = _choose_sheet(book.sheets, options.sheet, read, takes_first=search.takes_first_sheet)
    return XlsxRows(chosen, bytes_total, search)


def _choose_sheet(
    sheets: list[Sheet], name: str | None, read: Callable[[Sheet], _OpenSheet], *, takes_first: bool = False
) -> _OpenSheet:
    """Give the sheet with this name, or without a name the only sheet with content. No sheet is opened twice."""
    if name is not None:
        chosen = next((one for one in sheets if one.name.casefold() == name.casefold()), None)
        if chosen is None:
            raise PadronError(
                Code.BAD_PARAMETERS, f"The workbook has no sheet {quote(name)}. Its sheets are {_list_names(sheets)}."
            )
        return read(chosen)
    found: list[Sheet] = []
    first: _OpenSheet | None = None
    for sheet in sheets:
        opened = read(sheet)
        if takes_first and opened.has_content:
            return opened
        if opened.has_content:
            found.append(sheet)
        if first is None or (opened.has_content and not first.has_content):
            first = opened
    if first is None or len(found) > 1:
        detail = f"Several sheets have content: {_list_names(found)}. Choose one with sheet (--sheet)."
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return first


def _list_names(sheets: list[Sheet]) -> str:
    shown = ", ".join(quote(one.name, 31) for one in sheets[:10])
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
