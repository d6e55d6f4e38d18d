"""Keeps the text of a vehicle from being read as a formula by whoever opens a file in a spreadsheet program.

Two functions that take back each other, for every text: so a file that is written, and read again, says the same.
"""

import re

_begins_formula = re.compile(r"'*[=+\-@\t\r]").match
_begins_defused = re.compile(r"'+[=+\-@\t\r]").match


def defuse_text(text: str) -> str:
    """Give the text for a cell: with one ' before what a program would read as a formula, or as such a text."""
    return f"'{text}" if _begins_formula(text) else text


def arm_text(text: str) -> str:
    """Give the text of a cell that ``defuse_text`` may have written: without the ' that it put there."""
    return text[1:] if _begins_defused(text) else text
