"""Spreads the tables of a migrated register over the nodes of a Citus cluster. It can be interrupted and repeated."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.store.postgres.cluster.joining import list_names
from padron.store.postgres.cluster.naming import WITHDRAWALS
from padron.store.postgres.cluster.setup import ask_nodes, find_node_faults, find_setup_faults, read_setup
from padron.store.postgres.cluster.stale_functions import NodeFunction, list_stale_common, list_stale_of_shards
from padron.store.postgres.cluster.tables import (
    FIRST_TABLE,
    Placement,
    StoredTable,
    find_citus,
    find_table_faults,
    read_tables,
)
from padron.store.postgres.giving_way import LOCK_TIMEOUT, give_way
from padron.store.sql.migrations import Placed, PlacedKind

ATTEMPTS_MAX = 10
PAUSE_S = 1.0

# How long Citus waits for a node that it connects to. A node that hangs lets it wait, by default for 30 s each time.
NODE_MS_MAX = 5_000
# For the whole connection. A generic plan cannot be made of every join there. Without the second setting, Citus would
# take the tables that refer to a new reference table into its catalogs, before it is their turn.
_SETTINGS = (
    "SET plan_cache_mode = auto",
    "SET citus.enable_local_reference_table_foreign_keys = off",
    f"SET citus.node_connection_timeout = {NODE_MS_MAX}",
)
# For the transaction of the migrations: one connection to each node, since statements about a table that all accounts
# refer to must not deadlock with others of the same transaction. What is set further in it, the nodes set as well.
_SETTINGS_OF_TRANSACTION = (
    "SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
    "SET LOCAL citus.propagate_set_commands = 'local'",
)
_KINDS = {
    Placement.REFERENCE: PlacedKind.REFERENCE_TABLE,
    Placement.DISTRIBUTED: PlacedKind.DISTRIBUTED_TABLE,
}
_COPY = "SELECT create_reference_table($1::text::regclass)"
_SPREAD = "SELECT create_distributed_table($1::text::regclass, 'account_id', colocate_with => $2::text)"
# The shards of all tables are as many as those of the first one. Calls share a batch only in one shard, so Citus' own
# default of 32 is too many for a few nodes. Who has set another number gets it.
SHARDS = 16
_SPREAD_FIRST = """
    SELECT create_distributed_table($1::text::regclass, 'account_id', colocate_with => 'none',
        shard_count => (SELECT CASE source WHEN 'default' THEN $2::integer ELSE setting::integer END
            FROM pg_settings WHERE name = 'citus.shard_count'))
