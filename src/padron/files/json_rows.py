"""Reads JSON Lines: one vehicle on each line, in the form of an export or the API, with a limit for a line's length.

A missing member keeps its value, as in the API. In a line from an export, "" or null removes the value.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.files.columns import ImportRow, RowFault
from padron.files.headers import IGNORED_MAX, parse_mapping, read_members

LINE_BYTES_MAX = 1 << 20
SHAPES_MAX = 1_000  # different lists of member names that are kept in memory

# Members of an export that cannot be set.
_TOLD = frozenset({"operational", "statusSince", "createdAt", "updatedAt", "validFrom", "validTo"})
_MARK = b"\xef\xbb\xbf"

Pairs = list[tuple[str, object]]


def begins_json(first: bytes) -> bool:
    """Say whether a file that begins with these bytes is JSON Lines."""
    return first.removeprefix(_MARK).lstrip().startswith(b"{")


class JsonRows:
    """The rows of an open file."""

    def __init__(self, raw: BufferedReader, bytes_total: int, options: ReadingOptions) -> None:
        """Raise ``bad_parameters`` for a target that is not a column, and for a header row, which JSON Lines lack."""
        if options.header_row is not None:
            raise PadronError(Code.BAD_PARAMETERS, "A file of JSON Lines has no header row: leave out headerRow.")
        parse_mapping(options.mapping)
        self._raw = raw
        self._bytes_total = bytes_total
        self._options = options
        self._header = Header()
        self._columns: dict[tuple[str, ...], list[str | None]] = {}

    @property
    def header(self) -> Header:
        """Which members were ignored so far."""
        return self._header

    @property
    def bytes_read(self) -> int:
        """How many bytes have been read."""
        return self._raw.tell()

    @property
    def bytes_total(self) -> int:
        """The size of the file."""
        return self._bytes_total

    def __iter__(self) -> Iterator[ImportRow | RowFault]:
        """Give each row. Blank lines are skipped."""
        number = 0
        while line := self._raw.readline(LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX:
                self._pass_over(line)
                detail = f"The line has more than {LINE_BYTES_MAX:,} bytes, so it was skipped."
                yield RowFault(line=number, column=None, detail=detail)
                continue
            if number == 1:
                line = line.removeprefix(_MARK)
            if line.strip():
                yield self._read_line(number, line)

    def _pass_over(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._raw.readline(LINE_BYTES_MAX)

    def _read_line(self, number: int, line: bytes) -> ImportRow | RowFault:
        try:
            pairs = json.loads(line.decode(), object_pairs_hook=_Object)
        except (ValueError, RecursionError) as error:
            wrong = "it is nested too deeply" if isinstance(error, RecursionError) else _word(error)
            return RowFault(line=number, column=None, detail=f"The line is not JSON in UTF-8: {wrong}.")
        if not isinstance(pairs, _Object):
            return RowFault(line=number, column=None, detail="The line is not a JSON object.")
        named = [(name, value) for name, value in pairs if name not in _TOLD]
        try:
            columns = self._find_columns(tuple(name for name, _ in named))
        except PadronError as error:
            return RowFault(line=number, column=None, detail=error.detail)
        cells: dict[str, str] = {}
        problems: dict[str, str] = {}
        for column, (_, value) in zip(columns, named, strict=True):
            if column is None:
                continue
            text = _give_text(value)
            if text is None:
                problems[column] = f"{column} must be text or an integer."
            else:
                cells[column] = text
        return ImportRow(line=number, cells=cells, problems=problems)

    def _find_columns(self, names: tuple[str, ...]) -> list[str | None]:
        columns = self._columns.get(names)
        if columns is None:
            table = read_members(names, self._options)
            columns = table.columns
            ignored = dict.fromkeys((*self._header.ignored, *table.header.ignored))
            self._header = replace(self._header, ignored=tuple(ignored)[:IGNORED_MAX])
            if len(self._columns) < SHAPES_MAX:
                self._columns[names] = columns
        return columns


class _Object(Pairs):
    """The members of a JSON object, including those that occur twice."""


def _give_text(value: object) -> str | None:
    """Give the text for a cell, or None for a value that a cell cannot have."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return None
        case int():
            return str(value)
        case _:
            return None


def _word(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}"
    return "a byte is wrong" if isinstance(error, UnicodeDecodeError) else "a number has too many digits"
