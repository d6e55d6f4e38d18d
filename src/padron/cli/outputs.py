"""The output of commands: one JSON document or a table on stdout, and messages on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from padron.cli.logs import escape_line
from padron.config import hide_passwords
from padron.domain.quoting import quote_path
from padron.service.reports.csv_lines import format_csv

_WIDTH_UNSEEN = 500  # characters, for a file or a pipe, so that a table is not cut


class UsageError(Exception):
    """A wrong command line, with a message."""


class InputFileError(UsageError):
    """A file or folder of an option that cannot be used. The message does not point to the command's help."""


def word_trouble(path: Path, error: OSError) -> str:
    """Say why a file cannot be read or written, to follow a colon."""
    match error:
        case FileNotFoundError() if not path.parent.is_dir():
            return f"there is no folder {quote_path(path.parent)}"
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "it is a folder"
        case NotADirectoryError():
            return f"{quote_path(path.parent)} is not a folder"
        case PermissionError():
            return "this user has no permission"
        case _:
            return error.strerror or type(error).__name__


def print_json(document: object) -> None:
    """Print the one JSON document of a command."""
    print(json.dumps(document, ensure_ascii=False))


def print_csv(rows: Iterable[Sequence[str]]) -> None:
    """Print lines of CSV. No spreadsheet program sees a formula in them."""
    print(format_csv(rows), end="")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], none: str) -> None:
    """Print rows under their headings, or the sentence ``none`` when the list is empty."""
    if not rows:
        print(none)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape_line(cell)) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_UNSEEN
    console.print(table)


def print_error(sentence: str) -> None:
    """Print a message on stderr, on one line."""
    print(f"padron: {escape_line(hide_passwords(_join_lines(sentence)))}", file=sys.stderr)


def _join_lines(text: str) -> str:
    """Give the text as one line. Spaces stay, because a space in a file name may be the fault."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def give_instant(at: datetime | None) -> str | None:
    """Give an instant as JSON shows it: RFC 3339 in UTC, to the second."""
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
