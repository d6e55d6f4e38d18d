"""How a file of vehicles is to be read, and what was found in it: what a command and the API both know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from padron.domain.errors import Code, PadronError
from padron.domain.language import Language

HEADER_ROWS_MAX = 20  # rows with content among which the names of the columns are looked for
HEADER_ROW_MAX = 1_000  # that may be named as the row with the names
SHEET_LENGTH_MAX = 255  # characters of a sheet's name; spreadsheet programs allow 31
MAPPED_MAX = 1_000  # names in a mapping, as many as the columns that are read


class UnreadableFileError(PadronError):
    """The file itself cannot be read, or not to its end: to try again would not mend it."""

    def __init__(self, detail: str) -> None:
        super().__init__(Code.BAD_PARAMETERS, detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingOptions:
    """What whoever sends a file says of it."""

    mapping: Mapping[str, str] = field(default_factory=dict)  # a name in the file to a column, or to - to ignore it
    sheet: str | None = None  # of a workbook; None: the only one with content
    header_row: int | None = None  # from 1; None: it is looked for
    ignore_unknown: bool = False  # leave out columns with an unknown name
    normalize: bool = False  # take plates and VINs that are written with spaces and separators


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """Where a file names its columns, and how: what whoever sent it wants to know of it.

    ``row`` counts from 1 and is None for a file without such a row (JSON Lines). ``ignored`` are the names that
    nothing is read of, because unknown ones are to be ignored.
    """

    row: int | None = None
    sheet: str | None = None
    ignored: tuple[str, ...] = ()
    language: Language = Language.ENGLISH


def check_header_row(row: int) -> int:
    """Give the number of the row with the names. Raises ``bad_parameters`` when it is out of range."""
    if not 1 <= row <= HEADER_ROW_MAX:
        raise PadronError(Code.BAD_PARAMETERS, f"The row with the names is {row}: it is from 1 to {HEADER_ROW_MAX:,}.")
    return row
