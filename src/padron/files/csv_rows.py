"""Reads a CSV file a block at a time: commas, semicolons or tabs, any of the usual encodings, every length bounded.

A line without a quotation mark, as most are, is split as it stands; only one that has any goes to the csv module. A
record that is not well-formed is refused by its first line, and the reading goes on with the line after that.
"""

import csv
from collections import deque
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import cast

from padron.domain.errors import Code, PadronError
from padron.files.columns import ImportRow, Refusal, find_column, parse_header
from padron.files.defusing import arm_text
from padron.files.encodings import BLOCK_BYTES, find_encoding, find_undecoded

LINE_LENGTH_MAX = 1 << 20  # characters; what is longer is no line of a spreadsheet
RECORD_LENGTH_MAX = 1 << 20  # characters of all the lines that a quoted cell runs over
READ_AGAIN_MAX = 1 << 22  # characters of a file that are read again after a quotation mark that is not closed
HEADER_LINES_MAX = 100  # blank lines before the header

_DELIMITERS = (",", ";", "\t")
_SEPARATOR_MARK = "sep="  # a first line by which spreadsheet programs name the delimiter


class CsvRows:
    """The rows after the header of an open file."""

    def __init__(self, raw: BufferedReader, bytes_total: int, mapping: Mapping[str, str] | None = None) -> None:
        self._raw = raw
        self._bytes_total = bytes_total
        self._lines = _Lines(raw)
        self._read_again = 0
        csv.field_size_limit(RECORD_LENGTH_MAX)
        self._delimiter, self._columns = self._read_header(mapping)

    @property
    def bytes_read(self) -> int:
        """How far the reading has come."""
        return self._raw.tell()

    @property
    def bytes_total(self) -> int:
        """The size of the file."""
        return self._bytes_total

    def __iter__(self) -> Iterator[ImportRow | Refusal]:
        """Give each row, lines without any content left out."""
        lines, delimiter, is_utf_8 = self._lines, self._delimiter, self._lines.encoding == "utf-8"
        for line in lines:
            number = lines.number
            if line is None:
                yield Refusal(line=number, column=None, detail=_describe_length(LINE_LENGTH_MAX))
                continue
            if '"' in line:
                cells = self._read_quoted(line)
                if isinstance(cells, str):
                    yield Refusal(line=number, column=None, detail=cells)
                    continue
                is_defused = any("'" in cell for cell in cells)
            else:
                cells = line.split(delimiter)
                is_defused = "'" in line
            if not any(cells):
                continue
            if is_utf_8 and not line.isascii() and (column := self._find_undecoded(cells)) is not None:
                yield Refusal(line=number, column=column, detail=f"{column} is not UTF-8, as the rest of the file is.")
                continue
            yield self._give_row(number, [arm_text(cell) for cell in cells] if is_defused else cells)

    def _find_undecoded(self, cells: list[str]) -> str | None:
        """Give the first column with bytes that are not of the encoding."""
        for column, cell in zip(self._columns, cells, strict=False):
            if column is not None and find_undecoded(cell):
                return column
        return None

    def _read_header(self, mapping: Mapping[str, str] | None) -> tuple[str, list[str | None]]:
        for line in self._lines:
            if line is None:
                raise PadronError(
                    Code.BAD_PARAMETERS, f"The first line is no header. {_describe_length(LINE_LENGTH_MAX)}"
                )
            if self._lines.number > HEADER_LINES_MAX:
                break
            if line.lower().startswith(_SEPARATOR_MARK) or not line.strip(" ,;\t"):
                continue
            delimiter = self._find_delimiter(line, mapping)
            self._delimiter = delimiter
            names = self._split_header(line, delimiter)
            while names and not names[-1].strip():
                names.pop()
            return delimiter, parse_header(names, mapping)
        return ",", parse_header([], mapping)  # which says what is missing

    def _split_header(self, line: str, delimiter: str) -> list[str]:
        self._delimiter = delimiter
        cells = self._read_quoted(line) if '"' in line else line.split(delimiter)
        if isinstance(cells, str):
            raise PadronError(Code.BAD_PARAMETERS, f"The first line is not CSV: {cells}")
        return [arm_text(cell) for cell in cells]

    def _find_delimiter(self, line: str, mapping: Mapping[str, str] | None) -> str:
        """Give the delimiter by which the header has the most names that are known."""
        mapped = mapping or {}

        def count_known(delimiter: str) -> tuple[int, int]:
            names = [name.strip().strip('"') for name in line.split(delimiter)]
            return sum(name in mapped or find_column(name) is not None for name in names), len(names)

        return max(_DELIMITERS, key=count_known)

    def _read_quoted(self, line: str) -> list[str] | str:
        """Give the cells of the record that begins with this line, or what is wrong with it.

        Lines that were taken for its continuation are given back when it turns out to be none. A file in which that
        goes on and on, each line opening a quotation mark, gets no further line taken: the time would grow without end.
        """
        taken: list[str] = []
        lines = self._lines
        length_max = RECORD_LENGTH_MAX if self._read_again < READ_AGAIN_MAX else 0

        def give_lines() -> Iterator[str]:
            length = len(line)
            yield line
            for further in lines:
                taken.append(further or "")
                length += len(further or "")
                if further is None or length > length_max:
                    raise _OpenQuoteError
                yield "\n" + further

        try:
            return next(csv.reader(give_lines(), delimiter=self._delimiter, strict=True))
        except (csv.Error, _OpenQuoteError, StopIteration) as error:
            lines.give_back(taken)
            self._read_again += sum(map(len, taken))
            if taken or isinstance(error, _OpenQuoteError) or "unexpected end" in str(error):
                return "A quotation mark is opened, and not closed where a cell ends: the next line is read by itself."
            return f"The line is not CSV: {error}. A quotation mark within a quoted cell is written twice."

    def _give_row(self, line: int, cells: list[str]) -> ImportRow | Refusal:
        columns = self._columns
        if len(cells) != len(columns):
            if len(cells) < len(columns) or any(cells[len(columns) :]):
                detail = f"The line has {len(cells)} cells, and the first line names {len(columns)} columns."
                return Refusal(line=line, column=None, detail=detail)
            del cells[len(columns) :]
        named = dict(zip(columns, cells, strict=True))
        named.pop(None, None)  # columns that the mapping ignores
        return ImportRow(line=line, cells=cast("dict[str, str]", named))


