"""CSV for spreadsheets, in which no cell is a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def format_csv(rows: Iterable[Sequence[str]]) -> str:
    """Give lines (RFC 4180). A cell that a spreadsheet would take for a formula gets a ``'`` before it."""
    text = StringIO()
    csv.writer(text).writerows([[_defuse(cell) for cell in row] for row in rows])
    return text.getvalue()


def _defuse(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
