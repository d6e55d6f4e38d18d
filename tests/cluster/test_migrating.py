"""`padron migrate` spreads the tables of a cluster: an empty register's, a filled one's, and those that come later."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import asyncpg
import pytest

from padron.domain.errors import Code, PadronError
from padron.store import postgres
from padron.store.postgres.cluster.tables import REFERENCE_TABLES, Placement, read_tables
from padron.store.postgres.engine import MIGRATIONS
from padron.store.sql.migrations import Migration, MigrationKind, Placed, PlacedKind
from tests.cast import NOON, make_vin, registered, save
from tests.citus_nodes import HOST, Cluster
from tests.cluster.reading import fetch
from tests.postgres import execute

# The migration of this number sets a column's statistics, which Citus refuses where the table is spread already. No
# register was spread before it.
FIRST_SPREAD = 5
_SCHEMA = files("padron.store.postgres").joinpath("schema.sql").read_text("utf-8")
TABLES = _SCHEMA.count("CREATE TABLE ") + 1  # and the one of the migrations
NEWER = """
    -- expand
    CREATE TABLE newer (
        account_id bigint NOT NULL REFERENCES accounts, vehicle_id bigint NOT NULL, note text,
        PRIMARY KEY (account_id, vehicle_id),
        FOREIGN KEY (account_id, vehicle_id) REFERENCES vehicles (account_id, vehicle_id)
    );
    ALTER TABLE vehicles ADD COLUMN newer_text text;
    INSERT INTO newer (account_id, vehicle_id) SELECT account_id, vehicle_id FROM vehicles;
    CREATE FUNCTION newer_function() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN 7; END $$;
"""
BEFORE = """
    INSERT INTO accounts (name, created_at) VALUES ('Acme', now());
    INSERT INTO counters (account_id, last_change) VALUES (1, 3);
    INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, revision,
        created_at, updated_at)
    SELECT 1, v.*, 1, now(), 'k', 1, now(), now()
    FROM (VALUES (1, 'A', 0, NULL), (2, 'A', 1, NULL), (3, 'B', -1, NULL), (4, 'C', 0, 'p4')) AS v
"""
_READ = "SELECT vin FROM vehicles WHERE account_id = 1"
_WRITE = "UPDATE vehicles SET revision = revision + 1 WHERE account_id = 1"
_COUNT_SPREAD = "SELECT count(*) FROM pg_dist_partition"
_LIST_RESTS = "SELECT logicalrelid::text FROM pg_dist_partition WHERE pg_relation_size(logicalrelid) > 0"
_COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> ALL ('{citus_schemas,citus_tables}') ORDER BY 1, 2
"""
_ROWS = (
    "SELECT * FROM accounts ORDER BY 1",
    "SELECT * FROM vehicles ORDER BY 1, 2",
    "SELECT * FROM changes ORDER BY 1, 2",
)
_STATISTICS = """
    SELECT DISTINCT result FROM run_command_on_shards('work', $$
        SELECT attstattarget FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname = 'state' $$)
"""
_FIND_UNANALYZED = """
    SELECT count(*) FROM run_command_on_shards('vehicles', $$
        SELECT reltuples FROM pg_class WHERE oid = '%s'::regclass $$) WHERE result = '-1'
"""
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_COUNT_INDEXES = """
    SELECT DISTINCT result::integer FROM run_command_on_shards('versions', $$
        SELECT count(*) FROM pg_index WHERE indrelid = '%s'::regclass AND indisvalid $$)
"""
_FUNCTIONS = """
    SELECT DISTINCT result FROM run_command_on_all_nodes($$
        SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace $$)
"""


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def empty(cluster: Cluster) -> str:
    """A database without a register, which has the extension and knows the nodes."""
    return await cluster.create_database(migrated=False)


async def read(url: str, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await fetch(url, statement)]


async def migrate(url: str, *, dry_run: bool = False) -> list[Placed]:
    """Migrate, and give the tables and the functions that were put on the nodes."""
    placed: list[Placed] = []
    await postgres.migrate(url, dry_run=dry_run, note=placed.append)
    return placed


