"""What the cells of a row say, in the domain's values, and which row of a file is one too many."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus, parse_status_text
from padron.domain.tags import TAG_EXAMPLE, is_plain_number, parse_tag
from padron.domain.vehicle import FIELDS_BY_NAME, Edits, Field, parse_value
from padron.domain.vin import Vin, parse_vin
from padron.files.columns import (
    REVISION_COLUMN,
    STATUS_COLUMN,
    VIN_COLUMN,
    ImportRow,
    ParsedRow,
    Refusal,
    Row,
)  # fmt: skip
from padron.files.memory import RowMemory, open_memory

VALUES_KEPT_MAX = 5_000  # of a column: brands, colours and owners come again and again

_match_integer = re.compile("[0-9]{1,10}").fullmatch


class _RefusedCellError(Exception):
    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column
        self.detail = detail


class RowParser:
    """Parses the rows of one file, in order."""

    def __init__(self, memory: RowMemory, *, keep_duplicates: bool) -> None:
        self._memory = memory
        self._keep_duplicates = keep_duplicates
        self._values: dict[str, dict[str, str | int]] = {}

    def parse_rows(self, rows: Iterable[Row]) -> tuple[list[ParsedRow], list[Refusal]]:
        """Give the rows that can be used and the refusals of the others, each in order.

        A row that is parsed already is taken as it is.
        """
        parsed: list[ParsedRow] = []
        vins: list[tuple[str, int]] = []
        refusals: list[Refusal] = []
        for row in rows:
            if isinstance(row, Refusal):
                refusals.append(row)
            elif isinstance(row, ParsedRow):
                parsed.append(row)
            else:
                self._take_row(row, parsed, vins, refusals)
        if vins and not self._keep_duplicates:
            parsed, refusals = _refuse_again(self._memory.add_vins(vins), parsed, refusals)
        return parsed, refusals

    def _take_row(
        self, row: ImportRow, parsed: list[ParsedRow], vins: list[tuple[str, int]], refusals: list[Refusal]
    ) -> None:
        try:
            vin = _parse_vin(row.cells[VIN_COLUMN])
            vins.append((vin, row.line))
            parsed.append(self._parse_row(row, vin))
        except _RefusedCellError as refused:
            refusals.append(Refusal(line=row.line, column=refused.column, detail=refused.detail))

    def _parse_row(self, row: ImportRow, vin: Vin) -> ParsedRow:
        cells = row.cells
        # Who keeps duplicates repairs legacy data: a row is then a vehicle of its own, never an edit of an export.
        revision = None if self._keep_duplicates else _parse_revision(cells.get(REVISION_COLUMN, ""))
        status = None
        edits: dict[str, str | int | None] = {}
        for column, text in cells.items():
            if column in _IDENTITY:
                continue
            if column == STATUS_COLUMN:
                status = self._parse_status(text)
            elif text:
                edits[column] = self._parse_value(column, text)
            elif revision is not None:
                edits[column] = None
        copies = self._count_copies(vin, edits, status) if self._keep_duplicates else 1
        return ParsedRow(line=row.line, vin=vin, edits=edits, status=status, revision=revision, copies=copies)

    def _parse_status(self, text: str) -> VehicleStatus | None:
        if not text.strip():
            return None
        return VehicleStatus(int(self._remember(STATUS_COLUMN, text, lambda cell: parse_status_text(cell).value)))

    def _parse_value(self, column: str, text: str) -> str | int:
        return self._remember(column, text, lambda cell: _parse_field(FIELDS_BY_NAME[column], cell))

    def _remember(self, column: str, text: str, parse: Callable[[str], str | int]) -> str | int:
        """Give the value of a cell, from the values that the column had before if it was among them."""
        known = self._values.setdefault(column, {})
        value = known.get(text)
        if value is None:
            try:
                value = parse(text)
            except PadronError as error:
                raise _RefusedCellError(column, error.detail) from error
            if len(known) < VALUES_KEPT_MAX:
                known[text] = value
        return value

    def _count_copies(self, vin: Vin, edits: Edits, status: VehicleStatus | None) -> int:
        """Count the row with its status, Active unless said, and without; a row that has none asks for the latter."""
        values = (vin, tuple(sorted(edits.items())))
        loose = self._memory.count_copy(values)
        whole = self._memory.count_copy((values, (VehicleStatus.ACTIVE if status is None else status).value))
        return loose if status is None else whole


@contextmanager
def open_parser(*, keep_duplicates: bool) -> Iterator[RowParser]:
    """Give a parser for one file, whose memory is gone at the end."""
    with open_memory() as memory:
        yield RowParser(memory, keep_duplicates=keep_duplicates)


_IDENTITY = frozenset({VIN_COLUMN, REVISION_COLUMN})


def _refuse_again(
    firsts: Mapping[int, int], parsed: Sequence[ParsedRow], refusals: Sequence[Refusal]
) -> tuple[list[ParsedRow], list[Refusal]]:
    """Refuse the rows whose VIN came before; one that is refused already stays so for its own reason."""
    again = [
        Refusal(
            line=row.line,
            column=VIN_COLUMN,
            detail=f"The VIN {row.vin} stands on line {firsts[row.line]} of the file already.",
        )
        for row in parsed
        if row.line in firsts
    ]
    return [row for row in parsed if row.line not in firsts], [*refusals, *again]


def _parse_vin(text: str) -> Vin:
    try:
        return parse_vin(text.strip())
    except PadronError as error:
        raise _RefusedCellError(VIN_COLUMN, error.detail) from error


def _parse_revision(text: str) -> str | None:
    word = text.strip()
    if not word:
        return None
    if is_plain_number(word):
        # From an export of before there were tags: it may be of another vehicle that had this VIN.
        detail = f"revision is {quote(word)}, and a revision is a tag now, such as {TAG_EXAMPLE}."
        raise _RefusedCellError(REVISION_COLUMN, f"{detail} Export the vehicles again and repeat the edit.")
    if parse_tag(word) is None:
        detail = f"revision is {quote(word)}: leave it as it was exported, such as {TAG_EXAMPLE}."
        raise _RefusedCellError(REVISION_COLUMN, detail)
    return word


def _parse_field(field: Field, text: str) -> str | int:
    if not field.is_text:
        return _check_given(field, parse_value(field, parse_integer(field.name, text.strip())))
    return _check_given(field, parse_value(field, text.strip() if field.name == "plate" else text))


def _check_given(field: Field, value: str | int | None) -> str | int:
    if value is None:  # only "" gives None: a plate of spaces
        raise PadronError(Code.BAD_PARAMETERS, f"{field.name} has nothing but spaces.")
    return value


def parse_integer(column: str, text: str) -> int:
    """Give the integer of a text. Raises ``bad_parameters`` and names the column."""
    if _match_integer(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, f"{column} is {quote(text)}: it must be an integer.")
    return int(text)
