"""Formulas in spreadsheets: a text that a program would take for one gets an apostrophe, and loses it on the way back.

What counts is each place where some program may see a cell begin. That is the text's beginning, and in a file that is
opened with another separator than it was written with, each place after a comma, semicolon, tab or line end:
``a;=cmd`` between commas is a formula for a program that separates at semicolons, quotation marks or not. Quotation
marks and apostrophes before the sign are looked past. What is defused already gets one more apostrophe, so that each
text comes back as it was.
"""

import re

TEXT_MARK = '="'  # what programs write before a text that is not to be read as a number: ="00712"

# = + - @, and the full-width and small forms of them, which programs set to Chinese, Japanese or Korean take alike.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_SEPARATORS = ",;\t\r\n"
_BEGINNING = f"(?:^|(?<=[{_SEPARATORS}]))"
_FORMULA = f"(?=[\"']*[{_SIGNS}])"
_BLANK = "(?=[\"']*[\t\r\n])"  # at the beginning alone: programs pass over it and find the sign behind it

_may_be_formula = re.compile(f"[{_SIGNS}\t\r\n]").search
_defuse = re.compile(f"{_BEGINNING}{_FORMULA}|^{_BLANK}").sub
_arm = re.compile(f"{_BEGINNING}'{_FORMULA}|^'{_BLANK}").sub


def defuse_text(text: str) -> str:
    """Give the text as it may stand in a cell: no spreadsheet program takes it, or a part of it, for a formula."""
    return _defuse("'", text) if _may_be_formula(text) else text


def arm_text(text: str) -> str:
    """Give the text that a cell stands for: what ``defuse_text`` was given, or what stands behind a text mark."""
    if text.startswith(TEXT_MARK) and text.endswith('"') and len(text) > len(TEXT_MARK):
        inside = text[len(TEXT_MARK) : -1]
        return text if '"' in inside.replace('""', "") else inside.replace('""', '"')
    return _arm("", text) if "'" in text else text
