"""The options for reading a file of vehicles, and what was found in its header. Commands and the API share both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from padron.domain.errors import Code, PadronError
from padron.domain.language import Language

HEADER_ROWS_MAX = 20  # the first rows with content: the column names must be in one of them
HEADER_ROW_MAX = 1_000  # the last row that the option may name
SHEET_LENGTH_MAX = 255  # characters of a sheet's name; spreadsheet programs allow 31
CORRECTIONS_MAX = 1_000
CORRECTION_LENGTH_MAX = 500  # characters; no value is longer
MAPPED_MAX = 1_000  # names in a mapping; at most as many columns are read


class UnreadableFileError(PadronError):
    """The file itself cannot be read, or not to its end. To try again would not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(Code.BAD_PARAMETERS, detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class CellCorrection:
    """What a cell of the file should have been, by its line and its column."""

    line: int
    column: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingOptions:
    """What the sender says about a file."""

    mapping: Mapping[str, str] = field(default_factory=dict)  # a name in the file to a column, or to - to ignore it
    sheet: str | None = None  # of a workbook; None: the only one with content
    header_row: int | None = None  # from 1; None: the reader searches for it
    ignore_unknown: bool = False  # leave out columns with an unknown name
    normalize: bool = False  # accept plates and VINs with spaces and separators
    corrections: tuple[CellCorrection, ...] = ()  # at most CORRECTIONS_MAX


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Where and how a file names its columns, as the sender sees it.

    ``row`` counts from 1 and is None for a file without such a row (JSON Lines). ``ignored`` has the unknown names:
    the sender asked to ignore them, so their columns are not read.
    """

    row: int | None = None
    sheet: str | None = None
    ignored: tuple[str, ...] = ()
    language: Language = Language.ENGLISH


def check_header_row(row: int) -> int:
    """Give the number of the row with the column names. Raises ``bad_parameters`` when it is out of range."""
    if not 1 <= row <= HEADER_ROW_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"The header row is {row}: it must be from 1 to {HEADER_ROW_MAX:,}.")
    return row
