r"""What a vehicle identification number looks like (ISO 3779; contract 1.1). Form only, no check digit.

The ASCII pattern is tested before any case folding: ``"\u017f".upper()`` is ``"S"`` and would pass otherwise.
"""

import re
from typing import NewType

from padron.domain.errors import Code, PadronError

Vin = NewType("Vin", str)

VIN_LENGTH = 17
VIN_PATTERN = "^[A-HJ-NPR-Za-hj-npr-z0-9]{17}$"

_match_form = re.compile("[A-HJ-NPR-Za-hj-npr-z0-9]{17}").fullmatch
_LIKELY_DIGIT = {"I": "1", "O": "0", "Q": "0"}


def parse_vin(text: str) -> Vin:
    """Give the VIN in upper case. Raises ``bad_parameters`` and says which character is wrong."""
    if _match_form(text) is None:
        raise PadronError(Code.BAD_PARAMETERS, describe_bad_vin(text))
    return Vin(text.upper())


def describe_bad_vin(text: str) -> str:
    """Give one sentence on why ``text`` is no VIN: the first wrong character, else the length."""
    for position, character in enumerate(text[:VIN_LENGTH], start=1):
        if _is_vin_character(character):
            continue
        letter = character.upper() if character.isascii() else character
        if letter in _LIKELY_DIGIT:
            return (
                f"The VIN's character {position} is '{character}': "
                f"a VIN has no letter {letter}; digit {_LIKELY_DIGIT[letter]}?"
            )
        return (
            f"The VIN's character {position} is {character!a}: "
            "a VIN has only the digits 0 to 9 and the letters A to Z without I, O and Q."
        )
    return f"The VIN has {len(text)} characters: a VIN has exactly {VIN_LENGTH}."


def _is_vin_character(character: str) -> bool:
    return character.isascii() and character.isalnum() and character.upper() not in _LIKELY_DIGIT
