"""Reads what the trial compares out of a register, beside the program, on either engine."""

import asyncio
from collections.abc import Collection
from typing import Any

import apsw
import asyncpg

from padron.domain.change import ChangeType
from tests.e2e.trial.ledger import Bearer, Found, Recorded
from tests.e2e.trial.places import insist

_CHANGES = """
    SELECT account_id, number, vehicle_id, vin, type, from_status, to_status, reason, request_id
    FROM changes ORDER BY account_id, number
"""
_VEHICLES = "SELECT account_id, vehicle_id, vin, slot, status, revision FROM vehicles"
_COUNTERS = "SELECT account_id, last_change FROM counters"
_ACCOUNTS = "SELECT account_id FROM accounts"
_BUSY_MS_MAX = 20_000

Rows = list[tuple[Any, ...]]


async def read_register(url: str, account_ids: Collection[int]) -> Found:
    """Give what a register has of these accounts, all of one instant."""
    changes, vehicles, counters = await _read(url, _CHANGES, _VEHICLES, _COUNTERS)
    return Found(
        changes=[
            Recorded(
                account_id=row[0], number=row[1], vehicle_id=row[2], vin=row[3], kind=ChangeType(row[4]),
                before=row[5], after=row[6], reason=row[7], request_id=row[8],
            )
            for row in changes if row[0] in account_ids
        ],
        vehicles=[
            Bearer(account_id=row[0], vehicle_id=row[1], vin=row[2], slot=row[3], status=row[4], revision=row[5])
            for row in vehicles if row[0] in account_ids
        ],
        last_changes={account_id: last for account_id, last in counters if account_id in account_ids},
    )  # fmt: skip


async def list_accounts(url: str) -> set[int]:
    """Give the numbers of all accounts."""
    (rows,) = await _read(url, _ACCOUNTS)
    return {account_id for (account_id,) in rows}


async def _read(url: str, *statements: str) -> list[Rows]:
    if url.startswith("sqlite:///"):
        return await insist(lambda: asyncio.to_thread(_read_file, url.removeprefix("sqlite:///"), statements))
    return await insist(lambda: _read_database(url, statements))


async def _read_database(url: str, statements: Collection[str]) -> list[Rows]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [[tuple(row) for row in await connection.fetch(one)] for one in statements]
    finally:
        await connection.close()


def _read_file(path: str, statements: Collection[str]) -> list[Rows]:
    file = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    file.set_busy_timeout(_BUSY_MS_MAX)  # a server that starts after a kill holds the file while it reads the log
    try:
        file.execute("BEGIN")
        return [list(file.execute(one)) for one in statements]
    finally:
        file.close()
