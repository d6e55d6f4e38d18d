"""CSV for spreadsheets. No cell is a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from padron.files.defusing import defuse_text


def format_csv(rows: Iterable[Sequence[str]]) -> str:
    """Give lines (RFC 4180). A cell that a spreadsheet would read as a formula gets a leading ``'``."""
    text = StringIO()
    csv.writer(text).writerows([[defuse_text(cell) for cell in row] for row in rows])
    return text.getvalue()
