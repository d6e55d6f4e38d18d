"""Idempotency-Keys in SQLite."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import apsw

from padron.domain.idempotency import HeldKey
from padron.store.idempotency import KeyTransaction, settle_key
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import Row
from padron.store.sqlite.rows import from_instant, to_instant
from padron.store.statements import load_statements

T = TypeVar("T")

SQL = load_statements("padron.store.sqlite", "idempotency.sql")


def open_keys(connection: apsw.Connection, account_id: int) -> KeyTransaction:
    """Give the work on an account's keys within the open transaction of the write connection."""

    async def fetch(name: str, parameters: tuple[object, ...]) -> list[Row]:
        bound = tuple(from_instant(value) if isinstance(value, datetime) else value for value in parameters)
        return connection.execute(SQL[name], bound).fetchall()

    return KeyTransaction(fetch, account_id, to_instant)


class KeyedCommitter:
    """Commits the work of one request, each transaction tied to the request's key."""

    def __init__(self, committer: GroupCommitter, held: HeldKey) -> None:
        self._committer = committer
        self._held = held

    async def run(self, work: Callable[[apsw.Connection], Awaitable[T]]) -> T:
        """Give the result of ``work`` once it is on the disk."""

        async def run_held(connection: apsw.Connection) -> T:
            result = await work(connection)
            await settle_key(open_keys(connection, self._held.claim.account_id), self._held, result)
            return result

        return await self._committer.run(run_held)
