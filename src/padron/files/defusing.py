"""Formulas in spreadsheets: a text that a program would take for one gets an apostrophe, and loses it on the way back.

A text that begins with apostrophes and then like a formula gets one more, so that each text comes back as it was.
"""

import re

_begins_like_formula = re.compile(r"'*[=+\-@\t\r]").match
_begins_defused = re.compile(r"'+[=+\-@\t\r]").match


def defuse_text(text: str) -> str:
    """Give the text as it may stand in a cell: no spreadsheet program takes it for a formula."""
    return f"'{text}" if _begins_like_formula(text) else text


def arm_text(text: str) -> str:
    """Give the text that a cell stands for: what ``defuse_text`` was given."""
    return text[1:] if _begins_defused(text) else text
