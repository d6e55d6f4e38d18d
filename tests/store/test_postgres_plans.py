"""What PostgreSQL's planner makes of our statements, and when it plans anew.

That is for look-ups of very many, and never for those of a batch of status calls.
"""

import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest

from padron.domain.account import Account
from padron.domain.change import Span
from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, Position, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME
from padron.service.statuses.coalescer import BATCH_SIZE_MAX
from padron.store import postgres
from padron.store.base import WriteTransaction
from padron.store.postgres.connection import open_connection
from padron.store.postgres.port import DIALECT, SQL
from padron.store.postgres.statuses import SAVES
from padron.store.postgres.transaction import MANY, PostgresTransaction
from padron.store.sql.listing import build_list, build_page
from padron.store.sql.searching import build_count, build_sift, build_walk
from padron.store.vehicles import to_position
from tests import effort
from tests.cast import NOON, make_vin
from tests.conftest import OpenStore
from tests.postgres import Postgres

VEHICLES = effort.PLANNED_VEHICLES
PAGE = 50
# Vehicles with few and with many different values, with all fields or half of them, and a tenth that are not Active.
FILL = f"""
    INSERT INTO accounts (name, created_at) VALUES ('Acme', now());
    INSERT INTO vehicles (account_id, vehicle_id, vin, slot, status, status_since, status_by, revision, created_at,
        updated_at)
    SELECT 1, n, 'V' || n, 0, CASE WHEN n % 10 = 0 THEN 3 + n / 10 % 7 ELSE 1 END, now() - n * interval '1 s', 'k', 1,
        now(), now() - n * interval '1 s'
    FROM generate_series(1, {VEHICLES}) AS n;
    INSERT INTO identities (account_id, vehicle_id, vin, slot) SELECT account_id, vehicle_id, vin, slot FROM vehicles;
    INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details, {{columns}})
    SELECT 1, n, n, 0, now(), 'V' || n, '{{{{}}}}', {{values}} FROM generate_series(1, {VEHICLES}) AS n;
    INSERT INTO search_texts (account_id, vehicle_id, text, grams)
    SELECT 1, n, 'v' || n, '{{{{}}}}' FROM generate_series(1, {VEHICLES}) AS n;
    ANALYZE vehicles; ANALYZE identities; ANALYZE versions; ANALYZE search_texts
"""  # noqa: S608 - the values are this file's

pytestmark = pytest.mark.plain_postgres("a cluster's shards have plans of their own")


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
@pytest.mark.parametrize("count, mode", [(1, "force_generic_plan"), (MANY, "force_custom_plan")])
async def test_only_look_ups_of_very_many_are_planned_anew(open_store: OpenStore, count: int, mode: str) -> None:
    store = await open_store()
    assert isinstance(store, postgres.PostgresStore)
    account: Account = await store.directory.add_account("Acme", NOON)

    async def ask(transaction: WriteTransaction, asked: int) -> str:
        await transaction.lock_vehicles([make_vin(number) for number in range(asked)])
        connection = cast("PostgresTransaction", transaction)._connection
        return str(await connection.fetchval("SHOW plan_cache_mode"))

    assert await store.write(account.account_id, lambda transaction: ask(transaction, count)) == mode
    assert await store.write(account.account_id, lambda transaction: ask(transaction, 1)) == "force_generic_plan"
    assert BATCH_SIZE_MAX < MANY


