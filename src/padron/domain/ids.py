"""Ids of what is begun again and again: later ones are higher, so that they are listed in the order of their making."""

import re
from datetime import datetime

ID_LENGTH = 16

_RANDOM_BITS = 21
_match_id = re.compile("[0-7][0-9a-f]{15}").fullmatch


def make_timed_id(at: datetime, random_number: int) -> int:
    """Give a new id: the milliseconds since 1970, and some random bits."""
    milliseconds = int(at.timestamp() * 1000)
    return milliseconds << _RANDOM_BITS | random_number & ((1 << _RANDOM_BITS) - 1)


def format_timed_id(number: int) -> str:
    """Give an id as people see it: 16 hexadecimal digits."""
    return f"{number:0{ID_LENGTH}x}"


def parse_timed_id(text: str) -> int | None:
    """Give the id in a text, or None when the text is not an id."""
    return int(text, 16) if _match_id(text) else None
