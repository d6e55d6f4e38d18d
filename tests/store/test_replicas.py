"""Reads from a real streaming replica: never further behind than allowed, and never an error for its sake."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import cast
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.store.postgres import PostgresStore, open_store
from padron.store.postgres.port import PostgresReads, Source
from padron.store.postgres.replica import Replica
from padron.store.reader import Reader
from tests.cast import HUMMER, NOON, get_one, make_vin, registered, save, status_changed, wait_until
from tests.postgres import Postgres, run_postgres
from tests.replica import ReplicaServer, run_replica

SEGMENT_BYTES = 16 * 1_048_576
LONG_S = 60.0  # a bound that no test outlives

Open = Callable[[float], Awaitable[PostgresStore]]

pytestmark = pytest.mark.plain_postgres("a cluster has no replica of all accounts")


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def open_replicated(database: str, replica: ReplicaServer) -> AsyncIterator[Open]:
    """Opens the register with its replica, which may be so many seconds behind."""
    async with AsyncExitStack() as stack:

        async def open_one(stale_s_max: float) -> PostgresStore:
            await replica.catch_up()
            store = await open_store(database, replica.give_url(database), stale_s_max)
            stack.push_async_callback(store.close)
            await wait_until_fresh(store)
            return store

        yield open_one


async def add_account(store: PostgresStore) -> int:
    """Give a new account that has one vehicle, Active."""
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered())
    return account.account_id


async def set_stolen(store: PostgresStore, account_id: int) -> None:
    vehicle = await get_one(store, account_id)
    await save(store, account_id, status_changed(vehicle, VehicleStatus.STOLEN))


async def fall_behind(open_replicated: Open, replica: ReplicaServer) -> tuple[PostgresStore, int]:
    """Give a store whose replica is held while the account's vehicle is Active; then it is stolen."""
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    await replica.catch_up()
    await replica.hold()
    await set_stolen(store, account_id)
    return store, account_id


async def list_statuses(reader: Reader) -> list[VehicleStatus]:
    return [version.vehicle.status for version, _ in await reader.list_vehicles(VehicleQuery(filters={}))]


async def wait_until_fresh(store: PostgresStore, *, fresh: bool = True) -> None:
    async def is_so() -> bool:
        return store.is_replica_fresh is fresh

    await wait_until(is_so)


def watched(store: PostgresStore) -> Replica:
    assert store._replica is not None
    return store._replica


async def count_lists(replica: ReplicaServer, database: str) -> int:
    """Give how many idle connections of the replica were used for a list last."""
    name = urlsplit(database).path[1:]
    statement = f"""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = '{name}' AND application_name = 'padron' AND query LIKE '%FROM versions AS v%'
    """  # noqa: S608
    found = await replica.execute(statement)
    assert isinstance(found, int)
    return found


async def test_within_the_bound_a_list_may_be_behind_and_comes_from_the_replica(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    store, account_id = await fall_behind(open_replicated, replica)
    assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.ACTIVE]
    assert await list_statuses(store.read(account_id)) == [VehicleStatus.STOLEN]


