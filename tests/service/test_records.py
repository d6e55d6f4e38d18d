"""Functions of the domain and the service give and take records: a tuple does not say what its parts are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import padron

ROOM = Path(padron.__file__).parent

# Where a tuple stays, and why.
ALLOWED = {
    "service/statuses/undo.py _give_turn": "a key to sort by, which is compared as a whole",
    "service/vehicles/reading.py _list_in_steps": "the rows of a list as the store's interface gives them",
    "domain/idempotency.py Headers": "headers of HTTP, as ASGI has them",
}
# The rooms in which records replace tuples in a change of their own.
NOT_YET = ("service/imports/", "service/webhooks/")


def is_bare_tuple(node: ast.AST) -> bool:
    """Say whether this is the type of a tuple with parts of several meanings; ``tuple[X, ...]`` is a sequence."""
    return (
        isinstance(node, ast.Subscript)
        and ast.unparse(node.value) in {"tuple", "Tuple"}
        and not (isinstance(node.slice, ast.Tuple) and ast.unparse(node.slice.elts[-1]) == "...")
    )


def list_tuples(source: str) -> Iterator[str]:
    """Give the functions of a module that take or give a bare tuple, and the aliases and members that are one."""
    told: list[tuple[str, ast.AST | None]] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                told += [(node.name, one) for one in (*(one.annotation for one in arguments), node.returns)]
            case ast.ClassDef():
                told += [(node.name, one.annotation) for one in node.body if isinstance(one, ast.AnnAssign)]
            case ast.Module():
                told += [(ast.unparse(one.targets[0]), one.value) for one in node.body if isinstance(one, ast.Assign)]
            case _:
                pass
    for name, kind in told:
        if kind is not None and any(map(is_bare_tuple, ast.walk(kind))):
            yield name


def test_no_function_of_the_domain_or_the_service_gives_or_takes_a_bare_tuple() -> None:
    paths = [path for room in ("domain", "service") for path in sorted((ROOM / room).rglob("*.py"))]
    names = {path: str(path.relative_to(ROOM)) for path in paths}
    found = {
        f"{names[path]} {function}"
        for path in paths
        if not names[path].startswith(NOT_YET)
        for function in list_tuples(path.read_text("utf-8"))
    }
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "text",
    [
        "def f() -> tuple[int, str]: ...",
        "async def f() -> list[tuple[int, str]] | None: ...",
        "def f(page: tuple[int, str]) -> None: ...",
        "class f:\n    def g(self, *, page: tuple[int, str]) -> None: ...",
        "class f:\n    page: tuple[int, str] | None = None",
        "f = tuple[int, str]",
    ],
)
def test_a_bare_tuple_is_noticed_wherever_it_is_told_to_others(text: str) -> None:
    assert list(list_tuples(text)) in (["f"], ["g"])


@pytest.mark.parametrize("text", ["def f(*names: tuple[int, ...]) -> tuple[int, ...]: ...", "f = 1", "f = (1, 2)"])
def test_a_sequence_is_no_bare_tuple(text: str) -> None:
    assert list(list_tuples(text)) == []
