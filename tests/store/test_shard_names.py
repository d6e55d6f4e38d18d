"""Every statement, written for one shard, names that shard's tables alone. And nothing is done where the shard is not.

PostgreSQL itself says what a statement reaches: it plans each one, in a database with shards (tests/spread.py).
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from padron.domain.query import VehicleQuery
from padron.domain.vehicle import Details
from padron.store.base import Store
from padron.store.postgres import open_store
from padron.store.postgres.cluster.naming import MOVED_STATE, CopiedTableError
from padron.store.postgres.cluster.shards import LIST_PLACES, Shard, ShardMap, read_map
from padron.store.postgres.cluster.tables import REFERENCE_TABLES
from padron.store.postgres.cluster.travelling import ShardConnection
from padron.store.postgres.port import DIALECT, SQL
from padron.store.postgres.statuses import Patience, save_statuses
from padron.store.sql.listing import build_list
from padron.store.strict_accounts import StrictAccounts
from tests.cast import NOON, after, get_one, make_vin, registered, save, status_changed
from tests.postgres import Postgres
from tests.store.distribution import Node, list_statements, plan

ACCOUNT = 1
VEHICLES = 30
QUEUE = """
    INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
    SELECT $1, 1, vehicle_id, 'poll', 'queued', 0 FROM vehicles WHERE account_id = $1
"""
# What a statement that changes statuses locks, each in a transaction that leaves nothing to lock without waiting.
LOCKED = [f"SELECT FROM {table} WHERE account_id = $1 FOR UPDATE" for table in ("vehicles", "counters", "work")]


@pytest.fixture
async def store(spread_database: str) -> AsyncIterator[Store]:
    store = await open_store(spread_database)
    yield store
    await store.close()


@pytest.fixture
async def acme(store: Store, planner: asyncpg.Connection) -> int:
    """An account with vehicles, whose order by any value is not that of their registration. All have work."""
    account_id = (await store.directory.add_account("Acme", NOON)).account_id
    details: list[Details] = [
        {"plate": f"P{number * 7 % VEHICLES:02d}", "doors": number * 11 % 7} for number in range(VEHICLES)
    ]
    await save(
        store, account_id, *(registered(make_vin(VEHICLES - number), details=one) for number, one in enumerate(details))
    )
    await planner.execute(QUEUE, account_id)
    return account_id


@pytest.fixture
async def planner(spread_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the shards. It plans without looking at values, as the program's do."""
    async with connect_planner(spread_database) as connection:
        yield connection


