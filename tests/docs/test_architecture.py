"""docs/architecture.md is true: the files, functions and rooms that it names are there."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.tables import each_row

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "src" / "padron"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
TASKS = ["a status", "an event type", "a filter field", "a webhook setting", "a scope"]

_is_path = re.compile(r"[\w.-]+(?:/[\w.-]+)*/(?:[\w-]+\.\w+)?").fullmatch
_is_file_name = re.compile(r"[\w-]+\.(?:py|sql|md|toml)").fullmatch
_is_function = re.compile(r"(\w+)\(\)").fullmatch
_is_constant_or_class = re.compile(r"[A-Z][A-Za-z]+|_?[A-Z]{2,}(?:_[A-Z]+)*").fullmatch


def list_blocks(page: str) -> list[str]:
    """Give the paragraphs, items of lists and rows of tables, each a block; a drawing is none."""
    text = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return [block for block in re.split(r"\n\n|\n(?=\d+\. |\||- )", text) if "`" in block]


def list_tokens(block: str) -> list[str]:
    return re.findall(r"`([^`]+)`", block.replace("\n", " "))


def find_path(token: str) -> Path | None:
    """Give what a path of the page leads to."""
    return next((path for path in (PROGRAM / token, ROOT / token) if path.exists()), None)


def list_unknown(block: str) -> list[str]:
    """Give the paths, file names, functions, classes and constants of a block that are not there.

    What a block calls a function or a class must be defined in one of the files that the block names.
    """
    tokens = list_tokens(block)
    files = [path for token in tokens if _is_path(token) and (path := find_path(token)) is not None]
    names = {name for path in files if path.suffix == ".py" for name in list_names(path)}
    return [token for token in tokens if not is_there(token, names)]


def is_there(token: str, names: set[str]) -> bool:
    if _is_path(token):
        return find_path(token) is not None
    if _is_file_name(token):
        return any(path.name == token for path in list_files())
    if (called := _is_function(token)) is not None:
        return called[1] in names
    return not _is_constant_or_class(token) or token in names


@cache
def list_files() -> list[Path]:
    folders = [path for folder in ("src", "tests", "docs", "tools") for path in (ROOT / folder).rglob("*.*")]
    return [*ROOT.glob("*.*"), *folders]


@cache
def list_names(path: Path) -> frozenset[str]:
    """Give the functions, classes and constants that a file defines, methods among them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case _:
                pass
    return frozenset(names)


@each_row("block", list_blocks(PAGE))
def test_each_file_and_function_that_the_page_names_is_there(block: str) -> None:
    assert list_unknown(block) == []


@each_row(
    "block, unknown",
    [
        ("`domain/nowhere.py`", "domain/nowhere.py"),
        ("`tests/nowhere/`", "tests/nowhere/"),
        ("`nowhere.sql`", "nowhere.sql"),
        ("`decide()` in `domain/vin.py`", "decide()"),
        ("| x | `Endpoint` | `domain/vin.py` |", "Endpoint"),
        ("`_TEXTS` in `domain/vin.py`", "_TEXTS"),
    ],
)
def test_what_is_not_there_is_found(block: str, unknown: str) -> None:
    assert list_unknown(block) == [unknown]


def test_the_table_has_its_five_tasks_each_with_files_and_checks() -> None:
    rows = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| a")]
    assert [row[0].strip() for row in rows] == TASKS
    for _, files, checks in rows:
        assert [token for token in list_tokens(files) if _is_path(token) and find_path(token)]
        assert [token for token in list_tokens(checks) if token.startswith("tests/") and find_path(token)]


def test_the_drawing_has_every_room() -> None:
    (drawing,) = re.findall(r"^```\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    rooms = {path.parent.name for path in PROGRAM.glob("*/__init__.py")} | {"wiring"}
    assert rooms <= {*drawing.split()}


def test_no_line_of_its_prose_is_longer_than_a_hundred_characters() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > 100 and not line.startswith("|")] == []
