"""A server finds an account's shard by itself, and says what is wrong with a cluster whose shards it cannot use."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from padron.domain.errors import Code, PadronError
from padron.store.postgres import open_store
from padron.store.postgres.cluster import travelling
from padron.store.postgres.cluster.hashing import hash_account
from padron.store.postgres.cluster.nodes import give_url
from padron.store.postgres.cluster.shards import LIST_PLACES, NodeAddress, ShardMap, read_map
from tests.cast import NOON
from tests.postgres import Postgres
from tests.spread import RANGES, give_place

EDGES = [
    0,
    1,
    -1,
    *(sign * ((1 << bits) + more) for bits in (31, 32, 33, 62) for more in (-1, 0, 1) for sign in (1, -1)),
]
ENDS = [(1 << 63) - 1, -(1 << 63)]

_NOT_SPREAD, _APART = "The tables are not spread over the cluster. ", "The tables of a shard do not lie together"
_GAP = "The map of the cluster "
# One shard of each of these tables, all of them in the first range.
_WORK, _VEHICLES, _COUNTERS = (
    f"(SELECT min(shardid) FROM pg_dist_shard WHERE logicalrelid = '{table}'::regclass)"  # noqa: S608 - our own
    for table in ("work", "vehicles", "counters")
)
_MOVE = """
    INSERT INTO pg_dist_node VALUES (2, 'two', 5432); UPDATE pg_dist_placement SET groupid = 2 WHERE shardid = {}
"""
_ADD = "INSERT INTO pg_dist_node VALUES (2, 'two', 5432); INSERT INTO pg_dist_placement VALUES ({}, 2)"
_END_EARLY = "UPDATE pg_dist_shard SET shardmaxvalue = shardmaxvalue::integer - 1 WHERE shardid = {}"
_BEGIN_LATE = "UPDATE pg_dist_shard SET shardminvalue = shardminvalue::integer + 1 WHERE shardid = {}"
_LOSE = "DELETE FROM pg_dist_placement WHERE shardid = {}"
_LOSE_RANGE = """
    DELETE FROM pg_dist_placement WHERE shardid IN (SELECT shardid FROM pg_dist_shard WHERE shardminvalue::integer {})
"""
# What may be wrong with a cluster, and how the error begins.
FAULTS = {
    "nothing is spread": ("DELETE FROM pg_dist_partition", _NOT_SPREAD),
    "nothing is copied": ("DELETE FROM pg_dist_partition WHERE partmethod = 'n'", _NOT_SPREAD),
    "nothing is spread by account": ("DELETE FROM pg_dist_partition WHERE partmethod = 'h'", _NOT_SPREAD),
    "a table is elsewhere": (_MOVE.format(_WORK), _APART),
    "a shard is in two places": (_ADD.format(_WORK), _APART),
    "a shard ends before the others": (_END_EARLY.format(_WORK), _APART),
    "a shard begins after the others": (_BEGIN_LATE.format(_WORK), _APART),
    "a shard of work is nowhere": (_LOSE.format(_WORK), _APART),
    "a shard of vehicles is nowhere": (_LOSE.format(_VEHICLES), _GAP),
    "a shard of counters is nowhere": (_LOSE.format(_COUNTERS), _APART),
    "the first range is nowhere": (_LOSE_RANGE.format("= -2147483648"), _GAP),
    "a range is nowhere": (_LOSE_RANGE.format("= 0"), _GAP),
    "the last range is nowhere": (_LOSE_RANGE.format("> 0"), _GAP),
    "a node is inactive": ("UPDATE pg_dist_node SET isactive = false", _NOT_SPREAD),
    "a node has only a standby": ("UPDATE pg_dist_node SET noderole = 'secondary'", _NOT_SPREAD),
}  # fmt: skip


@pytest.fixture
async def connection(spread_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose changes of the cluster are undone at the end."""
    connection = await asyncpg.connect(spread_database)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def read(connection: asyncpg.Connection) -> ShardMap:
    return read_map(await connection.fetch(LIST_PLACES))


async def test_an_accounts_hash_is_postgresqls(connection: asyncpg.Connection) -> None:
    dice = random.Random(1)
    numbers = [*range(-300, 3000), *EDGES, *ENDS, *(dice.randrange(-(1 << 63), 1 << 63) for _ in range(5000))]
    hashes = await connection.fetch("SELECT hashint8(number) FROM unnest($1::bigint[]) AS number", numbers)
    assert [hash_account(number) for number in numbers] == [hashed for (hashed,) in hashes]


