"""The schema is what the migrations add up to, and a program works with its own schema only."""

import asyncio
import json
from importlib.resources import files
from pathlib import Path

import apsw
import asyncpg
import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.query import VehicleQuery
from padron.domain.vehicle import FIELDS, fold_text
from padron.store import postgres, sqlite
from padron.store.postgres.engine import MIGRATIONS
from padron.store.sql.migrations import load_migrations
from padron.store.sql.statements import list_files, load_engine, load_statements
from padron.store.sqlite.engine import MIGRATIONS as SQLITE_MIGRATIONS
from tests.conftest import OpenStore
from tests.database import write
from tests.databases import STRAY_IDENTITIES
from tests.postgres import Postgres

# They would cost each status call of SQLite a tenth, and cost PostgreSQL nothing (docs/decisions/0022-list-order.md).
OF_POSTGRESQL_ALONE = {"vehicles_by_status_since", "vehicles_by_updated_at"}
# SQLite's index of grams is a virtual table, which triggers keep (docs/decisions/0066-search.md).
GRAMS = "search_texts_by_gram"
# What vehicles are found by is in a table of its own there (docs/decisions/0026-identities-apart.md).
FOUND_BY = ("by_vin", "by_plate", "duplicate")
IDENTITIES = 13
SORT_KEYS = next(migration.number for migration in MIGRATIONS if migration.name == "sort_keys")
MIGRATIONS_OF = {"sqlite": SQLITE_MIGRATIONS, "postgres": MIGRATIONS}
# Two that share a VIN, a former one, and one with a plate.
VEHICLES_OF_BEFORE = """
    INSERT INTO accounts (name, created_at) VALUES ('Acme', now());
    INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, revision,
        created_at, updated_at)
    SELECT 1, v.*, 1, now(), 'k', 1, now(), now()
    FROM (VALUES (1, 'A', 0, NULL), (2, 'A', 1, NULL), (3, 'B', -1, NULL), (4, 'C', 0, 'p4')) AS v
"""
VEHICLE_OF_BEFORE = """
    INSERT INTO accounts (name, created_at) VALUES ('Acme', {now});
    INSERT INTO vehicles (account_id, vehicle_id, vin, slot, plate, status, status_since, status_by, revision,
        created_at, updated_at)
    VALUES (1, {number}, 'V{number}', 0, NULL, 1, {now}, 'k', 1, {now}, {now});
    INSERT INTO versions (account_id, vehicle_id, began, is_former, valid_from, vin, details, {columns})
    VALUES (1, {number}, {number}, 0, {now}, 'V{number}', '{details}', {values})
"""

