"""Which functions a cluster's nodes lack, or have from another version. `padron migrate` makes them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from padron.store.postgres.cluster.functions import READ_DEFINITIONS, give_common, write_functions
from padron.store.postgres.cluster.naming import WITHDRAWALS
from padron.store.postgres.cluster.shards import LIST_PLACES, read_map
from padron.store.postgres.cluster.tables import Ask
from padron.store.postgres.splitting import split_statements

_READ_SOURCES = """
    SELECT proname::text, prosrc FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname = ANY ($1::text[])
"""

_find_parts = re.compile(r"FUNCTION (?:\w+\.)?(\w+)\(.*?\$(\w*)\$(.*)\$\2\$", re.DOTALL).search


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeFunction:
    """A function, the statement that makes it, and its body as PostgreSQL keeps it."""

    name: str
    statement: str
    body: str


async def list_stale_common(ask: Ask) -> list[NodeFunction]:
    """Give the functions of all shards that the database does not have as this program needs them."""
    return await _list_stale(ask, list(_read_functions(split_statements(give_common()))))


async def list_stale_of_shards(ask: Ask) -> list[NodeFunction]:
    """Give the functions of single shards that the database does not have as it should. Its tables are spread."""
    definitions = dict(map(tuple, await ask(READ_DEFINITIONS, list(WITHDRAWALS))))
    if not definitions.keys() >= {*WITHDRAWALS}:
        return []  # an old schema, which is being migrated
    shards = read_map(await ask(LIST_PLACES)).shards
    return await _list_stale(ask, list(_read_functions(write_functions(definitions, shards))))


def _read_functions(statements: Iterator[str] | Sequence[str]) -> Iterator[NodeFunction]:
    for statement in statements:
        parts = _find_parts(statement)
        if parts is None:
            message = f"This makes no function: {statement}"
            raise ValueError(message)
        yield NodeFunction(name=parts[1], statement=statement, body=parts[3])


async def _list_stale(ask: Ask, functions: Sequence[NodeFunction]) -> list[NodeFunction]:
    found = dict(map(tuple, await ask(_READ_SOURCES, [one.name for one in functions])))
    return [one for one in functions if found.get(one.name) != one.body]


def find_function_faults(stale: Sequence[NodeFunction]) -> list[str]:
    """Say which functions are missing or of another version, with what to do."""
    if not stale:
        return []
    names = ", ".join(one.name for one in stale)
    return [f"These functions of the cluster are missing, or of another version: {names}. Run `padron migrate`."]
