"""Applies migrations to a PostgreSQL database, also while servers use it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from padron.store.postgres.search_texts import fill_search_texts
from padron.store.postgres.sort_keys import rewrite_texts
from padron.store.sql.migrations import Migration, check_newer, list_pending

ATTEMPTS_MAX = 30
PAUSE_S = 1.0

_LOCK = 7_236_366  # any number, but the same in every version, so that two migrations never run at once
_SORT_KEYS = "sort_keys"  # a migration that SQL alone cannot do
_SEARCH = "search"  # another one

_READ_NUMBER = "SELECT max(number) FROM schema_migrations"
_READ_NEWER = "SELECT kind FROM schema_migrations WHERE number > $1 ORDER BY number"
_RECORD = "INSERT INTO schema_migrations (number, name, kind) VALUES ($1, $2, $3)"
_MAKE_RECORD = """
    CREATE TABLE schema_migrations (number integer PRIMARY KEY, name text COLLATE "C" NOT NULL)
"""
_HAS_RECORD = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_HAS_KINDS = """
    SELECT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('schema_migrations') AND attname = 'kind' AND NOT attisdropped
    )
"""
_ADD_KINDS = "ALTER TABLE schema_migrations ADD COLUMN kind text COLLATE \"C\" NOT NULL DEFAULT 'contract'"

# A statement that waits for a lock makes everybody wait who comes after it. Servers wait for 1.5 seconds.
_WAIT_BRIEFLY = "SET LOCAL lock_timeout = '1s'"

Ask = Callable[..., Awaitable[Sequence[asyncpg.Record]]]


async def check_known(ask: Ask, migrations: list[Migration], applied: int) -> None:
    """Raise ``schema_mismatch`` for a newer schema in which this program must not work."""
    if applied > len(migrations):
        check_newer(migrations, applied, await _read_kinds(ask, len(migrations)))


async def migrate_connection(
    connection: asyncpg.Connection, migrations: list[Migration], *, dry_run: bool
) -> list[Migration]:
    """Apply all pending migrations in one transaction, and give them. With ``dry_run`` only give them.

    A migration that cannot get a lock within a second, or that a server's statement waits for in turn, gives way to
    the servers, and is tried again.
    """
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await _migrate_once(connection, migrations, dry_run=dry_run)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await connection.execute("ROLLBACK")
            await asyncio.sleep(PAUSE_S)
    return await _migrate_once(connection, migrations, dry_run=dry_run)


async def _migrate_once(
    connection: asyncpg.Connection, migrations: list[Migration], *, dry_run: bool
) -> list[Migration]:
    await connection.execute("BEGIN")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await connection.execute(_WAIT_BRIEFLY)
    if not await connection.fetchval(_HAS_RECORD):  # asked first, because a user who may not make tables may look
        await connection.execute(_MAKE_RECORD)
    applied = await connection.fetchval(_READ_NUMBER) or 0
    await check_known(connection.fetch, migrations, applied)
    pending = list_pending(migrations, applied)
    if pending and not await connection.fetchval(_HAS_KINDS):
        await connection.execute(_ADD_KINDS)
    for migration in pending:
        await connection.execute(migration.sql)
        if migration.name == _SORT_KEYS:
            await rewrite_texts(connection)
        if migration.name == _SEARCH:
            await fill_search_texts(connection)
        await connection.execute(_RECORD, migration.number, migration.name, migration.kind.value)
    await connection.execute("ROLLBACK" if dry_run else "COMMIT")
    return pending


async def _read_kinds(ask: Ask, known: int) -> list[str]:
    try:
        return [row[0] for row in await ask(_READ_NEWER, known)]
    except asyncpg.UndefinedColumnError:
        return []  # a newer program that did not record them yet
