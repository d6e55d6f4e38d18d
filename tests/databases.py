"""Databases that one test after the other is lent: a database is emptied much faster than a new one is made.

The next test gets it as empty as a new one, and with the schema of a new one. When a test changed more than the rows of
ordinary tables, such as a trigger, a privilege or the record of migrations, the database is dropped instead.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from tests.kept_connections import KEPT

T = TypeVar("T")

BYTES_MAX = 3_000_000  # of all tables: from then on the rows that were deleted slow the next tests down

# PostgreSQL finds vehicles by rows apart from their own, which must say the same, whatever a test has done.
STRAY_IDENTITIES = """
    SELECT h.*, i.* FROM vehicles AS h FULL JOIN identities AS i USING (account_id, vehicle_id)
    WHERE (h.vin, h.slot, h.plate) IS DISTINCT FROM (i.vin, i.slot, i.plate)
"""
# Each account counts its current vehicles. They are counted once for all: a test may leave thousands of accounts.
STRAY_COUNTS = """
    SELECT c.account_id, c.vehicle_count FROM counters AS c LEFT JOIN (
        SELECT account_id, count(*) AS current FROM vehicles WHERE slot >= 0 GROUP BY account_id
    ) AS h ON h.account_id = c.account_id
    WHERE c.vehicle_count <> coalesce(h.current, 0)
"""
# xmin is the transaction that wrote the row: whatever is altered, granted or made is another row.
_INSPECT = """
    SELECT sum(hashtextextended(mark, 0)) AS schema_mark, (
        SELECT sum(pg_relation_size(oid))::bigint FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    ) AS table_bytes
    FROM (
        SELECT concat('database ', xmin) AS mark FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT concat('setting ', setdatabase, setrole, xmin) FROM pg_db_role_setting
        UNION ALL SELECT concat('namespace ', oid, ' ', xmin) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'
        UNION ALL SELECT concat('class ', oid, ' ', xmin) FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat('column ', attrelid, ' ', attnum, ' ', xmin) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT concat('function ', oid, ' ', xmin) FROM pg_proc
            WHERE oid >= 16384 AND pronamespace <> pg_my_temp_schema()
        UNION ALL SELECT concat('trigger ', oid, ' ', xmin) FROM pg_trigger
        UNION ALL SELECT concat('constraint ', oid, ' ', xmin) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat('statistic ', starelid, ' ', staattnum) FROM pg_statistic WHERE starelid >= 16384
        UNION ALL SELECT concat('migration ', m) FROM schema_migrations AS m
        UNION ALL SELECT concat('register ', r) FROM register AS r
    ) AS marks
"""
# A function of the connection plans its statements once, and is asked once.
_MAKE_FUNCTIONS = """
    CREATE FUNCTION pg_temp.list_strays() RETURNS text[] LANGUAGE plpgsql AS $$
    BEGIN RETURN ARRAY({strays}); END $$;
    CREATE FUNCTION pg_temp.empty_register() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN {statements}; END $$
"""
_LIST_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('schema_migrations', 'register')
"""
_IS_CLUSTER = "SELECT to_regclass('pg_dist_node') IS NOT NULL"
# On a cluster, the rows are in tables of each node, which are emptied there: that takes a tenth of the time.
_LIST_SHARDS = """
    SELECT shard_name(logicalrelid, shardid) FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)
    WHERE groupid = (SELECT groupid FROM pg_dist_local_group)
    AND logicalrelid NOT IN ('schema_migrations'::regclass, 'register'::regclass)
"""
_LIST_SEQUENCES = """
    SELECT relname, seqmin FROM pg_class JOIN pg_sequence ON seqrelid = oid WHERE relnamespace = 'public'::regnamespace
"""
_END_OTHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1::int[])
    AND application_name NOT ILIKE 'citus%'
