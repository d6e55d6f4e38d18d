"""Migrations since number 19 are marked, and one that is marked as an expansion only adds."""

import pytest

from padron.store.sql.migrations import Migration, MigrationKind, find_kind
from tests.tables import each_row
from tools.check_migrations import check_all, find_faults

ADDITIONS = {
    "a column that may be empty": "ALTER TABLE vehicles ADD COLUMN note text",
    "a column with a default": "ALTER TABLE vehicles ADD COLUMN note text NOT NULL DEFAULT 'x; DROP TABLE y'",
    "a table with its rules and its index": (
        "CREATE TABLE notes (id bigint PRIMARY KEY, kind int NOT NULL CHECK (kind > 0));\n"
        "CREATE UNIQUE INDEX notes_by_kind ON notes (kind)"
    ),
    "an index": "CREATE INDEX vehicles_by_note ON vehicles (account_id, note)",
    "two columns": "ALTER TABLE vehicles ADD COLUMN a text, ADD COLUMN b integer NOT NULL DEFAULT 0",
    "a comment that names another word": "-- drop nothing\nCREATE TABLE notes (id bigint)",
}
CHANGES = {
    "a dropped table": "DROP TABLE notes",
    "a dropped column": "ALTER TABLE vehicles DROP COLUMN note",
    "a dropped index": "drop index vehicles_by_note",
    "a renamed column": "ALTER TABLE vehicles RENAME COLUMN note TO remark",
    "a renamed table": "ALTER TABLE vehicles\n  RENAME TO cars",
    "a column that must be given": "ALTER TABLE vehicles ADD COLUMN note text NOT NULL",
    "the second of two columns": "ALTER TABLE vehicles ADD COLUMN a text, ADD b integer NOT NULL",
    "a column with a rule": "ALTER TABLE vehicles ADD COLUMN note text CHECK (note <> '')",
    "a column that is narrowed": "ALTER TABLE vehicles ALTER COLUMN note SET NOT NULL",
    "another type": "ALTER TABLE vehicles ALTER COLUMN note TYPE integer",
    "a rule": "ALTER TABLE vehicles ADD CONSTRAINT positive CHECK (slot >= 0)",
    "a unique index": "CREATE UNIQUE INDEX vehicles_by_note ON vehicles (note)",
    "rows that are changed": "UPDATE vehicles SET note = ''",
    "rows that go": "CREATE TABLE notes (id bigint);\nDELETE FROM vehicles",
    "a trigger": "CREATE TRIGGER noting AFTER INSERT ON vehicles BEGIN SELECT 1; END",
    "code": "DO $$ BEGIN END $$",
}


def make_migration(sql: str) -> Migration:
    return Migration(number=19, name="next", kind=find_kind(sql), sql=sql)


@each_row("case", ADDITIONS)
def test_an_expansion_may_add(case: str) -> None:
    assert [*find_faults(make_migration(f"-- expand\n{ADDITIONS[case]};\n"))] == []


@each_row("case", CHANGES)
def test_an_expansion_may_not_change_what_is_there_and_a_contraction_may(case: str) -> None:
    faults = [*find_faults(make_migration(f"-- expand\n{CHANGES[case]};\n"))]
    assert faults
    assert all("so it is no expansion" in fault for fault in faults)
    assert [*find_faults(make_migration(f"-- contract\n{CHANGES[case]};\n"))] == []


@pytest.mark.parametrize("kind", ["expand", "contract"])
def test_no_migration_sets_statistics_which_a_cluster_refuses(kind: str) -> None:
    sql = f"-- {kind}\nALTER TABLE work\n  ALTER COLUMN state SET STATISTICS 0;"
    assert "sets the statistics of a column, which a cluster refuses." in find_faults(make_migration(sql))


@pytest.mark.parametrize("sql", ["CREATE TABLE notes (id bigint);", "-- Expand\nCREATE TABLE notes (id bigint);", ""])
def test_a_migration_without_a_mark_is_named_and_counts_as_a_contraction(sql: str) -> None:
    (fault,) = find_faults(make_migration(sql))
    assert "has no mark" in fault
    assert find_kind(sql) is MigrationKind.CONTRACT


def test_all_migrations_of_both_engines_pass() -> None:
    assert [*check_all()] == []
