"""Finds the row with a file's column names, and reports everything that is wrong with the names in one message.

The sender can say which row has the names. Otherwise it is the first row that names the VIN, and must be one of the
first twenty rows with content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import HEADER_ROWS_MAX, MAPPED_MAX, Header, ReadingOptions
from padron.domain.quoting import join_names, quote
from padron.files.columns import (
    COLUMNS,
    COLUMNS_BY_FOLDED,
    SUBMARCA,
    VIN_COLUMN,
    find_column,
    find_language,
    fold_name,
)  # fmt: skip

IGNORING = frozenset({"", "-"})  # targets of a mapping that mean: do not read this column
IGNORED_MAX = 100  # names of ignored columns that are reported

_CLOSE = 0.75  # how similar a misspelt name must be
_TWICE_SHOWN_MAX = 10  # duplicate columns in a message
_HINTED_LENGTH_MAX = 60  # longer names get no suggestion
_ADVICE = (
    "Map each name to a column, or to - to ignore it; "
    "ignoreUnknown (--ignore-unknown) ignores every column with an unknown name."
)
_MODEL_YEAR = fold_name("Modelo")
_MODEL = fold_name(SUBMARCA)

Mapped = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The columns of a file's rows: one for each cell, None for a cell that is not read."""

    header: Header
    columns: list[str | None]


@dataclass(kw_only=True, slots=True)
class _Names:
    """The meaning of the names in one row."""

    columns: list[str | None] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    has_vin: bool = False

    def list_faults(self) -> list[str]:
        """Give the faults, as parts of one sentence."""
        faults = []
        if self.unknown:
            are = "is an unknown name" if len(self.unknown) == 1 else "are unknown names"
            faults.append(f"{join_names(self.unknown)} {are}")
        faults += self.twice[:_TWICE_SHOWN_MAX]
        if not self.has_vin:
            faults.append("no column has the VIN (vin, NIV or Serie)")
        return faults


class HeaderSearch:
    """Looks at a file's rows, from the first one, until one of them has the column names."""

    takes_first_sheet = False  # of several sheets with content, if none is chosen

    def __init__(self, options: ReadingOptions) -> None:
        """Raise ``bad_parameters`` for a mapping with a target that is not a column."""
        self._options = options
        self._mapped = parse_mapping(options.mapping)
        self._seen = 0
        self._best: tuple[int, int, _Names] | None = None

    @property
    def begins_at(self) -> int:
        """The first row that is worth a look."""
        return self._options.header_row or 0

    def note_sheets(self, names: Sequence[str]) -> None:
        """Learn the names of the workbook's sheets. An import needs only the one that is read."""

    def count_vins(self, folded: Sequence[str]) -> int:
        """Count the folded names that mean the VIN, unless the mapping says otherwise."""
        return sum(COLUMNS_BY_FOLDED.get(name) == VIN_COLUMN for name in folded if name not in self._mapped)

    def count_known(self, names: Sequence[str]) -> int:
        """Count the names that are known, or that are in the mapping."""
        folded = [fold_name(name) for name in names]
        return sum(name in self._mapped or name in COLUMNS_BY_FOLDED for name in folded)

    def take(self, row: int, names: Sequence[str]) -> Table | None:
        """Give the table if this row has the column names, or None to continue with the next row.

        Raises ``bad_parameters`` when the names cannot be used, and when the last possible row does not have them.
        """
        asked = self._options.header_row
        if asked is not None and row < asked:
            return None
        if asked is not None and row > asked:
            raise self.refuse()
        found = _read_names(names, self._mapped, ignores_unknown=self._options.ignore_unknown)
        if found.has_vin or asked is not None:
            return _give_table(row, names, found)
        known = self.count_known(names)
        if self._best is None or known > self._best[0]:
            self._best = known, row, found
        self._seen += 1
        if self._seen == HEADER_ROWS_MAX:
            raise self.refuse()
        return None

    def refuse(self) -> PadronError:
        """Give the ``bad_parameters`` for a file in which no row has the column names."""
        asked = self._options.header_row
        if asked is not None:
            detail = f"Row {asked}, which should have the column names, is empty or not in the file."
        elif self._best is None:
            detail = "The file has no content. It needs a row with the column names, one of them vin, NIV or Serie."
        else:
            _, row, found = self._best
            faults = "; ".join(found.list_faults())
            detail = (
                f"None of the first {self._seen} rows with content names the VIN. Row {row} comes closest: {faults}. "
                f"{_ADVICE}"
            )
        return PadronError(Code.BAD_PARAMETERS, detail)


