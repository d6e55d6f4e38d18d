"""The functions that the statements of a shard call, which `padron migrate` makes on every node of a cluster."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from padron.store.postgres.cluster.tables import Ask
from padron.store.postgres.splitting import split_statements

_PACKAGE = "padron.store.postgres.cluster"
_FILE = "functions.sql"

_READ_SOURCES = """
    SELECT proname::text, prosrc FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname = ANY ($1::text[])
"""

_find_parts = re.compile(r"FUNCTION (\w+)\(.*?\$\$(.*)\$\$", re.DOTALL).search


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFunction:
    """A function, the statement that makes it, and its body as PostgreSQL keeps it."""

    name: str
    statement: str
    body: str


@cache
def load_functions() -> tuple[NodeFunction, ...]:
    """Give the functions of this program. Raises ValueError for a statement that makes no function."""
    functions = []
    for statement in split_statements(files(_PACKAGE).joinpath(_FILE).read_text("utf-8")):
        parts = _find_parts(statement)
        if parts is None:
            message = f"{_FILE} has a statement that makes no function."
            raise ValueError(message)
        functions.append(NodeFunction(name=parts[1], statement=statement, body=parts[2]))
    return tuple(functions)


async def list_stale_functions(ask: Ask) -> list[NodeFunction]:
    """Give the functions that the database does not have, or has from another version."""
    functions = load_functions()
    found = dict(map(tuple, await ask(_READ_SOURCES, [one.name for one in functions])))
    return [one for one in functions if found.get(one.name) != one.body]


def find_function_faults(stale: list[NodeFunction]) -> list[str]:
    """Say which functions are missing or of another version, with what to do."""
    if not stale:
        return []
    names = ", ".join(one.name for one in stale)
    return [f"These functions of the cluster are missing, or of another version: {names}. Run `padron migrate`."]
