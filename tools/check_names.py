"""Check that each name has one meaning: no two classes or aliases share a name, and no bare tuple replaces a record.

A record says what its parts are, and ``tuple[int, str]`` in a signature does not. A tuple of like things, such as
``tuple[str, ...]``, is no offence. The lists below have the exceptions. An unneeded exception is an offence too.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "src" / "padron"

# Names that two classes or aliases may share until one is renamed.
TWINS_ALLOWED: frozenset[str] = frozenset()
# Functions and aliases, as room/file.py:name, that take or give a bare tuple because a library does.
TUPLES_OF_OTHERS = frozenset(
    {
        "domain/idempotency.py:Headers",  # the form of headers in ASGI
        "domain/access_token.py:_join_members",  # json hands members over so
        "files/encodings.py:_decode_as_latin_1",  # a handler of codecs gives this
        "files/json_rows.py:Pairs",  # json hands members over so
        "service/statuses/undo.py:_give_turn",  # a key to sort by, compared as a whole
        "http/requests/bodies.py:_refuse_twice",  # json hands members over so
    }
)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TYPES = (ast.Subscript, ast.BinOp, ast.Name, ast.Attribute)


def list_names(tree: ast.Module) -> Iterator[str]:
    """Give the names of all classes of a module, and of its aliases of types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for statement in tree.body:
        alias = find_alias(statement)
        if alias is not None:
            yield alias


def find_alias(statement: ast.stmt) -> str | None:
    """Give the name of the alias of a type that a statement defines, if it does: ``Key = tuple[int, str]``."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if isinstance(value, TYPES):
            is_alias = name.lstrip("_")[:1].isupper() and not name.isupper()
            return name if is_alias else None
        case _:
            return None


def list_tuples(tree: ast.Module) -> Iterator[str]:
    """Give the name of each function and alias with a bare tuple in its types. Methods have their class's name too."""
    yield from _list_function_tuples(tree, "")
    for statement in tree.body:
        alias = find_alias(statement)
        if alias is not None and isinstance(statement, ast.Assign) and has_bare_tuple(statement.value):
            yield alias


def has_bare_tuple(node: ast.expr | None) -> bool:
    """Say whether a type contains a tuple of fixed parts, such as ``tuple[int, str]``, even inside another type."""
    return node is not None and any(_is_bare_tuple(part) for part in ast.walk(_parse_text(node)))


def _list_function_tuples(tree: ast.AST, within: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        place = within
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            place = f"{within}.{node.name}".lstrip(".")
        if isinstance(node, FUNCTIONS) and any(map(has_bare_tuple, _list_types(node))):
            yield place
        yield from _list_function_tuples(node, place)


def _list_types(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr | None]:
    """Give the annotations of a function's arguments and of its result."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [*(one.annotation for one in every if one is not None), node.returns]


def _is_bare_tuple(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[*_, ast.Constant(value=last)])):
            return last is not ...
        case ast.Subscript(value=ast.Name(id="tuple")):
            return True
        case _:
            return False


def _parse_text(node: ast.expr) -> ast.expr:
    """Give the type that a text names, as in ``-> "tuple[int, str]"``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def find_twins(trees: Mapping[str, ast.Module], allowed: frozenset[str]) -> Iterator[str]:
    """Give a sentence for each name that is used twice, and for each unneeded exception."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for name in list_names(tree):
            places[name].append(path)
    twins = {name: found for name, found in places.items() if len(found) > 1}
    for name in sorted(twins.keys() - allowed):
        yield f"{name} is the name of {len(twins[name])} classes or aliases: {', '.join(twins[name])}."
    for name in sorted(allowed - twins.keys()):
        yield f"{name} is in TWINS_ALLOWED and has no twin: remove it there."


def find_tuples(trees: Mapping[str, ast.Module], allowed: frozenset[str]) -> Iterator[str]:
    """Give a sentence for each bare tuple, and for each that is allowed and is not there."""
    found = {f"{path}:{name}" for path, tree in trees.items() for name in list_tuples(tree)}
    for place in sorted(found - allowed):
        yield f"{place} has a bare tuple in its types: make it a record, whose parts have names."
    for place in sorted(allowed - found):
        yield f"{place} is in a list of tuples and has no bare tuple: remove it there."


def main() -> int:
    """Print every offender and give the exit status: 1 if there is one."""
    paths = sorted(PROGRAM.rglob("*.py"))
    trees = {path.relative_to(PROGRAM).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    offences = [*find_twins(trees, TWINS_ALLOWED), *find_tuples(trees, TUPLES_OF_OTHERS)]
    for offence in offences:
        print(offence)
    print(f"{len(trees)} modules looked at, {len(offences)} names or tuples that say too little.")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
