"""Writes a change into the tables by hand: a vehicle that ceases to be current, and one that becomes so again.

No part of the program does this by itself yet; what reads the record must be right about it.
"""

from datetime import UTC, datetime, timedelta

import apsw
import asyncpg

from padron.domain.vehicle import FIELDS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = ", ".join(field.column for field in FIELDS)
_COUNT = "UPDATE counters SET last_change = last_change + 1 WHERE account_id = $1"
_RECORD = """
    INSERT INTO changes (account_id, number, vehicle_id, vin, type, changed_at, changed_by, request_id,
        from_status, to_status, reason)
    SELECT n.account_id, n.last_change, v.vehicle_id, v.vin, 'statusChanged', $3, 'Acme', 'r-hand', $4, $5, 'By hand'
    FROM counters AS n JOIN versions AS v ON v.account_id = n.account_id AND v.vehicle_id = $2
    WHERE n.account_id = $1 ORDER BY v.began DESC LIMIT 1
"""
_END = """
    UPDATE versions SET is_former = 1, valid_to = $3, ended = (SELECT last_change FROM counters WHERE account_id = $1)
    WHERE account_id = $1 AND vehicle_id = $2 AND is_former = 0
"""
_BEGIN = """
    INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details, :columns)
    SELECT v.account_id, v.vehicle_id, n.last_change, 0, $3, v.vin, v.details, :columns
    FROM counters AS n JOIN versions AS v ON v.account_id = n.account_id AND v.vehicle_id = $2
    WHERE n.account_id = $1 ORDER BY v.began DESC LIMIT 1
""".replace(":columns", _COLUMNS)


async def end_vehicle(database: str, account_id: int, vehicle_id: int, at: datetime, status: int) -> None:
    """Let a vehicle with this status cease to be current."""
    await _execute(
        database,
        [
            (_COUNT, (account_id,)),
            (_END, (account_id, vehicle_id, at)),
            (_RECORD, (account_id, vehicle_id, at, status, 2)),
        ],
    )


async def bring_back_vehicle(database: str, account_id: int, vehicle_id: int, at: datetime, status: int) -> None:
    """Let a vehicle that ceased be current again, with this status."""
    await _execute(
        database,
        [
            (_COUNT, (account_id,)),
            (_RECORD, (account_id, vehicle_id, at, 2, status)),
            (_BEGIN, (account_id, vehicle_id, at)),
        ],
    )


async def forget_last_instant(database: str, account_id: int) -> None:
    """Let the account's time go back once, as a record of an earlier version has it."""
    await _execute(database, [("UPDATE counters SET last_at = $2 WHERE account_id = $1", (account_id, _EPOCH))])


async def _execute(database: str, statements: list[tuple[str, tuple[object, ...]]]) -> None:
    if database.startswith("postgresql:"):
        connection = await asyncpg.connect(database)
        try:
            for statement, values in statements:
                await connection.execute(statement, *values)
        finally:
            await connection.close()
        return
    file = apsw.Connection(database)
    try:
        for statement, values in statements:
            stored = [
                (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value
                for value in values
            ]
            file.execute(statement, {str(place): value for place, value in enumerate(stored, start=1)})
    finally:
        file.close()
