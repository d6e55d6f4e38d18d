"""The records of webhooks in SQLite."""

import json
from collections.abc import Callable
from datetime import datetime

import apsw

from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import ReadConnections, Row
from padron.store.sqlite.rows import from_instant, to_feed_entry, to_instant_or_none
from padron.store.sqlite.transaction import SQL as QUERIES
from padron.store.statements import load_statements
from padron.store.webhook_work import Rows, WebhookReads, WebhookWork

SQL = {**QUERIES, **load_statements("padron.store.sqlite", "webhooks.sql")}
ROWS = Rows(to_instant=to_instant_or_none, to_feed_entry=to_feed_entry)


def open_work(connection: apsw.Connection, account_id: int) -> WebhookWork:
    """Give the work on webhooks within the open transaction of the write connection."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return connection.execute(SQL[name], _bind(parameters)).fetchall()

    async def write_many(name: str, rows: list[tuple[object, ...]]) -> None:
        connection.executemany(SQL[name], [_bind(row) for row in rows])

    return WebhookWork(fetch, write_many, account_id, ROWS)


def open_reads(connections: ReadConnections, account_id: int) -> WebhookReads:
    """Give a reader of one account."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        return await connections.read_page(SQL[name], _bind(parameters))

    return WebhookReads(fetch, account_id, ROWS)


class SqliteWebhookBoard:
    """What is to be done, in all accounts."""

    def __init__(self, committer: GroupCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections

    async def has_endpoints(self) -> bool:
        return bool(await self._connections.read_point(SQL["has_endpoints"], ()))

    async def list_ready(self, now: datetime, limit: int) -> list[tuple[int, str]]:
        rows = await self._connections.read_point(SQL["list_ready"], (from_instant(now), limit))
        return [(account_id, endpoint_id) for account_id, endpoint_id in rows]

    async def renew_leases(self, holder: str, until: datetime) -> list[tuple[int, str]]:
        async def work(connection: apsw.Connection) -> list[Row]:
            return connection.execute(SQL["renew_leases"], (holder, from_instant(until))).fetchall()

        return [(account_id, endpoint_id) for account_id, endpoint_id in await self._committer.run(work)]


def _bind(parameters: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(_BINDERS.get(type(value), _leave)(value) for value in parameters)


def _leave(value: object) -> object:
    return value


_BINDERS: dict[type, Callable[..., object]] = {datetime: from_instant, list: json.dumps}
