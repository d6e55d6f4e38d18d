"""Copies a database into a file by pg_dump, and counts what was in it at the same instant."""

import asyncio
from pathlib import Path

import asyncpg

from padron.store.backups import AccountSummary, RegisterSummary, ShowProgress, show_nothing
from padron.store.postgres.backup.tools import find_tool, give_target, run_tool
from padron.store.postgres.cluster.distributing import NODE_MS_MAX, prepare_connection
from padron.store.postgres.connection import open_connection, translate_errors
from padron.store.postgres.explaining import explain

SHOW_EVERY_S = 0.5

# pg_dump copies the same snapshot, so that the numbers are those of the copy. The server must not end the idle
# transaction meanwhile.
_BEGIN = """
    SET idle_in_transaction_session_timeout = 0;
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
"""
_EXPORT = "SELECT pg_export_snapshot()"
_OPTIONS = f"-c citus.node_connection_timeout={NODE_MS_MAX}"  # of the tool, on a cluster
_SUMMARIZE = """
    SELECT a.name, c.vehicle_count, c.last_change FROM accounts AS a JOIN counters AS c USING (account_id)
    ORDER BY a.name
"""
_LIST_TABLES = """
    SELECT relname, quote_ident(relname) AS quoted FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname <> 'schema_migrations'
    ORDER BY relname
"""
_READ_SCHEMA = "SELECT max(number) FROM schema_migrations"
_READ_EPOCH = "SELECT epoch FROM register"
_READ_SIZE = "SELECT sum(pg_table_size(oid))::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace"


async def dump_database(url: str, target: Path, show: ShowProgress = show_nothing) -> RegisterSummary:
    """Copy a database into an empty file and give the numbers of the copied state. Raises ``store_unavailable``."""
    find_tool("pg_dump")
    try:
        connection = await open_connection(url, patient=True)
        try:
            with translate_errors():
                is_cluster = await prepare_connection(connection)
                await connection.execute(_BEGIN)
                snapshot = await connection.fetchval(_EXPORT)
                summary = await summarize_database(connection)
                size_bytes = await connection.fetchval(_READ_SIZE) or 0
            place = give_target(url, options=_OPTIONS if is_cluster else "")
            arguments = ("--format=custom", "--no-owner", "--no-privileges", "--no-password")
            dumping = asyncio.ensure_future(
                run_tool(
                    "pg_dump", *arguments, f"--snapshot={snapshot}", f"--file={target}", f"--dbname={place.url}",
                    target=place,
                )
            )  # fmt: skip
            await _wait(dumping, target, int(size_bytes), show)
        finally:
            connection.terminate()
    except Exception as error:
        explained = explain(url, error)
        if explained is None:
            raise
        raise explained from error
    await run_tool("pg_restore", "--list", str(target))  # reads the whole table of contents
    return summary


async def summarize_database(connection: asyncpg.Connection) -> RegisterSummary:
    """Give the numbers of a register. In a transaction of one snapshot, all are of the same instant."""
    schema_number = await connection.fetchval(_READ_SCHEMA) or 0
    accounts = tuple(
        AccountSummary(name=row["name"], vehicle_count=row["vehicle_count"], last_change=row["last_change"])
        for row in await connection.fetch(_SUMMARIZE)
    )
    counts = {
        row["relname"]: await connection.fetchval(f"SELECT count(*) FROM {row['quoted']}")  # noqa: S608 - PostgreSQL quoted the name
        for row in await connection.fetch(_LIST_TABLES)
    }
    epoch = await connection.fetchval(_READ_EPOCH)
    return RegisterSummary(schema_number=schema_number, epoch=epoch, accounts=accounts, row_counts=counts)


async def _wait(dumping: "asyncio.Future[str]", target: Path, size_bytes: int, show: ShowProgress) -> None:
    """Wait for pg_dump and show how much it has written. A dump is compressed, so the whole is a guess."""
    try:
        while not dumping.done():
            await asyncio.wait([dumping], timeout=SHOW_EVERY_S)
            written_bytes = target.stat().st_size  # noqa: ASYNC240 - nothing else runs on this loop
            show(written_bytes, max(size_bytes, written_bytes))
    finally:
        if not dumping.done():
            dumping.cancel()
            await asyncio.wait([dumping])
    await dumping
