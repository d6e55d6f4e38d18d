"""Applies migrations within a transaction on a SQLite file."""

import apsw

from padron.store.sql.migrations import Migration, check_newer, list_pending

READ_NUMBER = "SELECT coalesce(max(number), 0) FROM schema_migrations"
READ_NEWER = "SELECT kind FROM schema_migrations WHERE number > ? ORDER BY number"

_RECORD = "INSERT INTO schema_migrations (number, name, kind) VALUES (?, ?, ?)"
_MAKE_RECORD = "CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"
_HAS_KINDS = "SELECT 1 FROM pragma_table_info('schema_migrations') WHERE name = 'kind'"
_ADD_KINDS = "ALTER TABLE schema_migrations ADD COLUMN kind TEXT NOT NULL DEFAULT 'contract'"


def check_known(connection: apsw.Connection, migrations: list[Migration], applied: int) -> None:
    """Raise ``schema_mismatch`` for a newer schema in which this program must not work."""
    if applied > len(migrations):
        has_kinds = bool(connection.execute(_HAS_KINDS).fetchall())
        rows = connection.execute(READ_NEWER, (len(migrations),)).fetchall() if has_kinds else []
        check_newer(migrations, applied, [str(kind) for (kind,) in rows])


def apply_migrations(connection: apsw.Connection, migrations: list[Migration]) -> list[Migration]:
    """Apply all pending migrations, and give them. The caller begins and ends the transaction.

    Raises ``schema_mismatch`` for a newer schema in which this program must not work.
    """
    connection.execute(_MAKE_RECORD)
    ((applied,),) = connection.execute(READ_NUMBER)
    check_known(connection, migrations, applied)
    pending = list_pending(migrations, applied)
    if pending and not connection.execute(_HAS_KINDS).fetchall():
        connection.execute(_ADD_KINDS)
    for migration in pending:
        connection.execute(migration.sql)
        connection.execute(_RECORD, (migration.number, migration.name, migration.kind.value))
    return pending