def name_tables(placed: list[Placed]) -> list[str]:
    return [one.name for one in placed if one.kind is not PlacedKind.FUNCTION]


async def check_all_is_placed(url: str) -> None:
    connection = await asyncpg.connect(url)
    tables = await read_tables(connection.fetch, is_cluster=True)
    await connection.close()
    assert len(tables) >= TABLES
    assert {table.found for table in tables} == {Placement.REFERENCE, Placement.DISTRIBUTED}
    assert all(table.found is table.wanted for table in tables)
    assert len({table.group for table in tables if table.found is Placement.DISTRIBUTED}) == 1
    assert await read(url, _LIST_RESTS) == []
    await (await postgres.open_store(url)).close()


async def make_nodes_known(cluster: Cluster, url: str) -> None:
    for one in cluster.list_urls(url):
        await execute(one, "CREATE EXTENSION citus")
    await execute(url, f"SELECT citus_set_coordinator_host('{HOST}', {cluster.coordinator.port})")
    for worker in cluster.workers:
        await execute(url, f"SELECT citus_add_node('{HOST}', {worker.port})")


async def test_an_empty_registers_tables_are_spread_once(cluster: Cluster, empty: str) -> None:
    foreseen = await migrate(empty, dry_run=True)
    assert await read(empty, _COUNT_SPREAD) == [(0,)]
    assert await read(empty, _COLUMNS) == []
    placed = await migrate(empty)
    assert placed == foreseen
    assert {one.name for one in placed if one.kind is PlacedKind.REFERENCE_TABLE} == REFERENCE_TABLES
    assert len(name_tables(placed)) == TABLES
    await check_all_is_placed(empty)
    assert await read(empty, _STATISTICS) == [("0",)], "a migration's setting of a column is on each shard"
    (functions,) = await read(empty, _FUNCTIONS)
    made = {name.partition("_in_work_")[0] for name in functions[0].split()}
    assert {one.name for one in placed if one.kind is PlacedKind.FUNCTION} <= made
    assert "hold_shard" in functions[0]
    assert await migrate(empty) == []
    await cluster.drop_database(empty)


async def test_a_filled_register_is_spread_with_its_rows_once_nobody_uses_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.execute_everywhere("CREATE DATABASE filled")
    url = cluster.give_url("filled")
    assert await migrate(url) == []
    store = await postgres.open_store(url)
    accounts = [(await store.directory.add_account(f"Fleet {number}", NOON)).account_id for number in range(6)]
    for account in accounts:
        await save(store, account, registered(), registered(make_vin(1)))
    rows = [await read(url, statement) for statement in _ROWS]
    indexes = await read(url, _INDEXES)
    await make_nodes_known(cluster, url)
    with pytest.raises(PadronError) as refusal:
        await postgres.open_store(url)
    assert refusal.value.code is Code.SCHEMA_MISMATCH
    assert "accounts, former_accounts" in refusal.value.detail
    assert "`padron migrate`" in refusal.value.detail
    monkeypatch.setattr("padron.store.postgres.cluster.distributing.PAUSE_S", 0.01)
    with pytest.raises(PadronError, match="Stop them"):
        await migrate(url)
    assert await read(url, _COUNT_SPREAD) == [(0,)]
    await store.close()
    assert len(name_tables(await migrate(url))) == TABLES
    await check_all_is_placed(url)
    assert [await read(url, statement) for statement in _ROWS] == rows
    assert {*indexes} <= {*await read(url, _INDEXES)}
    assert await read(url, _COUNT_INDEXES) == [(sum(" ON public.versions " in one for _, one in indexes),)]
    assert await read(url, _FIND_UNANALYZED) == [(0,)]
    (functions,) = await read(url, _FUNCTIONS)
    assert {"withdraw_work", "hold_shard"} <= {*functions[0].split()}, "those from before the extension, too"
    await cluster.execute_everywhere("DROP DATABASE filled WITH (FORCE)")


