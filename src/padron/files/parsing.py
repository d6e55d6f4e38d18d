"""Turns the cells of a row into values of the domain, and finds repeated rows of a file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from padron.domain.errors import Code, PadronError
from padron.domain.language import Language
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus, parse_status_text
from padron.domain.tags import TAG_EXAMPLE, is_plain_number, parse_tag
from padron.domain.vehicle import FIELDS_BY_NAME, Edits, Field, end_lines, parse_value, strip_separators, suggest_plate
from padron.domain.vin import VIN_LENGTH, Vin, parse_vin
from padron.files.columns import (
    COLUMNS,
    REVISION_COLUMN,
    STATUS_COLUMN,
    VIN_COLUMN,
    FileRow,
    ImportRow,
    ParsedRow,
    ParsedRows,
    RefusedRow,
    RowFault,
)  # fmt: skip
from padron.files.memory import RowMemory, VinLine, open_memory

VALUES_KEPT_MAX = 5_000  # values of a column: brands, colours and owners repeat often
VALUE_LENGTH_MAX = 400  # characters of a cell with a kept value; spaces can make a cell longer than any value

# Some programs write integers as 4.0 or 4,0. Three zeros can mean thousands, so such a text is not an integer.
_match_integer = re.compile("([0-9]{1,10})(?:[.,]0{1,2})?").fullmatch


_IDENTITY = frozenset({VIN_COLUMN, REVISION_COLUMN})


class _RefusedCellError(Exception):
    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column
        self.detail = detail


class RowParser:
    """Parses the rows of one file, in order."""

    def __init__(
        self,
        memory: RowMemory,
        *,
        keep_duplicates: bool,
        normalize: bool = False,
        language: Language = Language.ENGLISH,
    ) -> None:
        self._memory = memory
        self._keep_duplicates = keep_duplicates
        self._normalize = normalize
        self._language = language
        self._values: dict[str, dict[str, str | int]] = {column: {} for column in COLUMNS}

    def parse_rows(self, rows: Iterable[FileRow]) -> ParsedRows:
        """Give the usable rows, and the refused rows with all their faults, each in order.

        A row that is already parsed stays as it is.
        """
        parsed = ParsedRows()
        vins: list[VinLine] = []
        for row in rows:
            if isinstance(row, RowFault):
                parsed.refused.append(RefusedRow(line=row.line, faults=[row]))
            elif isinstance(row, ParsedRow):
                parsed.rows.append(row)
            elif isinstance(row, RefusedRow):
                parsed.refused.append(row)
            else:
                self._take_row(row, parsed, vins)
        if vins and not self._keep_duplicates:
            firsts = self._memory.add_vins(vins)
            if firsts:
                return _refuse_again(firsts, parsed)
        return parsed

    def _take_row(self, row: ImportRow, parsed: ParsedRows, vins: list[VinLine]) -> None:
        faults = [RowFault(line=row.line, column=column, detail=detail) for column, detail in row.problems.items()]
        vin = None
        try:
            if VIN_COLUMN not in row.problems:
                vin = self._parse_vin(row.cells[VIN_COLUMN])
                vins.append(VinLine(vin, row.line))
        except _RefusedCellError as wrong:
            faults.append(RowFault(line=row.line, column=wrong.column, detail=wrong.detail))
        usable = self._parse_row(row, vin or Vin(""), faults)
        if not faults:
            parsed.rows.append(usable)
        else:
            parsed.refused.append(RefusedRow(line=row.line, faults=faults, usable=None if vin is None else usable))

    def _parse_row(self, row: ImportRow, vin: Vin, faults: list[RowFault]) -> ParsedRow:
        """Give the usable cells of the row. Wrong cells are added to its faults."""
        cells = row.cells
        status = revision = None
        edits: dict[str, str | int | None] = {}
        # With duplicates kept, the file is legacy data: each row is a separate vehicle, never an edit of an export.
        is_edit = not self._keep_duplicates and bool(cells.get(REVISION_COLUMN, "").strip())
        for column, text in cells.items():
            try:
                if column == STATUS_COLUMN:
                    status = VehicleStatus(int(self._parse_cell(column, text))) if text.strip() else None
                elif column in _IDENTITY:
                    revision = _parse_revision(text) if is_edit and column == REVISION_COLUMN else revision
                elif text and (text[0] > "\r" or not _is_blank(column, text)):
                    edits[column] = self._parse_cell(column, text)
                elif is_edit:
                    edits[column] = None
            except _RefusedCellError as wrong:
                faults.append(RowFault(line=row.line, column=wrong.column, detail=wrong.detail))
        copies = self._count_copies(vin, edits, status) if self._keep_duplicates and not faults else 1
        return ParsedRow(line=row.line, vin=vin, edits=edits, status=status, revision=revision, copies=copies)

    def _parse_vin(self, text: str) -> Vin:
        word = text.strip()
        try:
            return parse_vin(word)
        except PadronError as error:
            bare = strip_separators(word) if self._normalize else word
            if bare != word and len(bare) == VIN_LENGTH:
                return self._parse_vin(bare)
            raise _RefusedCellError(VIN_COLUMN, error.detail) from error

    def _parse_cell(self, column: str, text: str) -> str | int:
        """Give the value of a cell. Values that the column already had are kept, and not parsed again."""
        known = self._values[column]
        value = known.get(text)
        if value is None:
            try:
                value = self._parse_value(column, text)
            except PadronError as error:
                raise _RefusedCellError(column, error.detail) from error
            if len(known) < VALUES_KEPT_MAX and len(text) <= VALUE_LENGTH_MAX:
                known[text] = value
        return value

    def _parse_value(self, column: str, text: str) -> str | int:
        if column == STATUS_COLUMN:
            return parse_status_text(text, self._language).value
        return _parse_field(FIELDS_BY_NAME[column], text, normalize=self._normalize)

    def _count_copies(self, vin: Vin, edits: Edits, status: VehicleStatus | None) -> int:
        """Give the number of copies of a row. A row without a status counts all copies, whatever their status.

        So each row is counted twice: without its status, and with it (Active if it has none).
        """
        values = (vin, tuple(sorted(edits.items())))
        loose = self._memory.count_copy(values)
        whole = self._memory.count_copy((values, (VehicleStatus.ACTIVE if status is None else status).value))
        return loose if status is None else whole


@contextmanager
def open_parser(
    *, keep_duplicates: bool, normalize: bool = False, language: Language = Language.ENGLISH
) -> Iterator[RowParser]:
    """Give a parser for one file. Its memory is removed at the end.

    ``normalize`` removes spaces and separators from plates and VINs. ``language`` is the language of the status names
    in messages about a cell.
    """
    with open_memory() as memory:
        yield RowParser(memory, keep_duplicates=keep_duplicates, normalize=normalize, language=language)


def _refuse_again(firsts: Mapping[int, int], parsed: ParsedRows) -> ParsedRows:
    """Refuse the rows with a repeated VIN, including rows that are already refused for another reason."""
    rows = [RefusedRow(line=row.line, faults=[], usable=row) for row in parsed.rows if row.line in firsts]
    again = [
        one
        if one.usable is None or one.line not in firsts
        else replace(one, faults=[_describe_again(one.usable, firsts[one.line]), *one.faults])
        for one in (*parsed.refused, *rows)
    ]
    return ParsedRows(
        rows=[row for row in parsed.rows if row.line not in firsts], refused=sorted(again, key=lambda one: one.line)
    )


def _describe_again(row: ParsedRow, first: int) -> RowFault:
    detail = f"The VIN {row.vin} already appears on line {first} of the file."
    return RowFault(line=row.line, column=VIN_COLUMN, detail=detail)


def _is_blank(column: str, text: str) -> bool:
    """Say whether a cell of a one-line field has only line ends."""
    return not FIELDS_BY_NAME[column].has_lines and not text.strip("\r\n")


def _parse_revision(text: str) -> str:
    word = text.strip()
    if is_plain_number(word):
        # The file comes from an export before tags existed. The number may belong to another vehicle with this VIN.
        detail = f"revision is {quote(word)}, but a revision must be a tag such as {TAG_EXAMPLE}."
        raise _RefusedCellError(REVISION_COLUMN, f"{detail} Export the vehicles again and repeat the edit.")
    if parse_tag(word) is None:
        detail = f"revision is {quote(word)}: keep it as it was exported, such as {TAG_EXAMPLE}."
        raise _RefusedCellError(REVISION_COLUMN, detail)
    return word


def _parse_field(field: Field, text: str, *, normalize: bool) -> str | int:
    if not field.is_text:
        return _check_given(field, parse_value(field, parse_integer(field.name, text.strip())))
    if field.name == "plate":
        word = text.strip()
        return _check_given(field, parse_value(field, (normalize and suggest_plate(word)) or word))
    return _check_given(field, parse_value(field, text if field.has_lines else _join_lines(text)))


def _join_lines(text: str) -> str:
    """Give a text as one line: a line break in a cell becomes a space."""
    if "\n" not in text and "\r" not in text:
        return text
    return " ".join(part for line in end_lines(text).split("\n") if (part := line.strip()))


def _check_given(field: Field, value: str | int | None) -> str | int:
    if value is None:  # only "" gives None: the plate had only spaces
        raise PadronError(Code.BAD_PARAMETERS, f"{field.name} contains only spaces.")
    return value


def parse_integer(column: str, text: str) -> int:
    """Give the integer in a text. It may have one or two zeros after a decimal point. Raises ``bad_parameters``."""
    number = _match_integer(text)
    if number is None:
        raise PadronError(Code.BAD_PARAMETERS, f"{column} is {quote(text)}: it must be an integer.")
    return int(number[1])
