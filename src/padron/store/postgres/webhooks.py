"""The records of webhooks in PostgreSQL."""

from datetime import datetime

import asyncpg

from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.connections import Connections
from padron.store.postgres.rows import to_feed_entry
from padron.store.postgres.transaction import SQL as QUERIES
from padron.store.postgres.writes import Writer
from padron.store.statements import load_statements
from padron.store.webhook_work import Rows, WebhookReads, WebhookWork

SQL = {**QUERIES, **load_statements("padron.store.postgres", "webhooks.sql")}


def _leave(at: datetime | None) -> datetime | None:
    return at


ROWS = Rows(to_instant=_leave, to_feed_entry=to_feed_entry)


def open_work(connection: asyncpg.Connection, account_id: int) -> WebhookWork:
    """Give the work on webhooks within an open transaction."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await connection.fetch(SQL[name], *parameters)

    async def write_many(name: str, rows: list[tuple[object, ...]]) -> None:
        if rows:
            await connection.executemany(SQL[name], rows)

    return WebhookWork(fetch, write_many, account_id, ROWS)


def open_reads(pages: Connections, account_id: int) -> WebhookReads:
    """Give a reader of one account."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await pages.fetch(SQL[name], parameters, PAGE_S_MAX)

    return WebhookReads(fetch, account_id, ROWS)


class PostgresWebhookBoard:
    """What is to be done, in all accounts."""

    def __init__(self, writer: Writer, points: Connections) -> None:
        self._writer = writer
        self._points = points

    async def has_endpoints(self) -> bool:
        return bool(await self._points.fetch(SQL["has_endpoints"], ()))

    async def list_ready(self, now: datetime, limit: int) -> list[tuple[int, str]]:
        return [(row[0], row[1]) for row in await self._points.fetch(SQL["list_ready"], (now, limit))]

    async def renew_leases(self, holder: str, until: datetime) -> list[tuple[int, str]]:
        async def work(connection: asyncpg.Connection) -> list[asyncpg.Record]:
            return await connection.fetch(SQL["renew_leases"], holder, until)

        return [(row[0], row[1]) for row in await self._writer.run(work)]
