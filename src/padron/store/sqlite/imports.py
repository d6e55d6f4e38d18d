"""The records of imports in SQLite."""

from datetime import datetime

import apsw

from padron.store.imports import ImportReader, ImportTransaction
from padron.store.sqlite.connections import ReadConnections, Row
from padron.store.sqlite.rows import from_instant, to_instant_or_none
from padron.store.statements import load_statements

SQL = load_statements("padron.store.sqlite", "file_imports.sql")


def open_imports(connection: apsw.Connection, account_id: int) -> ImportTransaction:
    """Give the work on an account's imports within the open transaction of the write connection."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return connection.execute(SQL[name], _bind(parameters)).fetchall()

    async def write_many(name: str, rows: list[tuple[object, ...]]) -> None:
        connection.executemany(SQL[name], [_bind(row) for row in rows])

    return ImportTransaction(fetch, write_many, account_id, to_instant_or_none)


def read_imports(connections: ReadConnections, account_id: int) -> ImportReader:
    """Give a reader of one account."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return await connections.read_page(SQL[name], _bind(parameters))

    return ImportReader(fetch, account_id, to_instant_or_none)


class SqliteImportBoard:
    """What is to be done, in all accounts."""

    def __init__(self, connections: ReadConnections) -> None:
        self._connections = connections

    async def list_waiting(self, now: datetime, holder: str, limit: int) -> list[int]:
        asked = (from_instant(now), holder, limit)
        return [row[0] for row in await self._connections.read_point(SQL["list_waiting_imports"], asked)]


def _bind(parameters: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(from_instant(value) if isinstance(value, datetime) else value for value in parameters)