@asynccontextmanager
async def connect_planner(url: str) -> AsyncIterator[asyncpg.Connection]:
    settings = {"plan_cache_mode": "force_generic_plan"}
    connection = await asyncpg.connect(url, statement_cache_size=0, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def places(planner: asyncpg.Connection) -> ShardMap:
    return read_map(await planner.fetch(LIST_PLACES))


@pytest.fixture
def shard(places: ShardMap) -> Shard:
    return places.find(ACCOUNT)


@pytest.fixture(scope="module")
async def plans(postgres_server: Postgres) -> dict[str, list[Node]]:
    """The parts of each statement's plan without shards, found out once for all tests."""
    url = await postgres_server.create_database()
    async with connect_planner(url) as connection:
        found = {name: [node for node, _ in await plan(connection, text)] for name, text in list_statements().items()}
    await postgres_server.drop_database(url)
    return found


def list_tables(nodes: Iterable[Node]) -> set[str]:
    return {node["Relation Name"] for node in nodes if "Relation Name" in node}


async def find_tables(connection: asyncpg.Connection, written: str) -> set[str]:
    """Give the tables that a statement reaches in the database with shards."""
    return list_tables(node for node, _ in await plan(connection, written))


def list_reads(plans: Mapping[str, Sequence[Node]]) -> dict[str, str]:
    """Give the statements that change and lock nothing."""
    altering = {"ModifyTable", "LockRows"}
    reads = [name for name, nodes in plans.items() if altering.isdisjoint(node["Node Type"] for node in nodes)]
    assert len(reads) > 150
    statements = list_statements()
    return {name: statements[name] for name in reads}


@asynccontextmanager
async def moved_away(connection: asyncpg.Connection, shard: Shard) -> AsyncIterator[None]:
    """Say for a while that a shard of the counters, which stands for all that lie with it, is on another node."""
    move = "UPDATE pg_dist_placement SET groupid = $2 WHERE shardid = $1"
    await connection.execute(move, shard.shard_id, 2)
    try:
        yield
    finally:
        await connection.execute(move, shard.shard_id, 1)


async def execute_with_nulls(connection: asyncpg.Connection, statement: str) -> None:
    await connection.execute(f"DEALLOCATE ALL; PREPARE asked AS {statement}")
    count = await connection.fetchval("SELECT cardinality(parameter_types) FROM pg_prepared_statements")
    await connection.execute(f"EXECUTE asked{'(' + ', '.join(['NULL'] * count) + ')' if count else ''}")


async def test_every_statement_for_a_shard_names_its_tables_alone(
    planner: asyncpg.Connection, plans: dict[str, list[Node]], shard: Shard
) -> None:
    wrong: dict[str, set[str]] = {}
    for name, text in list_statements().items():
        try:
            written = shard.names.write(text)
        except CopiedTableError:
            continue
        tables = await find_tables(planner, written)
        if tables != {shard.names.name(table) for table in list_tables(plans[name])}:
            wrong[name] = tables
    assert wrong == {}, "these reach other tables than the shard's own"


def test_statements_that_write_what_every_node_has_go_by_way_of_citus(
    plans: dict[str, list[Node]], shard: Shard
) -> None:
    refused = set()
    for name, text in list_statements().items():
        try:
            shard.names.write(text)
        except CopiedTableError:
            refused.add(name)
    writing = {
        name
        for name, nodes in plans.items()
        if not REFERENCE_TABLES.isdisjoint(list_tables(node for node in nodes if node["Node Type"] == "ModifyTable"))
    }
    assert refused == writing
    assert len(refused) > 30


async def test_a_read_for_a_shard_names_its_tables_and_fails_where_it_is_not(
    planner: asyncpg.Connection, plans: dict[str, list[Node]], places: ShardMap
) -> None:
    """It fails even if it would find nothing: with NULL for each parameter, hardly one finds anything."""
    here, gone = places.shards[0].names, places.shards[1].names
    async with moved_away(planner, places.shards[1]):
        for name, text in list_reads(plans).items():
            named = set(map(here.name, list_tables(plans[name])))
            assert await find_tables(planner, here.write_read(text)) == named, name
            await execute_with_nulls(planner, here.write_read(text))
            with pytest.raises(asyncpg.PostgresError) as refused:
                await execute_with_nulls(planner, gone.write_read(text))
            assert refused.value.sqlstate == MOVED_STATE, name


@pytest.mark.parametrize("patience", Patience)
async def test_a_batch_makes_sure_of_its_shard_before_it_locks_anything(
    acme: int, store: Store, planner: asyncpg.Connection, spread_database: str, shard: Shard, patience: Patience
) -> None:
    """Somebody holds what the batch needs, so one that locked it first would wait for it or leave it out."""
    vehicles = [await get_one(store, acme, make_vin(number)) for number in (1, 2)]
    changes = {acme: [status_changed(vehicle, at=after(1)) for vehicle in vehicles]}
    other = await asyncpg.connect(spread_database)
    connection = ShardConnection(other, shard.names, is_alone=True)
    async with moved_away(planner, shard), planner.transaction():
        for statement in LOCKED:
            await planner.execute(statement, acme)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await save_statuses(connection, changes, patience, StrictAccounts())
        assert refused.value.sqlstate == MOVED_STATE
    assert await save_statuses(connection, changes, patience, StrictAccounts()) == {acme: VEHICLES + 1}
    await other.close()
    states = await planner.fetch("SELECT state, count(*)::integer FROM work GROUP BY state ORDER BY state")
    assert [*map(tuple, states)] == [("queued", VEHICLES - 2), ("withdrawn", 2)]


async def test_what_a_batch_calls_uses_the_tables_of_its_shard_alone(
    store: Store, planner: asyncpg.Connection, places: ShardMap
) -> None:
    """Functions of single shards and those of all shards, where no table has the name that it has in the schema."""
    accounts = [(await store.directory.add_account(f"Account {number}", NOON)).account_id for number in range(10)]
    assert {places.find(account_id) for account_id in accounts} == set(places.shards)
    for account_id in accounts:
        await save(store, account_id, *(registered(make_vin(number)) for number, _ in enumerate(Patience)))
        await planner.execute(QUEUE, account_id)
    vehicles = {one: [await get_one(store, one, make_vin(number)) for number in range(3)] for one in accounts}
    transaction = planner.transaction()
    await transaction.start()
    for table in ("vehicles", "counters", "changes", "work"):
        await planner.execute(f"ALTER TABLE {table} RENAME TO {table}_of_all")
    for account_id in accounts:
        connection = ShardConnection(planner, places.find(account_id).names, is_alone=True)
        for patience, vehicle in zip(Patience, vehicles[account_id], strict=True):
            assert await save_statuses(
                connection, {account_id: [status_changed(vehicle, at=after(1))]}, patience, StrictAccounts()
            )
    states = await planner.fetch("SELECT DISTINCT state FROM work_of_all")
    await transaction.rollback()
    assert [*map(tuple, states)] == [("withdrawn",)]


async def test_rows_keep_their_order(planner: asyncpg.Connection, acme: int, shard: Shard) -> None:
    for sort in ("vin", "plate", "doors", "vehicleStatusId", "statusSince", "createdAt", "updatedAt"):
        for descending in (False, True):
            query = VehicleQuery(filters={}, sort=sort, descending=descending, limit=VEHICLES)
            built = build_list(SQL["list_vehicles"], acme, query, DIALECT)
            asked = await planner.fetch(built.text, *built.parameters)
            assert len(asked) == VEHICLES
            assert await planner.fetch(shard.names.write_read(built.text), *built.parameters) == asked, (
                sort,
                descending,
            )


def test_built_statements_are_kept_up_to_a_limit(shard: Shard) -> None:
    for number in range(2000):
        statement = f"SELECT {number} FROM vehicles WHERE account_id = $1"  # noqa: S608 - a number
        assert shard.names.name("vehicles") in shard.names.write_read(statement)
    assert len(shard.names._reads) < 1000
