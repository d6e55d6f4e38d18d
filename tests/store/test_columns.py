"""A record's columns stand in the same order in its module and in every statement of both engines.

Who adds a column to a record is led by these tests to each statement that has to give or take it.
"""

import re
from importlib import import_module
from types import ModuleType

import pytest

from padron.store.port import Columns
from padron.store.sql.statements import load_engine
from tests.tables import each_row

PACKAGES = ("padron.store.sqlite", "padron.store.postgres")
NOUNS = (
    "gate_leases",
    "administration", "changes", "directory", "gate", "idempotency", "imports", "operations", "plans", "selections",
    "vehicles", "webhooks",
)  # fmt: skip
MODULES: dict[str, ModuleType] = {
    **{noun: import_module(f"padron.store.{noun}") for noun in NOUNS},
    "passkeys": import_module("padron.store.people.passkeys"),
    "people": import_module("padron.store.people.rows"),
    "views": import_module("padron.store.people.views"),
}
SENDING = ("webhooks.DELIVERY", "changes.FEED")  # a row of two records

# The statements that give a record's columns, in their order: each of them in both engines.
GIVEN: dict[str, tuple[str, ...]] = {
    "administration.ACT": ("list_acts",),
    "administration.OVERVIEW": ("find_overview",),
    "administration.API_KEY": ("list_api_keys", "find_api_key", "find_enabled_api_key", "find_enabled_api_keys"),
    "changes.DELETION": ("list_deletions",),
    "changes.FEED": ("list_request_changes", "find_later_changes"),
    "changes.FOLLOWED": ("list_changes",),
    "changes.HISTORY": ("list_history",),
    "directory.ACCOUNT": ("list_accounts", "find_account"),
    "gate.GATE": ("load_gate", "load_gate_of_one"),
    "gate.GATE_REFUSAL": ("list_refusals",),
    "gate_leases.FOUND_LEASE": ("load_gate_leases",),
    "idempotency.KEPT_KEY": ("lock_key",),
    "idempotency.KEY_TOTALS": ("add_key_totals",),
    "imports.IMPORT": ("lock_import", "list_open_imports", "list_imports", "find_import"),
    "imports.IMPORT_REFUSAL": ("list_import_refusals",),
    "operations.OPERATION": ("list_operations", "find_operation"),
    "operations.RESULT": ("load_results",),
    "operations.RESULT_ENTRY": ("list_run_results", "list_vehicle_results"),
    "operations.RUN": ("list_filling_runs", "lock_run", "find_run", "list_stalled_runs"),
    "operations.RUN_REFUSAL": ("list_run_refusals",),
    "operations.WORK": ("lock_expired", "lock_queued", "lock_work"),
    "passkeys.PASSKEY": ("find_passkey", "list_passkeys"),
    "people.ACCOUNT_MEMBER": ("list_members",),
    "people.CREDENTIALS": ("find_user_by_email", "lock_user"),
    "people.FOUND_SESSION": ("find_session",),
    "people.INVITATION": ("find_invitation",),
    "people.KEPT_SESSION": ("list_sessions",),
    "people.MEMBER": ("find_member",),
    "people.MEMBERSHIP": ("list_memberships", "list_enabled_memberships"),
    "people.NUMBERED_SIGN_IN": ("list_sign_ins_of_actor",),
    "people.USER": ("find_user", "list_users"),
    "plans.LATER_CHANGE": ("find_later_statuses",),
    "plans.PLAN": (
        "lock_due_plans", "lock_plan", "lock_returns", "lock_pending_of_request", "lock_pending_of_vehicle",
        "find_plan", "list_plans", "list_plans_by_state", "list_plans_of_request", "list_plans_of_vehicles",
    ),
    "plans.PLANNED_VEHICLE": ("lock_targets", "list_present"),
    "selections.SELECTED": ("list_selected", "list_selected_among"),
    "selections.SELECTION": ("lock_selection", "list_all_selections", "list_selections", "find_selection"),
    "selections.SELECTION_FAULT": ("list_selection_faults",),
    "vehicles.DUPLICATE": ("list_duplicates",),
    "vehicles.LISTED": ("list_vehicles", "list_past"),
    "vehicles.STATUS_TIME": ("sum_statuses",),
    "vehicles.VEHICLE": (
        "lock_by_vin", "lock_by_vins", "lock_by_plate", "lock_by_plates", "lock_former", "hold_vehicles", "list_by_vin",
        "lock_any_vehicle",
    ),
    "vehicles.VERSION": ("list_versions_by_vin",),
    "views.VIEW": ("list_views",),
    "webhooks.ATTEMPT": ("list_attempts",),
    "webhooks.DELIVERY": ("lock_deliveries",),
    "webhooks.ENDPOINT": ("lock_endpoint", "list_endpoints", "find_endpoint"),
}  # fmt: skip
GIVEN_TOGETHER = ("list_due", "list_deliveries", "list_deliveries_by_state", "find_delivery")

