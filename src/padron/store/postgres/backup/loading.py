"""Restores a database from a dump by pg_restore, in one transaction, and checks what is in it then.

A dump of a cluster has all rows, and what only a cluster has: the extension, and functions of shards. They are left
out. So such a dump makes a register on one PostgreSQL. On a new cluster, `migrate` spreads it again.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote, quote_path
from padron.store.backups import RestoredRegister, check_bytes, check_same, find_note
from padron.store.postgres.backup.dumping import summarize_database
from padron.store.postgres.backup.tools import find_tool, give_target, run_tool
from padron.store.postgres.cluster.functions import list_common_names
from padron.store.postgres.cluster.tables import find_citus
from padron.store.postgres.connection import open_connection, translate_errors
from padron.store.postgres.engine import migrate
from padron.store.postgres.explaining import explain

_LIST_OBJECTS = """
    SELECT relname FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    ORDER BY relname
"""
_LIST_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'padron%'
"""
_OURS = {"accounts", "register", "schema_migrations"}
_find_extension = re.compile(r" EXTENSION (?:- )?citus").search  # its comments have a dash
_find_function = re.compile(r" FUNCTION \w+ (\w+)\(").search
_LEFT = ("--clean", "--if-exists")  # drops what the dump has before it makes it, in the same transaction


async def check_target(url: str, *, replace: bool) -> None:
    """Raise ``store_unavailable`` unless the database may be restored into.

    It is new, or has a register without accounts, or ``replace`` allows to lose what is there. No server uses it.
    """
    async with _connect(url) as connection:
        tables = {row["relname"] for row in await connection.fetch(_LIST_OBJECTS)}
        if tables and not tables >= _OURS:
            raise _refuse(
                f"The database has the table {quote(min(tables))}, which is not Padrón's. Make a new database, "
                "and name it with --database-url."
            )
        if await connection.fetchval(_LIST_OTHERS):
            raise _refuse("A server or a command has the database open. Stop all servers of this database first.")
        if tables and await find_citus(connection.fetch):
            raise _refuse(
                "The database is a cluster that has a register. Make a new database with the extension on every node "
                "(docs/scale.md), and name it with --database-url."
            )
        if not tables or replace:
            return
        count = await connection.fetchval("SELECT count(*) FROM accounts")
        if count:
            raise _refuse(
                f"The database has a register with {count} account{'' if count == 1 else 's'}. "
                "Use --replace to lose it, or name a new database with --database-url."
            )


async def load_dump(source: Path, url: str, epoch: str) -> RestoredRegister:
    """Restore a dump in one transaction, and begin the register's new life. Raises ``store_unavailable``.

    Before pg_restore commits, a failure leaves the database as it was.
    """
    find_tool("pg_restore")
    note = find_note(source)
    if note is not None:
        check_bytes(source, note)
    target = give_target(url)
    with _select_entries(await run_tool("pg_restore", "--list", str(source))) as selected:
        await run_tool(
            "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password",
            *(_LEFT if await _has_tables(url) else ()), *selected, f"--dbname={target.url}", str(source),
            target=target,
        )  # fmt: skip
    async with _connect(url) as connection:
        await connection.execute("UPDATE register SET epoch = $1", epoch)
        if note is not None:
            found = await summarize_database(connection)
            check_same(note.summary, found, f"What was restored from {quote_path(source)}")
        await connection.execute("ANALYZE")
    await migrate(url)
    async with _connect(url) as connection:
        summary = await summarize_database(connection)
    return RestoredRegister(summary=summary, new_epoch=epoch, is_compared=note is not None)


def _is_of_cluster(line: str, common: set[str]) -> bool:
    """Say whether an entry of a dump is what only a cluster has: its extension, or a function of a shard."""
    if _find_extension(line):
        return True
    function = _find_function(line)
    return function is not None and (function[1] in common or function[1].partition("_in_work_")[2].isdecimal())


@contextmanager
def _select_entries(listing: str) -> Iterator[list[str]]:
    """Give the options that leave out what only a cluster has, and none for a dump of one database."""
    common = set(list_common_names())
    lines = listing.splitlines(keepends=True)
    kept = [line for line in lines if not _is_of_cluster(line, common)]
    if len(kept) == len(lines):
        yield []
        return
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".list") as file:
        file.writelines(kept)
        file.flush()
        yield [f"--use-list={file.name}"]


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Give a patient connection, and explain its errors to an operator."""
    try:
        connection = await open_connection(url, patient=True)
        try:
            with translate_errors():
                yield connection
        finally:
            connection.terminate()
    except Exception as error:
        explained = explain(url, error)
        if explained is None:
            raise
        raise explained from error


async def _has_tables(url: str) -> bool:
    async with _connect(url) as connection:
        return bool(await connection.fetch(_LIST_OBJECTS))


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.STORE_UNAVAILABLE, detail)
