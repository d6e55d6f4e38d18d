"""Check that migrations since number 19 say what they mean for an older program, and that expansions only add.

An older program goes on working on a database whose newer migrations are all expansions. So an expansion must not
touch what the older program reads, and must take every row that the older program writes.
"""

import re
import sys
import textwrap
from collections.abc import Iterator

from padron.store.sql.migrations import Migration, MigrationKind, load_migrations

SHOWN_MAX = 60  # characters of a statement
MARKED_SINCE = 19  # the ones before are older than the first release
ENGINES = ("padron.store.sqlite", "padron.store.postgres")


_MARKS = {f"-- {kind}" for kind in MigrationKind}
_TEXTS = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_SPACES = re.compile(r"\s+")
_MADE_TABLE = re.compile(r"create table (?:if not exists )?(\w+)")
_ADDED_COLUMN = re.compile(r"\badd (?:column )?(?:if not exists )?(?!column\b|constraint\b|check\b|if\b)(\w+) ([^,]*)")
_COLUMN_RULE = re.compile(r"\b(?:check|unique|references|primary key)\b")

# What an expansion must not do, and why. Each is looked for in one statement, in small letters.
_FORBIDDEN = (
    (re.compile(r"\bdrop\b"), "takes something away"),
    (re.compile(r"\brename\b"), "renames something"),
    (re.compile(r"^(?:truncate|delete|update|merge)\b"), "changes rows that are there"),
    (re.compile(r"\balter column \w+ (?:set not null|type|set data type)\b"), "narrows or changes a column"),
    (re.compile(r"\badd (?:constraint|check|unique|primary key|foreign key|exclude)\b"), "adds a rule for rows"),
    (re.compile(r"^create (?:or replace |constraint )*trigger\b"), "adds a trigger"),
    (re.compile(r"^(?:revoke|alter role|reassign)\b"), "takes a right away"),
    (re.compile(r"^do\b"), "runs code that this check cannot read"),
)
# A register that is spread over a cluster is migrated, too, and Citus refuses this for its tables.
_SETS_STATISTICS = re.compile(r"\bset statistics\b")
_UNIQUE_INDEX = re.compile(r"^create unique index .*? on (?:only )?(\w+)")


def list_statements(sql: str) -> list[str]:
    """Give the statements of a migration in small letters, without comments and texts, each on one line."""
    bare = _TEXTS.sub(lambda match: "''" if match[0].startswith("'") else " ", sql).lower()
    return [line for part in bare.split(";") if (line := _SPACES.sub(" ", part).strip())]


def find_faults(migration: Migration) -> Iterator[str]:
    """Give a sentence for everything in a migration that its mark does not allow, or for a missing mark."""
    first = migration.sql.partition("\n")[0].strip()
    if first not in _MARKS:
        yield "has no mark: its first line must be `-- expand` or `-- contract`."
        return
    statements = list_statements(migration.sql)
    if any(_SETS_STATISTICS.search(statement) for statement in statements):
        yield "sets the statistics of a column, which a cluster refuses."
    if migration.kind is MigrationKind.CONTRACT:
        return
    made = {match[1] for statement in statements if (match := _MADE_TABLE.match(statement))}
    for statement in statements:
        shown = textwrap.shorten(statement, SHOWN_MAX, placeholder=" ...")
        for what in (*_find_changes(statement, made), *_find_bad_columns(statement)):
            yield f"{what}, so it is no expansion: {shown}"


def _find_changes(statement: str, made: set[str]) -> Iterator[str]:
    for pattern, what in _FORBIDDEN:
        if pattern.search(statement):
            yield what
    unique = _UNIQUE_INDEX.match(statement)
    if unique and unique[1] not in made:
        yield "adds a rule for rows"


def _find_bad_columns(statement: str) -> Iterator[str]:
    """Look at each column that a statement adds to a table: an older program writes rows without it."""
    for name, rest in _ADDED_COLUMN.findall(statement) if statement.startswith("alter table") else ():
        if "not null" in rest and "default" not in rest:
            yield f"adds the column {name} without a default"
        if _COLUMN_RULE.search(rest):
            yield f"adds the column {name} with a rule for rows"


def check_all() -> Iterator[str]:
    """Give a sentence for each fault in the migrations of both engines, and for each difference between them."""
    kinds = []
    for package in ENGINES:
        migrations = [one for one in load_migrations(package) if one.number >= MARKED_SINCE]
        kinds.append({(one.number, one.name): one.kind for one in migrations})
        for migration in migrations:
            name = f"{package}: {migration.number:04d}_{migration.name}.sql"
            yield from (f"{name} {fault}" for fault in find_faults(migration))
    for key in sorted({*kinds[0], *kinds[1]}):
        if kinds[0].get(key) is not kinds[1].get(key):
            number, name = key
            yield f"{number:04d}_{name}.sql is not the same kind of migration in both engines."


def main() -> int:
    """Print every fault and give the exit status: 1 if there is one."""
    faults = [*check_all()]
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults in migrations.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
