"""A program on a database that a newer one has migrated: it works after expansions, and refuses after a contraction."""

import asyncio
import time

import asyncpg
import pytest

from padron.domain.errors import Code, PadronError
from padron.store import postgres, sqlite
from padron.store.postgres import engine as postgres_engine
from padron.store.postgres.connections import Connections
from padron.store.sql.migrations import Migration, MigrationKind
from padron.store.sqlite import engine as sqlite_engine
from tests.cast import HUMMER
from tests.conftest import OpenStore
from tests.newer import migrate_further

pytestmark = pytest.mark.slow_callback("migrates a file, which is one step of the event loop")

EXPAND = MigrationKind.EXPAND
CONTRACT = MigrationKind.CONTRACT


async def test_expansions_of_a_newer_program_are_no_obstacle(
    engine: str, database: str, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await open_store()
    await migrate_further(engine, database, monkeypatch, EXPAND, EXPAND)
    await running.check()
    await (await open_store()).check()


@pytest.mark.parametrize(
    "kinds",
    [
        (CONTRACT,),
        pytest.param((EXPAND, CONTRACT), marks=pytest.mark.long("postgres")),
        pytest.param((CONTRACT, EXPAND), marks=pytest.mark.long),
    ],
)
async def test_one_contraction_among_them_is_refused(
    engine: str,
    database: str,
    open_store: OpenStore,
    monkeypatch: pytest.MonkeyPatch,
    kinds: tuple[MigrationKind, ...],
) -> None:
    running = await open_store()
    await migrate_further(engine, database, monkeypatch, *kinds)
    for refused in (running.check, open_store):
        with pytest.raises(PadronError) as refusal:
            await refused()
        assert refusal.value.code is Code.SCHEMA_MISMATCH
        assert "Run the version of padron that made the schema" in refusal.value.detail


async def test_the_older_programs_migrate_finds_nothing_to_do(
    engine: str, database: str, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await open_store()).close()
    await migrate_further(engine, database, monkeypatch, EXPAND)
    if engine == "sqlite":
        assert sqlite.migrate(database) == []
    else:
        assert await postgres.migrate(database) == []


async def test_a_migration_gives_way_to_servers_while_somebody_holds_what_it_needs(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.store.postgres.giving_way.PAUSE_S", 0.05)
    store = await postgres.open_store(postgres_database)
    holder = await asyncpg.connect(postgres_database)
    await holder.execute("BEGIN; LOCK TABLE vehicles IN ROW EXCLUSIVE MODE")
    migrating = asyncio.create_task(migrate_further("postgres", postgres_database, monkeypatch, EXPAND))
    reads = 0
    begun = time.monotonic()
    while time.monotonic() - begun < 2.5:  # longer than two attempts of the migration
        await store.read(1).list_by_vin(HUMMER)  # behind a migration that waits on, this would fail
        reads += 1
    assert not migrating.done()
    await holder.execute("COMMIT")
    assert len(await migrating) == 1
    assert reads > 10
    await holder.close()
    await store.close()


async def take_in_turn(url: str, first: str, second: str) -> asyncpg.Connection:
    """Take a table, and another one once somebody waits for the first. Give the connection that got both.

    It finds no deadlock itself for ten seconds, so that PostgreSQL ends the other one.
    """
    holder = await asyncpg.connect(url)
    await holder.execute(f"SET deadlock_timeout = '10s'; BEGIN; LOCK TABLE {first}")
    while not await holder.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):  # noqa: ASYNC110 - another program says it
        await asyncio.sleep(0.01)
    await holder.execute(f"LOCK TABLE {second}")
    return holder


@pytest.fixture
async def slow_to_see(postgres_database: str) -> str:
    """Give a database in which PostgreSQL looks for a deadlock after half a second, and not at once."""
    connection = await asyncpg.connect(postgres_database)
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '500ms'")
    await connection.close()
    return postgres_database


async def test_a_migration_that_meets_a_deadlock_is_tried_again(
    slow_to_see: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.store.postgres.giving_way.PAUSE_S", 0.05)
    holding = asyncio.create_task(take_in_turn(slow_to_see, "vehicles", "accounts"))
    await asyncio.sleep(0.2)
    migrating = asyncio.create_task(migrate_further("postgres", slow_to_see, monkeypatch, EXPAND))
    holder = await holding  # the migration has altered accounts, and waited for vehicles
    assert not migrating.done()
    await holder.close()
    assert len(await migrating) == 1


async def test_a_migration_that_meets_only_deadlocks_says_so(slow_to_see: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.store.postgres.giving_way.ATTEMPTS_MAX", 1)
    holding = asyncio.create_task(take_in_turn(slow_to_see, "vehicles", "accounts"))
    await asyncio.sleep(0.2)
    with pytest.raises(PadronError, match="waited for each other") as refused:
        await migrate_further("postgres", slow_to_see, monkeypatch, EXPAND)
    assert refused.value.code is Code.STORE_UNAVAILABLE
    await (await holding).close()


async def test_a_question_that_meets_a_deadlock_is_asked_again(slow_to_see: str) -> None:
    connections = Connections(slow_to_see, 1)
    holding = asyncio.create_task(take_in_turn(slow_to_see, "vehicles", "accounts"))
    await asyncio.sleep(0.2)
    asking = asyncio.create_task(connections.fetch("SELECT count(*) FROM accounts, vehicles", ()))
    holder = await holding
    assert not asking.done()
    await holder.close()
    assert [tuple(row) for row in await asking] == [(0,)]
    await connections.close()


def test_the_kinds_of_all_migrations_are_known() -> None:
    for module in (sqlite_engine, postgres_engine):
        migrations: list[Migration] = module.MIGRATIONS
        assert {migration.kind for migration in migrations[:18]} == {CONTRACT}
