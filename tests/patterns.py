"""Finds every regular expression of the package, and writes for each the texts that would take it longest.

The texts come from the expression itself: each part that may repeat does so as often as the size allows, all else as
seldom as it may, and the end fits or does not. Where matching takes the square of the length, one of them shows it.
"""

import importlib
import pkgutil
import re
import types
from collections.abc import Callable, Iterator
from re import _constants, _parser
from typing import Any

import padron

_ENDS = ("", "\0", "!", "a", " ", "\n", '"', "[", ",")
_LETTERS_MAX = 5
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split")


def collect_patterns() -> dict[str, tuple[re.Pattern[Any], tuple[str, ...]]]:
    """Give each compiled expression by the name that holds it, with the methods by which it is used."""
    found: dict[str, tuple[re.Pattern[Any], tuple[str, ...]]] = {}
    for module in _import_all():
        for name, value in vars(module).items():
            owner = getattr(value, "__self__", None)
            if isinstance(value, re.Pattern):
                found[f"{module.__name__}.{name}"] = (value, ("fullmatch", "finditer"))
            elif isinstance(value, types.BuiltinMethodType) and isinstance(owner, re.Pattern):
                found[f"{module.__name__}.{name}"] = (owner, (value.__name__,))
    return found


def run(pattern: re.Pattern[Any], method: str, text: str) -> Callable[[], object]:
    """Give the call of one method over a text."""
    assert method in _METHODS
    given: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
    called = getattr(pattern, method)
    if method in {"sub", "subn"}:
        return lambda: called(given[:0], given)
    if method == "finditer":
        return lambda: sum(1 for _ in called(given))
    return lambda: called(given)


def write_texts(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Give texts of about this many characters that are hard on the expression."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = _parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    letters = _choose({sample for node in _walk(tree) for sample in _sample_letters(node)})
    for letter in letters:
        for end in _ENDS:
            yield letter * (size - 1) + end
    for first in letters:
        for second in letters:
            if first != second:
                yield (first + second) * (size // 2)
                yield first + second * (size - 1)
                yield first * (size // 2) + second * (size // 2)
    repeats = [node for node in _walk(tree) if node[0] in _REPEATS]
    whole = _sample(tree, None, 1)
    for repeated in repeats:
        part = _sample(tree, repeated, size)[:size]
        for end in _ENDS:
            yield part + end
    if whole:
        yield whole * (size // len(whole))
        yield whole[:-1] * (size // max(len(whole) - 1, 1))


def _choose(letters: set[str]) -> list[str]:
    """Give a few of the letters that stand for all, so that their pairs are not too many."""
    ordered = sorted(letters)
    step = max(len(ordered) // _LETTERS_MAX, 1)
    return sorted({*ordered[::step][:_LETTERS_MAX], " ", "a", "0"})


def _import_all() -> Iterator[types.ModuleType]:
    for found in pkgutil.walk_packages(padron.__path__, "padron."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _walk(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - the parser's own nodes have no types
    for node in tree:
        yield node
        for inner in _list_inner(node):
            yield from _walk(inner)


def _list_inner(node: Any) -> list[Any]:  # noqa: ANN401
    kind, value = node
    if kind in _REPEATS:
        return [value[2]]
    if kind is _constants.SUBPATTERN:
        return [value[3]]
    if kind is _constants.BRANCH:
        return list(value[1])
    if kind in {_constants.ASSERT, _constants.ASSERT_NOT}:
        return [value[1]]
    return [value] if kind is _constants.ATOMIC_GROUP else []


def _sample_letters(node: Any) -> list[str]:  # noqa: ANN401, PLR0911 - a kind of node each
    """Give characters that a node of one character takes."""
    kind, value = node
    if kind is _constants.LITERAL:
        return [chr(value)]
    if kind in {_constants.NOT_LITERAL, _constants.ANY}:
        return ["a", "\t"]
    if kind is _constants.CATEGORY:
        return {
            _constants.CATEGORY_SPACE: [" ", "\t"], _constants.CATEGORY_DIGIT: ["0"], _constants.CATEGORY_WORD: ["a"],
        }.get(value, ["-"])  # fmt: skip
    if kind is _constants.RANGE:
        return [chr(value[0]), chr(value[1])]
    if kind is not _constants.IN:
        return []
    inside = [letter for one in value if one[0] is not _constants.NEGATE for letter in _sample_letters(one)]
    if value[0][0] is not _constants.NEGATE:
        return inside
    return [one for one in "a -\t0" if one not in inside] or ["z"]


def _sample(tree: Any, repeated: Any, size: int) -> str:  # noqa: ANN401
    """Give a text that the expression takes, in which one node repeats as often as the size allows."""
    parts = []
    for node in tree:
        kind, value = node
        if kind in _REPEATS:
            least, most, inner = value
            count = max(least, 1) if node is not repeated else most
            unit = _sample(inner, repeated, size)
            parts.append(unit * min(int(count), size // max(len(unit), 1)))
        elif kind is _constants.BRANCH:
            choices = [_sample(inner, repeated, size) for inner in value[1]]
            parts.append(max(choices, key=len))
        elif inners := _list_inner(node):
            parts.append("" if kind is _constants.ASSERT_NOT else _sample(inners[0], repeated, size))
        else:
            parts.append((_sample_letters(node) or [""])[0])
    return "".join(parts)
