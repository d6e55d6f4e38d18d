"""Fills the texts in which vehicles are found, for the vehicles of earlier versions. SQL cannot fold texts as we do."""

import asyncpg

from padron.domain.searching import give_search_text
from padron.store.sql.searching import give_elements
from padron.store.vehicles import to_details

BATCH_ROWS = 5_000
_SELECT = "SELECT account_id, vehicle_id, vin, details FROM versions WHERE is_former = 0"
_COLUMNS = ("account_id", "vehicle_id", "text", "grams")
_INDEX = "search_texts_by_gram"


async def fill_search_texts(connection: asyncpg.Connection) -> None:
    """Write the text of each current vehicle, within the connection's transaction. The index is built at the end."""
    definition = await connection.fetchval("SELECT pg_get_indexdef($1::regclass)", _INDEX)
    await connection.execute(f"DROP INDEX {_INDEX}")
    cursor = await connection.cursor(_SELECT)
    while rows := await cursor.fetch(BATCH_ROWS):
        records = [_give_record(*row) for row in rows]
        await connection.copy_records_to_table("search_texts", records=records, columns=_COLUMNS)
    await connection.execute(definition)


def _give_record(account_id: int, vehicle_id: int, vin: str, details: str) -> tuple[object, ...]:
    text = give_search_text(vin, to_details(details))
    return account_id, vehicle_id, text, give_elements(account_id, vehicle_id, text)
