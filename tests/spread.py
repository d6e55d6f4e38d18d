"""A database of plain PostgreSQL that looks to Padrón like one that Citus spreads over nodes.

The rows are in shards with the names that Citus gives them. Citus' tables that say where the shards are stand in the
system catalog, as on a cluster. Two things stand for what Citus itself answers, under the names of the schema: a
partitioned table has the rows of all its shards, and a view is a table that Citus copies to every node. There is one
node, which is also the coordinator, until ``join`` makes a cluster of several databases.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from urllib.parse import urlsplit

import asyncpg

from padron.store.postgres.cluster.functions import READ_DEFINITIONS, give_common, write_functions
from padron.store.postgres.cluster.naming import WITHDRAWALS
from padron.store.postgres.cluster.shards import LIST_PLACES, read_map
from padron.store.postgres.cluster.tables import REFERENCE_TABLES

RANGES = 4  # of hashes: each has a shard of every table
_RANGE_BITS = 30  # of the 32 bits of a hash, those below the number of the range

_METADATA = """
    CREATE TABLE pg_catalog.pg_dist_partition (
        logicalrelid regclass, partmethod "char", colocationid integer,
        repmodel "char" DEFAULT 's', partkey text DEFAULT 'account_id');
    CREATE FUNCTION pg_catalog.column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS $$ SELECT $2 $$;
    CREATE TABLE pg_catalog.pg_dist_shard (
        logicalrelid regclass, shardid bigint, shardminvalue text, shardmaxvalue text);
    CREATE TABLE pg_catalog.pg_dist_placement (shardid bigint, groupid integer);
    CREATE TABLE pg_catalog.pg_dist_node (
        groupid integer, nodename text, nodeport integer,
        noderole text DEFAULT 'primary', isactive boolean DEFAULT true);
    CREATE TABLE pg_catalog.pg_dist_local_group (groupid integer);
    CREATE FUNCTION pg_catalog.lock_shard_metadata(mode integer, shards bigint[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF mode = 5 THEN
            PERFORM pg_advisory_xact_lock_shared(shard) FROM unnest(shards) AS shard;
        ELSIF mode = 7 THEN
            PERFORM pg_advisory_xact_lock(shard) FROM unnest(shards) AS shard;
        ELSE
            RAISE EXCEPTION 'unsupported lockmode %', mode;
        END IF;
    END $$;
    INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (9000000, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.2-1');
"""
# PostgreSQL chooses the partition by this function, plus a constant whose last two bits are 3.
_CHOOSE_PARTITION = f"""
    CREATE FUNCTION give_range(account_id bigint, seed bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS
        $$ SELECT ((hashint8(account_id)::bigint + 2147483648) >> {_RANGE_BITS}) + 1 $$;
    CREATE OPERATOR CLASS ranges FOR TYPE bigint USING hash AS OPERATOR 1 =, FUNCTION 2 give_range(bigint, bigint);
"""
_LIST_TABLES = """
    SELECT relname::text, array_to_string(reloptions, ', ') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_LIST_KEYS = """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f') ORDER BY contype = 'f'
"""
_LIST_INDEXES = """
    SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
"""
# The indexes of a shard, and what Citus would call them.
_LIST_NAMES = """
    SELECT i.relname::text, coalesce(p.relname, i.relname) || substring(t.relname FROM '_[0-9]+$')
    FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid AND t.relnamespace = 'public'::regnamespace AND t.relname ~ '_[0-9]+$'
    LEFT JOIN pg_inherits AS h ON h.inhrelid = i.oid LEFT JOIN pg_class AS p ON p.oid = h.inhparent
    WHERE i.relname !~ '_[0-9]+$' OR h.inhrelid IS NOT NULL
"""


async def spread(url: str) -> None:
    """Spread the tables of a migrated database. The URL must be one that ``give_place`` understands."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET allow_system_table_mods = on")
        await connection.execute(_METADATA + _CHOOSE_PARTITION)
        keys, indexes = await connection.fetch(_LIST_KEYS), await connection.fetch(_LIST_INDEXES)
        tables = await connection.fetch(_LIST_TABLES)
        numbers = count(102_008)  # where Citus begins
        for table, options in tables:
            if table not in REFERENCE_TABLES:
                await connection.execute(_part(table, options, [next(numbers) for _ in range(RANGES)]))
        for table, name, definition in keys:
            if table not in REFERENCE_TABLES:
                await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table, definition in indexes:
            if table not in REFERENCE_TABLES:
                await connection.execute(definition)
        await connection.execute("DROP SCHEMA whole CASCADE")
        for table, _ in tables:
            if table in REFERENCE_TABLES:
                await connection.execute(_copy(table, next(numbers)))
        for name, other in await connection.fetch(_LIST_NAMES):
            await connection.execute(f"ALTER INDEX {name} RENAME TO {other}")
    finally:
        await connection.close()
    await join(url)
    await _make_functions(url)


async def _make_functions(url: str) -> None:
    """Make the functions of shards: two shards have their own, and the others use those of all shards."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(give_common())
        shards = read_map(await connection.fetch(LIST_PLACES)).shards
        definitions = dict(map(tuple, await connection.fetch(READ_DEFINITIONS, list(WITHDRAWALS))))
        for statement in write_functions(definitions, shards[: RANGES // 2]):
            await connection.execute(statement)
    finally:
        await connection.close()


def _part(table: str, options: str, numbers: Sequence[int]) -> str:
    """Give what replaces a table by one of the same columns whose rows are in shards."""
    storage = f" WITH ({options})" if options else ""
    shards = "".join(
        f"""
        CREATE TABLE {table}_{number} PARTITION OF {table}
            FOR VALUES WITH (MODULUS {RANGES}, REMAINDER {place}){storage};
        INSERT INTO pg_dist_shard VALUES ('{table}', {number}, '{first}', '{last}');
        INSERT INTO pg_dist_placement VALUES ({number}, 1);
        """  # noqa: S608 - names of the catalog
        for place, (number, (first, last)) in enumerate(zip(numbers, _list_ranges(), strict=True))
    )
    return f"""
        CREATE SCHEMA IF NOT EXISTS whole;
        ALTER TABLE {table} SET SCHEMA whole;
        CREATE TABLE {table} (LIKE whole.{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
            PARTITION BY HASH (account_id ranges);
        INSERT INTO pg_dist_partition VALUES ('{table}', 'h', 1);
        {shards}
    """  # noqa: S608 - names of the catalog


def _list_ranges() -> Iterator[tuple[int, int]]:
    for place in range(RANGES):
        first = (place << _RANGE_BITS) - (1 << 31)
        yield first, first + (1 << _RANGE_BITS) - 1


def _copy(table: str, number: int) -> str:
    """Give what puts a view before a table. Rows of a copied table are deleted by their place, so the view shows it."""
    place = "" if table in {"schema_migrations", "register"} else ", ctid"
    return f"""
        ALTER TABLE {table} RENAME TO {table}_{number};
        CREATE VIEW {table} AS SELECT *{place} FROM {table}_{number};
        INSERT INTO pg_dist_partition VALUES ('{table}', 'n', 2, 't');
        INSERT INTO pg_dist_shard VALUES ('{table}', {number}, NULL, NULL);
        INSERT INTO pg_dist_placement VALUES ({number}, 1);
    """  # noqa: S608 - names of the catalog


def give_place(url: str) -> tuple[str, int]:
    """Give host and port of a URL as Citus' table of nodes has them. A folder of sockets is a host in URL encoding."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    host, _, port = place.rpartition(":")
    return host, int(port)


async def join(*urls: str) -> None:
    """Make a cluster of spread databases with the same name, one on each server. The first one has all shards."""
    nodes = [(group, *give_place(url)) for group, url in enumerate(urls, 1)]
    for group, url in enumerate(urls, 1):
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(f"""
                DELETE FROM pg_dist_node; DELETE FROM pg_dist_local_group;
                INSERT INTO pg_dist_local_group VALUES ({group})
            """)  # noqa: S608 - a number
            await connection.executemany("INSERT INTO pg_dist_node VALUES ($1, $2, $3)", nodes)
        finally:
            await connection.close()
