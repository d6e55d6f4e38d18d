"""Opens a file of vehicles: CSV, XLSX or JSON Lines. The form is detected from the content, not from the name."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import ReadingOptions
from padron.domain.quoting import quote_path
from padron.files.columns import FileRows
from padron.files.csv_rows import CsvRows
from padron.files.headers import HeaderSearch
from padron.files.json_rows import JsonRows, begins_json

_PACKAGE = (b"PK\x03\x04", b"PK\x05\x06")  # the second is the beginning of an empty archive
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls), or one with a password: save it as .xlsx without a password"),
    (b"%PDF", "a PDF: export the table as CSV or XLSX"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"SQLite format 3", "a SQLite database: export the table as CSV"),
)


@contextmanager
def open_rows(
    path: Path, options: ReadingOptions | None = None, *, is_path_told: bool = True, search: HeaderSearch | None = None
) -> Iterator[FileRows]:
    """Open a file and read its header. Raises ``bad_parameters`` when the file or its header cannot be read.

    ``is_path_told`` is off for a file that somebody sent: where it lies meanwhile is nobody's business. ``search``
    finds the row with the names in another way than an import does.
    """
    options = options or ReadingOptions()
    the_file = f"The file {quote_path(path)}" if is_path_told else "The file"
    try:
        raw = path.open("rb")
        bytes_total = path.stat().st_size
    except OSError as error:
        raise PadronError(Code.BAD_PARAMETERS, f"{the_file} cannot be read: {error.strerror}.") from error
    with raw, ExitStack() as opened:
        if not raw.seekable():
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"{the_file} can be read only once: pass it through standard input (-).",
            )
        first = raw.read(16)
        raw.seek(0)
        for mark, name in _FOREIGN:
            if first.startswith(mark):
                raise PadronError(Code.BAD_PARAMETERS, f"{the_file} is {name}.")
        if first.startswith(_PACKAGE):
            from padron.files.xlsx_rows import open_sheet  # noqa: PLC0415 - a fifth of what a process for CSV would import

            yield open_sheet(opened, raw, bytes_total, options, search)
            return
        if options.sheet is not None:
            raise PadronError(
                Code.BAD_PARAMETERS,
                f"{the_file} is a text file without sheets: leave out sheet (--sheet).",
            )
        if begins_json(first):
            yield JsonRows(raw, bytes_total, options)
        else:
            yield CsvRows(raw, bytes_total, options, search)
