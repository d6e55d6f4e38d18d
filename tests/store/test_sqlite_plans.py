"""What SQLite's planner makes of our statements: none walks through all that an account ever had.

There are no statistics in the file, so the plans are the same whatever is in it.
"""

import re
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite.connection import open_connection
from padron.store.statements import load_statements

STATEMENTS = {
    f"{file}: {name}": statement
    for file in ("queries", "operations", "webhooks", "idempotency", "plans")
    for name, statement in load_statements("padron.store.sqlite", f"{file}.sql").items()
    if name not in {"list_vehicles", "save_statuses"}  # a template, and a name that only the other engine fills
}
# Tables that stay short, statements that mean every row, and one that takes the first of an index. With each new
# account goes a look for its children.
WALK = {
    "operations: list_operations",
    "plans: find_next_instant",
    "queries: insert_account",
    "queries: list_accounts",
    "queries: list_keys",
    "queries: list_refusals",
    "webhooks: count_endpoints",
    "webhooks: delete_deliveries",
    "webhooks: delete_endpoint",
    "webhooks: has_endpoints",
    "webhooks: list_endpoints",
    "webhooks: list_ready",
    "webhooks: renew_leases",
}

_walks = re.compile(
    r"SCAN (?!json_each|CONSTANT)"
    r"|USING PRIMARY KEY \(account_id=\?\)$"
    r"|SEARCH (?!webhook_endpoints)\w+ USING PRIMARY KEY \(account_id=\? AND endpoint_id=\?\)$"
).search


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    path = Path(tmp_path_factory.mktemp("plans")) / "padron.db"
    sqlite.migrate(str(path))
    return open_connection(str(path))


def explain(file: apsw.Connection, statement: str) -> list[str]:
    numbered = [int(number) for number in re.findall(r"\?(\d+)", statement)]
    nothing = [None] * max(numbered, default=statement.count("?"))
    return [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {statement}", nothing)]


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_a_statement_finds_its_rows_by_an_index(file: apsw.Connection, name: str) -> None:
    walked = [step for step in explain(file, STATEMENTS[name]) if _walks(step)]
    assert bool(walked) is (name in WALK), walked


@pytest.mark.parametrize("name", ["plans: find_next_instant", "plans: list_due_accounts"])
def test_what_was_planned_and_done_long_ago_does_not_slow_the_look_for_what_is_due(
    file: apsw.Connection, name: str
) -> None:
    assert "planned_changes_next" in explain(file, STATEMENTS[name])[0]


def test_what_other_vehicles_went_through_does_not_slow_a_return(file: apsw.Connection) -> None:
    (step,) = explain(file, STATEMENTS["plans: find_later_statuses"])
    assert "changes_by_vehicle (account_id=? AND vehicle_id=? AND number>?)" in step


def test_what_other_vehicles_plan_does_not_slow_one_vehicle_s_list(file: apsw.Connection) -> None:
    steps = explain(file, STATEMENTS["plans: list_plans_of_vehicles"])
    assert any("planned_changes_by_vehicle (account_id=? AND vehicle_id=?" in step for step in steps)


@pytest.mark.parametrize("name", ["webhooks: list_due", "webhooks: find_next_due"])
def test_what_was_sent_long_ago_does_not_slow_what_is_due(file: apsw.Connection, name: str) -> None:
    (step,) = [step for step in explain(file, STATEMENTS[name]) if step.startswith("SEARCH d ")]
    assert "webhook_deliveries_pending" in step
