"""What a file of vehicles looks like before it is imported: its first rows, and what its columns seem to mean."""

from dataclasses import dataclass
from enum import StrEnum

from padron.domain.language import Language

ROWS_MAX = 20  # rows after the names, and rows before them
COLUMNS_MAX = 200
CELL_SHOWN_MAX = 120  # characters of a cell


class Confidence(StrEnum):
    """How sure it is what a column means."""

    CHOSEN = "chosen"  # somebody said so: now, or for an earlier file with these names
    SURE = "sure"  # its name is one that we know
    LIKELY = "likely"  # its name resembles one, or its cells do
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewColumn:
    """One column. ``column`` is the field that it seems to be, or None for a column that would be left out."""

    name: str
    column: str | None
    confidence: Confidence


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """The beginning of each cell of a row, by the columns' order."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePreview:
    """The beginning of a file. ``header_row`` is None for JSON Lines, which name the members in each line.

    ``before`` has the rows up to the names, so that somebody can choose another one. ``fingerprint`` is the same for
    all files with the same names.
    """

    sheets: tuple[str, ...] = ()
    sheet: str | None = None
    header_row: int | None = None
    before: tuple[PreviewRow, ...] = ()
    columns: tuple[PreviewColumn, ...] = ()
    rows: tuple[PreviewRow, ...] = ()
    fingerprint: str = ""
    language: Language = Language.ENGLISH

    @property
    def names_vin(self) -> bool:
        """Say whether a column has the VIN, without which nothing can be imported."""
        return any(one.column == "vin" for one in self.columns)
