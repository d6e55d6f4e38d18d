"""Idempotency-Keys in PostgreSQL."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import asyncpg

from padron.domain.idempotency import HeldKey
from padron.store.idempotency import KeyTransaction, settle_key
from padron.store.postgres.writes import Writer
from padron.store.statements import load_statements

T = TypeVar("T")

SQL = load_statements("padron.store.postgres", "idempotency.sql")


def open_keys(connection: asyncpg.Connection, account_id: int) -> KeyTransaction:
    """Give the work on an account's keys within an open transaction."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[asyncpg.Record]:
        return await connection.fetch(SQL[name], *parameters)

    return KeyTransaction(fetch, account_id, _leave)


class KeyedWriter:
    """Commits the work of one request, each transaction tied to the request's key."""

    def __init__(self, writer: Writer, held: HeldKey) -> None:
        self._writer = writer
        self._held = held

    async def run(self, work: Callable[[asyncpg.Connection], Awaitable[T]], account_id: int | None = None) -> T:
        """Give the result of ``work`` once it is committed."""

        async def run_held(connection: asyncpg.Connection) -> T:
            result = await work(connection)
            await settle_key(open_keys(connection, self._held.claim.account_id), self._held, result)
            return result

        return await self._writer.run(run_held, account_id)


def _leave(at: datetime) -> datetime:
    return at
