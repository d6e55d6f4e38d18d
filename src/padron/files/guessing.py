"""Guesses what the columns of a file mean: by their names, and where a name says nothing, by the cells."""

import hashlib
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from padron.domain.errors import PadronError
from padron.domain.file_preview import Confidence, PreviewColumn
from padron.domain.status import parse_status_text
from padron.domain.vin import parse_vin
from padron.files.columns import COLUMNS_BY_FOLDED, STATUS_COLUMN, SUBMARCA, VIN_COLUMN, fold_name
from padron.files.headers import Mapped

_CLOSE = 0.82
_COMPARED_LENGTH_MAX = 60
_SHARE = 0.6  # of the cells of a column that must look alike
_MODEL, _MODEL_YEAR = fold_name(SUBMARCA), fold_name("Modelo")
# A status among other texts: a bare number could be anything, such as the number of doors.
_BY_CELLS: tuple[tuple[str, Callable[[str], object]], ...] = (
    (VIN_COLUMN, lambda text: parse_vin(text.replace("-", "").replace(" ", ""))),
    (STATUS_COLUMN, lambda text: parse_status_text(text) if not text.isdigit() else parse_vin(text)),
)


def guess_columns(names: Sequence[str], cells: Sequence[Sequence[str]], mapped: Mapped) -> list[PreviewColumn]:
    """Give what each column seems to be. No field is given twice, and the surest guess has it."""
    folded = [fold_name(name) for name in names]
    has_model = _MODEL in folded
    guesses: list[PreviewColumn | None] = [None] * len(names)
    taken: set[str] = set()
    for place, name in enumerate(folded):
        if name in mapped:
            guesses[place] = _give(names[place], mapped[name], Confidence.CHOSEN, taken)
    for place, name in enumerate(folded):
        column = None if has_model and name == _MODEL_YEAR else COLUMNS_BY_FOLDED.get(name)
        if guesses[place] is None and column is not None:
            guesses[place] = _give(names[place], column, Confidence.SURE, taken)
    for place, name in enumerate(folded):
        if guesses[place] is None:
            column = _guess(name, [row[place] for row in cells if place < len(row)], taken)
            confidence = Confidence.NONE if column is None else Confidence.LIKELY
            guesses[place] = _give(names[place], column, confidence, taken)
    return [one for one in guesses if one is not None]


def fingerprint_names(names: Sequence[str]) -> str:
    """Give a text that is the same for files with the same names in the same order."""
    return hashlib.sha256("\n".join(fold_name(name) for name in names).encode("utf-8", "replace")).hexdigest()[:32]


def _give(name: str, column: str | None, confidence: Confidence, taken: set[str]) -> PreviewColumn:
    if column in taken:
        return PreviewColumn(name=name, column=None, confidence=Confidence.NONE)
    if column is not None:
        taken.add(column)
    return PreviewColumn(name=name, column=column, confidence=confidence)


def _guess(name: str, cells: Sequence[str], taken: set[str]) -> str | None:
    filled = [cell.strip() for cell in cells if cell.strip()]
    for column, parse in _BY_CELLS:
        if column not in taken and filled and _count(filled, parse) >= _SHARE * len(filled):
            return column
    if not name or len(name) > _COMPARED_LENGTH_MAX or name == _MODEL_YEAR:
        return None
    close = get_close_matches(name, COLUMNS_BY_FOLDED, n=1, cutoff=_CLOSE)
    return COLUMNS_BY_FOLDED[close[0]] if close else None


def _count(cells: Sequence[str], parse: Callable[[str], object]) -> int:
    count = 0
    for cell in cells:
        try:
            parse(cell)
        except PadronError:
            continue
        count += 1
    return count
