"""Check that only the service and the wiring reach the store. Import rules cannot see access by an attribute.

Outside `service/`, `store/` and `wiring.py` no code may name the attribute `store`, or a method that only the store
offers: one that a class of `store/` defines and no class of another room.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "src" / "padron"
STORE = "store"
ALLOWED = (STORE, "service", "wiring.py")  # the store itself, its only caller, and the module that opens it

# Names that every dictionary, text or list has as well say nothing about the store.
_COMMON = frozenset(name for kind in (dict, str, list, set, bytes) for name in dir(kind))

_BY_TEXT = frozenset({"getattr", "hasattr", "setattr", "attrgetter", "methodcaller"})  # they name attributes in strings


def list_methods(tree: ast.Module) -> Iterator[str]:
    """Give the public methods and properties that the classes of a module define."""
    for member in _list_bodies(tree):
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not member.name.startswith("_"):
            yield member.name


def list_fields(tree: ast.Module) -> Iterator[str]:
    """Give the fields that the classes of a module declare."""
    for member in _list_bodies(tree):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            yield member.target.id


def list_offered(trees: dict[str, ast.Module]) -> frozenset[str]:
    """Give the names that only the store offers, from the program's modules by their path in it.

    The function skips the engines, because only they use their names beyond the shared interface.
    """
    own: set[str] = set()
    others: set[str] = set()
    for name, tree in trees.items():
        if PurePosixPath(name).parent.name == STORE:
            own.update(list_methods(tree))
        elif _give_room(name) != STORE:
            others.update(list_methods(tree), list_fields(tree))
    return frozenset(own - others - _COMMON)


def check_module(name: str, tree: ast.Module, offered: frozenset[str]) -> Iterator[str]:
    """Give a sentence for each place of a module that reaches the store and may not."""
    if _give_room(name) in ALLOWED:
        return
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        for attribute in _list_attributes(node, imported):
            if attribute == STORE:
                yield f"{name}:{_give_line(node)}: the store is reached by an attribute; call a function of service/."
            elif attribute in offered:
                yield f"{name}:{_give_line(node)}: only the store offers {attribute}; call a function of service/."


def read_program(*rooms: str) -> dict[str, ast.Module]:
    """Give the program's modules by their path in it: all, or those of some rooms."""
    paths = sorted(path for room in rooms or [""] for path in (PROGRAM / room).rglob("*.py"))
    names = [path.relative_to(PROGRAM).as_posix() for path in paths]
    return {name: ast.parse(path.read_bytes(), name) for name, path in zip(names, paths, strict=True)}


def check_program(trees: dict[str, ast.Module]) -> list[str]:
    """Give a sentence for each place of the program that reaches the store and may not."""
    offered = list_offered(trees)
    return [offence for name, tree in trees.items() for offence in check_module(name, tree, offered)]


def main() -> int:
    """Print every offender and give the exit status: 1 if there is one."""
    trees = read_program()
    offences = check_program(trees)
    for offence in offences:
        print(offence)
    print(f"{len(trees)} Python files looked at, {len(offences)} places reach the store and may not.")
    return 1 if offences else 0


def _list_bodies(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.body


def _give_room(name: str) -> str:
    return name.partition("/")[0]


def _give_line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _list_attributes(node: ast.AST, imported: set[str]) -> Iterator[str]:
    """Give the attributes that a node names. What an imported module has is a function, not a part of the store."""
    match node:
        case ast.Attribute(value=ast.Name(id=base)) if base in imported:
            return
        case ast.Attribute(attr=attribute):
            yield attribute
        case ast.keyword(arg=str(attribute)) if attribute == STORE:  # replace(runtime, store=...)
            yield attribute
        case ast.MatchClass(kwd_attrs=attributes):
            yield from attributes
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=arguments) if called in _BY_TEXT:
            for argument in arguments:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from argument.value.split(".")


if __name__ == "__main__":
    sys.exit(main())
