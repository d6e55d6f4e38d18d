"""Examines a PostgreSQL database: its server's settings, and its schema and indexes. It only reads."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from padron.domain.errors import PadronError
from padron.domain.finding import CheckName, Finding, advise, approve, blame
from padron.store.examination import Note, Records
from padron.store.port import Row
from padron.store.postgres.cluster.distributing import prepare_connection
from padron.store.postgres.cluster.examination import examine_nodes, examine_tables
from padron.store.postgres.connection import open_connection, translate_errors
from padron.store.postgres.explaining import explain
from padron.store.postgres.migrating import check_known
from padron.store.postgres.port import SQL, leave_instant
from padron.store.sql.migrations import Migration, list_pending
from padron.store.sql.searching import give_elements

VERSION_MIN = 140_000
CLOCKS_APART_MAX = timedelta(seconds=30)

_READ_SETTINGS = """
    SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'transaction_read_only', 'zero_damaged_pages',
        'ignore_checksum_failure')
"""
_WANTED = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "transaction_read_only": "off",
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
}
_READ_VERSION = "SELECT current_setting('server_version_num')::integer, current_setting('server_version')"
_READ_CHECKSUMS = """
    SELECT current_setting('data_checksums'),
        (SELECT coalesce(sum(checksum_failures), 0)::bigint FROM pg_stat_database WHERE datname = current_database())
"""
_READ_SCHEMA = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_READ_APPLIED = "SELECT max(number) FROM schema_migrations"
_LIST_INVALID = """
    SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND NOT (i.indisvalid AND i.indisready) ORDER BY 1
"""
_HAS_AMCHECK = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"
_LIST_INDEXES = """
    SELECT c.oid::bigint, c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace ORDER BY 2
"""
_CHECK_INDEX = "SELECT bt_index_check($1::bigint::oid::regclass, true)"
_READ_TIME = "SELECT clock_timestamp()"


class PostgresExamination:
    """One database that is being examined, over one connection."""

    to_instant = staticmethod(leave_instant)

    def __init__(self, url: str, migrations: Sequence[Migration]) -> None:
        self._url = url
        self._migrations = list(migrations)
        self._connection: asyncpg.Connection | None = None
        self._is_cluster = False

    @property
    def records(self) -> Records:
        """What the database has, in portions."""
        return Records(self)

    async def read(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement, which is a transaction of its own."""
        return await self._fetch(SQL[name], *parameters)

    def give_grams(self, account_id: int, vehicle_id: int, text: str) -> list[int]:
        """Give the grams of the text as they are stored."""
        return give_elements(account_id, vehicle_id, text)

    async def examine_engine(self, note: Note) -> AsyncIterator[Finding]:
        """Look at the server, then at the database."""
        try:
            self._connection = await open_connection(self._url, patient=True)
            self._is_cluster = await prepare_connection(self._connection)
        except Exception as error:
            explained = explain(self._url, error)
            if explained is None and not isinstance(error, PadronError):
                raise
            yield blame(CheckName.FILE, str(explained or error))
            return
        yield await self._examine_version()
        yield await self._examine_settings()
        yield await self._examine_checksums()
        yield await self._examine_clock()
        if self._is_cluster:
            yield await examine_nodes(self._fetch, _WANTED)
        schema = await self._examine_schema()
        yield schema
        if schema.check is CheckName.SCHEMA:
            if self._is_cluster:
                yield await examine_tables(self._fetch)
            yield await self._examine_indexes(note)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.terminate()

    async def _fetch(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        if self._connection is None:
            raise AssertionError(statement)
        with translate_errors():
            return await self._connection.fetch(statement, *parameters)

    async def _examine_version(self) -> Finding:
        ((number, name),) = await self._fetch(_READ_VERSION)
        if number < VERSION_MIN:
            return blame(CheckName.VERSION, f"This is PostgreSQL {name}. Padrón needs 14 or newer.")
        return approve(CheckName.VERSION, f"This is PostgreSQL {name}.")

    async def _examine_settings(self) -> Finding:
        found = {str(row[0]): str(row[1]) for row in await self._fetch(_READ_SETTINGS)}
        wrong = [f"{name} is {found[name]}, and must be {wanted}" for name, wanted in _WANTED.items()
                 if found.get(name, wanted) != wanted]  # fmt: skip
        if wrong:
            return blame(CheckName.SETTINGS, f"{'; '.join(wrong)}.")
        return approve(CheckName.SETTINGS, "What is committed is synced to the disk (fsync, synchronous_commit).")

    async def _examine_checksums(self) -> Finding:
        ((checksums, failures),) = await self._fetch(_READ_CHECKSUMS)
        if checksums != "on":
            return blame(
                CheckName.CHECKSUMS,
                "The cluster has no data_checksums, so damage is not noticed. Stop it and run pg_checksums --enable.",
            )
        if failures:
            return blame(CheckName.CHECKSUMS, f"PostgreSQL met {failures:,} damaged pages. Restore a backup.")
        return approve(CheckName.CHECKSUMS, "Each page has a checksum (data_checksums), and none was wrong.")

    async def _examine_clock(self) -> Finding:
        ((there,),) = await self._fetch(_READ_TIME)
        apart = abs(there - datetime.now(UTC))
        if apart > CLOCKS_APART_MAX:
            return advise(
                CheckName.CLOCK, f"The server's clock and the one here differ by {apart.total_seconds():,.0f} s."
            )
        return approve(CheckName.CLOCK, "The server's clock and the one here agree.")

    async def _examine_schema(self) -> Finding:
        ((is_register,),) = await self._fetch(_READ_SCHEMA)
        if not is_register:
            return blame(CheckName.FILE, "The database has no register. Run `padron migrate` to make one.")
        ((applied,),) = await self._fetch(_READ_APPLIED)
        pending = list_pending(self._migrations, applied or 0)
        try:
            await check_known(self._fetch, self._migrations, applied or 0)
        except PadronError as error:
            return blame(CheckName.SCHEMA, error.detail)
        if pending:
            return blame(
                CheckName.SCHEMA,
                f"{len(pending)} migrations are pending. Run `padron migrate`, and examine the register again.",
            )
        invalid = [row[0] for row in await self._fetch(_LIST_INVALID)]
        if invalid:
            return blame(CheckName.SCHEMA, f"These indexes are not usable: {', '.join(invalid)}. Run REINDEX on them.")
        return approve(CheckName.SCHEMA, f"The schema is number {applied}, which this program needs.")

    async def _examine_indexes(self, note: Note) -> Finding:
        """Compare each index with its table, one after the other, with a lock that holds up nobody."""
        if self._is_cluster:
            return advise(
                CheckName.PAGES,
                "The indexes of the nodes were not compared with their tables. Run pg_amcheck on each node.",
            )
        if not await self._fetch(_HAS_AMCHECK):
            return advise(
                CheckName.PAGES,
                "The indexes were not compared with their tables. Run CREATE EXTENSION amcheck, and examine again.",
            )
        count = 0
        for oid, name in await self._fetch(_LIST_INDEXES):
            note(f"index {name}")
            try:
                await self._fetch(_CHECK_INDEX, oid)
            except asyncpg.InsufficientPrivilegeError:
                return advise(CheckName.PAGES, "This role may not run amcheck's bt_index_check. Grant it, or leave it.")
            except (PadronError, asyncpg.PostgresError) as error:
                return blame(CheckName.PAGES, f"The index {name} is damaged: {error}. Restore a backup.")
            count += 1
        return approve(CheckName.PAGES, f"All {count} indexes fit their tables.")
