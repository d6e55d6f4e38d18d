"""Quotes text that somebody typed or sent, for use in a message: readers recognise it, and it cannot break the message.

Letters of every script stay as they are. A character that is invisible, or looks like another one, is named by its code
point: ``'ab<U+200B ZERO WIDTH SPACE>c'``. The result is one line of limited length, and is made in one pass.
"""

import unicodedata

LENGTH_MAX = 80  # characters of a text that are shown by default
PATH_LENGTH_MAX = 1_024  # characters of a path that are shown: its end matters most

_NAMES_MAX = 8  # characters with their names; further ones get only their code points
_MARKS_MAX = 4  # combining marks on one letter: more than any language needs

_CONTROL_NAMES = {
    0x00: "NULL",
    0x07: "BELL",
    0x08: "BACKSPACE",
    0x09: "CHARACTER TABULATION",
    0x0A: "LINE FEED",
    0x0B: "LINE TABULATION",
    0x0C: "FORM FEED",
    0x0D: "CARRIAGE RETURN",
    0x1A: "SUBSTITUTE",
    0x1B: "ESCAPE",
    0x7F: "DELETE",
    0x85: "NEXT LINE",
}
_UNNAMED = {
    "Cc": "CONTROL CHARACTER",
    "Cs": "LONE SURROGATE",
    "Co": "PRIVATE USE CHARACTER",
    "Cn": "UNASSIGNED CODE POINT",
}

# Invisible characters whose category is letter, mark or symbol: the rest of Unicode's Default_Ignorable_Code_Point,
# and three blanks that are not spaces.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc\U00016fe4\U0001d159"
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))


def quote(text: str, length_max: int = LENGTH_MAX) -> str:
    """Give the text in quotes. Of a text that is too long, give the beginning and the length."""
    shown = _show(text[:length_max])
    mark = '"' if "'" in shown and '"' not in shown else "'"
    if len(text) <= length_max:
        return f"{mark}{shown}{mark}"
    return f"{mark}{shown}…{mark} ({len(text):,} characters)"


def quote_path(path: object) -> str:
    """Give the path of a file or a folder in quotes. Of a path that is too long, give the end, which has the name."""
    text = str(path)
    return quote(text if len(text) <= PATH_LENGTH_MAX else f"…{text[-PATH_LENGTH_MAX + 1 :]}", PATH_LENGTH_MAX)


def show_word(text: str, length_max: int = LENGTH_MAX) -> str:
    """Give the text as ``quote`` does, but without quotes: for the name of a thing in a sentence."""
    return _show(text[:length_max]) + ("…" if len(text) > length_max else "")


def join_names(names: list[str], shown_max: int = 30) -> str:
    """Give names as a list for a sentence, with the number of names that are not shown."""
    if len(names) > shown_max:
        return f"{', '.join(names[:shown_max])} and {len(names) - shown_max} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def quote_character(character: str) -> str:
    """Give one character: in quotes when it is visible, and with code point and name unless it is ASCII."""
    if is_invisible(character):
        return name_code_point(character)
    if character.isascii():
        return f"'{character}'" if character != "'" else f'"{character}"'
    # Visible characters get their names too: a Cyrillic letter, for example, can look like a Latin one.
    return f"'{_stand(character)}' ({name_code_point(character)})"


def name_code_point(character: str) -> str:
    """Give ``U+200B ZERO WIDTH SPACE`` for one character. If it has no name in Unicode, its kind is the name."""
    return f"U+{ord(character):04X} {_name(character)}"


def is_invisible(character: str) -> bool:
    """Say whether the character is invisible: a control, an odd space, a direction mark, a filler, half a pair."""
    if character.isascii():
        return not character.isprintable()
    return not character.isprintable() or character in _BLANK


def _show(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    named = marks = 0
    has_base = False  # whether the last character can carry a combining mark
    for character in text:
        category = unicodedata.category(character)
        is_mark = category[0] == "M"
        marks = marks + 1 if is_mark else 0
        if is_invisible(character) or (is_mark and (not has_base or marks > _MARKS_MAX)):
            named += 1
            shown.append(f"<{name_code_point(character)}>" if named <= _NAMES_MAX else f"<U+{ord(character):04X}>")
            has_base = False
            continue
        shown.append(character)
        has_base = is_mark or category[0] in "LNS"
    return "".join(shown)


def _stand(character: str) -> str:
    """Put a combining mark on the dotted circle that Unicode has for it. Give any other character unchanged."""
    return f"\u25cc{character}" if unicodedata.category(character)[0] == "M" else character


def _name(character: str) -> str:
    code_point = ord(character)
    return (
        unicodedata.name(character, "")
        or _CONTROL_NAMES.get(code_point)
        or _UNNAMED.get(unicodedata.category(character), "CHARACTER WITHOUT A NAME")
    )
