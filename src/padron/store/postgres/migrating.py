"""Applies migrations to a PostgreSQL database, also while servers use it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import asyncpg

from padron.store.postgres.cluster.distributing import (
    Unplaced,
    begin_on_cluster,
    check_setup,
    distribute,
    list_unplaced,
    prepare_connection,
)
from padron.store.postgres.cluster.tables import Ask
from padron.store.postgres.giving_way import LOCK_TIMEOUT, give_way
from padron.store.postgres.search_texts import fill_search_texts
from padron.store.postgres.sort_keys import rewrite_texts
from padron.store.postgres.splitting import split_statements
from padron.store.sql.migrations import Migration, Placed, check_newer, list_pending

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

NotePlaced = Callable[[Placed], None]  # hears what was put on the nodes of a cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class _Applied:
    """What a transaction applied, and what is not on a cluster's nodes after it."""

    migrations: list[Migration]
    unplaced: Unplaced


async def check_known(ask: Ask, migrations: list[Migration], applied: int) -> None:
    """Raise ``schema_mismatch`` for a newer schema in which this program must not work."""
    if applied > len(migrations):
        check_newer(migrations, applied, await _read_kinds(ask, len(migrations)))


async def migrate_connection(
    connection: asyncpg.Connection, migrations: list[Migration], note: NotePlaced, *, dry_run: bool
) -> list[Migration]:
    """Apply all pending migrations in one transaction, and give them. Then spread the tables, on a cluster.

    With ``dry_run`` nothing is changed. Raises ``schema_mismatch``.
    """
    is_cluster = await prepare_connection(connection)
    once = partial(_migrate_once, connection, migrations, dry_run=dry_run, is_cluster=is_cluster)
    applied = await give_way(connection, once)
    unplaced = applied.unplaced
    if is_cluster and not dry_run:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        unplaced = await distribute(connection)
    for placed in unplaced.describe():
        note(placed)
    return applied.migrations


async def _migrate_once(
    connection: asyncpg.Connection, migrations: list[Migration], *, dry_run: bool, is_cluster: bool
) -> _Applied:
    await connection.execute("BEGIN")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    if is_cluster:
        await begin_on_cluster(connection)
    await connection.execute(f"SET LOCAL {LOCK_TIMEOUT}")
    if not await connection.fetchval(_HAS_RECORD):  # asked first, because a user who may not make tables may look
        await connection.execute(_MAKE_RECORD)
    applied = await connection.fetchval(_READ_NUMBER) or 0
    await check_known(connection.fetch, migrations, applied)
    pending = list_pending(migrations, applied)
    if is_cluster and (pending or (await list_unplaced(connection)).tables):
        await check_setup(connection)
    if pending and not await connection.fetchval(_HAS_KINDS):
        await connection.execute(_ADD_KINDS)
    for migration in pending:
        for statement in split_statements(migration.sql):
            await connection.execute(statement)
        if migration.name == _SORT_KEYS:
            await rewrite_texts(connection)
        if migration.name == _SEARCH:
            await fill_search_texts(connection)
        await connection.execute(_RECORD, migration.number, migration.name, migration.kind.value)
    unplaced = await list_unplaced(connection) if is_cluster else Unplaced()
    await connection.execute("ROLLBACK" if dry_run else "COMMIT")
    return _Applied(migrations=pending, unplaced=unplaced)


async def _read_kinds(ask: Ask, known: int) -> list[str]:
    try:
        return [row[0] for row in await ask(_READ_NEWER, known)]
    except asyncpg.UndefinedColumnError:
        return []  # a newer program that did not record them yet
