"""Commands while a node hangs: each ends soon, and names the node. Those of accounts on other nodes work."""

import asyncio
import os
from pathlib import Path
from time import monotonic

import pytest

from padron.store import postgres
from tests.cast import NOON, make_vin, registered, save
from tests.citus_nodes import HOST, Cluster
from tests.cluster.reading import find_ports
from tests.starting import Outcome, run_program

ACCOUNTS = 8
SOON_S_MAX = 15.0
EXAMINED_S_MAX = 45.0  # it asks the node for several things, and goes on each time

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def engine() -> str:
    return "postgres"


async def run(cluster: Cluster, url: str, *words: str, seconds_max: float = SOON_S_MAX) -> Outcome:
    path = f"{cluster.bin_folder}{os.pathsep}{os.environ['PATH']}"
    began_s = monotonic()
    outcome = await asyncio.to_thread(run_program, *words, "--database-url", url, variables={"PATH": path})
    assert monotonic() - began_s < seconds_max, words
    return outcome


async def test_commands_that_need_a_hung_node_end_soon_and_name_it(
    cluster: Cluster, database: str, tmp_path: Path
) -> None:
    await cluster.leave_alone(database)
    store = await postgres.open_store(database)
    for number in range(ACCOUNTS):
        account_id = (await store.directory.add_account(f"Fleet {number}", NOON)).account_id
        await save(store, account_id, registered(make_vin(1)))
    await store.close()
    ports = await find_ports(database)
    hung, other = cluster.workers
    theirs = next(f"Fleet {account_id - 1}" for account_id, port in ports.items() if port == hung.port)
    free = next(f"Fleet {account_id - 1}" for account_id, port in ports.items() if port == other.port)
    place = f"{HOST}:{hung.port}"
    dump = tmp_path / "cluster.dump"
    with hung.frozen():
        for words in (
            ("accounts", "add", "Another"),
            ("vehicles", "list", "--account", theirs),
            ("keys", "add", "--account", theirs, "--scope", "changes:read", "--name", "one"),
            ("register", "renew"),
        ):
            refused = await run(cluster, database, *words)
            assert refused.status == 1, words
            assert f"The node {place} of the cluster does not answer" in refused.stderr, words
        listed = await run(cluster, database, "vehicles", "list", "--account", free)
        assert make_vin(1) in listed.stdout
        assert (await run(cluster, database, "accounts", "list")).status == 0
        refused = await run(cluster, database, "backup", str(dump))
        assert refused.status == 1
        assert place in refused.stderr
        assert not dump.exists()
        examined = await run(cluster, database, "doctor", seconds_max=EXAMINED_S_MAX)
        assert examined.status == 1
        assert f"The coordinator cannot ask the node {HOST} port {hung.port}" in examined.stdout
    added = await run(cluster, database, "accounts", "add", "Another")
    assert added.status == 0, added.stderr
