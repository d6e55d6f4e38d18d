"""A migration is sent one statement at a time, since a distributed database refuses several in one string."""

import asyncpg
import pytest

from padron.store.postgres.engine import MIGRATIONS
from padron.store.postgres.splitting import split_statements
from tests.postgres import Postgres

SPLIT = {
    "SELECT 1": ["SELECT 1"],
    "SELECT 1;\n\nSELECT 2;\n": ["SELECT 1", "SELECT 2"],
    "-- expand\nSELECT 1; -- one; two\n/* three; */ SELECT 4": ["SELECT 1", "SELECT 4"],
    "-- nothing;\n;;": [],
    "SELECT ';', 'it''s; so', \"a;\"\"b\"; SELECT 2": ["SELECT ';', 'it''s; so', \"a;\"\"b\"", "SELECT 2"],
    r"SELECT E'it\'s; so', e'\\'; SELECT 2": [r"SELECT E'it\'s; so', e'\\'", "SELECT 2"],
    r"SELECT '\'; SELECT 2": [r"SELECT '\'", "SELECT 2"],
    r"SELECT date'\', ';'; SELECT 2": [r"SELECT date'\', ';'", "SELECT 2"],
    "DO $$ BEGIN; -- ' ; END $$; SELECT 2": ["DO $$ BEGIN; -- ' ; END $$", "SELECT 2"],
    "DO $a$ $$;$$ $b$;$b$ $a$; SELECT 2": ["DO $a$ $$;$$ $b$;$b$ $a$", "SELECT 2"],
    "SELECT $1; SELECT a$b$, $2; SELECT b$b$": ["SELECT $1", "SELECT a$b$, $2", "SELECT b$b$"],
    "SELECT '--'; SELECT '/*'; SELECT '*/'": ["SELECT '--'", "SELECT '/*'", "SELECT '*/'"],
}


@pytest.mark.parametrize("sql", SPLIT)
def test_a_semicolon_ends_a_statement_except_in_texts_names_comments_and_bodies(sql: str) -> None:
    assert split_statements(sql) == SPLIT[sql]


async def test_each_statement_of_each_migration_can_be_sent_alone(postgres_server: Postgres) -> None:
    """The extended protocol refuses two statements in one string, and a part of one is wrong anyway."""
    url = await postgres_server.create_database(migrated=False)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.fetch(MIGRATIONS[0].sql)
    counts = []
    async with connection.transaction():
        for migration in MIGRATIONS:
            statements = split_statements(migration.sql)
            counts.append(len(statements))
            for statement in statements:
                await connection.fetch(statement)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await connection.fetchval(tables) > 40
    assert min(counts) == 1
    assert sum(counts) > 100
    await connection.close()
    await postgres_server.drop_database(url)
