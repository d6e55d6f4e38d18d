"""The check of names finds two classes with one name and tuples that stand for records, and nothing else."""

import ast

from tests.tables import each_row
from tools.check_names import find_tuples, find_twins, list_names, list_tuples

NONE: frozenset[str] = frozenset()


def test_two_classes_with_one_name_are_found_wherever_they_are() -> None:
    trees = {
        "a.py": ast.parse("class Run: ...\nclass Alone: ..."),
        "b.py": ast.parse("def make():\n    class Run: ..."),
        "c.py": ast.parse("Run = str | None"),
    }
    (told,) = find_twins(trees, NONE)
    assert told == "Run is the name of 3 classes or aliases: a.py, b.py, c.py."
    assert list(find_twins(trees, frozenset({"Run"}))) == []


def test_a_twin_that_is_allowed_and_is_none_is_told() -> None:
    (told,) = find_twins({"a.py": ast.parse("class Run: ...")}, frozenset({"Run"}))
    assert told == "Run is in TWINS_ALLOWED and has no twin: remove it there."


@each_row("line", ["LIMIT = OTHER", "T = TypeVar('T')", "_log = logging.getLogger('x')", "Run: int = 1"])
def test_what_is_no_alias_is_no_name_of_a_type(line: str) -> None:
    assert list(list_names(ast.parse(line))) == []


@each_row(
    "source, place",
    [
        ("def give() -> tuple[int, str]: ...", "give"),
        ("async def give() -> list[tuple[int, str]] | None: ...", "give"),
        ("def take(one: tuple[int, int]) -> None: ...", "take"),
        ("def take(*, one: tuple[int] | None) -> None: ...", "take"),
        ("def take(*every: tuple[int, str]) -> None: ...", "take"),
        ('def give() -> "tuple[int, str]": ...', "give"),
        ("class Writer:\n    def give(self) -> tuple[int, str]: ...", "Writer.give"),
        ("def begin():\n    def work() -> tuple[int, str]: ...", "begin.work"),
        ("if True:\n    def give() -> tuple[int, str]: ...", "give"),
        ("Key = tuple[int, str]", "Key"),
        ("Pairs = list[tuple[int, str]]", "Pairs"),
        ("def give() -> tuple[tuple[int, str], ...]: ...", "give"),
    ],
)
def test_a_bare_tuple_is_found_in_a_function_and_in_an_alias(source: str, place: str) -> None:
    assert list(list_tuples(ast.parse(source))) == [place]


@each_row(
    "source",
    [
        "def give() -> tuple[int, ...]: ...",
        "def take(names: Sequence[tuple[str, ...]]) -> None: ...",
        "def give() -> None:\n    pairs: list[tuple[int, str]] = []",
        "class Key(NamedTuple):\n    number: int\n    name: str",
        "def give() -> Key: ...",
        "NAMES = ('a', 'b')",
    ],
)
def test_like_things_records_and_what_stays_inside_are_no_offence(source: str) -> None:
    assert list(list_tuples(ast.parse(source))) == []


def test_a_tuple_is_told_with_its_place_unless_it_is_allowed_and_there() -> None:
    trees = {"room/a.py": ast.parse("def give() -> tuple[int, str]: ...")}
    (told,) = find_tuples(trees, NONE)
    assert told.startswith("room/a.py:give has a bare tuple")
    assert list(find_tuples(trees, frozenset({"room/a.py:give"}))) == []
    (told,) = find_tuples({}, frozenset({"room/a.py:give"}))
    assert told == "room/a.py:give is in a list of tuples and has no bare tuple: remove it there."
