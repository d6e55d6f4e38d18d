"""The records of imports in PostgreSQL."""

from datetime import datetime

import asyncpg

from padron.store.imports import ImportReader, ImportTransaction
from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.connections import Connections
from padron.store.statements import load_statements

SQL = load_statements("padron.store.postgres", "file_imports.sql")


def open_imports(connection: asyncpg.Connection, account_id: int) -> ImportTransaction:
    """Give the work on an account's imports within an open transaction."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await connection.fetch(SQL[name], *parameters)

    async def write_many(name: str, rows: list[tuple[object, ...]]) -> None:
        await connection.executemany(SQL[name], rows)

    return ImportTransaction(fetch, write_many, account_id, _leave)


def read_imports(pages: Connections, account_id: int) -> ImportReader:
    """Give a reader of one account."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await pages.fetch(SQL[name], parameters, PAGE_S_MAX)

    return ImportReader(fetch, account_id, _leave)


class PostgresImportBoard:
    """What is to be done, in all accounts."""

    def __init__(self, points: Connections) -> None:
        self._points = points

    async def list_waiting(self, now: datetime, holder: str, limit: int) -> list[int]:
        return [row[0] for row in await self._points.fetch(SQL["list_waiting_imports"], (now, holder, limit))]


def _leave(at: datetime | None) -> datetime | None:
    return at
