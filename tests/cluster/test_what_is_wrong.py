"""A cluster on which a register would not be sound is refused, with a sentence that says what is wrong."""

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.finding import CheckName, Finding, Severity
from padron.store import postgres
from padron.store.postgres import MIGRATIONS, PostgresExamination, check_replica
from padron.store.postgres.cluster.tables import REFERENCE_TABLES
from tests.citus_nodes import Cluster
from tests.cluster.reading import fetch
from tests.cluster.test_migrating import TABLES, migrate
from tests.postgres import execute


@pytest.fixture
def engine() -> str:
    return "postgres"


async def examine(url: str) -> dict[CheckName, Finding]:
    """Give what doctor finds out about the engine."""
    examination = PostgresExamination(url, MIGRATIONS)
    found = [finding async for finding in examination.examine_engine(lambda _: None)]
    await examination.close()
    return {finding.check: finding for finding in found}


async def hear_refusal(url: str) -> str:
    with pytest.raises(PadronError) as refusal:
        await postgres.open_store(url)
    assert refusal.value.code is Code.SCHEMA_MISMATCH
    return refusal.value.detail


@pytest.fixture
async def migrated(cluster: Cluster) -> str:
    """A register for a test that spoils it."""
    url = await cluster.create_database(migrated=False)
    await migrate(url)
    return url


async def test_doctor_approves_of_nodes_and_tables(cluster: Cluster, database: str) -> None:
    found = await examine(database)
    nodes, tables = found[CheckName.NODES], found[CheckName.TABLES]
    assert tables.severity is Severity.OK
    copied = len(REFERENCE_TABLES)
    assert tables.detail == f"{TABLES - copied} tables are spread by account, and {copied} are on every node."
    # What the tests leave out to be quick is found on each worker, where only its own settings say so.
    sentences = [sentence for sentence in nodes.detail.split("On the node ") if sentence]
    assert [sentence.partition(":")[0] for sentence in sentences] == [
        f"127.0.0.1 port {worker.port}" for worker in cluster.workers
    ]
    assert all("fsync is off, and must be on; full_page_writes is off" in sentence for sentence in sentences)
    assert found[CheckName.PAGES].severity is Severity.NOTICE


async def test_a_node_that_is_away_is_named_and_keeps_no_server_from_starting(cluster: Cluster, migrated: str) -> None:
    *_, last = cluster.workers
    last.kill()
    try:
        nodes = (await examine(migrated))[CheckName.NODES]
        assert nodes.severity is Severity.FAULT
        assert f"The coordinator cannot ask the node 127.0.0.1 port {last.port}: " in nodes.detail
        await (await postgres.open_store(migrated)).close()
        assert await migrate(migrated) == [], "there is nothing to do"
        await execute(migrated, "SELECT 1")
    finally:
        last.ensure_postgres_running()
    await cluster.drop_database(migrated)


async def test_tables_cannot_be_spread_while_a_node_is_away(cluster: Cluster) -> None:
    url = await cluster.create_database(migrated=False)
    *_, last = cluster.workers
    last.kill()
    try:
        with pytest.raises(PadronError, match=f"127.0.0.1:{last.port}"):
            await migrate(url)
    finally:
        last.ensure_postgres_running()
    assert len(await migrate(url)) > 0
    await cluster.drop_database(url)


async def test_a_table_that_is_not_spread_is_named_and_spread_by_the_next_migration(
    cluster: Cluster, migrated: str
) -> None:
    await execute(migrated, "SELECT undistribute_table('gate_refusals')")
    assert "not spread over its nodes: gate_refusals. " in await hear_refusal(migrated)
    assert (await examine(migrated))[CheckName.TABLES].severity is Severity.FAULT
    assert "gate_refusals" in [one.name for one in await migrate(migrated)]
    await (await postgres.open_store(migrated)).close()
    await cluster.drop_database(migrated)