# The statements that take a record's columns as their parameters, after the account and what else comes first.
TAKEN: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "administration.EDITED_API_KEY": (("save_api_key", ("account_id",)),),
    "administration.NEW_API_KEY": (("insert_api_key", ("account_id",)),),
    "gate.GATE_REFUSAL": (("save_refusal", ("account_id",)),),
    "gate_leases.GATE_LEASE": (("insert_gate_lease", ("account_id",)),),
    "imports.IMPORT": (("insert_import", ("account_id",)), ("save_import", ("account_id",))),
    "imports.IMPORT_REFUSAL": (("insert_import_refusal", ("account_id", "import_id")),),
    "operations.CHANGED_WORK": (("update_work", ("account_id",)),),
    "operations.MOVED_RUN": (("update_run", ("account_id",)),),
    "operations.OPERATION": (("save_operation", ("account_id",)),),
    "operations.RESULT": (("insert_result", ("account_id",)),),
    "operations.RUN": (("insert_run", ("account_id",)),),
    "operations.RUN_REFUSAL": (("insert_run_refusal", ("account_id", "run_id", "place")),),
    "passkeys.PASSKEY": (("insert_passkey", ()),),
    "people.KEPT_SESSION": (("insert_session", ("token_sha256",)),),
    "people.MEMBER": (("insert_member", ()),),
    "people.SIGN_IN": (("insert_sign_in", ()),),
    "plans.ENDED_PLAN": (("end_plans", ("account_id",)),),
    "plans.PLAN": (("add_plans", ("account_id",)),),
    "selections.SELECTED": (
        ("insert_selected", ("account_id", "selection_id")),
        ("save_selected", ("account_id", "selection_id")),
    ),
    "selections.SELECTION": (("insert_selection", ("account_id",)), ("save_selection", ("account_id",))),
    "selections.SELECTION_FAULT": (("insert_selection_fault", ("account_id", "selection_id")),),
    "views.VIEW": (("save_view", ("account_id",)),),
    "webhooks.ATTEMPT": (("insert_attempt", ("account_id",)),),
    "webhooks.DELIVERY": (("put_delivery", ("account_id",)), ("save_delivery", ("account_id",))),
    "webhooks.ENDPOINT": (("insert_endpoint", ("account_id",)), ("save_endpoint", ("account_id",))),
}

_find_insert = re.compile(r"INSERT INTO \w+ \(([\w\s,]+)\)").search
_find_unnested = re.compile(r"unnest\(.*\)\s+AS \w+ \(([\w\s,]+)\)", re.DOTALL).search
_find_assigned = re.compile(r"(?<!\w)(?:\w\.)?(\w+) = [?$](\d+)").findall


def find_columns(name: str) -> tuple[str, ...]:
    module, _, constant = name.partition(".")
    columns = getattr(MODULES[module], constant)
    assert isinstance(columns, Columns)
    return columns.names


def list_given(statement: str) -> tuple[str, ...]:
    """Give the names of the columns of a statement's result: of its last SELECT that is in no bracket, or RETURNING."""
    flat = cut_brackets(statement)
    match = re.search(r".*(?:SELECT (?:DISTINCT )?|RETURNING )(.*?)(?: FROM |$)", " ".join(flat.split()))
    assert match is not None, statement
    return tuple(part.split()[-1].rpartition(".")[2] for part in match[1].split(","))


def cut_brackets(statement: str) -> str:
    """Give a statement without what is in brackets, which an alias follows wherever it is a column."""
    depth, kept = 0, []
    for sign in statement:
        depth -= sign == ")"
        if depth == 0:
            kept.append(sign)
        depth += sign == "("
    return "".join(kept)


def list_taken(statement: str) -> tuple[str, ...]:
    """Give the columns that a statement's parameters are for, in their order."""
    if match := _find_insert(statement):
        return tuple(name.strip() for name in match[1].split(","))
    if match := _find_unnested(statement):
        return ("account_id", *(name.strip() for name in match[1].split(",")))
    places = {int(number): name for name, number in _find_assigned(statement)}
    assert sorted(places) == list(range(1, len(places) + 1)), statement
    return tuple(places[number] for number in sorted(places))


@each_row("package", PACKAGES)
@each_row("record", GIVEN)
def test_statements_give_a_record_s_columns_in_its_order(package: str, record: str) -> None:
    statements = load_engine(package)
    given = {name: list_given(statements[name]) for name in GIVEN[record] if statements[name]}
    assert given == dict.fromkeys(given, find_columns(record))
    assert given


@pytest.mark.parametrize("package", PACKAGES)
def test_statements_that_give_two_records_give_one_after_the_other(package: str) -> None:
    statements = load_engine(package)
    both = tuple(name for record in SENDING for name in find_columns(record))
    assert {name: list_given(statements[name]) for name in GIVEN_TOGETHER} == dict.fromkeys(GIVEN_TOGETHER, both)


@each_row("package", PACKAGES)
@each_row("record", TAKEN)
def test_statements_take_a_record_s_columns_in_its_order(package: str, record: str) -> None:
    statements = load_engine(package)
    for name, first in TAKEN[record]:
        assert list_taken(statements[name]) == (*first, *find_columns(record)), name


def test_every_record_is_given_or_taken_by_a_statement() -> None:
    declared = {
        f"{noun}.{name}"
        for noun, module in MODULES.items()
        for name, value in vars(module).items()
        if isinstance(value, Columns) and not any(value is vars(other).get(name) for other in _list_before(module))
    }
    assert declared == GIVEN.keys() | TAKEN.keys()


def _list_before(module: ModuleType) -> list[ModuleType]:
    """Give the modules that may have lent a record to this one."""
    return [other for noun, other in MODULES.items() if other is not module and noun in {"changes", "vehicles"}]


def test_a_row_with_more_columns_or_fewer_is_noticed() -> None:
    columns = Columns("a", "b")
    assert columns.name((1, 2)) == {"a": 1, "b": 2}
    assert columns.order({"b": 2, "a": 1}) == (1, 2)
    for row in ((1,), (1, 2, 3)):
        with pytest.raises(ValueError, match="zip"):
            columns.name(row)
    with pytest.raises(ValueError, match="missing or unknown: b"):
        columns.order({"a": 1})
    with pytest.raises(ValueError, match="missing or unknown: c"):
        columns.order({"a": 1, "b": 2, "c": 3})
