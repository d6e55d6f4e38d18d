"""What a node refuses is told of that node alone: a cluster is ready as long as accounts can use it."""

import asyncio

import pytest

from padron.domain.trouble import TroubledError
from padron.store.base import Store
from tests.cast import NOON, make_vin, registered, save
from tests.citus_nodes import Cluster
from tests.cluster.reading import fetch, find_ports

_MAKE_REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END $$
"""
_REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION refuse()"
_ALLOW = "DROP TRIGGER refuse ON changes"
ACCOUNTS = 8


@pytest.fixture
def engine() -> str:
    return "postgres"


async def add_accounts(store: Store, url: str) -> list[int]:
    """Give an account on each node with shards."""
    for number in range(ACCOUNTS):
        await store.directory.add_account(f"Fleet {number}", NOON)
    by_port = {port: account_id for account_id, port in (await find_ports(url)).items()}
    return [*by_port.values()]


async def test_after_a_restart_of_a_node_the_directory_is_written_again(
    store: Store, cluster: Cluster, database: str
) -> None:
    """A coordinator that keeps connections to its nodes notices that one is dead only when it uses it."""
    await cluster.leave_alone(database)
    await store.directory.add_account("Before", NOON)
    for worker in cluster.workers:
        await asyncio.to_thread(worker.kill)
        await asyncio.to_thread(worker.ensure_postgres_running)
    await store.directory.add_account("After", NOON)
    assert {account.name for account in await store.directory.list_accounts()} >= {"Before", "After"}


async def test_a_node_whose_disk_is_full_is_counted_and_the_cluster_is_ready(store: Store, database: str) -> None:
    first, second = await add_accounts(store, database)
    await fetch(database, _MAKE_REFUSAL)
    await fetch(database, _REFUSE)
    for account_id, failing in ((first, 1), (second, 2)):
        with pytest.raises(TroubledError):
            await save(store, account_id, registered(make_vin(1)))
        await store.check()
        assert store.failing_node_count == failing
    await fetch(database, _ALLOW)
    for account_id, failing in ((first, 1), (second, 0)):
        await save(store, account_id, registered(make_vin(1)))
        assert store.failing_node_count == failing
