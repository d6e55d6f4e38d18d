"""The form of a catalogue: texts by key. A test compares the keys and the values of all languages."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plural:
    """A text with two forms: for one, and for every other number."""

    one: str
    other: str


PageTexts = Mapping[str, str | Plural]