async def test_every_account_has_one_shard_on_the_one_node(
    connection: asyncpg.Connection, spread_database: str
) -> None:
    shards = await read(connection)
    assert len(shards.shards) == RANGES
    assert {shard.node for shard in shards.shards} == {NodeAddress(*give_place(spread_database))}
    await connection.execute("""
        INSERT INTO accounts (account_id, name, created_at) OVERRIDING SYSTEM VALUE
        SELECT number, number::text, now() FROM generate_series(1, 200) AS number
    """)
    await connection.execute("INSERT INTO counters (account_id, last_change) SELECT account_id, 0 FROM accounts")
    found = await connection.fetch("SELECT account_id, tableoid::regclass::text FROM counters")
    assert len(found) == 200
    assert {account_id: shards.find(account_id).names.name("counters") for account_id, _ in found} == dict(
        map(tuple, found)
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_cluster_that_is_not_as_needed_is_refused(connection: asyncpg.Connection, fault: str) -> None:
    statement, words = FAULTS[fault]
    await connection.execute(statement)
    with pytest.raises(PadronError) as refused:
        await read(connection)
    assert refused.value.code is Code.SCHEMA_MISMATCH
    assert str(refused.value).startswith(words)


@pytest.mark.plain_postgres("its database only looks like a cluster's")
async def test_a_store_does_not_open_on_such_a_cluster(postgres_server: Postgres) -> None:
    url = await postgres_server.clone_spread()
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM pg_dist_partition")
    await connection.close()
    with pytest.raises(PadronError) as refused:
        await open_store(url)
    assert refused.value.code is Code.SCHEMA_MISMATCH
    await postgres_server.drop_database(url)


async def test_a_cluster_takes_no_replica_for_reads(spread_database: str) -> None:
    with pytest.raises(PadronError, match="read-database-url"):
        await open_store(spread_database, spread_database)


async def test_a_new_account_is_found_where_the_coordinator_put_it(spread_database: str) -> None:
    store = await open_store(spread_database)
    assert store.is_distributed
    for number in range(12):
        account = await store.directory.add_account(f"Account {number}", NOON)
        assert await store.read(account.account_id).find_last_change() == 0
    await store.close()


async def test_a_check_ends_no_connection_to_a_node(spread_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.store.postgres.cluster.store._PING", "SELECT pg_sleep(0.1)")
    store = await open_store(spread_database)
    await store.plans.find_next_instant()  # which connects to the node
    seen = set()
    for _ in range(3):
        connection = await asyncpg.connect(spread_database)
        rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'padron'")
        await connection.close()
        seen.add(frozenset(pid for (pid,) in rows))
        await store.check()
        await asyncio.sleep(0.15)
    assert len(seen) == 1
    assert await store.plans.find_next_instant() is None
    await store.close()


async def test_a_node_that_was_replaced_counts_no_more(spread_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(travelling, "MAP_S_MAX", 0)
    connection = await asyncpg.connect(spread_database)
    (place,) = await connection.fetch("SELECT nodename, nodeport FROM pg_dist_node")
    await connection.execute("UPDATE pg_dist_node SET nodename = '127.0.0.1', nodeport = 1")  # nobody is there
    store = await open_store(spread_database)
    with pytest.raises(PadronError, match="No node of the cluster answers"):
        await store.plans.find_next_instant()
    assert store.failing_node_count == 1
    await connection.execute("UPDATE pg_dist_node SET nodename = $1, nodeport = $2", *place)
    assert await store.plans.find_next_instant() is None
    assert store.failing_node_count == 0
    await connection.close()
    await store.close()


def test_a_nodes_url_is_the_registers_with_another_place() -> None:
    node = NodeAddress("10.0.0.2", 5433)
    urls = {
        "postgresql://padron:secret@first/register?sslmode=require": "postgresql://padron:secret@10.0.0.2:5433/register?sslmode=require",
        "postgresql://first:5432/register": "postgresql://10.0.0.2:5433/register",
        "postgresql:///register?host=first&port=1&hostaddr=1.1.1.1&user=padron": "postgresql://10.0.0.2:5433/register?user=padron",
        "postgresql://padron@first,second:5433/register": "postgresql://padron@10.0.0.2:5433/register",
        "postgresql://a%40b:p%2Fw@first/register": "postgresql://a%40b:p%2Fw@10.0.0.2:5433/register",
    }
    assert {url: give_url(url, node) for url in urls} == urls
    assert give_url("postgresql://first/register", NodeAddress("::1", 5432)) == "postgresql://[::1]:5432/register"