async def test_a_table_that_is_spread_otherwise_is_named_and_left_alone(cluster: Cluster, migrated: str) -> None:
    spread = {
        "SELECT create_reference_table('gate_refusals')": "in another way than Padrón's: gate_refusals. ",
        "SELECT create_distributed_table('gate_refusals', 'vin')": "in another way",
        "SELECT create_distributed_table('gate_refusals', 'account_id', colocate_with => 'none')": (
            "These tables have other shards than counters: gate_refusals. "
        ),
    }
    for statement, words in spread.items():
        await execute(migrated, "SELECT undistribute_table('gate_refusals')")
        await execute(migrated, "ALTER TABLE gate_refusals DROP CONSTRAINT gate_refusals_pkey")
        await execute(migrated, statement)
        assert words in await hear_refusal(migrated)
        assert words in (await examine(migrated))[CheckName.TABLES].detail
        assert await migrate(migrated) == []
        await execute(
            migrated, "ALTER TABLE gate_refusals ADD PRIMARY KEY (account_id, hour_at, vin, operation, actor)"
        )
    await cluster.drop_database(migrated)


async def test_a_replica_for_reads_is_refused(database: str) -> None:
    with pytest.raises(PadronError, match="--read-database-url"):
        await postgres.open_store(database, database)
    with pytest.raises(PadronError, match="--read-database-url"):
        await check_replica(database)


async def test_a_worker_is_no_place_to_migrate_from(cluster: Cluster) -> None:
    url = await cluster.create_database(migrated=False)
    with pytest.raises(PadronError, match="worker of the cluster"):
        await migrate(cluster.list_urls(url)[1])


async def test_a_cluster_without_a_place_for_shards_is_refused_with_what_to_run(cluster: Cluster) -> None:
    url = await cluster.create_database(migrated=False)
    for worker in cluster.workers:
        await execute(url, f"SELECT citus_set_node_property('127.0.0.1', {worker.port}, 'shouldhaveshards', false)")
    with pytest.raises(PadronError, match="No node of the cluster takes shards") as refusal:
        await migrate(url)
    *_, statement = refusal.value.detail.split("or run ")
    await execute(url, statement.rstrip("."))
    assert len(await migrate(url)) > 0
    await cluster.drop_database(url)


async def test_a_replication_factor_of_two_is_refused(cluster: Cluster) -> None:
    url = await cluster.create_database(migrated=False)
    name = url.rpartition("/")[2]
    await execute(url, f"ALTER DATABASE {name} SET citus.shard_replication_factor = 2")
    with pytest.raises(PadronError, match="shard_replication_factor is 2"):
        await migrate(url)


async def test_a_function_that_is_missing_or_old_is_named_and_made_again(cluster: Cluster, migrated: str) -> None:
    await execute(migrated, "DROP FUNCTION hold_shard")
    await execute(
        migrated,
        "CREATE OR REPLACE FUNCTION withdraw_work_of(shard text, bigint, bigint[], timestamptz[]) RETURNS boolean "
        "LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$",
    )
    words = "missing, or of another version: hold_shard, withdraw_work_of. "
    assert words in await hear_refusal(migrated)
    assert words in (await examine(migrated))[CheckName.TABLES].detail
    assert [one.name for one in await migrate(migrated)] == ["hold_shard", "withdraw_work_of"]
    for url in cluster.list_urls(migrated):
        assert (await fetch(url, "SELECT count(*) FROM pg_proc WHERE proname = 'hold_shard'"))[0][0] == 1
    await (await postgres.open_store(migrated)).close()
    await cluster.drop_database(migrated)


async def test_a_shard_without_functions_of_its_own_gets_them(cluster: Cluster, migrated: str) -> None:
    """As after a split. Until then its statements use those of all shards."""
    find = "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE proname LIKE 'withdraw\\_work\\_in\\_work%'"
    first, *others = [name for (name,) in await fetch(migrated, find)]
    assert others
    await execute(migrated, f"DROP FUNCTION {first}")
    await (await postgres.open_store(migrated)).close()
    assert [one.name for one in await migrate(migrated)] == ["withdraw_work"]
    assert first in [name for (name,) in await fetch(migrated, find)]
    await cluster.drop_database(migrated)
