"""Named SQL: reads ``-- name:`` blocks from a file, so that SQL stays SQL and can be read side by side."""

from functools import cache
from importlib.resources import files


@cache
def load_statements(package: str, file_name: str = "queries.sql") -> dict[str, str]:
    """Give the statements of a package's file by name, comments removed. Raises ValueError for a name given twice."""
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