async def test_who_has_seen_a_change_is_told_of_it_however_far_the_replica_is_behind(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    store, account_id = await fall_behind(open_replicated, replica)
    seen = await store.read(account_id).find_last_change()
    assert await list_statuses(store.read_recent(account_id, seen)) == [VehicleStatus.STOLEN]
    assert await list_statuses(store.read_recent(account_id, seen - 1)) == [VehicleStatus.ACTIVE]
    await replica.let_go()
    await replica.catch_up()
    assert await list_statuses(store.read_recent(account_id, seen)) == [VehicleStatus.STOLEN]


async def test_beyond_the_bound_the_primary_answers_until_the_replica_has_caught_up(
    open_replicated: Open, replica: ReplicaServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_replicated(0.5)
    account_id = await add_account(store)
    await replica.catch_up()
    await replica.hold()
    begin_s = asked_s = asyncio.get_running_loop().time()
    await set_stolen(store, account_id)
    while (await list_statuses(store.read_recent(account_id))) == [VehicleStatus.ACTIVE]:
        assert asked_s - begin_s < 0.5 + 0.3  # one that is answered late may have been read when it was asked for
        await asyncio.sleep(0.01)
        asked_s = asyncio.get_running_loop().time()

    async def is_told() -> bool:
        return "reads go to the primary: it is not known to be within 0.5 s" in caplog.text

    await wait_until(is_told)
    await replica.let_go()
    await wait_until_fresh(store)


async def test_a_replica_that_is_behind_within_the_bound_goes_on_being_used(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    """It is held up for a second, again and again, and never has all that the primary has: but always what it had."""
    store = await open_replicated(8.0)  # far from the second, because this machine may be slow
    account_id = await add_account(store)
    for number in range(2):
        await replica.hold()
        for step in range(10):
            await save(store, account_id, registered(make_vin(100 * number + step)))
            await asyncio.sleep(0.1)
            assert store.is_replica_fresh
        await replica.let_go()


async def test_an_idle_primary_does_not_make_the_replica_look_old(open_replicated: Open) -> None:
    store = await open_replicated(0.3)
    fresh = 0
    for _ in range(20):
        await asyncio.sleep(0.05)
        fresh += bool(store.is_replica_fresh)
    assert fresh > 10  # without the rule, five or six: until the bound is over. A busy machine may look late once


async def test_a_reader_that_went_to_the_primary_once_does_not_look_back(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    store, account_id = await fall_behind(open_replicated, replica)
    reader = store.read_recent(account_id)
    watched(store).distrust()
    assert await reader.find_last_change() == 2
    watched(store)._fresh_until_s = float("inf")
    assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.ACTIVE]  # others do
    assert await list_statuses(reader) == [VehicleStatus.STOLEN]


async def test_a_caught_up_reader_sees_everything_that_was_there_when_it_was_asked(
    open_replicated: Open, replica: ReplicaServer, database: str
) -> None:
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    await replica.catch_up()
    assert await list_statuses(store.read_caught_up(account_id)) == [VehicleStatus.ACTIVE]
    assert await count_lists(replica, database) == 1
    await replica.hold()
    await set_stolen(store, account_id)
    assert await list_statuses(store.read_caught_up(account_id)) == [VehicleStatus.STOLEN]


async def test_a_killed_replica_fails_no_read_and_is_used_again_when_it_is_back(
    open_replicated: Open, replica: ReplicaServer, database: str
) -> None:
    store = await open_replicated(1.0)
    account_id = await add_account(store)
    await replica.catch_up()
    assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.ACTIVE]
    async with asyncio.TaskGroup() as tasks:
        reads = [tasks.create_task(read_often(store, account_id)) for _ in range(2)]
        await asyncio.sleep(0.1)
        await replica.make_restart_short()
        await asyncio.to_thread(replica.kill)
        await wait_until_fresh(store, fresh=False)
        await set_stolen(store, account_id)
        assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.STOLEN]
        await asyncio.to_thread(replica.start)
        await wait_until_fresh(store)
        for read in reads:
            read.cancel()
    assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.STOLEN]
    assert await count_lists(replica, database) > 0


async def read_often(store: PostgresStore, account_id: int) -> None:
    """Read until cancelled. Whatever goes wrong ends the test."""
    while True:
        for reader in (
            store.read_recent(account_id),
            store.read_recent(account_id, 1),
            store.read_caught_up(account_id),
        ):
            assert len(await list_statuses(reader)) == 1
        await asyncio.sleep(0.002)


async def test_a_frozen_replica_holds_a_read_up_for_a_moment_only(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    await replica.catch_up()
    assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.ACTIVE]
    with replica.frozen():
        for reader in (
            store.read_recent(account_id),
            store.read_recent(account_id, 1),
            store.read_caught_up(account_id),
        ):
            async with asyncio.timeout(2):
                assert await list_statuses(reader) == [VehicleStatus.ACTIVE]


async def test_a_read_that_stands_in_the_way_of_the_replay_is_done_by_the_primary(
    open_replicated: Open, replica: ReplicaServer, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    await replica.catch_up()
    await replica.execute("ALTER SYSTEM SET max_standby_streaming_delay = '50ms'")
    await replica.execute("SELECT pg_reload_conf()")
    connection = await asyncpg.connect(database)
    try:
        slow = "SELECT vin FROM vehicles, pg_sleep(1) WHERE account_id = $1"
        read = asyncio.create_task(give_pages(store.read_recent(account_id)).fetch(slow, (account_id,), 5.0))
        await asyncio.sleep(0.3)
        await connection.execute("BEGIN; LOCK TABLE vehicles IN ACCESS EXCLUSIVE MODE; COMMIT")
        assert [row["vin"] for row in await read] == [HUMMER]
        assert "a read of the replica was broken off (SQLSTATE 40001)" in caplog.text
        assert store.is_replica_fresh
    finally:
        await connection.close()
        await replica.execute("ALTER SYSTEM RESET max_standby_streaming_delay")
        await replica.execute("SELECT pg_reload_conf()")


async def test_what_was_proven_of_a_replica_ends_with_it(open_replicated: Open, replica: ReplicaServer) -> None:
    """However long the bound: one that is started anew may show less than it did."""
    store = await open_replicated(LONG_S)
    await replica.make_restart_short()
    await asyncio.to_thread(replica.kill)
    await wait_until_fresh(store, fresh=False)
    await asyncio.to_thread(replica.start)
    await wait_until_fresh(store)


@pytest.mark.long
async def test_a_promoted_replica_is_left_alone(database: str, postgres_server: Postgres) -> None:
    with run_replica(postgres_server) as doomed:
        store = await open_store(database, doomed.give_url(database), 1.0)
        try:
            account_id = await add_account(store)
            await wait_until_fresh(store)
            await doomed.catch_up()
            await asyncio.to_thread(doomed.promote)
            await wait_until_fresh(store, fresh=False)
            await set_stolen(store, account_id)
            for _ in range(20):
                assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.STOLEN]
                await asyncio.sleep(0.05)
        finally:
            await store.close()


