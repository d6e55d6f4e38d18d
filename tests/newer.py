"""A program that is newer than this one, as far as the database can tell: it has more migrations."""

import re
from importlib.resources import files

import pytest

from padron.store import postgres, sqlite
from padron.store.postgres import engine as postgres_engine
from padron.store.sql.migrations import Migration, MigrationKind
from padron.store.sqlite import engine as sqlite_engine

_find_tables = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE).findall


async def migrate_further(
    engine: str, database: str, monkeypatch: pytest.MonkeyPatch, *kinds: MigrationKind
) -> list[Migration]:
    """Apply one more migration of each kind, as a newer program would, and give them."""
    module = sqlite_engine if engine == "sqlite" else postgres_engine
    known: list[Migration] = module.MIGRATIONS
    newer = [_make_migration(engine, len(known) + place, kind) for place, kind in enumerate(kinds, 1)]
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", [*known, *newer])
        applied = sqlite.migrate(database) if engine == "sqlite" else await postgres.migrate(database)
    assert applied == newer[-len(applied) :]
    return newer


def _make_migration(engine: str, number: int, kind: MigrationKind) -> Migration:
    """Give a migration that adds to every table that a program reads or writes."""
    schema = files(f"padron.store.{engine}").joinpath("schema.sql").read_text("utf-8")
    lines = [f"-- {kind}", f"CREATE TABLE newer_{number} (id integer PRIMARY KEY);"]
    for table in _find_tables(schema):
        lines += [
            f"ALTER TABLE {table} ADD COLUMN newer_text_{number} text;",
            f"ALTER TABLE {table} ADD COLUMN newer_count_{number} integer NOT NULL DEFAULT 0;",
        ]
    return Migration(number=number, name=f"newer_{number}", kind=kind, sql="\n".join(lines))
