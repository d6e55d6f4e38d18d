"""The parts of a workbook besides its cells: the list of sheets, and the texts that cells share."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.files.memory import open_scratch, translate_scratch_errors
from padron.files.xlsx_package import PART_BYTES_MAX, Package

CELL_LENGTH_MAX = 32_767  # characters in a cell of a spreadsheet
TEXTS_KEPT_MAX = 20_000  # shared texts in memory; the others are only on disk
TEXTS_MAX = 20_000_000
TEXTS_CHARACTERS_MAX = 1_000_000_000  # of all shared texts, which are on disk while the file is read
SHEETS_MAX = 500

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
    """The contents of the workbook's own parts."""

    sheets: list[Sheet]
    texts_part: str | None
    styles_part: str | None
    counts_from_1904: bool


def read_workbook(package: Package) -> Workbook:
    """Read the list of sheets. Raises ``bad_parameters`` when the package is not a workbook."""
    part = next((one.target for one in package.list_relationships() if one.kind == "officeDocument"), None)
    if part is None:
        raise _refuse("The file is an Office package, but not an XLSX workbook: save it as .xlsx or CSV.")
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
    _check_sheets(book.sheets)
    return book


def _check_sheets(sheets: list[Sheet]) -> None:
    if not sheets:
        raise _refuse("The workbook has no visible sheet with cells.")
    if len({one.part.casefold() for one in sheets}) < len(sheets):
        raise _refuse("The workbook is damaged: two of its sheets have the same part.")


class Texts:
    """The texts that cells share, by their place. All texts are on disk, and some also in memory."""

    def __init__(self) -> None:
        self._scratch = open_scratch(_TEXTS_SCHEMA)
        self._kept: dict[int, str] = {}
        self._waiting: list[tuple[int, str]] = []
        self._count = 0
        self._length = 0

    def add(self, text: str) -> None:
        """Add the next text. Raises ``bad_parameters`` when there are too many to keep."""
        self._length += len(text)
        if self._count >= TEXTS_MAX or self._length > TEXTS_CHARACTERS_MAX:
            raise _refuse("The workbook has too many texts. Split it into smaller files, or save it as CSV.")
        if self._count < TEXTS_KEPT_MAX:
            self._kept[self._count] = text
        self._waiting.append((self._count, text))
        self._count += 1
        if len(self._waiting) >= _ADDED_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Write the texts that are not on disk yet."""
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
        """Remove the texts from the disk."""
        self._scratch.close()


@contextmanager
def open_texts(package: Package, part: str | None) -> Iterator[Texts]:
    """Read the shared texts. Raises ``bad_parameters`` for a text that is too long for a cell."""
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
    """Joins the runs of each shared text, without the reading aids of East Asian texts."""

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
                    f"The workbook has a text of more than {CELL_LENGTH_MAX:,} characters, the maximum for a cell."
                )
            self._runs.append(text)


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, detail)
