"""Writes to the database beside the store, to plant what the program itself never leaves behind."""

import apsw
import asyncpg

from padron.store.sqlite.connection import add_functions


async def write(engine: str, database: str, *statements: str) -> None:
    """Run statements one by one: a cluster passes on no string of several."""
    if engine == "sqlite":
        file = apsw.Connection(database)
        add_functions(file)
        file.set_busy_timeout(2_000)
        for statement in statements:
            file.execute(statement)
        file.close()
        return
    connection = await asyncpg.connect(database)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
