"""Writes vehicles as CSV, XLSX or JSON Lines, in parts, so that memory does not grow with their number."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import VehicleVersion
from padron.files.export_rows import PLAIN, Wording, give_members, give_rows, name_columns

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # without it, Excel reads UTF-8 as the machine's code page
SHEET_ROWS_MAX = 1_048_576  # of an XLSX sheet, including the row with the column names
SHEET_NAME = "vehicles"

_encode_json = msgspec.json.Encoder().encode
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class Form(StrEnum):
    """The form of a file of vehicles."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


class RowWriter(Protocol):
    """An open file of vehicles."""

    def write(self, versions: Sequence[VehicleVersion]) -> None:
        """Write more vehicles. Raises ``bad_parameters`` when the file would exceed a limit of its form."""
        ...


@contextmanager
def open_writer(
    form: Form, raw: BinaryIO, *, delimiter: str = ",", mark: bool = False, wording: Wording = PLAIN
) -> Iterator[RowWriter]:
    """Give a writer of this form. The file is complete only at the end of the block.

    ``mark`` puts a byte order mark before CSV. ``wording`` is for CSV and XLSX; JSON Lines have the API's names.
    """
    match form:
        case Form.CSV:
            yield CsvWriter(raw, delimiter=delimiter, mark=mark, wording=wording)
        case Form.JSONL:
            yield JsonWriter(raw)
        case Form.XLSX:
            with TemporaryDirectory(prefix="padron-export-") as folder:
                writer = XlsxWriter(raw, folder, wording)
                try:
                    yield writer
                    writer.close()
                finally:
                    writer.let_go()


def encode_csv(rows: Sequence[Sequence[str | int | None]], delimiter: str = ",") -> bytes:
    """Give rows as CSV in UTF-8, following RFC 4180: CRLF, and quotation marks only where they are needed."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


class CsvWriter:
    """Writes CSV, with the column names first."""

    def __init__(self, raw: BinaryIO, *, delimiter: str = ",", mark: bool = False, wording: Wording = PLAIN) -> None:
        self._raw = raw
        self._delimiter = delimiter
        self._wording = wording
        raw.write((BYTE_ORDER_MARK if mark else b"") + encode_csv([name_columns(wording)], delimiter))

    def write(self, versions: Sequence[VehicleVersion]) -> None:
        """Write vehicles."""
        self._raw.write(encode_csv(give_rows(versions, self._wording), self._delimiter))


class JsonWriter:
    """Writes JSON Lines: one vehicle on each line, in the API's shape."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def write(self, versions: Sequence[VehicleVersion]) -> None:
        """Write vehicles."""
        self._raw.write(b"".join(_encode_json(give_members(version)) + b"\n" for version in versions))


class XlsxWriter:
    """Writes an XLSX workbook with one sheet. Text stays text and never becomes a formula, a number or a link.

    Rows go into a temporary file first; ``close`` packs them.
    """

    def __init__(self, raw: BinaryIO, folder: str, wording: Wording = PLAIN) -> None:
        import xlsxwriter  # noqa: PLC0415 - a server starts faster without it

        self._book = xlsxwriter.Workbook(raw, {**_OPTIONS, "tmpdir": folder})
        self._sheet = self._book.add_worksheet(SHEET_NAME)
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(name_columns(wording)):
            self._sheet.write_string(0, place, name, bold)
        self._wording = wording
        self._row_count = 1

    def write(self, versions: Sequence[VehicleVersion]) -> None:
        """Write vehicles. Raises ``bad_parameters`` when the sheet is full."""
        if self._row_count + len(versions) > SHEET_ROWS_MAX:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"There are more vehicles than an XLSX sheet can hold ({SHEET_ROWS_MAX - 1:,}). "
                "Write CSV or JSON Lines, or use a filter.",
            )
        write_string, write_number = self._sheet.write_string, self._sheet.write_number
        for row, cells in enumerate(give_rows(versions, self._wording), start=self._row_count):
            for place, cell in enumerate(cells):
                if isinstance(cell, str):
                    write_string(row, place, cell)
                elif cell is not None:
                    write_number(row, place, cell)
        self._row_count += len(versions)

    def close(self) -> None:
        """Pack the workbook."""
        from xlsxwriter.exceptions import FileSizeError  # noqa: PLC0415

        try:
            self._book.close()
        except FileSizeError as error:
            raise PadronError(Code.BAD_PARAMETERS, "The workbook is too large for XLSX: write CSV.") from error

    def let_go(self) -> None:
        """Close everything, even if the workbook is not packed. Otherwise its destructor would pack it."""
        self._book.fileclosed = True
        self._sheet.row_data_fh.close()
