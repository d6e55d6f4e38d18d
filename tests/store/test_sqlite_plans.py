"""What SQLite's planner makes of our statements: none walks through all that an account ever had.

There are no statistics in the file, so the plans are the same whatever is in it.
"""

import re
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from padron.domain.query import FILTER_FIELDS, SORT_FIELDS, TIME_SORTS, Position, VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import FIELDS, FIELDS_BY_NAME
from padron.store import sqlite
from padron.store.sql.listing import build_list, build_page, build_sums
from padron.store.sql.searching import Proposal, build_sift, build_walk, look_by_tokens, propose_by_tokens
from padron.store.sql.statements import list_files, load_statements
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.port import DIALECT, SQL

TEMPLATES = {
    "list_vehicles", "list_past", "sum_statuses", "propose_vehicles", "propose_more", "sift_vehicles", "count_listed",
    "choose_among",
}  # fmt: skip
STATEMENTS = {
    f"{Path(file).stem}: {name}": statement
    for file in list_files("padron.store.sqlite")
    if file != "sql/doctor.sql"  # its statements mean every row of a portion, or of an account
    for name, statement in load_statements("padron.store.sqlite", file).items()
    # Templates, and a name that only the other engine fills.
    if statement and name not in TEMPLATES
}
# Tables that stay short, statements that mean every row, and one that takes the first of an index. With each new
# account goes a look for its children.
WALK = {
    "administration: count_keys",
    "administration: delete_ended_keys",
    "administration: find_overview",
    "administration: insert_act",  # takes the last of an index
    "administration: list_api_keys",
    "archives: clear_changes",  # vehicles of a portion
    "archives: find_needed_by_webhooks",  # of endpoints, of which an account has few
    "archives: find_portion",  # a portion
    "imports: drop_old_mappings",  # of mappings, of which an account keeps few
    "imports: list_waiting_imports",  # an index of what has not ended
    "imports: survey_imports",
    "passkeys: insert_passkey_challenge",  # counts all challenges, of which there is a bounded number
    "openid: insert_pending_sign_in",  # counts the sign-ins under way, of which there is a bounded number
    "orders: list_accounts_to_follow",  # of counters, of which an account has one
    "orders: forget_order_marks",
    "orders: count_not_active",  # up to a limit
    "orders: find_disorder",  # a portion
    "orders: list_portion",
    "orders: survey_changes",
    "operations: count_queued_runs",  # of operations, of which an account has few
    "operations: list_operations",
    "plans: find_next_instant",
    "plans: survey_plans",  # counts what is pending, up to a limit
    "directory: find_epoch",  # a table of one row
    "directory: insert_account",
    "directory: list_accounts",
    "directory: list_usable_secrets",
    "erasure: empty_attempts",  # of an account's few endpoints
    "erasure: erase_import_refusals",  # a maximum is kept of each import
    "gate: list_refusals",
    "gate_leases: clear_gate_leases",
    "gate_leases: count_gate_leases",  # of leases, of which an account has few
    "gate_leases: mark_gate_leases",
    "directory: release_endpoints",
    "directory: renew_epoch",
    "directory: try_to_write",
    "people: count_members",  # of members, of which an account has a bounded number
    "people: count_other_owners",
    "people: list_members",
    "search: sample_texts",  # takes the first and the last of an index
    "selections: list_all_selections",  # of which an account has few
    "selections: list_expired_selections",
    "selections: list_waiting_selections",  # an index of what has not ended
    "selections: survey_selections",
    "sessions: count_sessions",  # up to a limit
    "sessions: list_sign_in_addresses",  # in a person's last events, of which it takes a bounded number
    "sessions: list_sign_ins_of_account",
    "statuses: count_by_status",  # an index of the vehicles that are not active
    "views: forget_choices",  # of people, of whom an account has few
    "views: list_views",
    "webhooks: count_endpoints",
    "webhooks: count_marks",
    "webhooks: delete_deliveries",
    "webhooks: delete_endpoint",
    "webhooks: has_endpoints",
    "webhooks: list_endpoints",
    "webhooks: list_ready",
    "webhooks: renew_leases",
    "webhooks: survey_deliveries",
    "webhooks: survey_endpoints",
    # The first rows of what an account has, of which each statement takes a portion.
    "removal: remove_account",
    "removal: remove_administration",
    "removal: remove_api_keys",
    "removal: remove_changes",
    "removal: remove_chosen_views",
    "removal: remove_gate_leases",
    "removal: remove_gate_refusals",
    "removal: remove_import_mappings",
    "removal: remove_import_refusals",
    "removal: remove_known_people",
    "removal: remove_last_changes",
    "removal: remove_members",
    "removal: remove_operations",
    "removal: remove_provided_members",
    "removal: remove_refusals",
    "removal: remove_saved_views",
    "removal: remove_search_texts",
    "removal: remove_selected_vehicles",
    "removal: remove_selection_faults",
    "removal: remove_selections",
    "removal: remove_vehicles",
    "removal: remove_versions",
    "removal: remove_webhook_attempts",
    "removal: remove_webhook_deliveries",
    "removal: remove_webhook_endpoints",
    "removal: remove_work",
}

