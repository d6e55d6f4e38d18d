"""Turns the folded texts of earlier versions into sort keys. SQL cannot do this part of a migration."""

import asyncpg

from padron.domain.sorting import give_sort_key
from padron.domain.vehicle import FIELDS

BATCH_ROWS = 5_000
_COLUMNS = [field.column for field in FIELDS if field.is_text and field.name != "plate"]
_IS_PLAIN = " AND ".join(f"{column} ~ '^[ -/a-z]*$'" for column in _COLUMNS)
_SELECT = f"SELECT account_id, vehicle_id, began, {', '.join(_COLUMNS)} FROM versions WHERE NOT ({_IS_PLAIN})"  # noqa: S608
_ASSIGNMENTS = ", ".join(f"{column} = ${place}" for place, column in enumerate(_COLUMNS, start=4))
_UPDATE = f"UPDATE versions SET {_ASSIGNMENTS} WHERE account_id = $1 AND vehicle_id = $2 AND began = $3"  # noqa: S608


async def rewrite_texts(connection: asyncpg.Connection) -> None:
    """Rewrite the versions with a text that differs from its sort key, within the connection's transaction."""
    cursor = await connection.cursor(_SELECT)
    while rows := await cursor.fetch(BATCH_ROWS):
        await connection.executemany(_UPDATE, [(*row[:3], *map(give_sort_key, row[3:])) for row in rows])
