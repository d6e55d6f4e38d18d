"""What a node refuses is told of that node alone: a cluster is ready as long as accounts can use it."""

import asyncio

import pytest

from padron.domain.trouble import TroubledError
from padron.store.base import Store
from tests.cast import NOON, get_one, make_vin, registered, save
from tests.citus_nodes import Cluster
from tests.cluster.reading import fetch, find_ports

_MAKE_REFUSAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END $$
"""
_REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION refuse()"
_ALLOW = "DROP TRIGGER refuse ON changes"
# What a node looks like whose packages are newer than its extension. Sessions look at it once.
_SET_VERSION = "UPDATE pg_extension SET extversion = $1 WHERE extname = 'citus'"
_READ_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
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


async def test_a_node_whose_extension_is_not_updated_yet_refuses_its_accounts_for_a_while(
    store: Store, cluster: Cluster, database: str
) -> None:
    accounts = await add_accounts(store, database)
    ports = await find_ports(database)
    upgraded, other = accounts
    node = next(url for url in cluster.list_urls(database) if f":{ports[upgraded]}/" in url)
    ((version,),) = await fetch(node, _READ_VERSION)
    await fetch(node, _SET_VERSION, "13.0-0")
    with pytest.raises(TroubledError, match="is being upgraded"):
        await save(store, upgraded, registered(make_vin(1)))
    with pytest.raises(TroubledError, match="is being upgraded"):
        await get_one(store, upgraded, make_vin(1))
    await save(store, other, registered(make_vin(1)))
    await fetch(node, _SET_VERSION, version)
    await save(store, upgraded, registered(make_vin(1)))
