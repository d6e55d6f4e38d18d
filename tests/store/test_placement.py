"""Which tables are copied to every node of a cluster, which are spread by account, and what is wrong with others."""

from dataclasses import replace

import asyncpg
import pytest

from padron.store.postgres.cluster.setup import (
    ClusterNode,
    NodeState,
    Setup,
    find_node_faults,
    find_setup_faults,
    is_tried,
)
from padron.store.postgres.cluster.tables import (
    ACCOUNT_COLUMN,
    FIRST_TABLE,
    NAMED_MAX,
    REFERENCE_TABLES,
    Placement,
    StoredTable,
    find_table_faults,
    order_tables,
    read_tables,
)
from tests.postgres import Postgres

REFERENCES = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""
ACCOUNTS = StoredTable(name="accounts", wanted=Placement.REFERENCE, refers_to=frozenset())
COUNTERS = StoredTable(name="counters", wanted=Placement.DISTRIBUTED, refers_to=frozenset())
VEHICLES = StoredTable(name="vehicles", wanted=Placement.DISTRIBUTED, refers_to=frozenset({"accounts"}))
CHANGES = StoredTable(name="changes", wanted=Placement.DISTRIBUTED, refers_to=frozenset({"vehicles"}))
SPREAD = [
    replace(ACCOUNTS, found=Placement.REFERENCE),
    *(replace(table, found=Placement.DISTRIBUTED, group=7) for table in (COUNTERS, VEHICLES, CHANGES)),
]
COORDINATOR = ClusterNode(node_id=1, host="db-0", port=5432, is_coordinator=True, is_synced=True, takes_shards=False)
WORKER = replace(COORDINATOR, node_id=2, host="db-1", is_coordinator=False, takes_shards=True)
SOUND = Setup(version="13.2-1", is_coordinator=True, replication_factor=1, nodes=[COORDINATOR, WORKER])


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest.mark.plain_postgres("on a cluster, each shard is a table too")
async def test_every_table_is_copied_or_spread_after_those_that_it_refers_to(database: str) -> None:
    connection = await asyncpg.connect(database)
    found = await read_tables(connection.fetch, is_cluster=False)
    names = [table.name for table in found]
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert sorted(names) == sorted(name for (name,) in tables), (
        f"a table needs a column {ACCOUNT_COLUMN}, or a place in REFERENCE_TABLES"
    )
    assert {table.name for table in found if table.wanted is Placement.REFERENCE} == REFERENCE_TABLES
    assert {table.found for table in found} == {Placement.LOCAL}
    references = await connection.fetch(REFERENCES)
    assert len(references) > 10
    for table, other in references:
        assert names.index(other) < names.index(table), f"{table} refers to {other}"
        assert other in REFERENCE_TABLES or table not in REFERENCE_TABLES, f"{table} may only refer to copied tables"
    assert names.index(FIRST_TABLE) == len(REFERENCE_TABLES), "it is spread before the others, which lie beside it"
    await connection.close()


@pytest.mark.plain_postgres("on a cluster, each shard is a table too")
async def test_tables_that_are_not_padrons_are_left_alone(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database(migrated=False)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE notes (id bigint); CREATE TABLE newer (account_id bigint, PRIMARY KEY (account_id))"
    )
    found = await read_tables(connection.fetch, is_cluster=False)
    assert found == [StoredTable(name="newer", wanted=Placement.DISTRIBUTED, refers_to=frozenset())]
    await connection.close()
    await postgres_server.drop_database(url)


def test_a_table_comes_after_what_it_refers_to_and_after_the_first_one() -> None:
    ordered = order_tables([CHANGES, VEHICLES, COUNTERS, ACCOUNTS])
    assert [table.name for table in ordered] == ["accounts", "counters", "vehicles", "changes"]
    in_a_circle = replace(VEHICLES, refers_to=frozenset({"vehicles"}))
    assert order_tables([in_a_circle]) == [in_a_circle]


def test_a_table_that_is_not_where_it_should_be_is_named_with_what_to_do() -> None:
    assert find_table_faults(SPREAD) == []
    (local,) = find_table_faults([ACCOUNTS, *SPREAD[1:]])
    assert "not spread over its nodes: accounts. Stop all servers, and run `padron migrate`." in local
    odd = find_table_faults([*SPREAD[:3], replace(CHANGES, found=Placement.REFERENCE)])
    assert [fault.partition(". ")[0] for fault in odd] == [
        "These tables are spread in another way than Padrón's: changes"
    ]  # fmt: skip
    other = find_table_faults([replace(ACCOUNTS, found=Placement.OTHER), *SPREAD[1:]])
    assert "another way" in other[0]
    assert "accounts" in other[0]
    apart = find_table_faults([*SPREAD[:3], replace(SPREAD[3], group=8)])
    assert [fault.partition(". ")[0] for fault in apart] == ["These tables have other shards than counters: changes"]
    many = [replace(VEHICLES, name=f"table_{number}") for number in range(NAMED_MAX + 2)]
    assert "table_0, table_1, table_2 and 2 more." in find_table_faults(many)[0]


def test_what_keeps_tables_from_being_spread_is_said() -> None:
    assert find_setup_faults(SOUND) == []
    assert find_setup_faults(replace(SOUND, version="14.0-1")) == []
    alone = replace(COORDINATOR, takes_shards=True)
    assert find_setup_faults(replace(SOUND, nodes=[alone])) == []
    wrong = {
        "version 12.1-1": replace(SOUND, version="12.1-1"),
        "version devel": replace(SOUND, version="devel"),
        "Name the coordinator": replace(SOUND, is_coordinator=False),
        "shard_replication_factor is 2": replace(SOUND, replication_factor=2),
        "citus_set_coordinator_host(": replace(SOUND, nodes=[WORKER]),
        "citus_set_node_property('db-0', 5432, 'shouldhaveshards', true)": replace(SOUND, nodes=[COORDINATOR]),
        "citus_activate_node('db-1', 5432)": replace(SOUND, nodes=[COORDINATOR, replace(WORKER, is_synced=False)]),
    }
    for words, setup in wrong.items():
        (fault,) = find_setup_faults(setup)
        assert words in fault


def test_other_versions_than_those_that_were_tried_are_noticed() -> None:
    versions = ("13.2-1", "13.2", "13.0-1", "14.0-1", "13.22-1", "15.0-1")
    assert [version for version in versions if is_tried(version)] == ["13.2-1", "13.2", "14.0-1"]


def test_nodes_that_do_not_answer_and_nodes_with_other_versions_are_named() -> None:
    first = NodeState(node=COORDINATOR, state={"version": "13.2-1"})
    second = NodeState(node=WORKER, state={"version": "13.2-1"})
    assert find_node_faults([first, second]) == []
    older = replace(second, state={"version": "13.0-1"})
    (fault,) = find_node_faults([first, older])
    assert "db-0 port 5432 has 13.2-1, db-1 port 5432 has 13.0-1" in fault
    (fault,) = find_node_faults([first, replace(second, state={"version": None})])
    assert "db-1 port 5432 has none" in fault
    assert find_node_faults([first, NodeState(node=WORKER, state={}, failure="refused")]) == [
        "The coordinator cannot ask the node db-1 port 5432: refused."
    ]