"""
# Those of a key or of another constraint stay.
_LIST_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY 1
"""
# Where the coordinator has a shard or a copy, its own session must not use it before others of the same transaction do.
_ALL_BY_CONNECTIONS = "SET LOCAL citus.enable_local_execution = off"
# Citus propagates functions that are made on a cluster, and does not know the ones from before.
_LIST_FUNCTIONS = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    WHERE p.pronamespace = current_schema()::regnamespace AND pg_has_role(p.proowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
        AND NOT EXISTS (SELECT FROM pg_dist_object WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
    ORDER BY 1
"""
_SPREAD_FUNCTION = "SELECT create_distributed_function($1::text::regprocedure)"
# What a table had before it was spread is still on the coordinator's disk, where no statement sees it.
_HAS_REST = "SELECT pg_relation_size($1::text::regclass) > 0"
_REMOVE_REST = "SELECT truncate_local_data_after_distributing_table($1::text::regclass)"
_COUNT_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'padron%' AND pid <> pg_backend_pid()
        AND wait_event IS DISTINCT FROM 'advisory'  -- another `padron migrate`, which waits for this one
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unplaced:
    """What is not on the nodes of the cluster yet, as it must be."""

    tables: list[StoredTable] = field(default_factory=list)
    functions: list[NodeFunction] = field(default_factory=list)

    def describe(self) -> list[Placed]:
        """Name the tables and the functions, with how they are put on the nodes.

        A function that each shard has is named once, also before there are shards.
        """
        functions = [one.name.partition("_in_work_")[0] for one in self.functions]
        if any(table.name == "work" for table in self.tables):
            functions += [*WITHDRAWALS, *list_names()]
        return [
            *(Placed(name=table.name, kind=_KINDS[table.wanted]) for table in self.tables),
            *(Placed(name=name, kind=PlacedKind.FUNCTION) for name in dict.fromkeys(functions)),
        ]


async def prepare_connection(connection: asyncpg.Connection) -> bool:
    """Say whether the database is a cluster, and set what statements about its tables need."""
    if not await find_citus(connection.fetch):
        return False
    for setting in _SETTINGS:
        await connection.execute(setting)
    return True


async def begin_on_cluster(connection: asyncpg.Connection) -> None:
    """Set what a transaction needs that changes tables of a cluster."""
    for setting in _SETTINGS_OF_TRANSACTION:
        await connection.execute(setting)


async def list_unplaced(connection: asyncpg.Connection) -> Unplaced:
    """Give the tables that are not spread yet, in the order in which they can be, and the functions to be made."""
    tables = [table for table in await read_tables(connection.fetch, is_cluster=True) if table.found is Placement.LOCAL]
    functions = await list_stale_common(connection.fetch)
    if not tables:
        functions += await list_stale_of_shards(connection.fetch)
    return Unplaced(tables=tables, functions=functions)


async def check_setup(connection: asyncpg.Connection) -> None:
    """Raise ``schema_mismatch`` when tables cannot be spread, or are spread in another way."""
    faults = find_setup_faults(await read_setup(connection.fetch))
    placed = [
        table for table in await read_tables(connection.fetch, is_cluster=True) if table.found is not Placement.LOCAL
    ]
    _refuse(faults + find_table_faults(placed))


async def distribute(connection: asyncpg.Connection) -> Unplaced:
    """Spread every table and make every function that is not on the nodes yet, and give them.

    Each table is a transaction of its own, because a cluster has not enough locks for all shards at once. Raises
    ``schema_mismatch``.
    """
    unplaced = await list_unplaced(connection)
    if unplaced.tables:
        setup = await read_setup(connection.fetch)
        _refuse(find_node_faults(await ask_nodes(connection.fetch, setup.nodes)))
    if any(table.name == FIRST_TABLE for table in unplaced.tables):
        await _wait_until_alone(connection)
    await connection.execute(f"SET {LOCK_TIMEOUT}")
    for place, table in enumerate(unplaced.tables):
        later = unplaced.tables[place + 1 :]
        is_last = not any(table.name in one.refers_to for one in later)
        await give_way(connection, partial(_place, connection, table, is_last=is_last))
    functions = (await list_unplaced(connection)).functions  # now with those of the new shards
    for function in functions:
        await connection.execute(function.statement)
    for (name,) in await connection.fetch(_LIST_FUNCTIONS):
        await connection.execute(_SPREAD_FUNCTION, name)
    for table in await read_tables(connection.fetch, is_cluster=True):
        if await connection.fetchval(_HAS_REST, table.name):
            await give_way(connection, partial(connection.execute, _REMOVE_REST, table.name))
    return replace(unplaced, functions=functions)


async def _place(connection: asyncpg.Connection, table: StoredTable, *, is_last: bool) -> None:
    """Spread a table. Its rows arrive without indexes, which are built from all of them at once: that is faster.

    ``is_last`` says that no table that is still local refers to it. Then its old rows can be removed before the indexes
    are built, which are built on the coordinator as well.
    """
    if not await connection.fetchval(_HAS_REST, table.name):
        await _spread(connection, table)
        return
    async with connection.transaction():
        await connection.execute(_ALL_BY_CONNECTIONS)
        indexes = await connection.fetch(_LIST_INDEXES, table.name)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await _spread(connection, table)
        if is_last:
            await connection.execute(_REMOVE_REST, table.name)
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute(f"ANALYZE {table.name}")  # the copy has no statistics yet


async def _spread(connection: asyncpg.Connection, table: StoredTable) -> None:
    if table.wanted is Placement.REFERENCE:
        await connection.execute(_COPY, table.name)
    elif table.name == FIRST_TABLE:
        await connection.execute(_SPREAD_FIRST, table.name, SHARDS)
    else:
        await connection.execute(_SPREAD, table.name, FIRST_TABLE)


async def _wait_until_alone(connection: asyncpg.Connection) -> None:
    """Return when no server uses the register. One that began before the extension would write as before."""
    for _ in range(ATTEMPTS_MAX):
        others = await connection.fetchval(_COUNT_OTHERS)
        if not others:
            return
        await asyncio.sleep(PAUSE_S)
    raise PadronError(
        Code.STORE_UNAVAILABLE,
        f"Servers or commands use the database, over {others} connections, while its tables are to be spread. "
        "Stop them, and run `padron migrate` again.",
    )


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise PadronError(Code.SCHEMA_MISMATCH, faults[0])