class _OpenQuoteError(Exception):
    """A quoted cell runs on for longer than a record may be."""


class _Lines:
    """The physical lines of a file without their ends; None for one that is too long, which is passed over."""

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        encoding = find_encoding(raw)
        raw.seek(encoding.mark_bytes)
        self.encoding = encoding.name
        self._decoder = encoding.make_decoder()
        self._ready: deque[str | None] = deque()
        self._rest = ""
        self._is_passing = False  # over the rest of a line that is too long
        self._is_ended = False
        self._end = ""
        self.number = 0

    def __iter__(self) -> Iterator[str | None]:
        return self

    def __next__(self) -> str | None:
        while not self._ready:
            if self._is_ended:
                raise StopIteration
            self._read_block()
        self.number += 1
        return self._ready.popleft()

    def give_back(self, lines: list[str]) -> None:
        """Give these lines again."""
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)

    def _read_block(self) -> None:
        block = self._raw.read(BLOCK_BYTES)
        text = self._decoder.decode(block, final=not block)
        self._is_ended = not block
        if not self._end:  # lines end with LF, with or without CR before it, or with CR alone
            self._end = "\r" if "\n" not in text and "\r" in text else "\n"
        lines = (self._rest + text).split(self._end)
        self._rest = "" if self._is_ended else lines.pop()
        if self._is_ended and not lines[-1]:
            lines.pop()  # what comes after the last line's end is no line
        if self._end == "\n" and "\r" in text:
            lines = [line.removesuffix("\r") for line in lines]
        self._take(lines)

    def _take(self, lines: list[str]) -> None:
        if self._is_passing and (lines or self._is_ended):
            self._ready.append(None)
            self._is_passing = False
            del lines[:1]
        self._ready.extend(line if len(line) <= LINE_LENGTH_MAX else None for line in lines)
        if len(self._rest) > LINE_LENGTH_MAX:
            self._is_passing = True
            self._rest = ""


def _describe_length(length_max: int) -> str:
    return f"The line has more than {length_max:,} characters, so it was passed over: is it a spreadsheet's line?"
