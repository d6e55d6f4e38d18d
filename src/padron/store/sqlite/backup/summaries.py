"""Checks a register's file and counts what is in it."""

from pathlib import Path
from typing import Any

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.store.backups import AccountSummary, RegisterSummary
from padron.store.sqlite.recognition import APPLICATION_ID

_FAULTS_MAX = 3
_SUMMARIZE = """
    SELECT a.name, c.vehicle_count, c.last_change FROM accounts AS a JOIN counters AS c USING (account_id)
    ORDER BY a.name
"""
# The index of the search is a virtual table, whose rows nobody can count. It is made of search_texts.
_LIST_TABLES = """
    SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'schema_migrations'
    ORDER BY name
"""
_COUNT = 'SELECT count(*) FROM "{}"'
_READ_SCHEMA = "SELECT max(number) FROM schema_migrations"
_READ_EPOCH = "SELECT epoch FROM register"


def open_whole(path: Path) -> apsw.Connection:
    """Open a file that nobody writes to, and leave no files beside it. Raises ``store_unavailable``."""
    try:
        return apsw.Connection(
            f"{path.resolve().as_uri()}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
    except apsw.Error as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"{quote_path(path)} cannot be read: {error}.") from error


def summarize(connection: apsw.Connection) -> RegisterSummary:
    """Give the numbers of a register. In a transaction, all are of the same instant."""
    accounts = tuple(
        AccountSummary(name=name, vehicle_count=vehicle_count, last_change=last_change)
        for name, vehicle_count, last_change in _fetch(connection, _SUMMARIZE)
    )
    tables = [str(row[0]) for row in _fetch(connection, _LIST_TABLES)]
    counts = {table: int(_fetch(connection, _COUNT.format(table))[0][0]) for table in tables}
    ((schema_number,),) = _fetch(connection, _READ_SCHEMA)
    ((epoch,),) = _fetch(connection, _READ_EPOCH)
    return RegisterSummary(schema_number=schema_number, epoch=epoch, accounts=accounts, row_counts=counts)


def check_pages(connection: apsw.Connection, what: str, advice: str = "") -> None:
    """Raise ``store_unavailable`` unless every page of the file is sound. ``what`` names the file."""
    try:
        faults = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({_FAULTS_MAX})")]
    except apsw.Error as error:
        faults = [str(error)]
    if faults != ["ok"]:
        raise PadronError(Code.STORE_UNAVAILABLE, f"{what} is damaged: {'; '.join(faults)}. {advice}".rstrip())


def check_register_file(path: Path) -> RegisterSummary:
    """Check a whole file and give its numbers. Raises ``store_unavailable`` unless it is a sound register."""
    shown = quote_path(path)
    connection = open_whole(path)
    try:
        if _find_owner(connection, shown) not in {0, APPLICATION_ID}:
            raise PadronError(Code.STORE_UNAVAILABLE, f"The SQLite file {shown} belongs to another program.")
        check_pages(connection, f"The file {shown}")
        return summarize(connection)
    except apsw.SQLError as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The SQLite file {shown} is not a register: {error}.") from error
    except apsw.Error as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The file {shown} is damaged: {error}.") from error
    finally:
        connection.close()


def _fetch(connection: apsw.Connection, statement: str) -> list[tuple[Any, ...]]:
    return connection.execute(statement).fetchall()


def _find_owner(connection: apsw.Connection, shown: str) -> int:
    try:
        ((application_id,),) = _fetch(connection, "PRAGMA application_id")
    except apsw.Error as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The file {shown} is not a SQLite database, or it is damaged: {error}."
        ) from error
    return int(application_id)
