"""Sort keys for texts: comparing them by code point gives the order that people expect, the same on every engine.

The keys approximate the Unicode Collation Algorithm (UTS 10) without tables: docs/decisions/0028-order-of-texts.md.
"""

import re
import unicodedata
from functools import lru_cache

from padron.domain.vehicle import fold_text

# A text is cut here before its accents are removed, so that every key fits into an index entry (2,704 bytes).
_ACCENTED_MAX = 100  # characters
_KEYS_KEPT_MAX = 4_096  # about 4 MB if all texts have the maximum length
_BREAK = "\x01"  # ends the part of a key that is compared first; no text can contain it
_OTHER_SIGN = "\x1f"

# ASCII places these signs after the digits or around the letters. Here they sort before both, like the other signs.
_LATE_SIGNS = ":;<=>?@[\\]^_`{|}~"
# Letters without a decomposition in Unicode that people sort like other letters.
_LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i"}
_LETTERS_KEPT_MAX = 0x2100  # code points: only the alphabets of Europe, so that the table stays small


class _Alphabet(dict[int, str]):
    """The text that replaces each letter of a decomposed text, by code point. It is computed at the first use."""

    def __missing__(self, code: int) -> str:
        letter = _file_letter(chr(code))
        if code < _LETTERS_KEPT_MAX:
            self[code] = letter
        return letter


def _file_letter(letter: str) -> str:
    if letter.isascii():
        return letter
    match unicodedata.category(letter)[0]:
        case "M":
            return ""
        case "Z":
            return " "
        case "P" | "S":
            return _OTHER_SIGN
        case _:
            return letter


_ALPHABET = _Alphabet(
    {ord(letter): filed for letter, filed in _LETTERS.items()}
    | {ord(sign): chr(place) for place, sign in enumerate(_LATE_SIGNS, start=0x0E)}
)

_is_plain = re.compile("[ -/a-z]*").fullmatch
_replace_numbers = re.compile("[0-9]+").sub
_has_leading_zero = re.compile("(?<![0-9])0[0-9]").search


def give_field_key(name: str, text: str) -> str:
    """Give the sort key of a field's text. A plate is an identity, so it is found and sorted letter by letter."""
    return fold_text(text) if name == "plate" else give_sort_key(text)


@lru_cache(_KEYS_KEPT_MAX)  # makes, owners and colours repeat often; a key takes up to 10 us
def give_sort_key(text: str) -> str:
    """Give the key by which a text is found and sorted: equal for two texts that differ only by case, else different.

    Accents, and the width of letters, decide only between texts that are otherwise the same. A number in digits counts
    by its value. Signs come before digits, and digits before letters. The text may already be folded.
    """
    folded = fold_text(text)
    if _is_plain(folded) is not None:
        return folded
    if folded.isascii():
        key = _replace_numbers(_write_number, folded.translate(_ALPHABET))
        return key if _has_leading_zero(folded) is None else f"{key}{_BREAK}{folded}"
    return f"{_replace_numbers(_write_number, _strip_accents(folded[:_ACCENTED_MAX]))}{_BREAK}{folded}"


def _write_number(match: re.Match[str]) -> str:
    """Put the number of digits before a number, without leading zeros, so that longer numbers sort later.

    The number of digits is written as nines and a rest below nine: 3 is 3, 9 is 90 and 20 is 992.
    """
    digits = match[0].lstrip("0")
    nines, rest = divmod(len(digits), 9)
    return f"{'9' * nines}{rest}{digits}"


def _strip_accents(folded: str) -> str:
    return unicodedata.normalize("NFKD", folded).casefold().translate(_ALPHABET)[:_ACCENTED_MAX]