_COLUMNS = """
    SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        a.attstattarget, coalesce(l.collname, ''), coalesce(pg_get_expr(d.adbin, d.adrelid), ''), c.reloptions
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
    ORDER BY c.relname, a.attnum
"""
_RULES = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
    UNION ALL
    SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> coalesce(to_regclass('schema_migrations'), 0)
    UNION ALL
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1
"""


async def test_sqlites_schema_is_what_its_migrations_add_up_to(tmp_path: Path) -> None:
    def dump(path: Path) -> list[tuple[object, ...]]:
        file = apsw.Connection(str(path))
        try:
            return list(
                file.execute("SELECT type, name, sql FROM sqlite_schema WHERE name <> 'schema_migrations' ORDER BY 2")
            )
        finally:
            file.close()

    sqlite.migrate(str(tmp_path / "migrated.db"))
    whole = apsw.Connection(str(tmp_path / "whole.db"))
    whole.execute(files("padron.store.sqlite").joinpath("schema.sql").read_text("utf-8"))
    whole.close()
    assert dump(tmp_path / "migrated.db") == dump(tmp_path / "whole.db")


@pytest.mark.plain_postgres("Citus adds triggers and tables of its own")
async def test_postgresqls_schema_is_what_its_migrations_add_up_to(postgres_server: Postgres) -> None:
    async def dump(url: str, schema: str | None) -> list[list[asyncpg.Record]]:
        connection = await asyncpg.connect(url)
        if schema is not None:
            await connection.execute(schema)
        tables = [await connection.fetch(statement) for statement in (_COLUMNS, _RULES)]
        await connection.close()
        await postgres_server.drop_database(url)
        return tables

    schema = files("padron.store.postgres").joinpath("schema.sql").read_text("utf-8")
    migrated = await dump(await postgres_server.create_database(), None)
    whole = await dump(await postgres_server.create_database(migrated=False), schema)
    assert len(whole[0]) > len(FIELDS)
    assert migrated == whole


def test_both_engines_have_the_same_statements_in_the_same_order() -> None:
    packages = ("padron.store.sqlite", "padron.store.postgres")
    names = [list_files(package) for package in packages]
    assert names[0] == names[1]
    assert "sql/vehicles.sql" in names[0]
    for file in names[0]:
        assert list(load_statements("padron.store.sqlite", file)) == list(
            load_statements("padron.store.postgres", file)
        )


def test_both_engines_have_the_same_migrations() -> None:
    numbered = [
        [(migration.number, migration.name) for migration in load_migrations(f"padron.store.{engine}")]
        for engine in ("sqlite", "postgres")
    ]
    assert numbered[0] == numbered[1]


async def test_the_function_that_withdraws_work_does_what_the_statement_does(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database()
    connection = await asyncpg.connect(url)
    source = await connection.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'withdraw_work'")
    await connection.close()
    await postgres_server.drop_database(url)
    statement = load_engine("padron.store.postgres")["withdraw_work"]
    assert " ".join(source.split()) == " ".join(f"BEGIN {statement}; RETURN true; END".split())


async def test_both_engines_have_the_same_tables_columns_and_indexes(postgres_server: Postgres, tmp_path: Path) -> None:
    url = await postgres_server.create_database()
    connection = await asyncpg.connect(url)
    columns = {(row[0], row[2]) for row in await connection.fetch(_COLUMNS)}
    indexes = {row[0] for row in await connection.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    await connection.close()
    await postgres_server.drop_database(url)
    sqlite.migrate(str(tmp_path / "padron.db"))
    file = apsw.Connection(str(tmp_path / "padron.db"))
    tables = "SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c"
    apart = {column for column in columns if column[0] == "identities" or column == ("search_texts", "grams")}
    assert len(apart) == 6
    assert columns - apart == {row for row in file.execute(tables) if row[0] in {table for table, _ in columns}}
    named = {row[0] for row in file.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql <> ''")}
    there = {name for name in indexes if not name.endswith(("_pkey", "_key"))} - OF_POSTGRESQL_ALONE - {GRAMS}
    assert named - {f"vehicles_{way}" for way in FOUND_BY} == there - {f"identities_{way}" for way in FOUND_BY}
    assert len(named) == len(there)
    file.close()


async def test_a_newer_schema_is_refused(engine: str, database: str, open_store: OpenStore) -> None:
    await (await open_store()).close()
    await write(engine, database, "INSERT INTO schema_migrations (number, name) VALUES (999, 'later')")
    with pytest.raises(PadronError) as refusal:
        await open_store()
    assert refusal.value.code is Code.SCHEMA_MISMATCH
    assert "999" in refusal.value.detail


async def test_a_running_server_notices_a_newer_schema(engine: str, database: str, open_store: OpenStore) -> None:
    store = await open_store()
    await store.check()
    await write(engine, database, "INSERT INTO schema_migrations (number, name) VALUES (999, 'later')")
    with pytest.raises(PadronError) as refusal:
        await store.check()
    assert refusal.value.code is Code.SCHEMA_MISMATCH


@pytest.mark.parametrize(
    "statement", ["DELETE FROM schema_migrations", "DROP TABLE schema_migrations"], ids=["older", "none"]
)
async def test_postgresql_refuses_an_older_schema_and_names_the_command(
    postgres_server: Postgres, statement: str
) -> None:
    url = await postgres_server.create_database()
    await write("postgres", url, statement)
    with pytest.raises(PadronError) as refusal:
        await postgres.open_store(url)
    assert refusal.value.code is Code.SCHEMA_MISMATCH
    assert "padron migrate" in refusal.value.detail
    await postgres_server.drop_database(url)


async def test_migrating_is_all_or_nothing_and_a_dry_run_changes_nothing(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database(migrated=False)
    pending = await postgres.migrate(url, dry_run=True)
    assert [migration.number for migration in pending] == list(range(1, len(pending) + 1))
    # The table in the way makes a later statement of the migration fail, after it has made other tables.
    await write("postgres", url, "CREATE TABLE changes (number bigint)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await postgres.migrate(url)
    await write("postgres", url, "DROP TABLE changes")
    assert await postgres.migrate(url) == pending
    assert await postgres.migrate(url) == []
    await (await postgres.open_store(url)).close()
    await postgres_server.drop_database(url)


async def test_vehicles_of_before_are_found_after_the_migration_that_sets_identities_apart(
    postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await postgres_server.create_database(migrated=False)
    with monkeypatch.context() as earlier:
        earlier.setattr("padron.store.postgres.engine.MIGRATIONS", MIGRATIONS[: IDENTITIES - 1])
        await postgres.migrate(url)
    await write("postgres", url, VEHICLES_OF_BEFORE)
    assert (await postgres.migrate(url))[0].number == IDENTITIES
    connection = await asyncpg.connect(url)
    assert await connection.fetch(STRAY_IDENTITIES) == []
    await connection.close()
    store = await postgres.open_store(url)
    found = [await store.read(1).list_by_vin(vin) for vin in ("A", "B", "C")]
    assert [[vehicle.vehicle_id for vehicle in vehicles] for vehicles in found] == [[1, 2], [], [4]]
    for taken in ("1, 5, 'C', 0, NULL", "1, 5, 'D', 0, 'p4'"):
        with pytest.raises(asyncpg.UniqueViolationError):
            await write("postgres", url, f"INSERT INTO identities VALUES ({taken})")  # noqa: S608 - of above
    await store.close()
    await postgres_server.drop_database(url)


def test_a_dry_run_makes_no_sqlite_file(tmp_path: Path) -> None:
    path = tmp_path / "padron.db"
    pending = sqlite.migrate(str(path), dry_run=True)
    assert not path.exists()
    assert sqlite.migrate(str(path)) == pending
    assert sqlite.migrate(str(path), dry_run=True) == []


async def test_two_migrations_at_once_do_the_work_once(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database(migrated=False)
    both = await asyncio.gather(postgres.migrate(url), postgres.migrate(url))
    assert sorted(len(applied) for applied in both) == [0, len(load_migrations("padron.store.postgres"))]
    await postgres_server.drop_database(url)


@pytest.mark.long("postgres")
async def test_texts_of_before_are_found_and_sorted_after_the_migration_to_sort_keys(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Postgres | None = request.getfixturevalue("postgres_server") if engine == "postgres" else None
    database = str(tmp_path / "padron.db") if server is None else await server.create_database(migrated=False)

    async def migrate() -> None:
        await postgres.migrate(database) if server is not None else sqlite.migrate(database)

    with monkeypatch.context() as earlier:
        module = f"padron.store.{engine}.engine"
        earlier.setattr(f"{module}.MIGRATIONS", MIGRATIONS_OF[engine][: SORT_KEYS - 1])
        await migrate()
    texts = ["Unidad 10", "Unidad 2", "Álamo", "zorro", "alamo"]
    for number, text in enumerate(texts, start=1):
        folded = {field.column: fold_text(text) if field.is_text else "-1" for field in FIELDS} | {
            "plate": f"p{number}"
        }
        statement = VEHICLE_OF_BEFORE.format(
            now="now()" if server else "0",
            number=number,
            columns=", ".join(folded),
            values=", ".join(value if value == "-1" else f"'{value}'" for value in folded.values()),
            details=json.dumps({"customId": text, "observations": text, "plate": f"P{number}"}),
        )
        if number > 1:
            statement = statement.partition(";")[2]
        await write(engine, database, statement)
    await migrate()
    store = await (postgres.open_store(database) if server is not None else sqlite.open_store(database))
    for sort in ("customId", "observations"):
        rows = await store.read(1).list_vehicles(VehicleQuery(filters={}, sort=sort))
        assert [version.details[sort] for version, _ in rows] == ["alamo", "Álamo", "Unidad 2", "Unidad 10", "zorro"]
        for text in texts:
            found = await store.read(1).list_vehicles(VehicleQuery(filters={sort: text.upper()}))
            assert [version.details[sort] for version, _ in found] == [text]
    found = await store.read(1).list_vehicles(VehicleQuery(filters={"plate": "p2"}))
    assert [version.details["plate"] for version, _ in found] == ["P2"]
    await store.close()
    if server is not None:
        await server.drop_database(database)