_walks = re.compile(
    r"SCAN (?!json_each|CONSTANT|search|asked|counted|open_runs|accounts USING INDEX accounts_disabled)"
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


def test_a_statement_finds_its_rows_by_an_index(file: apsw.Connection) -> None:
    assert len(STATEMENTS) > 300
    assert {*STATEMENTS} >= WALK
    for name, statement in STATEMENTS.items():
        walked = [step for step in explain(file, statement) if _walks(step)]
        assert bool(walked) is (name in WALK), (name, walked)


def test_vehicles_without_a_fellow_do_not_slow_the_list_of_duplicates(file: apsw.Connection) -> None:
    (step,) = [
        step for step in explain(file, STATEMENTS["duplicates: list_duplicates"]) if step.startswith("SEARCH d ")
    ]
    assert "vehicles_duplicate (account_id=? AND vin>?)" in step


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


LIST = SQL["list_vehicles"]
NO_FILTER: dict[str, str | int] = {}
QUERIES = {
    "all": VehicleQuery(filters=NO_FILTER),
    **{f"of {name}": VehicleQuery(filters=NO_FILTER, status=VehicleStatus[name]) for name in ("SOLD", "INFO_CHANGED")},
    "operational": VehicleQuery(filters=NO_FILTER, operational=True),
    "not operational": VehicleQuery(filters=NO_FILTER, operational=False),
    **{f"by {sort}": VehicleQuery(filters=NO_FILTER, sort=sort) for sort in SORT_FIELDS},
    **{f"with {name}": VehicleQuery(filters={name: 1}) for name in ("vin", *FILTER_FIELDS)},
    **{f"with any {name}": VehicleQuery(filters={name: (1, 2, 3)}) for name in ("vin", *FILTER_FIELDS)},
    **{f"by and with any {name}": VehicleQuery(filters={name: (1, 2, 3)}, sort=name) for name in FILTER_FIELDS},
}
# More than the filled page is sorted: all of the narrow rows, of which the first are kept; the pages of seven more
# statuses; and those of two more values.
SORTS_MORE = {
    "by statusSince": 1,
    "by updatedAt": 1,
    "not operational": 7,
    **{f"with any {name}": 2 for name in ("vin", *FILTER_FIELDS)},
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_a_page_of_the_list_walks_along_an_index(file: apsw.Connection, *, descending: bool, deep: bool) -> None:
    for name, asked in QUERIES.items():
        query = replace(asked, descending=descending)
        if deep:
            query = replace(query, after=Position(key=1, vehicle_id=5, began=5))
        steps = explain(file, build_list(LIST, 1, query, DIALECT).text)
        assert sum("USE TEMP B-TREE" in step for step in steps) == 1 + SORTS_MORE.get(name, 0), (name, steps)
        assert not [step for step in steps if "AUTOMATIC" in step], (name, steps)
        first = next(step for step in steps if step.startswith(("SEARCH v ", "SEARCH h ")))
        if name not in {"by statusSince", "by updatedAt", "operational"}:
            assert not first.endswith("USING PRIMARY KEY (account_id=?)"), (name, steps)


@pytest.mark.parametrize("descending", [False, True])
def test_a_proposal_follows_the_index_of_grams_in_its_order(file: apsw.Connection, *, descending: bool) -> None:
    proposal = Proposal(
        account_id=1, words=["abcd", "c"], grams=[1, 2], after=5, before=900, descending=descending, limit=50
    )
    steps = explain(file, propose_by_tokens(SQL["propose_vehicles"], proposal, DIALECT).text)
    # FTS5 takes the question and both ends of the ids, and sorts nothing. Each text is looked up by its id.
    (index,) = [step for step in steps if step.startswith("SCAN search_index")]
    assert re.fullmatch(r"SCAN search_index VIRTUAL TABLE INDEX \d+:M1><", index), index
    assert [step for step in steps if step.startswith("SEARCH")] == [
        "SEARCH s USING PRIMARY KEY (account_id=? AND vehicle_id=?)"
    ]
    assert not [step for step in steps if "TEMP B-TREE" in step or "AUTOMATIC" in step], steps


def test_a_look_at_the_index_of_grams_reads_nothing_else(file: apsw.Connection) -> None:
    steps = explain(file, look_by_tokens(SQL["propose_more"], 1, [1, 2], 100).text)
    assert [step for step in steps if re.fullmatch(r"SCAN search_index VIRTUAL TABLE INDEX \d+:M1><", step)]
    assert not [step for step in steps if "search_texts" in step or step.startswith("SEARCH")], steps


@pytest.mark.parametrize("deep", [False, True])
def test_a_page_of_inactive_vehicles_by_an_instant_reads_one_index_alone(file: apsw.Connection, *, deep: bool) -> None:
    some = frozenset({VehicleStatus.SOLD, VehicleStatus.INACTIVE})
    for sort in ("statusSince", "updatedAt"):
        asked = VehicleQuery(
            filters=NO_FILTER, sort=sort, after=Position(key=1, vehicle_id=5, began=0) if deep else None
        )
        for query in (
            replace(asked, status=VehicleStatus.SOLD),
            replace(asked, statuses=some, descending=True),
            replace(asked, operational=False),
        ):
            page = build_page(1, query, DIALECT).text
            read = [step for step in explain(file, page) if step.startswith(("SEARCH", "SCAN h", "SCAN v"))]
            assert read == ["SEARCH h USING COVERING INDEX vehicles_by_status (account_id=? AND status=?)"], query


@pytest.mark.parametrize("status", [None, VehicleStatus.SOLD])
def test_a_page_of_proposed_vehicles_looks_up_each_by_its_id(
    file: apsw.Connection, status: VehicleStatus | None
) -> None:
    for sort in (None, *SORT_FIELDS):
        query = VehicleQuery(filters={"brandName": "x"}, sort=sort, status=status, among=[1, 2])
        plan = explain(file, build_list(LIST, 1, query, DIALECT).text)
        steps = [step for step in plan if not step.startswith("SCAN p")]
        tables = [step for step in steps if step.startswith(("SEARCH", "SCAN")) and "json_each" not in step]
        assert {step.partition(" USING ")[2].partition(" ")[2] for step in tables} <= {
            "KEY (account_id=? AND vehicle_id=?)", "INDEX versions_current (account_id=? AND vehicle_id=?)",
            "versions_current (account_id=? AND vehicle_id=?)",
            "INDEX versions_by_brand_name (account_id=? AND is_former=? AND brand_name=? AND vehicle_id=?)",
            "versions_by_brand_name (account_id=? AND is_former=? AND brand_name=? AND vehicle_id=?)",
        }, (sort, steps)  # fmt: skip
        if sort in TIME_SORTS:  # their rows are the narrow ones
            assert "versions" not in build_page(1, replace(query, filters=NO_FILTER), DIALECT).text


def test_vehicles_of_a_page_by_an_instant_are_looked_up_by_their_ids(file: apsw.Connection) -> None:
    for sort in TIME_SORTS:
        for asked in (
            VehicleQuery(filters=NO_FILTER, sort=sort, among=[1], after=Position(key=7, vehicle_id=7, began=7)),
            VehicleQuery(filters=NO_FILTER, sort=sort, among=[1], status=VehicleStatus.SOLD),
            VehicleQuery(filters=NO_FILTER, sort=sort, among=[1], operational=True),
            VehicleQuery(filters={"brandName": ("x", "y"), "doors": 3}, sort=sort, among=[1], operational=False),
        ):
            steps = explain(file, build_list(SQL["choose_among"], 1, asked, DIALECT).text)
            tables = [step for step in steps if re.match(r"SEARCH [hv] ", step)]
            assert tables, steps
            for step in tables:
                assert "vehicle_id=?" in step, (asked, steps)


def test_a_sift_walks_as_the_list_does_and_looks_up_texts_by_id(file: apsw.Connection) -> None:
    for sort in (None, *SORT_FIELDS):
        query = VehicleQuery(filters=NO_FILTER, sort=sort, words=("a", "b"))
        steps = explain(file, build_sift(SQL["sift_vehicles"], 1, query, 1_000, 1, DIALECT).text)
        (text,) = [step for step in steps if step.startswith("SEARCH s ")]
        assert text == "SEARCH s USING PRIMARY KEY (account_id=? AND vehicle_id=?)", sort
        assert not [step for step in steps if "AUTOMATIC" in step], (sort, steps)


@pytest.mark.parametrize("deep", [False, True])
def test_vehicles_among_many_are_met_by_a_walk_along_the_index_alone(file: apsw.Connection, *, deep: bool) -> None:
    for field in FIELDS:
        after = Position(key="x" if field.is_text else 3, vehicle_id=5, began=0) if deep else None
        query = VehicleQuery(filters=NO_FILTER, sort=field.name, among=[1, 2], after=after)
        statement = build_walk(LIST, 1, query, 1_000, DIALECT).text
        assert "UNION ALL" not in statement  # no part for vehicles without a value, which may look at all
        steps = explain(file, statement)
        (walked,) = [step for step in steps if "versions_by_" in step]
        assert walked.startswith(f"SEARCH v USING COVERING INDEX versions_by_{field.column} "), steps
        assert sum("USE TEMP B-TREE" in step for step in steps) == 1, steps  # the page itself


ORDERED = {"SEARCH v USING PRIMARY KEY (account_id=?)", "SCAN s", "SCAN p"}  # in order of ids, until the page is full


def test_a_list_of_the_past_finds_values_and_changes_by_their_indexes(file: apsw.Connection) -> None:
    for name in (None, "vin", *FILTER_FIELDS):
        value: str | int = 1 if name in {"doors", "stateId"} else "x"
        query = VehicleQuery(filters={} if name is None else {name: value}, status=VehicleStatus.SOLD, up_to=9)
        statement, _ = build_list(SQL["list_past"], 1, query, DIALECT)
        column = "vin" if name in {None, "vin"} else FIELDS_BY_NAME[name].column
        steps = explain(file, statement)
        first = next(step for step in steps if step.startswith("SEARCH v "))
        assert first in ORDERED if name is None else f"USING INDEX versions_by_{column} (" in first, (name, steps)
        assert all("changes_by_vehicle" in step for step in steps if step.startswith("SEARCH c ")), (name, steps)


def test_sums_look_at_the_chosen_vehicles_changes_alone(file: apsw.Connection) -> None:
    for filters in ({}, {"ownerName": "x"}):
        statement, _ = build_sums(SQL["sum_statuses"], [1, 9, 5, 0, 1, 0, 50], filters, DIALECT)
        steps = explain(file, statement)
        assert {step[:8] for step in steps if "changes_by_vehicle" in step} == {"SEARCH c", "SEARCH b"}
        assert not [step for step in steps if step.startswith(("SEARCH c USING PRIMARY", "SEARCH b USING PRIMARY"))]


@pytest.mark.parametrize(
    "name, index",
    [("list_history", "changes_by_vehicle (account_id=? AND vehicle_id=? AND number<?)"),
     ("list_request_changes", "changes_by_request (request_id=? AND account_id=? AND number>?)"),
     ("list_deletions", "changes_deleted (account_id=? AND number>? AND number<?)")],
)  # fmt: skip
def test_what_else_is_in_the_record_does_not_slow_a_history_or_what_a_request_did(
    file: apsw.Connection, name: str, index: str
) -> None:
    assert any(f"USING INDEX {index}" in step for step in explain(file, STATEMENTS[f"changes: {name}"]))


def test_what_other_vehicles_went_through_does_not_slow_an_undo(file: apsw.Connection) -> None:
    (step,) = [
        step for step in explain(file, STATEMENTS["changes: find_later_changes"]) if step.startswith("SEARCH c ")
    ]
    assert "changes_by_vehicle (account_id=? AND vehicle_id=? AND number>?)" in step
