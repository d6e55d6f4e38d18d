"""Imports vehicles from rows of text, in transactions of 500 rows with one write each.

Running the same file again is safe: an empty cell keeps the value, and what does not differ is not written. Only
the VINs of the file are kept in memory (with ``keep_duplicates`` two numbers for each row), never its rows.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus, parse_settable_status
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME, Edits, Field, parse_value
from padron.domain.vin import Vin, parse_vin
from padron.service.import_chunks import Chunk, Outcome, ParsedRow, Refusal
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

CHUNK_ROWS = 500
REFUSALS_MAX = 1_000  # how many refused lines a summary names; it counts all
STATUS_COLUMN = "vehicleStatusId"
COLUMNS: tuple[str, ...] = ("vin", STATUS_COLUMN, *(field.name for field in FIELDS))

_COLUMNS_BY_FOLDED = {name.casefold(): name for name in COLUMNS} | {"assetstatusid": STATUS_COLUMN}
_match_integer = re.compile("[0-9]{1,10}").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRow:
    """One row: where it begins in the file, and its cells by column as ``parse_header`` names them."""

    line: int
    cells: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class ImportSummary:
    """What became of the rows so far. ``stopped`` says why the import ended before the file did."""

    read: int = 0
    registered: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_duplicates: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    stopped: str | None = None
    interrupted: bool = False

    def add(self, outcome: Outcome, refusals: Sequence[Refusal], rows_count: int) -> None:
        """Count what became of one transaction's rows."""
        self.read += rows_count
        self.registered += outcome.registered
        self.updated += outcome.updated
        self.unchanged += outcome.unchanged
        self.kept_duplicates += outcome.kept_duplicates
        self.refused += len(refusals)
        self.refusals += sorted(refusals, key=lambda refusal: refusal.line)[: REFUSALS_MAX - len(self.refusals)]


def parse_header(names: Sequence[str]) -> list[str]:
    """Give the columns that a file's first line names, in any letter case.

    Raises ``bad_parameters`` for a column that is unknown or comes twice, and when there is no ``vin``.
    """
    columns: list[str] = []
    for name in names:
        column = _COLUMNS_BY_FOLDED.get(name.strip().casefold())
        if column is None:
            raise PadronError(
                Code.BAD_PARAMETERS, f"There is no column {name[:40]!a}: the columns are {', '.join(COLUMNS)}."
            )
        if column in columns:
            raise PadronError(Code.BAD_PARAMETERS, f"The column {column} comes twice.")
        columns.append(column)
    if "vin" not in columns:
        raise PadronError(Code.BAD_PARAMETERS, "The first line must name the columns, and one of them must be vin.")
    return columns


async def import_vehicles(
    runtime: Runtime,
    principal: Principal,
    rows: Iterable[ImportRow | Refusal],
    *,
    request_id: str,
    keep_duplicates: bool = False,
    on_progress: Callable[[ImportSummary], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ImportSummary:
    """Register and update the vehicles of the rows, and give what became of them. Raises ``forbidden``.

    A row that cannot be used is refused by itself. ``keep_duplicates`` keeps a row whose VIN is taken as a further
    current vehicle, unless the register holds it already. When the database fails, or ``should_stop`` says so
    between two transactions, the summary so far is given.
    """
    principal.check_scope(Scope.VEHICLES_WRITE)
    principal.check_scope(Scope.VEHICLES_STATUS)
    summary = ImportSummary()
    file = _File(keep_duplicates=keep_duplicates)
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK_ROWS)):
        if should_stop():
            summary.interrupted = True
            break
        parsed, refusals = file.parse_rows(chunk)
        at = runtime.clock()

        async def work(transaction: WriteTransaction, parsed: list[ParsedRow] = parsed, at: datetime = at) -> Outcome:
            rows = Chunk(keep_duplicates=keep_duplicates, by=principal.actor, request_id=request_id, at=at)
            return await rows.write(transaction, parsed)

        try:
            outcome = await runtime.store.write(principal.account_id, work)
        except PadronError as error:
            summary.stopped = error.detail
            break
        summary.add(outcome, [*refusals, *outcome.refusals], len(chunk))
        on_progress(summary)
    return summary


class _RefusedCellError(Exception):
    def __init__(self, column: str, detail: str) -> None:
        super().__init__(detail)
        self.column = column
        self.detail = detail


class _File:
    """What is remembered of the rows read so far."""

    def __init__(self, *, keep_duplicates: bool) -> None:
        self._keep_duplicates = keep_duplicates
        self._vins: set[str] = set()
        self._copies: Counter[int] = Counter()  # by a hash of the row, to take little room

    def parse_rows(self, chunk: Iterable[ImportRow | Refusal]) -> tuple[list[ParsedRow], list[Refusal]]:
        rows: list[ParsedRow] = []
        refusals: list[Refusal] = []
        for row in chunk:
            if isinstance(row, Refusal):
                refusals.append(row)
                continue
            try:
                rows.append(self._parse_row(row))
            except _RefusedCellError as refused:
                refusals.append(Refusal(line=row.line, column=refused.column, detail=refused.detail))
        return rows, refusals

    def _parse_row(self, row: ImportRow) -> ParsedRow:
        with _naming("vin"):
            vin = parse_vin(row.cells["vin"])
        if not self._keep_duplicates:
            if vin in self._vins:
                raise _RefusedCellError("vin", f"The VIN {vin} stands on an earlier line of the file already.")
            self._vins.add(vin)
        edits: dict[str, str | int] = {}
        status = None
        for column, text in row.cells.items():
            if not text or column == "vin":
                continue
            with _naming(column):
                if column == STATUS_COLUMN:
                    status = parse_settable_status(parse_integer(column, text))
                else:
                    edits[column] = _parse_field(FIELDS_BY_NAME[column], text)
        copies = self._count_copies(vin, edits, status) if self._keep_duplicates else 1
        return ParsedRow(line=row.line, vin=vin, edits=edits, status=status, copies=copies)

    def _count_copies(self, vin: Vin, edits: Edits, status: VehicleStatus | None) -> int:
        """Count the row with its status, Active unless said, and without; a row that has none asks for the latter."""
        values = (vin, tuple(sorted(edits.items())))
        loose, whole = hash(values), hash((values, VehicleStatus.ACTIVE if status is None else status))
        self._copies[loose] += 1
        self._copies[whole] += 1
        return self._copies[loose if status is None else whole]


@contextmanager
def _naming(column: str) -> Iterator[None]:
    try:
        yield
    except PadronError as error:
        raise _RefusedCellError(column, error.detail) from error


def _parse_field(field: Field, text: str) -> str | int:
    value = parse_value(field, text if field.is_text else parse_integer(field.name, text))
    if value is None:
        raise AssertionError(field.name)  # only "" gives None, and an empty cell is no edit
    return value


def parse_integer(column: str, text: str) -> int:
    """Give the integer of a text. Raises ``bad_parameters`` and names the column."""
    if _match_integer(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, f"{column} is {text[:40]!a}: it must be an integer.")
    return int(text)