async def test_a_replica_of_another_cluster_is_never_read(
    postgres_server: Postgres,
    replicated_server: Postgres,
    replica_server: ReplicaServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    database, theirs = await postgres_server.create_database(), await replicated_server.create_database()
    await replica_server.catch_up()
    await check_never_read(database, replica_server.give_url(theirs), caplog)
    await replicated_server.drop_database(theirs)
    await postgres_server.drop_database(database)


@pytest.mark.long
@pytest.mark.slow_callback("starts a PostgreSQL")
async def test_a_replica_of_another_cluster_that_is_ahead_is_never_read(
    database: str, postgres_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with run_postgres() as stranger, run_replica(stranger) as theirs:
        url = await stranger.create_database()
        while await find_position(stranger) < await find_position(postgres_server) + SEGMENT_BYTES:
            await stranger.execute("CREATE TABLE IF NOT EXISTS any_table (); DROP TABLE any_table")
            await stranger.execute("SELECT pg_switch_wal()")
        await theirs.catch_up()
        await check_never_read(database, theirs.give_url(url), caplog)


async def check_never_read(database: str, theirs: str, caplog: pytest.LogCaptureFixture) -> None:
    """Open a register with a replica of another cluster, which has its schema. No read is the replica's."""
    store = await open_store(database, theirs, LONG_S)
    try:
        account_id = await add_account(store)
        for reader in (store.read_recent(account_id), store.read_caught_up(account_id)):
            assert await list_statuses(reader) == [VehicleStatus.ACTIVE]
        assert store.is_replica_fresh is False
        assert "it is a copy of another database cluster" in caplog.text
    finally:
        await store.close()


async def find_position(server: Postgres) -> int:
    """Give how far a server's log reaches."""
    connection = await asyncpg.connect(server.give_url("postgres"))
    try:
        return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint"))
    finally:
        await connection.close()


async def test_the_primary_itself_is_no_replica(database: str, caplog: pytest.LogCaptureFixture) -> None:
    store = await open_store(database, database, LONG_S)
    try:
        assert store.is_replica_fresh is False
        assert "it is no replica, or was promoted" in caplog.text
    finally:
        await store.close()


async def test_a_replica_that_is_away_at_the_start_stops_nobody(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store = await open_store(database, "postgresql://secret-user:secret-word@127.0.0.1:9/nowhere", LONG_S)
    try:
        account_id = await add_account(store)
        assert await list_statuses(store.read_recent(account_id)) == [VehicleStatus.ACTIVE]
        assert store.is_replica_fresh is False
        assert "the last look at it failed" in caplog.text
        assert "secret" not in caplog.text
    finally:
        await store.close()


async def test_a_statement_that_is_too_much_for_the_replica_is_not_tried_on_the_primary(
    open_replicated: Open, replica: ReplicaServer
) -> None:
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    await replica.catch_up()
    reader = store.read_recent(account_id)
    slow = give_pages(reader).fetch("SELECT set_config('statement_timeout', '50', false), pg_sleep(0)", (), 5.0)
    await slow
    with pytest.raises(Exception, match="because it took too long"):
        await give_pages(reader).fetch("SELECT pg_sleep(1)", (), 5.0)


async def test_without_a_replica_every_reader_is_the_primarys(store: PostgresStore) -> None:
    account_id = await add_account(store)
    assert store.is_replica_fresh is None
    assert type(give_pages(store.read_recent(account_id))) is type(give_pages(store.read(account_id)))
    assert type(give_pages(store.read_caught_up(account_id))) is type(give_pages(store.read(account_id)))


async def test_changes_on_the_primary_are_seen_in_order_through_the_replica(open_replicated: Open) -> None:
    store = await open_replicated(LONG_S)
    account_id = await add_account(store)
    for number in range(1, 15):
        await save(store, account_id, registered(make_vin(number)))
        found = await store.read_recent(account_id, number + 1).list_changes(0, 100)
        assert [entry.change.number for entry in found] == list(range(1, number + 2))


def give_pages(reader: Reader) -> Source:
    """Give what a reader reads pages from."""
    return cast("PostgresReads", reader._port).sources.pages
