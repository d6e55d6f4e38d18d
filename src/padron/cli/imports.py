"""Parts of ``padron vehicles import``: its input, its mapping, its report and its progress bar."""

import asyncio
import csv
import json
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from padron.cli.outputs import InputFileError, print_error, word_trouble
from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.domain.quoting import join_names, quote_path
from padron.files.ahead import BlockingRows, open_rows_ahead
from padron.files.columns import RowFault
from padron.files.defusing import defuse_text
from padron.files.headers import IGNORED_MAX
from padron.service.imports.importing import ImportStep

STANDARD_INPUT = "-"
MAPPING_BYTES_MAX = 1_000_000
REPORT_SUFFIX = ".report.csv"
REPORT_COLUMNS = ("line", "column", "detail")

_MAPPING_CELLS = 2


class ImportReport:
    """The file with each fault of the refused lines. Its heading is written for the first fault."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path = path
        self.count = 0
        self._file = file
        self._writer = csv.writer(file)

    def add(self, refusals: Sequence[RowFault]) -> None:
        """Write these faults."""
        if refusals and not self.count:
            self.begin()
        self.count += len(refusals)
        self._writer.writerows(
            (refusal.line, refusal.column or "", defuse_text(refusal.detail)) for refusal in refusals
        )

    def begin(self) -> None:
        """Write the heading, in an empty file."""
        self._file.truncate(0)
        self._writer.writerow(REPORT_COLUMNS)


@contextmanager
def open_report(asked: Path | None, source: Path) -> Iterator[ImportReport]:
    """Open the report before anything is imported. Raises ``InputFileError`` when it cannot be written.

    Without a name it is beside the file, and is removed at the end if there is nothing to report.
    """
    is_standard_input = str(source) == STANDARD_INPUT
    if not is_standard_input:
        _check_source(source)
    path = asked or (
        Path("import" + REPORT_SUFFIX) if is_standard_input else source.with_name(source.name + REPORT_SUFFIX)
    )
    try:
        if not is_standard_input and path.exists() and path.samefile(source):
            raise InputFileError(
                f"The report {quote_path(path)} would overwrite the imported file. Name another file with --report."
            )
        if path.exists() and not _is_report(path):
            raise InputFileError(
                f"The report {quote_path(path)} would overwrite a file that is not a report. "
                "Name another file with --report."
            )
        # utf-8-sig, because spreadsheet programs need it to read the accents.
        file = path.open("a", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputFileError(
            f"The report {quote_path(path)} cannot be written: {word_trouble(path, error)}. "
            "Name another file with --report."
        ) from error
    report = ImportReport(path, file)
    try:
        with file:
            if asked is not None:
                report.begin()
            yield report
    finally:
        if asked is None and not report.count:
            path.unlink(missing_ok=True)


def _check_source(path: Path) -> None:
    """Raise ``bad_parameters`` unless the file exists, before a report is made beside it."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return
        why = "it is a folder. Name a CSV or Excel file in it"
    except OSError as error:
        why = word_trouble(path, error)
    raise PadronError(Code.BAD_PARAMETERS, f"The file {quote_path(path)} cannot be read: {why}.")


def _is_report(path: Path) -> bool:
    """Say whether a file is empty or an earlier report. The next report may replace such a file."""
    with path.open("rb") as file:
        first = file.readline(100).decode("utf-8-sig", "replace").strip()
    return first in {"", ",".join(REPORT_COLUMNS)}


@contextmanager
def open_input(file: Path, options: ReadingOptions, *, keep_duplicates: bool) -> Iterator[BlockingRows]:
    """Open the file to import, or standard input through a temporary file. Raises ``bad_parameters``."""
    if str(file) == STANDARD_INPUT:
        with NamedTemporaryFile(prefix="padron-import-") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            with open_input(Path(copy.name), options, keep_duplicates=keep_duplicates) as rows:
                yield rows
        return
    with open_rows_ahead(file, options, keep_duplicates=keep_duplicates) as rows:
        yield rows


def print_header(header: Header) -> None:
    """Say on stderr which row has the column names, unless it is the first, and which columns are not read."""
    if header.row is not None and header.row > 1:
        print_error(f"Row {header.row} has the column names. The rows before it are not read.")
    if header.ignored:
        print_error(
            f"These columns are not read, because their names are unknown: "
            f"{join_names(list(header.ignored), IGNORED_MAX)}."
        )


def read_mapping(path: Path | None) -> dict[str, str]:
    """Give a mapping from names in the file to columns, from a JSON object or CSV with two cells on each line.

    Raises ``InputFileError`` for any other content.
    """
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(MAPPING_BYTES_MAX + 1)
    except OSError as error:
        raise InputFileError(f"The mapping {quote_path(path)} cannot be read: {word_trouble(path, error)}.") from error
    if len(data) > MAPPING_BYTES_MAX:
        raise InputFileError(f"The mapping {quote_path(path)} has more than {MAPPING_BYTES_MAX // 1_000_000} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileError(f"The mapping {quote_path(path)} is not UTF-8: save it as UTF-8.") from error
    return _parse_json_mapping(path, text) if text.lstrip().startswith("{") else _parse_csv_mapping(path, text)


def _parse_json_mapping(path: Path, text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputFileError(f"The mapping {quote_path(path)} is not JSON: {error}.") from error
    pairs = {name: "" if column is None else column for name, column in document.items()}
    if not all(isinstance(column, str) for column in pairs.values()):
        raise InputFileError(
            f"The mapping {quote_path(path)} must have a text for each name: a column, or - to ignore the name."
        )
    return pairs


def _parse_csv_mapping(path: Path, text: str) -> dict[str, str]:
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    pairs = {}
    for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != _MAPPING_CELLS:
            raise InputFileError(
                f"Line {number} of the mapping {quote_path(path)} has {len(cells)} cells. "
                "It must have two: a name in the file, and a column."
            )
        pairs[cells[0].strip()] = cells[1].strip()
    return pairs


@contextmanager
def count_interrupts() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM instead of ending at once, so that the present transaction can finish."""
    interrupts: list[int] = []
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupts.append, number)
    try:
        yield interrupts
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def show_progress(rows: BlockingRows) -> Iterator[Callable[[ImportStep], None]]:
    """Draw a bar on stderr while rows are read, if stderr is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[rows]:,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=rows.bytes_total or None, rows=0, rate=0)

        def show(step: ImportStep) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            rate = step.counts.read / elapsed if elapsed else 0
            progress.update(task, completed=rows.bytes_read, rows=step.counts.read, rate=rate)

        yield show