async def test_a_later_migrations_table_is_spread_beside_a_server(
    cluster: Cluster, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty)
    for statement in BEFORE.split(";"):
        await execute(empty, statement)
    server = await asyncpg.connect(empty)
    newer = Migration(number=len(MIGRATIONS) + 1, name="newer", kind=MigrationKind.EXPAND, sql=NEWER)
    monkeypatch.setattr("padron.store.postgres.engine.MIGRATIONS", [*MIGRATIONS, newer])
    assert await migrate(empty, dry_run=True) == [Placed(name="newer", kind=PlacedKind.DISTRIBUTED_TABLE)]
    migrating = asyncio.create_task(migrate(empty))
    while not migrating.done():
        async with asyncio.timeout(2):
            assert len(await server.fetch(_READ)) == 4
            await server.execute(_WRITE)
        await asyncio.sleep(0.01)
    await server.close()
    assert await migrating == [Placed(name="newer", kind=PlacedKind.DISTRIBUTED_TABLE)]
    assert await read(empty, "SELECT vehicle_id FROM newer ORDER BY 1") == [(1,), (2,), (3,), (4,)]
    assert "newer_function" in (await read(empty, _FUNCTIONS))[0][0]
    await check_all_is_placed(empty)
    await cluster.drop_database(empty)


async def test_an_interrupted_migration_is_completed_by_the_next(cluster: Cluster, empty: str) -> None:
    migrating = asyncio.create_task(migrate(empty))
    while (await read(empty, _COUNT_SPREAD))[0][0] < len(REFERENCE_TABLES) + 3:  # noqa: ASYNC110 - another program says it
        await asyncio.sleep(0.01)
    migrating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await migrating
    with pytest.raises(PadronError, match="are not spread"):
        await postgres.open_store(empty)
    left = await migrate(empty)
    assert 0 < len(name_tables(left)) < TABLES - len(REFERENCE_TABLES)
    await check_all_is_placed(empty)
    await cluster.drop_database(empty)


async def step_by_step(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(FIRST_SPREAD + 1, len(MIGRATIONS)):
        monkeypatch.setattr("padron.store.postgres.engine.MIGRATIONS", MIGRATIONS[:number])
        await migrate(url)


async def at_once(_: str, __: pytest.MonkeyPatch) -> None:
    return


@pytest.mark.timeout(180)
@pytest.mark.parametrize("go", [step_by_step, at_once], ids=["step by step", "at once"])
async def test_every_migration_can_be_applied_to_a_register_that_is_spread(
    cluster: Cluster,
    empty: str,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    go: Callable[[str, pytest.MonkeyPatch], Awaitable[None]],
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("padron.store.postgres.engine.MIGRATIONS", MIGRATIONS[:FIRST_SPREAD])
        await migrate(empty)
        for statement in BEFORE.split(";"):
            await execute(empty, statement)
        await go(empty, earlier)
    await migrate(empty)
    await check_all_is_placed(empty)
    assert await read(empty, _COLUMNS) == await read(database, _COLUMNS)
    assert await read(empty, "SELECT vehicle_id FROM identities ORDER BY 1") == [(1,), (2,), (3,), (4,)]
    assert await read(empty, "SELECT vehicle_count FROM counters") == [(3,)]
    await cluster.drop_database(empty)


async def test_an_owner_who_is_no_superuser_spreads_the_tables(cluster: Cluster) -> None:
    await cluster.execute_everywhere("CREATE ROLE fleet_owner LOGIN")
    await cluster.execute_everywhere("CREATE DATABASE owned OWNER fleet_owner")
    administrator = cluster.give_url("owned")
    await make_nodes_known(cluster, administrator)
    url = re.sub("//postgres", "//fleet_owner", administrator)
    assert len(name_tables(await migrate(url))) == TABLES
    await check_all_is_placed(url)
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    for one in cluster.list_urls(administrator):
        assert await read(one, owners) == [("fleet_owner",)]
    await cluster.execute_everywhere("DROP DATABASE owned WITH (FORCE)")
    await cluster.execute_everywhere("DROP ROLE fleet_owner")
