"""Reads named SQL statements from ``-- name:`` blocks in the engines' ``.sql`` files."""

from functools import cache
from importlib.resources import files

FOLDER = "sql"  # in an engine's package; it has a file for each noun


@cache
def load_statements(package: str, file_name: str) -> dict[str, str]:
    """Give the statements of a package's file by name, without comments. Raises ValueError for a duplicate name."""
    statements: dict[str, str] = {}
    for block in files(package).joinpath(file_name).read_text("utf-8").split("-- name:")[1:]:
        name, _, body = block.partition("\n")
        name = name.strip()
        if name in statements:
            message = f"{package}/{file_name} names the statement {name} twice."
            raise ValueError(message)
        lines = [line.rstrip() for line in body.splitlines() if line.strip() and not line.startswith("--")]
        statements[name] = "\n".join(lines).rstrip(";")
    return statements


def list_files(package: str) -> list[str]:
    """Give the names of an engine's statement files, sorted, in the form that ``load_statements`` takes."""
    names = (path.name for path in files(package).joinpath(FOLDER).iterdir())
    return [f"{FOLDER}/{name}" for name in sorted(names) if name.endswith(".sql")]


@cache
def load_engine(package: str) -> dict[str, str]:
    """Give all statements of an engine by name. Raises ValueError for a name in two files."""
    statements: dict[str, str] = {}
    for file_name in list_files(package):
        own = load_statements(package, file_name)
        if twice := own.keys() & statements.keys():
            message = f"{package} names in two files: {', '.join(sorted(twice))}."
            raise ValueError(message)
        statements |= own
    return statements
