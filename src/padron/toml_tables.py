"""Reads settings from a file in TOML. Every refusal names the file, the line and the key.

A table is asked for the keys that it may have, and at the end it refuses all others.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from padron.config import SettingsError
from padron.domain.quoting import quote, quote_path, show_word

FILE_BYTES_MAX = 1_000_000
SECRET_BYTES_MAX = 1_000

TomlPlace = tuple[str | int, ...]  # the keys to a value, and the numbers of list entries

_COMPARED_MAX = 60  # characters: comparing more with the known keys takes long
_match_header = re.compile(r"\s*(\[\[?)([^\[\]]{1,500})\]\]?\s*(?:#.*)?").fullmatch
_match_key = re.compile(r"""\s*([0-9A-Za-z_-]{1,100}|"[^"\\]{1,200}"|'[^']{1,200}')\s*[=.]""").match
_find_keys = re.compile(r"""[0-9A-Za-z_-]+|"[^"\\]*"|'[^']*'""").findall


class TomlTable:
    """One table of a file."""

    def __init__(
        self, path: Path, values: Mapping[str, object], place: TomlPlace, lines: Mapping[TomlPlace, int]
    ) -> None:
        self._path = path
        self._values = values
        self._place = place
        self._lines = lines
        self._asked: set[str] = set()

    def has(self, name: str) -> bool:
        """Say whether the table has this key."""
        self._asked.add(name)
        return name in self._values

    def read(self, name: str) -> object:
        """Give the value of a key, whatever it is; None without the key."""
        self._asked.add(name)
        return self._values.get(name)

    def read_text(self, name: str, default: str | None = None) -> str:
        """Give a text that is not empty. Raises ``SettingsError``, also without a default for a key that is missing."""
        value = self._values.get(name, default)
        self._asked.add(name)
        if value is None:
            self.refuse(name, "is missing")
        if not isinstance(value, str) or (not value and value != default):
            self.refuse(name, "is not a text")
        return value

    def read_texts(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """Give a list of texts; a single text is a list of one. Raises ``SettingsError``."""
        value = self._values.get(name, default)
        self._asked.add(name)
        if value is None:
            self.refuse(name, "is missing")
        listed = [value] if isinstance(value, str) else value
        if (
            not isinstance(listed, list | tuple)
            or not listed
            or not all(isinstance(one, str) and one for one in listed)
        ):
            self.refuse(name, "is not a list of texts")
        return [str(one) for one in listed]

    def read_number(self, name: str, default: int, least: int, most: int) -> int:
        """Give a whole number within limits. Raises ``SettingsError``."""
        value = self._values.get(name, default)
        self._asked.add(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, f"is not a whole number from {least} to {most}")
        return value

    def read_switch(self, name: str, *, default: bool) -> bool:
        """Give true or false. Raises ``SettingsError``."""
        value = self._values.get(name, default)
        self._asked.add(name)
        if not isinstance(value, bool):
            self.refuse(name, "is not true or false")
        return value

    def read_secret(self, name: str) -> str:
        """Give the only line of a file beside this one, which others must not read. Raises ``SettingsError``."""
        path = self._path.parent / self.read_text(name)
        try:
            with path.open("rb") as file:
                is_open = os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
                secret = file.read(SECRET_BYTES_MAX + 1).decode("ascii").strip()
        except (OSError, ValueError) as error:
            self.refuse(name, f"names {quote_path(path)}, which cannot be read: {_word(error)}")
        if is_open:
            self.refuse(name, f"names {quote_path(path)}, which others can use. Run chmod 600 on it")
        if not secret or not secret.isprintable() or len(secret) > SECRET_BYTES_MAX:
            self.refuse(name, f"names {quote_path(path)}, which does not have one line of printable text")
        return secret

    def read_table(self, name: str) -> "TomlTable":
        """Give a table below this one; an empty one if it is missing. Raises ``SettingsError``."""
        value = self._values.get(name, {})
        self._asked.add(name)
        if not isinstance(value, dict):
            self.refuse(name, "is not a table")
        return TomlTable(self._path, value, (*self._place, name), self._lines)

    def read_tables(self, name: str) -> "list[TomlTable]":
        """Give the tables of a list. Raises ``SettingsError``."""
        value = self._values.get(name, [])
        self._asked.add(name)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.refuse(name, "is not a list of tables")
        place = (*self._place, name)
        return [TomlTable(self._path, one, (*place, number), self._lines) for number, one in enumerate(value)]

    def list_names(self) -> list[str]:
        """Give the keys of the table, in order."""
        return [*self._values]

    def refuse_rest(self) -> None:
        """Raise ``SettingsError`` for a key that nobody asked for."""
        for name in self._values:
            if name not in self._asked:
                near = difflib.get_close_matches(name[:_COMPARED_MAX], self._asked, n=1)
                known = ", ".join(sorted(self._asked))
                self.refuse(name, f"is unknown. {f'Did you mean {near[0]}?' if near else f'The keys are {known}.'}")

    def refuse(self, name: str, fault: str) -> NoReturn:
        """Raise ``SettingsError`` for a key of this table; for the table itself without a name."""
        place = (*self._place, name) if name else self._place
        shown = ".".join(f"{part + 1}" if isinstance(part, int) else show_word(part) for part in place)
        end = "" if fault.endswith((".", "?")) else "."
        raise SettingsError(f"{quote_path(self._path)}{self._give_line(place)}: {shown} {fault}{end}")

    def _give_line(self, place: TomlPlace) -> str:
        """Give the line of a key, or of the table around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return f", line {self._lines[place[:length]]}"
        return ""


def _word(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def read_toml(path: Path) -> TomlTable:
    """Give the top table of a file. Raises ``SettingsError`` for one that cannot be read or is not TOML."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"{quote_path(path)} cannot be read: {error.strerror or type(error).__name__}.") from error
    if not stat.S_ISREG(mode) or len(content) > FILE_BYTES_MAX:
        raise SettingsError(f"{quote_path(path)} is not a file of at most {FILE_BYTES_MAX} bytes.")
    if mode & stat.S_IWOTH:
        raise SettingsError(f"{quote_path(path)} can be changed by everybody. Run chmod o-w on it.")
    try:
        text = content.decode()
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{quote_path(path)} is not text in UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{quote_path(path)} is not TOML: {quote(str(error), 200)}.") from error
    return TomlTable(path, values, (), _find_lines(text))


def _find_lines(text: str) -> dict[TomlPlace, int]:
    """Give the line of each key and each table that begins a line.

    The parser of the standard library does not say where a value was. What is in an inline table has the line
    of the table's own key.
    """
    lines: dict[TomlPlace, int] = {}
    prefix: TomlPlace = ()
    counts: dict[TomlPlace, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if (header := _match_header(line)) is not None:
            prefix = _follow(_list_keys(header[2].strip()), counts, is_list=header[1] == "[[")
            lines.setdefault(prefix, number)
        elif (key := _match_key(line)) is not None:
            lines.setdefault((*prefix, key[1].strip("\"'")), number)
    return lines


def _list_keys(text: str) -> list[str]:
    return [key.strip("\"'") for key in _find_keys(text)]


def _follow(keys: Sequence[str], counts: dict[TomlPlace, int], *, is_list: bool) -> TomlPlace:
    """Give the place of a header, with the numbers of the list entries that it is in."""
    place: TomlPlace = ()
    for depth, key in enumerate(keys, start=1):
        place = (*place, key)
        if depth == len(keys) and is_list:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place
