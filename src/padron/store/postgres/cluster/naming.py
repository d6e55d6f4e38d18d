"""Writes statements for one shard: the same statements, with the names of the shard's tables.

Each statement keeps its own words for everything else. Where it uses a table's name for the columns, the name becomes
the alias of the shard's table.
"""

import re
from collections.abc import Container, Mapping, Sequence

HOLD = "hold_shard"
MOVED_STATE = "PD001"  # what hold_shard raises on a node that does not have the shard

WITHDRAWALS = ("withdraw_work", "withdraw_free_work")  # functions that statements call, and that name a table
_HELD = "/* held */"  # the place in FROM where a statement that is its own transaction makes sure of the shard
_HELD_LATER = "/* held later */"  # in a statement after which another one of the same work holds the shard
_KEPT_MAX = 512  # of the statements of a shard; built ones differ with their filters

_find_use = re.compile(r"\b(FROM|JOIN|INTO|UPDATE)(\s+\(?)([a-z_]+)\b(\s+AS\b)?").sub
_find_call = re.compile(rf"\b({'|'.join(WITHDRAWALS)})\(").sub
_writes = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+([a-z_]+)").findall


class CopiedTableError(Exception):
    """A statement writes a table that is copied to every node. Only Citus can do that, by way of its planner."""


class ShardNames:
    """The names of one shard's tables, and the statements that were written with them."""

    def __init__(
        self, shard_id: int, spread: Mapping[str, str], copied: Mapping[str, str], functions: Container[str] = ()
    ) -> None:
        """Take the shard's number, the shard's name of each table, and the names of the functions that there are.

        Tables are spread by account, or copied to every node.
        """
        self.hold = f"SELECT {HOLD}({shard_id})"
        self._shard_id = shard_id
        self._copied = frozenset(copied)
        self._names = {**spread, **copied}
        self._calls = {
            name: f"{own}(" if (own := give_function(name, spread["work"])) in functions
            else f"{name}_of('{spread['work']}', "
            for name in WITHDRAWALS
        }  # fmt: skip
        self._written: dict[str, str] = {}
        self._reads: dict[str, str] = {}

    def name(self, table: str) -> str:
        """Give the shard's name of a table."""
        return self._names[table]

    def has(self, table: str) -> bool:
        """Say whether a table is one of the shard's."""
        return table in self._names

    def write(self, statement: str) -> str:
        """Give a statement for the shard. Raises CopiedTableError for one that writes a copied table."""
        written = self._written.get(statement)
        if written is None:
            if not self._copied.isdisjoint(_writes(statement)):
                raise CopiedTableError(statement)
            written = _keep(self._written, statement, self._rename(statement))
        return written

    def write_alone(self, statement: str) -> str:
        """Give a statement that is its own transaction, for the shard. It holds the shard first."""
        holds_itself = _HELD in statement or _HELD_LATER in statement
        return self.write(statement) if holds_itself else self.write_read(statement)

    def write_read(self, statement: str) -> str:
        """Give a statement that reads, for the shard. It raises MOVED_STATE instead if the shard is not there.

        PostgreSQL evaluates the sub-select once, and before the rest. It waits for a move that is about to end.
        """
        written = self._reads.get(statement)
        if written is None:
            asked = self._rename(statement).rstrip().rstrip(";")
            read = f"SELECT * FROM (\n{asked}\n) AS asked WHERE ({self.hold})"  # noqa: S608 - our own statements
            written = _keep(self._reads, statement, read)
        return written

    def _rename(self, statement: str) -> str:
        named = _find_use(self._rename_one, statement)
        held = named.replace(_HELD, f"{HOLD}({self._shard_id}) AS held CROSS JOIN")
        return _find_call(lambda match: self._calls[match[1]], held)

    def rename_body(self, body: str) -> str:
        """Give the body of a function of the schema, as one of this shard."""
        named = _find_use(self._rename_one, body)
        return _find_call(lambda match: f"{give_function(match[1], self._names['work'])}(", named)

    def _rename_one(self, match: re.Match[str]) -> str:
        word, space, table, alias = match.groups()
        name = self._names.get(table)
        if name is None:
            return match[0]
        return f"{word}{space}{name}{alias or f' AS {table}'}"


def write_for_all(statement: str, shards: Sequence["ShardNames"]) -> str:
    """Give a statement that reads, for all accounts of these shards of one node: each table is all shards' together.

    The planner takes such a union apart again, and looks at each shard by its indexes.
    """

    def name(match: re.Match[str]) -> str:
        word, space, table, alias = match.groups()
        names = [one.name(table) for one in shards if one.has(table)]
        if not names:
            return match[0]
        parts = dict.fromkeys(names)  # a copied table has one name for all shards
        every = " UNION ALL ".join(f"SELECT * FROM {part}" for part in parts)  # noqa: S608 - the names are Citus' own
        source = names[0] if len(parts) == 1 else f"({every})"
        return f"{word}{space}{source}{alias or f' AS {table}'}"

    return _find_use(name, statement)


def give_function(name: str, work: str) -> str:
    """Give the name of a function of one shard, by the name of the shard's table of work."""
    return f"{name}_in_{work}"


def _keep(kept: dict[str, str], statement: str, written: str) -> str:
    if len(kept) < _KEPT_MAX:
        kept[statement] = written
    return written
