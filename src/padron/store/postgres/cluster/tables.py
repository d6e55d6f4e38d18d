"""Which tables a Citus cluster copies to every node, and which it spreads by account. The only place that knows.

Every row of an account is on one node, because all tables that are spread have the same group of shards.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter

import asyncpg

Ask = Callable[..., Awaitable[Sequence[asyncpg.Record]]]

# The directory and the people. They are small, every node reads them, and they are written only when an account is
# added, a backup was restored, or somebody signs in. Any row may refer to them, and they may be unique beyond an
# account.
REFERENCE_TABLES = frozenset({
    "accounts", "former_accounts", "schema_migrations", "register",
    "users", "members", "known_people", "sessions", "invitations", "sign_ins",
    "user_identities", "provided_members", "pending_sign_ins", "passkeys", "passkey_challenges",
    "saved_views", "chosen_views",
})  # fmt: skip
# Every other table with this column is spread by it.
ACCOUNT_COLUMN = "account_id"
# It is spread first, and the others beside it.
FIRST_TABLE = "counters"

NAMED_MAX = 3  # tables in one sentence

_UNDO = "Stop all servers, and go back to one PostgreSQL from a dump (docs/scale.md), before `padron migrate`."

_FIND_CITUS = "SELECT 1 FROM pg_extension WHERE extname = 'citus'"
_READ_TABLES = """
    SELECT c.relname::text,
        EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = $1 AND NOT attisdropped),
        ARRAY (SELECT o.relname::text FROM pg_constraint AS r JOIN pg_class AS o ON o.oid = r.confrelid
            WHERE r.contype = 'f' AND r.conrelid = c.oid)
    FROM pg_class AS c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND NOT EXISTS (
            SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    ORDER BY 1
"""
# How Citus keeps a table: method h is by the hash of a column, n is without a column. Replication t is to every node,
# s is a single placement of each shard, and c is several of them, which Citus does not keep the same in all failures.
_READ_PLACES = """
    SELECT c.relname::text, p.partmethod::text || p.repmodel::text, p.colocationid::bigint,
        CASE WHEN p.partmethod = 'h' THEN column_to_column_name(p.logicalrelid, p.partkey) END
    FROM pg_dist_partition AS p JOIN pg_class AS c ON c.oid = p.logicalrelid
    WHERE c.relnamespace = current_schema()::regnamespace
"""
# The node's own shards are tables of the same schema.
_LIST_SHARDS = """
    SELECT c.relname || '_' || s.shardid FROM pg_dist_shard AS s JOIN pg_class AS c ON c.oid = s.logicalrelid
    WHERE c.relnamespace = current_schema()::regnamespace
"""
_REFERENCE, _SINGLE, _LOCAL = "nt", "hs", "ns"


class Placement(StrEnum):
    """Where a table's rows are."""

    LOCAL = "local"
    """On the coordinator alone, as every table is at first."""

    REFERENCE = "reference"
    """On every node."""

    DISTRIBUTED = "distributed"
    """On the node of their account."""

    OTHER = "other"
    """Somewhere else: nothing that Padrón makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTable:
    """A table, where it should be and where it is."""

    name: str
    wanted: Placement
    refers_to: frozenset[str]
    found: Placement = Placement.LOCAL
    group: int = 0  # of shards; tables of the same group have an account's rows on the same node


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """Where Citus has a table."""

    placement: Placement
    group: int = 0


_LOCAL_PLACE = Whereabouts(placement=Placement.LOCAL)


async def find_citus(ask: Ask) -> bool:
    """Say whether the database has the extension, and so should be a cluster."""
    return bool(await ask(_FIND_CITUS))


async def read_tables(ask: Ask, *, is_cluster: bool) -> list[StoredTable]:
    """Give Padrón's tables, each after the tables that it refers to. Without a cluster all of them are local."""
    shards = {name for (name,) in await ask(_LIST_SHARDS)} if is_cluster else set()
    places = {name: _find_place(*place) for name, *place in await ask(_READ_PLACES)} if is_cluster else {}
    tables = []
    for name, has_account, refers_to in await ask(_READ_TABLES, ACCOUNT_COLUMN):
        if name in shards or (name not in REFERENCE_TABLES and not has_account):
            continue
        wanted = Placement.REFERENCE if name in REFERENCE_TABLES else Placement.DISTRIBUTED
        place = places.get(name, _LOCAL_PLACE)
        refers = frozenset(refers_to)
        tables.append(
            StoredTable(name=name, wanted=wanted, refers_to=refers, found=place.placement, group=place.group)
        )  # fmt: skip
    return order_tables(tables)


def _find_place(kept: str, group: int, column: str | None) -> Whereabouts:
    if kept == _REFERENCE:
        return Whereabouts(placement=Placement.REFERENCE)
    if kept == _SINGLE and column == ACCOUNT_COLUMN:
        return Whereabouts(placement=Placement.DISTRIBUTED, group=group)
    if kept == _LOCAL and not group:
        return _LOCAL_PLACE  # Citus knows it, because something refers to it or it refers to something
    return Whereabouts(placement=Placement.OTHER)


def order_tables(tables: Iterable[StoredTable]) -> list[StoredTable]:
    """Give the tables in the order in which they may be placed: reference tables first, and what is referred to."""
    named = {table.name: table for table in tables}
    copied = {table.name for table in named.values() if table.wanted is Placement.REFERENCE}
    graph = {}
    for name, table in named.items():
        before = set(table.refers_to & named.keys())
        if name not in copied:
            before |= copied | {FIRST_TABLE} & named.keys()
        graph[name] = sorted(before - {name})
    return [named[name] for name in TopologicalSorter(graph).static_order()]


def find_table_faults(tables: Sequence[StoredTable]) -> list[str]:
    """Say what is wrong with where the tables are, each with what to do."""
    faults = []
    if local := [table.name for table in tables if table.found is Placement.LOCAL]:
        faults.append(
            f"The database has the extension citus, but these tables are not spread over its nodes: {_name(local)}. "
            "Stop all servers, and run `padron migrate`."
        )
    placed = [table for table in tables if table.found is not Placement.LOCAL]
    first = next((table.group for table in placed if table.name == FIRST_TABLE), 0)
    odd = [table.name for table in placed if table.found is not table.wanted]
    apart = [
        table.name for table in placed if table.found is table.wanted is Placement.DISTRIBUTED and table.group != first
    ]
    if odd:
        faults.append(f"These tables are spread in another way than Padrón's: {_name(odd)}. {_UNDO}")
    if apart:
        faults.append(f"These tables have other shards than {FIRST_TABLE}: {_name(apart)}. {_UNDO}")
    return faults


def _name(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
