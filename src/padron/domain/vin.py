r"""The form of a vehicle identification number (ISO 3779; contract 1.1). A wrong check digit is only a warning.

The ASCII pattern is tested before any case folding, because ``"\u017f".upper()`` is ``"S"`` and would pass.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import is_invisible, name_code_point, quote_character

Vin = NewType("Vin", str)

VIN_LENGTH = 17
VIN_PATTERN = "^[A-HJ-NPR-Za-hj-npr-z0-9]{17}$"
CHECK_DIGIT_PLACE = 9  # counted from 1

_match_form = re.compile("[A-HJ-NPR-Za-hj-npr-z0-9]{17}").fullmatch
_LIKELY_DIGIT = {"I": "1", "O": "0", "Q": "0"}
_CORRECTED = str.maketrans(_LIKELY_DIGIT)
_MARKS = frozenset(".:;,#*/'\"()[]<>=|")
_MARK_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Pd", "Cf", "Cc"})  # spaces, dashes and invisible characters
_LABELS = ("VINNUMBER", "VINNO", "VIN", "NIVNO", "NIV")
_SCANNED = "I"
_CORRECTABLE_LENGTH_MAX = 40

# 49 CFR 565.15(c): the value of each letter, and the weight of each place. The check digit's own weight is 0.
_VALUES = {str(digit): digit for digit in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# The law requires a check digit in North America (49 CFR 565.15(c), NOM-001-SSP-2008) and in China (GB 16735).
# 7A to 7E belong to New Zealand, and all other codes that begin with 7 to the United States (ISO 3780).
_BINDING = frozenset("123457L")
_NEW_ZEALAND = frozenset("ABCDE")

# 49 CFR 565.15(d): the tenth place, from 1980 on, and again from 2010 on.
_YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
_YEAR_FIRST = 1980


@dataclass(frozen=True, kw_only=True, slots=True)
class VinFault:
    """One fault of a text that is not a VIN. ``position`` counts from 1, and is None for a wrong length."""

    position: int | None
    detail: str
    likely: str | None = None  # the character that was probably meant


def parse_vin(text: str) -> Vin:
    """Give the VIN in upper case. Raises ``bad_parameters`` and says which character is wrong."""
    if _match_form(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, describe_bad_vin(text))
    return Vin(text.upper())


def describe_bad_vin(text: str) -> str:
    """Give one or two sentences that say why ``text`` is not a VIN: its first fault, and the VIN probably meant."""
    fault = list_vin_faults(text)[0].detail
    likely = suggest_vin(text)
    if likely is None:
        return fault
    fits = ", whose check digit fits" if fits_check_digit(likely) else ""
    return f"{fault} Perhaps {likely}{fits}."


def list_vin_faults(text: str) -> list[VinFault]:
    """Give every wrong character among the first 17, in order, then a wrong length. A VIN has no fault.

    Invisible characters after the first 17 are faults too: they make a text too long that looks right.
    """
    faults = [
        _describe_character(position, character)
        for position, character in enumerate(text[:_CORRECTABLE_LENGTH_MAX], start=1)
        if (not _is_vin_character(character) if position <= VIN_LENGTH else is_invisible(character))
    ]
    if len(text) != VIN_LENGTH:
        detail = f"The VIN has {len(text)} characters: a VIN has exactly {VIN_LENGTH}."
        faults.append(VinFault(position=None, detail=detail))
    return faults


def suggest_vin(text: str) -> Vin | None:
    """Give the VIN that was probably meant.

    That is the text with these corrections:

    - digits for I, O and Q;
    - no spaces, hyphens and other marks between its parts;
    - no label such as ``VIN:`` or ``NIV:``;
    - no ``I`` at the beginning, which a barcode has (AIAG B-4).

    Gives None for a VIN, and for a text that is still not a VIN after them.
    """
    if len(text) > _CORRECTABLE_LENGTH_MAX or _match_form(text) is not None:
        return None
    bare = "".join(character for character in text if not _is_mark(character))
    if not bare.isascii():
        return None
    bare = bare.upper()
    if len(bare) > VIN_LENGTH:
        bare = _remove_label(bare)
    if len(bare) == VIN_LENGTH + 1:
        bare = bare.removeprefix(_SCANNED)
    corrected = bare.translate(_CORRECTED)
    return None if _match_form(corrected) is None else Vin(corrected)


def _is_mark(character: str) -> bool:
    """Say whether a character is a separator or invisible: space, hyphen, dot, colon, the asterisk of Code 39."""
    return character in _MARKS or unicodedata.category(character) in _MARK_CATEGORIES


def _remove_label(bare: str) -> str:
    for label in _LABELS:
        if bare.startswith(label):
            return bare[len(label) :]
    return bare


def compute_check_digit(vin: Vin) -> str:
    """Give the right check digit for place 9: a digit, or X for ten."""
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "0123456789X"[remainder]


def fits_check_digit(vin: Vin) -> bool:
    """Say whether place 9 is the right check digit for the other characters."""
    return vin[CHECK_DIGIT_PLACE - 1] == compute_check_digit(vin)


def binds_check_digit(vin: Vin) -> bool:
    """Say whether the law requires a check digit: in North America and China, by the first characters of the VIN."""
    return vin[0] in _BINDING and not (vin[0] == "7" and vin[1] in _NEW_ZEALAND)


def list_model_years(vin: Vin, year_max: int, *, is_light: bool) -> list[int]:
    """Give the model years that place 10 can mean up to ``year_max``, the more likely one first.

    The codes of the years repeat every thirty years. If the check digit fits, the VIN follows North America's rules.
    Then, for cars and light trucks, place 7 decides: a digit until 2009, a letter from 2010 (49 CFR 565.15(b)).
    For trucks, buses, trailers and motorcycles it does not decide, so the later year is more likely.
    """
    place = _YEAR_CODES.find(vin[9])
    if place < 0:
        return []
    early = _YEAR_FIRST + place
    years = list(range(early, year_max + 1, len(_YEAR_CODES)))
    decides_early = is_light and fits_check_digit(vin) and vin[6].isdigit()
    return years if decides_early else years[::-1]


def _describe_character(position: int, character: str) -> VinFault:
    letter = character.upper() if character.isascii() else character
    likely = _LIKELY_DIGIT.get(letter)
    if likely is not None:
        detail = f"The VIN's character {position} is '{character}': a VIN has no letter {letter}; digit {likely}?"
    elif is_invisible(character):
        detail = (
            f"The VIN's character {position} is {name_code_point(character)}, which cannot be seen: "
            "a VIN has only digits and letters, so delete it."
        )
    else:
        detail = (
            f"The VIN's character {position} is {quote_character(character)}: "
            "a VIN has only the digits 0 to 9 and the letters A to Z without I, O and Q."
        )
    return VinFault(position=position, detail=detail, likely=likely)


def _is_vin_character(character: str) -> bool:
    return character.isascii() and character.isalnum() and character.upper() not in _LIKELY_DIGIT