def parse_mapping(mapping: Mapping[str, str]) -> Mapped:
    """Give the column of each folded name, or None for a name to ignore.

    Raises ``bad_parameters`` with every target that is not a column.
    """
    if len(mapping) > MAPPED_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"The mapping has more than {MAPPED_MAX:,} names.")
    columns: dict[str, str | None] = {}
    wrong = []
    for name, target in mapping.items():
        column = None if target.strip() in IGNORING else find_column(target)
        if column is None and target.strip() not in IGNORING:
            wrong.append(f"{_show(name)} to {_show(target)}")
        columns[fold_name(name)] = column
    if wrong:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"The mapping has a target that is not a column: {join_names(wrong)}. "
            f"The columns are {', '.join(COLUMNS)}; - ignores a name.",
        )
    return columns


def read_members(names: Sequence[str], options: ReadingOptions) -> Table:
    """Give the table for a line with these member names. Raises ``bad_parameters`` with all their faults."""
    found = _read_names(names, parse_mapping(options.mapping), ignores_unknown=options.ignore_unknown)
    return _give_table(None, names, found)


def _give_table(row: int | None, names: Sequence[str], found: _Names) -> Table:
    faults = found.list_faults()
    if faults:
        where = "The line" if row is None else f"Row {row}"
        detail = f"{where} has wrong column names: {'; '.join(faults)}. {_ADVICE}"
        raise PadronError(Code.BAD_PARAMETERS, detail)
    header = Header(row=row, ignored=tuple(found.ignored[:IGNORED_MAX]), language=find_language(names))
    return Table(header=header, columns=found.columns)


def _read_names(names: Sequence[str], mapped: Mapped, *, ignores_unknown: bool) -> _Names:
    found = _Names()
    places: dict[str, str] = {}
    folded_names = [fold_name(name) for name in names]
    # In Mexico, a file with Submarca (the model) uses Modelo for the year, and the register has no column for that.
    years = {_MODEL_YEAR} - mapped.keys() if _MODEL in folded_names and _MODEL not in mapped else set()
    for number, (name, folded) in enumerate(zip(names, folded_names, strict=True), start=1):
        column = mapped[folded] if folded in mapped else COLUMNS_BY_FOLDED.get(folded)
        is_unknown = (column is None and folded not in mapped) or folded in years
        if is_unknown and ignores_unknown:
            found.ignored.append(_shorten(name) or f"(column {number})")
        elif is_unknown:
            found.unknown.append(_describe_unknown(name, number))
        if is_unknown:
            column = None
        if column is not None and column in places:
            found.twice.append(f"{places[column]} and {_show(name)} both name {column}")
        elif column is not None:
            places[column] = _show(name)
        found.columns.append(column)
    found.has_vin = VIN_COLUMN in places
    return found


def _describe_unknown(name: str, number: int) -> str:
    folded = fold_name(name)
    if not folded:
        return f"the {'empty' if not name.strip() else _show(name)} name of column {number}"
    if folded == _MODEL_YEAR:
        return f"{_show(name)} (the year, because Submarca is the model)"
    close = (
        get_close_matches(folded, COLUMNS_BY_FOLDED, n=1, cutoff=_CLOSE) if len(folded) <= _HINTED_LENGTH_MAX else []
    )
    return f"{_show(name)} (perhaps {COLUMNS_BY_FOLDED[close[0]]})" if close else _show(name)


def _show(name: str) -> str:
    return quote(" ".join(name.split()))


def _shorten(name: str) -> str:
    return quote(" ".join(name.split()))[1:-1]
