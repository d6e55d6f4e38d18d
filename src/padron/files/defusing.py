"""Formulas in spreadsheets: an export puts an apostrophe before text that looks like one, and an import removes it.

A program may see the beginning of a cell in more places than one. If it opens a file with the wrong separator, a cell
can begin after each comma, semicolon, tab or line end. For example, a program that separates at semicolons sees a
formula in ``a;=cmd``, with or without quotation marks. So the check covers all these places, and ignores quotation
marks and apostrophes before the sign. A text that already has the apostrophe gets another one, so that every text
returns unchanged.
"""

import re

TEXT_MARK = '="'  # programs write this before text that must not become a number: ="00712"

# = + - @, and their full-width and small forms, which programs in Chinese, Japanese or Korean also accept.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_SEPARATORS = ",;\t\r\n"
_BEGINNING = f"(?:^|(?<=[{_SEPARATORS}]))"
_FORMULA = f"(?=[\"']*[{_SIGNS}])"
_BLANK = "(?=[\"']*[\t\r\n])"  # only at the beginning: programs skip it and see the sign after it

_may_be_formula = re.compile(f"[{_SIGNS}\t\r\n]").search
_defuse = re.compile(f"{_BEGINNING}{_FORMULA}|^{_BLANK}").sub
_arm = re.compile(f"{_BEGINNING}'{_FORMULA}|^'{_BLANK}").sub


def defuse_text(text: str) -> str:
    """Give the text for a cell, so that no spreadsheet program sees a formula in any part of it."""
    return _defuse("'", text) if _may_be_formula(text) else text


def arm_text(text: str) -> str:
    """Give the text that a cell means: the original of ``defuse_text``, or the text after a text mark."""
    if text.startswith(TEXT_MARK) and text.endswith('"') and len(text) > len(TEXT_MARK):
        inside = text[len(TEXT_MARK) : -1]
        return text if '"' in inside.replace('""', "") else inside.replace('""', '"')
    return _arm("", text) if "'" in text else text
