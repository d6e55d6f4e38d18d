"""How a workbook shows numbers: as dates, as times, with leading zeros. The import takes what people see in the cell.

A number format is untrusted text of any length. It is read once, from left to right.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from padron.files.xlsx_package import Package

CODE_LENGTH_MAX = 255  # of a number format in a spreadsheet program
FORMATS_MAX = 100_000  # cell formats of a workbook; Excel allows 65,490
DIGITS = 15  # digits of a number that a spreadsheet keeps and shows

_BUILT_IN_ELAPSED = 46  # [h]:mm:ss
_BUILT_IN_DATES = (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell's date has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_RIGHT_DAY = 61  # before this day, spreadsheets count a 29 February 1900, which did not exist
_LAST_DAY = 2_958_466  # the first day of the year 10000
_TEXT = "'"  # marks a text in a pattern; the other entries are places for digits
_POSITIONAL_MIN = Decimal("1e-9")  # smaller numbers are written with an exponent

# A piece without its end runs to the end of the code, so no character is read twice.
_split_code = re.compile(r'"[^"]*"?|\[[^\]]*\]?|\\.?|[_*].?|general|.', re.IGNORECASE | re.DOTALL).findall


class Shown(Enum):
    """How a cell format shows a number. A format that shows the plain number has no entry."""

    DATE = "date"
    ELAPSED = "elapsed"  # hours beyond 24
    SHAPED = "shaped"  # with leading zeros, or text before it
    UNCLEAR = "unclear"  # with leading zeros, in a way that this module does not support


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberFormat:
    """A number format that shows more than the plain number. ``pattern`` has its places for digits and its texts."""

    shown: Shown
    code: str
    pattern: tuple[str, ...] = ()


def read_styles(package: Package, part: str | None) -> dict[str, NumberFormat]:
    """Give the cell formats that show more than the plain number, by the name that cells use for them."""
    if part is None:
        return {}
    codes: dict[int, NumberFormat | None] = {}
    formats: list[int] = []
    is_within = False

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_within
        if tag == "numFmt" and len(codes) < FORMATS_MAX:
            codes[_to_int(attributes.get("numFmtId"))] = parse_format(attributes.get("formatCode", ""))
        elif tag == "cellXfs":
            is_within = True
        elif tag == "xf" and is_within and len(formats) < FORMATS_MAX:
            formats.append(_to_int(attributes.get("numFmtId")))

    def end(tag: str) -> None:
        nonlocal is_within
        if tag == "cellXfs":
            is_within = False

    package.open_part(part, start=start, end=end).read_all()
    found = {str(place): codes[one] if one in codes else _BUILT_IN.get(one) for place, one in enumerate(formats)}
    return {place: one for place, one in found.items() if one is not None}


@dataclass(kw_only=True, slots=True)
class _Section:
    """The contents of one section of a format code. The first section is for numbers from 0."""

    has_date_letter: bool = False
    is_elapsed: bool = False
    has_condition: bool = False
    has_other: bool = False  # a decimal point, a percentage, an exponent, a fraction, groups of thousands
    pattern: list[str] = field(default_factory=list)

    @property
    def is_shaped(self) -> bool:
        first = next((place for place, one in enumerate(self.pattern) if _is_place(one)), None)
        if first is None:
            return False
        has_name = any(one.isalnum() for text in self.pattern[:first] for one in text)
        return self.pattern.count("0") > 1 or (has_name and not self.has_other)

    @property
    def is_date(self) -> bool:
        return self.has_date_letter and not any(_is_place(one) for one in self.pattern)


def parse_format(code: str) -> NumberFormat | None:
    """Give how a format code shows a number from 0, or None when it shows only the plain number."""
    sections = _split_sections(code[:CODE_LENGTH_MAX])
    first = sections[0]
    shown = code[:40]
    if first.is_elapsed:
        return NumberFormat(shown=Shown.ELAPSED, code=shown)
    if first.is_date:
        return NumberFormat(shown=Shown.DATE, code=shown)
    has_condition = any(one.has_condition for one in sections)
    if not first.is_shaped and not (has_condition and any(one.is_shaped for one in sections)):
        return None
    if has_condition or first.has_other or len(code) > CODE_LENGTH_MAX:
        return NumberFormat(shown=Shown.UNCLEAR, code=shown)
    return NumberFormat(shown=Shown.SHAPED, code=shown, pattern=tuple(first.pattern))


def _split_sections(code: str) -> list[_Section]:
    """Give the sections of a format code."""
    sections = [_Section()]
    is_whole = True  # before the decimal point
    for piece in _split_code(code):
        section, kind = sections[-1], piece[0]
        if kind == ";":
            sections.append(_Section())
            is_whole = True
        elif kind in '"\\':
            section.pattern.append(_TEXT + piece[1:].removesuffix('"'))
        elif kind == "[":
            _note_bracket(section, piece[1:].removesuffix("]"))
        elif kind in "0#?":
            section.pattern += kind if is_whole else ""
        elif kind in ".,%/Ee":
            section.has_other = True
            is_whole = is_whole and kind == ","
        else:
            _note_character(section, piece)
    return sections


def _note_character(section: _Section, piece: str) -> None:
    if piece.casefold() == "general":
        section.pattern.append("#")
    elif piece[0] in "yYmMdDhHsS":
        section.has_date_letter = True
    elif piece[0] not in "_*" and not piece.isalnum():
        section.pattern.append(_TEXT + piece)


def _note_bracket(section: _Section, inner: str) -> None:
    """Note the contents of brackets: hours beyond 24, or a condition. Colours, currencies and languages are ignored."""
    if inner and not inner.strip("hHmMsS"):
        section.is_elapsed = True
    elif inner[:1] in {"<", ">", "="}:
        section.has_condition = True


def word_shaped(number: float, shape: NumberFormat) -> str | None:
    """Give a whole number as its format shows it, or None when that is with a sign, rounded or in another way."""
    if number < 0 or not number.is_integer() or shape.shown is not Shown.SHAPED:
        return None
    shown = [one.removeprefix(_TEXT) for one in shape.pattern]
    places = [place for place, one in enumerate(shape.pattern) if _is_place(one)]
    zeros = [count for count, place in enumerate(places) if shape.pattern[place] == "0"]
    digits = str(int(number)).zfill(len(places) - zeros[0] if zeros else 1)
    for place in reversed(places[1:]):
        digits, shown[place] = digits[:-1], digits[-1:]
    shown[places[0]] = digits
    return "".join(shown)


def word_date(number: float, *, counts_from_1904: bool) -> str | None:
    """Give a date in ISO 8601, with the time if there is one, or None for a number that is not a date."""
    if not 0 <= number < _LAST_DAY:
        return None
    days = number if counts_from_1904 or number >= _FIRST_RIGHT_DAY else number + 1
    at = (_EPOCH_1904 if counts_from_1904 else _EPOCH) + timedelta(seconds=round(days * 86_400))
    if 0 < number < 1 or (number == 0 and not counts_from_1904):
        return at.time().isoformat()
    return at.isoformat(sep=" ") if at.time() != at.min.time() else at.date().isoformat()


def word_elapsed(number: float) -> str | None:
    """Give a time, which may have more than 24 hours, or None for a number that is not a time."""
    if not 0 <= number < _LAST_DAY:
        return None
    minutes, seconds = divmod(round(number * 86_400), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def word_number(number: float) -> str:
    """Give a number with the 15 digits that a spreadsheet shows, without the extra digits of its binary form."""
    if number.is_integer():
        return str(int(number))
    rounded = Decimal(f"{number:.{DIGITS}g}")
    if rounded and abs(rounded) < _POSITIONAL_MIN:
        return f"{rounded.normalize():E}"
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_place(one: str) -> bool:
    return one in {"0", "#", "?"}


def _to_int(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004


_BUILT_IN = {
    **{number: NumberFormat(shown=Shown.DATE, code="a date") for number in _BUILT_IN_DATES},
    _BUILT_IN_ELAPSED: NumberFormat(shown=Shown.ELAPSED, code="[h]:mm:ss"),
}
