"""The tests' own cluster: its databases are alike on every node, come back empty, and nothing of it stays behind."""

from pathlib import Path

import psutil
import pytest

from padron.store import postgres
from tests.cast import NOON, make_vin, registered, save
from tests.citus_nodes import Cluster, run_cluster
from tests.cluster.reading import fetch, find_ports, find_shards

_COUNT_ROWS = "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM vehicles), (SELECT count(*) FROM changes)"
_FORGOTTEN = """
    SELECT relname::text FROM pg_class LEFT JOIN pg_dist_partition ON logicalrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND logicalrelid IS NULL
"""
ACCOUNTS = 8


@pytest.fixture
def engine() -> str:
    return "postgres"


async def test_every_table_is_spread_or_copied_in_each_database(cluster: Cluster, database: str) -> None:
    for url in cluster.list_urls(database):
        assert await fetch(url, _FORGOTTEN) == []
    assert {*(await find_shards(database)).values()} == {worker.port for worker in cluster.workers}


async def test_a_database_that_is_lent_again_is_empty_on_each_node(cluster: Cluster) -> None:
    for _ in range(2):  # the second time it is the same database
        url = await cluster.create_database()
        for node in cluster.list_urls(url):
            assert [tuple(row) for row in await fetch(node, _COUNT_ROWS)] == [(0, 0, 0)]
        store = await postgres.open_store(url)
        accounts = [await store.directory.add_account(f"Fleet {number}", NOON) for number in range(ACCOUNTS)]
        assert [account.account_id for account in accounts] == [*range(1, ACCOUNTS + 1)]
        for account in accounts:
            await save(store, account.account_id, registered(make_vin(1)), registered(make_vin(2)))
        await store.close()
        assert {*(await find_ports(url)).values()} == {worker.port for worker in cluster.workers}
        for node in cluster.list_urls(url):
            assert [tuple(row) for row in await fetch(node, _COUNT_ROWS)] == [(ACCOUNTS, 2 * ACCOUNTS, 2 * ACCOUNTS)]
        await cluster.drop_database(url)


async def test_a_database_whose_vehicles_contradict_their_identities_is_told(cluster: Cluster) -> None:
    url = await cluster.create_database()
    store = await postgres.open_store(url)
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered())
    await store.close()
    await fetch(url, "DELETE FROM identities WHERE account_id = $1", account.account_id)
    with pytest.raises(AssertionError):
        await cluster.drop_database(url)


async def test_nothing_is_left_of_a_cluster_after_a_failure(cluster: Cluster) -> None:
    pids: list[int] = []

    def fail() -> None:
        with run_cluster(str(cluster.bin_folder / "pg_config"), workers=0) as doomed:
            pids.extend(process.pid for process in doomed.list_processes())
            folders.append(doomed.coordinator.folder)
            with doomed.coordinator.frozen():
                raise RuntimeError

    folders: list[Path] = []
    with pytest.raises(RuntimeError):
        fail()
    assert len(pids) > 1
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not folders[0].parent.exists()


async def test_one_node_alone_has_all_accounts(cluster: Cluster) -> None:
    with run_cluster(str(cluster.bin_folder / "pg_config"), workers=0) as alone:
        url = await alone.create_database()
        store = await postgres.open_store(url)
        account = await store.directory.add_account("Acme", NOON)
        await save(store, account.account_id, registered())
        await store.close()
        assert await find_ports(url) == {account.account_id: alone.coordinator.port}
        await alone.drop_database(url)