"""
# Foreign keys and triggers have no say while all goes. A cluster's nodes show the tables that an account's tables are.
_SETTINGS = {
    "session_replication_role": "replica",
    "application_name": "tests",
    "lock_timeout": "5000",
    "jit": "off",
    "citus.override_table_visibility": "off",
    "citus.enable_ddl_propagation": "off",
}


@dataclass(kw_only=True)
class _Node:
    """A database on one of its servers. Only a cluster has several."""

    url: str
    connection: asyncpg.Connection
    schema_mark: int


@dataclass(kw_only=True)
class _Database:
    url: str
    nodes: list[_Node]


class Databases:
    """The migrated databases of one server. Connections to them stay open, on an event loop that outlives a test's."""

    def __init__(
        self,
        create: Callable[[], Awaitable[str]],
        drop: Callable[[str], Awaitable[None]],
        list_urls: Callable[[str], list[str]],
    ) -> None:
        self._create = create
        self._drop = drop
        self._list_urls = list_urls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="databases", daemon=True)
        self._thread.start()
        self._idle: list[_Database] = []
        self._lent: dict[str, _Database] = {}

    async def lend(self) -> str:
        """Give the URL of an empty database."""
        url = await self._run(self._lend())
        for one in self._list_urls(url):
            KEPT.keep(one)
        return url

    async def take_back(self, url: str) -> list[str] | None:
        """Give what is wrong in the database, which its test is done with; None when it was not lent by us."""
        database = self._lent.pop(url, None)
        if database is None:
            return None
        wrong = await self._run(self._take_back(database))
        if database not in self._idle:
            self._forget(url)
        return wrong

    async def leave_alone(self, url: str) -> None:
        """Connect no more to a database that is lent, for a test that wants nobody else there."""
        self._forget(url)
        for node in self._lent[url].nodes:
            await self._run(node.connection.close())

    def close(self) -> None:
        """Close the connections. The databases go with their server."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _forget(self, url: str) -> None:
        for one in self._list_urls(url):
            KEPT.forget(one)

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _lend(self) -> str:
        database = self._idle.pop() if self._idle else await self._make()
        self._lent[database.url] = database
        return database.url

    async def _make(self) -> _Database:
        url = await self._create()
        return _Database(url=url, nodes=[await _reach(one) for one in self._list_urls(url)])

    async def _take_back(self, database: _Database) -> list[str]:
        try:
            for node in database.nodes:
                if node.connection.is_closed():
                    node.connection = await _connect(node.url)
            return await self._empty(database)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._give_up(database)  # the test made the server or the database unfit for use
            return []

    async def _empty(self, database: _Database) -> list[str]:
        for node in database.nodes:
            await _end_others(node)
        strays: list[str] = await database.nodes[0].connection.fetchval("SELECT pg_temp.list_strays()")
        if all(await asyncio.gather(*(_empty_node(node) for node in database.nodes))):
            self._idle.append(database)
        else:
            await self._give_up(database)
        return strays

    async def _give_up(self, database: _Database) -> None:
        for node in database.nodes:
            node.connection.terminate()
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._drop(database.url)

    async def _close(self) -> None:
        for database in (*self._idle, *self._lent.values()):
            for node in database.nodes:
                node.connection.terminate()
        await asyncio.sleep(0)


async def _reach(url: str) -> _Node:
    connection = await _connect(url)
    ((mark, _),) = await connection.fetch(_INSPECT)
    return _Node(url=url, connection=connection, schema_mark=mark)


async def _end_others(node: _Node) -> None:
    kept = KEPT.list_backends(node.url)
    while await node.connection.fetchval(_END_OTHERS, kept):  # noqa: ASYNC110 - another process has no event for us
        await asyncio.sleep(0.001)


async def _empty_node(node: _Node) -> bool:
    """Delete all rows, and say whether the next test may have the database."""
    ((mark, table_bytes),) = await node.connection.fetch(_INSPECT)
    await node.connection.execute("SELECT pg_temp.empty_register()")
    return bool(mark == node.schema_mark and table_bytes <= BYTES_MAX)


async def _connect(url: str) -> asyncpg.Connection:
    """Connect to a migrated database, and make the functions that check and empty it."""
    connection = await asyncpg.connect(url, server_settings=_SETTINGS)
    tables = _LIST_SHARDS if await connection.fetchval(_IS_CLUSTER) else _LIST_TABLES
    statements = [
        *(f"DELETE FROM {name}" for (name,) in await connection.fetch(tables)),  # noqa: S608 - of the catalog
        *(f"PERFORM setval('{name}', {first}, false)" for name, first in await connection.fetch(_LIST_SEQUENCES)),
    ]
    strays = " UNION ALL ".join(
        f"SELECT stray::text FROM ({check}) AS stray"  # noqa: S608 - our own
        for check in (STRAY_IDENTITIES, STRAY_COUNTS)
    )
    await connection.execute(_MAKE_FUNCTIONS.format(strays=strays, statements="; ".join(statements)))
    return connection
