"""The migration that gave work on many vehicles a scope of its own takes nothing from the keys that there were."""

from pathlib import Path

import apsw
import asyncpg
import pytest

from padron.store import postgres, sqlite
from padron.store.sql.migrations import load_migrations
from padron.store.sqlite.engine import MIGRATIONS
from tests.database import write
from tests.postgres import Postgres

NUMBER = next(one.number for one in MIGRATIONS if one.name == "account_administration")
# What a key had, and whether it could change several vehicles in one call.
SCOPES = {
    "vehicles:status": True,
    "vehicles:write": True,
    "vehicles:delete": True,
    "changes:read vehicles:read vehicles:status": True,
    "changes:read vehicles:status webhooks:manage": True,
    "vehicles:read": False,
    "gate:check vehicles:repair": False,
    "vehicles:erase vehicles:read": False,
}
INSTANT = {"sqlite": "0", "postgres": "now()"}
SECRET = {"sqlite": "x'00'", "postgres": r"'\x00'"}


async def migrate(engine: str, database: str) -> None:
    await postgres.migrate(database) if engine == "postgres" else sqlite.migrate(database)


async def read_scopes(engine: str, database: str) -> list[str]:
    statement = "SELECT scopes FROM api_keys ORDER BY key_id"
    if engine == "sqlite":
        file = apsw.Connection(database)
        try:
            return [str(scopes) for (scopes,) in file.execute(statement)]
        finally:
            file.close()
    connection = await asyncpg.connect(database)
    try:
        return [str(scopes) for (scopes,) in await connection.fetch(statement)]
    finally:
        await connection.close()


@pytest.mark.slow_callback("migrates a file, which is one step of the event loop")
@pytest.mark.long("postgres")
async def test_existing_keys_keep_what_they_may_do(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    database = str(tmp_path / "padron.db") if server is None else await server.create_database(migrated=False)
    with monkeypatch.context() as earlier:
        known = load_migrations(f"padron.store.{engine}")
        earlier.setattr(f"padron.store.{engine}.engine.MIGRATIONS", known[: NUMBER - 1])
        await migrate(engine, database)
    await write(engine, database, f"INSERT INTO accounts (name, created_at) VALUES ('A', {INSTANT[engine]})")  # noqa: S608
    for number, scopes in enumerate(SCOPES):
        values = f"1, 'k{number}', 'x', '{scopes}', {SECRET[engine]}, {INSTANT[engine]}"
        columns = "account_id, key_id, label, scopes, secret_sha256, created_at"
        await write(engine, database, f"INSERT INTO api_keys ({columns}) VALUES ({values})")  # noqa: S608
    await migrate(engine, database)
    wanted = [f"{scopes} vehicles:bulk" if is_bulk else scopes for scopes, is_bulk in SCOPES.items()]
    assert await read_scopes(engine, database) == wanted
    if server is not None:
        await server.drop_database(database)
