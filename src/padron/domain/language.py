"""The two languages that files of vehicles are written in."""

from enum import StrEnum


class Language(StrEnum):
    """A language, by its code of ISO 639-1."""

    ENGLISH = "en"
    SPANISH = "es"
