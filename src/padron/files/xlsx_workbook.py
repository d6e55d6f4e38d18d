"""What a workbook has beside its cells: its sheets, its shared texts, and which number formats are dates."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from padron.domain.errors import Code, PadronError
from padron.files.memory import open_scratch, translate_scratch_errors
from padron.files.xlsx_package import PART_BYTES_MAX, Package

CELL_LENGTH_MAX = 32_767  # what a cell of a spreadsheet can hold
TEXTS_KEPT_MAX = 20_000  # shared texts that are held in memory; the others are on disk
SHEETS_MAX = 500

_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_remove_literals = re.compile(r'"[^"]*"|\\.|\[[^\[\]]*\]|_.|\*.').sub
_find_date_letter = re.compile("[ymdhs]", re.IGNORECASE).search
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell's date has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_RIGHT_DAY = 61  # before it the calendar of 1900 has a 29th of February that never was
_LAST_DAY = 2_958_466  # the first day of the year 10000

_TEXTS_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE texts (place INTEGER PRIMARY KEY, text TEXT NOT NULL)
"""
_ADD_TEXT = "INSERT INTO texts (place, text) VALUES (?, ?)"
_FIND_TEXT = "SELECT text FROM texts WHERE place = ?"
_ADDED_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One sheet with cells: its name and its part of the package."""

    name: str
    part: str


@dataclass(kw_only=True, slots=True)
class Workbook:
    """What the workbook's own parts say."""

    sheets: list[Sheet]
    texts_part: str | None
    styles_part: str | None
    counts_from_1904: bool


def read_workbook(package: Package) -> Workbook:
    """Read which sheets there are. Raises ``bad_parameters`` when the package is no workbook."""
    part = next((one.target for one in package.list_relationships() if one.kind == "officeDocument"), None)
    if part is None or part.endswith(".bin"):
        raise _refuse("The file is a package but no XLSX workbook: save it as .xlsx or CSV.")
    related = package.list_relationships(part)
    targets = {one.relation_id: one for one in related}
    book = Workbook(sheets=[], texts_part=None, styles_part=None, counts_from_1904=False)
    for one in related:
        if one.kind == "sharedStrings" and package.has(one.target):
            book.texts_part = one.target
        elif one.kind == "styles" and package.has(one.target):
            book.styles_part = one.target

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "workbookPr":
            book.counts_from_1904 = attributes.get("date1904") in {"1", "true", "on"}
        elif tag == "sheet" and attributes.get("state", "visible") == "visible":
            relation_id = next((value for name, value in attributes.items() if name.endswith("|id")), "")
            target = targets.get(relation_id)
            if target is not None and target.kind == "worksheet" and len(book.sheets) < SHEETS_MAX:
                book.sheets.append(Sheet(name=attributes.get("name", ""), part=target.target))

    package.open_part(part, start=start).read_all()
    if not book.sheets:
        raise _refuse("The workbook has no visible sheet with cells.")
    return book


def read_date_styles(package: Package, part: str | None) -> frozenset[int]:
    """Give the cell styles by which a number is shown as a date or a time."""
    if part is None:
        return frozenset()
    custom: set[int] = set()
    formats: list[int] = []
    is_within: list[bool] = [False]

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "numFmt" and _is_date_code(attributes.get("formatCode", "")):
            custom.add(_to_int(attributes.get("numFmtId")))
        elif tag == "cellXfs":
            is_within[0] = True
        elif tag == "xf" and is_within[0]:
            formats.append(_to_int(attributes.get("numFmtId")))

    def end(tag: str) -> None:
        if tag == "cellXfs":
            is_within[0] = False

    package.open_part(part, start=start, end=end).read_all()
    dates = _BUILT_IN_DATES | custom
    return frozenset(place for place, number in enumerate(formats) if number in dates)


def word_date(number: float, *, counts_from_1904: bool) -> str | None:
    """Give a date as ISO 8601 writes it, with the time if there is one; None for a number that is no date."""
    if not 0 <= number < _LAST_DAY:
        return None
    days = number if counts_from_1904 or number >= _FIRST_RIGHT_DAY else number + 1
    at = (_EPOCH_1904 if counts_from_1904 else _EPOCH) + timedelta(seconds=round(days * 86_400))
    if number < 1 and not counts_from_1904:
        return at.time().isoformat()
    return at.isoformat(sep=" ") if at.time() != at.min.time() else at.date().isoformat()


class Texts:
    """The texts that cells share, by their place. All are on disk, and some in memory."""

    def __init__(self) -> None:
        self._scratch = open_scratch(_TEXTS_SCHEMA)
        self._kept: dict[int, str] = {}
        self._waiting: list[tuple[int, str]] = []
        self._count = 0

    def add(self, text: str) -> None:
        """Add the next text."""
        if self._count < TEXTS_KEPT_MAX:
            self._kept[self._count] = text
        self._waiting.append((self._count, text))
        self._count += 1
        if len(self._waiting) >= _ADDED_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Write what waits to be written."""
        with translate_scratch_errors():
            self._scratch.executemany(_ADD_TEXT, self._waiting)
        self._waiting.clear()

    def find(self, place: int) -> str | None:
        """Give the text at a place, if there is one."""
        text = self._kept.get(place)
        if text is None:
            rows = list(self._scratch.execute(_FIND_TEXT, (place,)))
            text = rows[0][0] if rows else None
        return text

    def close(self) -> None:
        """Remove them from the disk."""
        self._scratch.close()


@contextmanager
def open_texts(package: Package, part: str | None) -> Iterator[Texts]:
    """Read the shared texts. Raises ``bad_parameters`` for one that no cell could hold."""
    texts = Texts()
    try:
        if part is not None:
            reader = _TextReader(texts)
            package.open_part(
                part, start=reader.start, end=reader.end, text=reader.add_text, bytes_max=PART_BYTES_MAX
            ).read_all()
            texts.finish()
        yield texts
    finally:
        texts.close()


class _TextReader:
    """Puts the runs of each shared text together, without the reading aids of East Asian texts."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._runs: list[str] = []
        self._length = 0
        self._is_text = False
        self._aids = 0

    def start(self, tag: str, _: Mapping[str, str]) -> None:
        if tag == "si":
            self._runs, self._length = [], 0
        elif tag == "rPh":
            self._aids += 1
        elif tag == "t":
            self._is_text = not self._aids

    def end(self, tag: str) -> None:
        if tag == "si":
            self._texts.add("".join(self._runs))
        elif tag == "rPh":
            self._aids -= 1
        elif tag == "t":
            self._is_text = False

    def add_text(self, text: str) -> None:
        if self._is_text:
            self._length += len(text)
            if self._length > CELL_LENGTH_MAX:
                raise _refuse(
                    f"The workbook has a text of more than {CELL_LENGTH_MAX:,} characters: no cell holds one."
                )
            self._runs.append(text)


def _is_date_code(code: str) -> bool:
    return _find_date_letter(_remove_literals("", code.partition(";")[0])) is not None


def _to_int(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, detail)
