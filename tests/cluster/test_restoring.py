"""A backup of a cluster makes a register on one PostgreSQL, or on a new cluster."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from padron.store import postgres
from padron.store.postgres.cluster.store import ClusterStore
from tests.cast import NOON, get_one, make_vin, registered, save, status_changed
from tests.citus_nodes import Cluster
from tests.cluster.reading import fetch
from tests.starting import Outcome, run_program

ACCOUNTS = 8
_ROWS = (
    "SELECT * FROM accounts ORDER BY 1",
    "SELECT * FROM counters ORDER BY 1",
    "SELECT * FROM vehicles ORDER BY 1, 2",
    "SELECT * FROM identities ORDER BY 1, 2",
    "SELECT * FROM changes ORDER BY 1, 2",
)
_LIST_FUNCTIONS = """
    SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ 'shard|_of$|_in_work_'
"""
_COUNT_EXTENSIONS = "SELECT count(*) FROM pg_extension WHERE extname = 'citus'"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.fixture
async def backup(cluster: Cluster, database: str, tmp_path: Path) -> Path:
    """A backup of a register with changes on each node."""
    store = await postgres.open_store(database)
    for number in range(ACCOUNTS):
        account_id = (await store.directory.add_account(f"Fleet {number}", NOON)).account_id
        await save(store, account_id, *(registered(make_vin(place)) for place in range(number + 1)))
        await save(store, account_id, status_changed(await get_one(store, account_id, make_vin(0))))
    await store.close()
    file = tmp_path / "cluster.dump"
    made = await run(cluster, "backup", str(file), "--database-url", database)
    assert made.status == 0, made.stderr
    return file


@asynccontextmanager
async def plain_database(cluster: Cluster) -> AsyncIterator[str]:
    """A database without the extension, on a server that could be a node."""
    admin = cluster.give_url("postgres")
    await fetch(admin, "CREATE DATABASE alone")
    try:
        yield cluster.give_url("alone")
    finally:
        await fetch(admin, "DROP DATABASE alone WITH (FORCE)")


async def run(cluster: Cluster, *words: str) -> Outcome:
    """Run a command with the client programs of the cluster's own PostgreSQL."""
    path = f"{cluster.bin_folder}{os.pathsep}{os.environ['PATH']}"
    return await asyncio.to_thread(run_program, *words, variables={"PATH": path})


async def test_a_backup_of_a_cluster_is_restored_on_one_postgresql(
    cluster: Cluster, database: str, backup: Path
) -> None:
    async with plain_database(cluster) as url:
        restored = await run(cluster, "restore", str(backup), "--database-url", url)
        assert restored.status == 0, restored.stderr
        assert f"{ACCOUNTS} accounts" in restored.stdout
        assert [tuple(row) for row in await fetch(url, _COUNT_EXTENSIONS)] == [(0,)]
        assert await fetch(url, _LIST_FUNCTIONS) == []
        for statement in _ROWS:
            assert await fetch(url, statement) == await fetch(database, statement)
        doctor = await run(cluster, "doctor", "--database-url", url)
        assert "fault  record" not in doctor.stdout
        assert "Every vehicle is what its changes made of it." in doctor.stdout
        again = await run(cluster, "restore", str(backup), "--replace", "--database-url", url)
        assert again.status == 0, again.stderr
        store = await postgres.open_store(url)
        assert not isinstance(store, ClusterStore)
        await save(store, 2, status_changed(await get_one(store, 2, make_vin(1))))
        await store.close()


async def test_a_backup_of_a_cluster_is_restored_on_a_new_cluster(
    cluster: Cluster, database: str, backup: Path
) -> None:
    url = await cluster.create_database(migrated=False)
    restored = await run(cluster, "restore", str(backup), "--database-url", url)
    assert restored.status == 0, restored.stderr
    for statement in _ROWS:
        assert await fetch(url, statement) == await fetch(database, statement)
    store = await postgres.open_store(url)
    assert isinstance(store, ClusterStore)
    await store.close()
    refused = await run(cluster, "restore", str(backup), "--replace", "--database-url", url)
    assert refused.status != 0
    assert "is a cluster that has a register" in refused.stderr
    await cluster.drop_database(url)