@pytest.fixture(scope="module")
async def filled(postgres_server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the settings of the program to an account of some size."""
    url = await postgres_server.create_database()
    columns = ", ".join(field.column for field in FIELDS)
    values = ", ".join(
        (f"CASE WHEN n % 2 = 0 THEN '' ELSE 't' || n % {7 + 400 * place} END" if field.is_text else "n % 5")
        for place, field in enumerate(FIELDS)
    )
    connection = await open_connection(url, patient=True)
    await connection.execute(FILL.format(columns=columns, values=values))
    yield connection
    await connection.close()
    await postgres_server.drop_database(url)


QUERIES = {
    "all": VehicleQuery(filters={}),
    "of SOLD": VehicleQuery(filters={}, status=VehicleStatus.SOLD),
    "former": VehicleQuery(filters={}, status=VehicleStatus.INFO_CHANGED),
    "operational": VehicleQuery(filters={}, operational=True),
    "not operational": VehicleQuery(filters={}, operational=False),
    **{f"by {sort}": VehicleQuery(filters={}, sort=sort) for sort in SORT_FIELDS},
    **{f"with {name}": VehicleQuery(filters={name: "t3"}) for name, field in FILTER_FIELDS.items() if field.is_text},
    "with any brandName": VehicleQuery(filters={"brandName": ("t3", "t1", "t5")}),
    "by and with any brandName": VehicleQuery(filters={"brandName": ("t3", "t1", "t5")}, sort="brandName"),
}


# Of each kind one. That no field lacks its index, the plans and the schema of SQLite say, which PostgreSQL's equals.
SHORT = [
    "of SOLD", "former", "not operational", "by vin", "by doors", "by vehicleStatusId", "by updatedAt",
    "with brandName", "by and with any brandName",
]  # fmt: skip


async def explain(connection: asyncpg.Connection, statement: str, parameters: Sequence[object]) -> dict[str, Any]:
    """Run a statement and give its plan. It is prepared, as the program does it: so the plan is for any parameters."""
    await connection.execute(f"PREPARE page AS {statement}")
    values = ", ".join(map(quote, parameters))
    ((plan,),) = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({values})")
    await connection.execute("DEALLOCATE page")
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


@pytest.mark.parametrize("names", [SHORT, pytest.param([*QUERIES], marks=pytest.mark.long)], ids=["few", "all"])
async def test_no_page_of_the_list_reads_many_rows(filled: asyncpg.Connection, names: list[str]) -> None:
    read = {}
    for name, descending, deep in itertools.product(names, (False, True), (False, True)):
        query = replace(QUERIES[name], descending=descending, limit=PAGE)
        if deep:
            query = replace(query, after=await find_middle(filled, query))
        statement, parameters = build_list(SQL["list_vehicles"], 1, query, DIALECT)
        plan = await explain(filled, statement, parameters)
        read[name, descending, deep] = max(count_rows(plan))
    assert {asked: rows for asked, rows in read.items() if rows > PAGE * 20} == {}


async def test_a_page_along_a_field_is_chosen_from_its_index_alone(filled: asyncpg.Connection) -> None:
    for sort in ("brandName", "ownerName", "doors"):
        page = build_page(1, VehicleQuery(filters={}, sort=sort, limit=PAGE), DIALECT)
        read = list_read(await explain(filled, page.text, page.parameters))
        assert read == [("Index Only Scan", f"versions_by_{FIELDS_BY_NAME[sort].column}")]


async def test_vehicles_among_many_are_met_by_a_walk_along_the_index_alone(filled: asyncpg.Connection) -> None:
    ids = list(range(1, VEHICLES, 4))  # half of those that have a text
    for sort, deep in itertools.product(("brandName", "ownerName", "doors"), (False, True)):
        query = VehicleQuery(filters={}, sort=sort, among=ids, limit=PAGE)
        if deep:
            key: str | int = "t5" if FIELDS_BY_NAME[sort].is_text else 2
            query = replace(query, after=Position(key=key, vehicle_id=7, began=0))
        plan = await explain(filled, *build_walk(SQL["list_vehicles"], 1, query, VEHICLES // 2, DIALECT))
        (walk,) = [node for node in list_nodes(plan) if "versions_by_" in node.get("Index Name", "")]
        assert walk["Node Type"] == "Index Only Scan"
        assert walk["Index Name"] == f"versions_by_{FIELDS_BY_NAME[sort].column}"
        assert walk["Actual Rows"] <= PAGE * 10  # it ends with the page
        assert [node for node in list_nodes(plan) if "hashed SubPlan" in node.get("Filter", "")]
        assert max(count_rows(plan)) <= max(len(ids), PAGE * 10)


async def test_a_search_by_short_words_reads_only_the_texts_that_it_looks_at(filled: asyncpg.Connection) -> None:
    walked = VEHICLES // 10
    read = {}
    for sort in (None, *SORT_FIELDS):
        query = VehicleQuery(filters={}, words=("zz",), sort=sort, limit=PAGE)
        statement, parameters = build_sift(SQL["sift_vehicles"], 1, query, walked, 60, DIALECT)
        read[f"sift by {sort}"] = max(count_rows(await explain(filled, statement, parameters)))
    counted = VehicleQuery(filters={}, words=("zz",), limit=walked)
    span = Span(first=VEHICLES // 2, last=VEHICLES // 2 + walked - 1)
    for name, query in (("count", counted), ("count of a span", replace(counted, registered_by=span, limit=2**31 - 1))):
        statement, parameters = build_count(SQL["count_listed"], 1, query, DIALECT)
        read[name] = max(count_rows(await explain(filled, statement, parameters)))
    assert {asked: rows for asked, rows in read.items() if rows > 2 * walked} == {}  # of ten times as many


# The rows are thousands, and the test needs the one.
MIDDLE = "WITH rows AS MATERIALIZED ({}) SELECT * FROM rows OFFSET (SELECT count(*) / 2 FROM rows) LIMIT 1"
OTHERS = f"""
    INSERT INTO accounts (name, created_at) SELECT 'A' || n, now() FROM generate_series(1, {VEHICLES}) AS n;
    INSERT INTO counters (account_id, last_change, vehicle_count)
    SELECT account_id, 0, CASE account_id WHEN 1 THEN {VEHICLES} ELSE 0 END FROM accounts;
    INSERT INTO api_keys (account_id, key_id, label, scopes, secret_sha256, created_at)
    SELECT account_id, 'k' || account_id, 'k', 'vehicles:read', sha256('x'), now() FROM accounts;
    INSERT INTO work (account_id, run_id, vehicle_id, operation, state, attempts)
    SELECT 1, 1, n, 'poll', 'queued', 0 FROM generate_series(1, {VEHICLES}) AS n;
    ANALYZE accounts; ANALYZE counters; ANALYZE api_keys; ANALYZE work
"""  # noqa: S608 - the values are this file's


async def test_what_goes_together_for_many_accounts_is_looked_up_row_by_row(filled: asyncpg.Connection) -> None:
    await filled.execute(OTHERS)
    names = ("lock_by_vin", "list_by_vin", "list_versions_by_vin", "load_gate", "load_gate_of_one")
    by_vin = [SQL[name] for name in names]
    statements = [SQL["load_together"], *SAVES.values(), SQL["find_enabled_api_keys"], *by_vin]
    for statement in statements:
        await filled.execute(f"PREPARE asked AS {statement}")
        count = await filled.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'asked'"
        )
        values = ", ".join(["NULL"] * count)
        ((plan,),) = await filled.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE asked ({values})")
        await filled.execute("DEALLOCATE asked")
        assert "Seq Scan" not in plan, statement
        assert "Index Scan" in plan, statement


async def test_old_deletions_do_not_slow_the_list_of_those_that_can_be_undone(filled: asyncpg.Connection) -> None:
    async with filled.transaction():
        await filled.execute("SET LOCAL enable_seqscan = off")  # the account of this file has no record
        await filled.execute(f"PREPARE deletions AS {SQL['list_deletions']}")
        ((plan,),) = await filled.fetch("EXPLAIN (FORMAT JSON) EXECUTE deletions (1, 9, 5, 50)")
        await filled.execute("DEALLOCATE deletions")
    scans = [node for node in list_nodes(json.loads(plan)[0]["Plan"]) if node.get("Index Name") == "changes_deleted"]
    assert [re.findall(r"number [<>]", node["Index Cond"]) for node in scans] == [["number <", "number >"]]


def list_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give all steps of a plan."""
    yield node
    for below in node.get("Plans", ()):
        yield from list_nodes(below)


async def find_middle(connection: asyncpg.Connection, query: VehicleQuery) -> Position | None:
    """Give the place of the row in the middle of all that a question finds."""
    statement, parameters = build_list(SQL["list_vehicles"], 1, replace(query, limit=VEHICLES), DIALECT)
    row = await connection.fetchrow(MIDDLE.format(statement), *parameters)
    return None if row is None else to_position(row, query)


def quote(value: object) -> str:
    """Give a parameter as it is written in SQL."""
    if isinstance(value, list):
        value = "{" + ",".join(map(str, value)) + "}"
    return str(value) if isinstance(value, int) else f"'{value}'"


def list_read(node: dict[str, Any]) -> list[tuple[str, str]]:
    """Give how a plan read tables, and by which index, without what it never came to."""
    own = [(node["Node Type"], node.get("Index Name", ""))] if "Relation Name" in node and node["Actual Loops"] else []
    return own + [step for child in node.get("Plans", []) for step in list_read(child)]


def count_rows(node: dict[str, Any]) -> Iterator[float]:
    """Give how many rows each step of a plan read, those that it left out included."""
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    yield (node["Actual Rows"] + left_out) * node["Actual Loops"]
    for child in node.get("Plans", []):
        yield from count_rows(child)
