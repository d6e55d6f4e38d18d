"""Fills a database with any number of vehicles or changes by the engine's own statements, to measure large sizes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from bench.fleet import Listed
from padron.config import read_settings
from padron.domain.account import Scope
from padron.service import accounts
from padron.store.postgres.search_texts import fill_search_texts
from padron.store.sql.statements import load_statements
from padron.store.sqlite.connection import add_functions
from padron.wiring import migrate_database, open_runtime

CHUNK = 200_000
FILLED_TABLES = ["vehicles", "identities", "versions", "changes"]
# Values of a vehicle by its running number {n}: few to many different ones, so that filters find many or few vehicles.
VALUES = {
    "customId": "'c' || {n}",
    "plate": "'p' || {n}",
    "stateId": "{n} % 32",
    "brandName": "'brand ' || ({n} % 20)",
    "modelName": "'model ' || ({n} % 500)",
    "country": "'country ' || ({n} % 3)",
    "type": "'type ' || ({n} % 8)",
    "doors": "2 + {n} % 4",
    "vehicleColor": "'colour ' || ({n} % 12)",
    "ownerName": "'owner ' || ({n} % 5000)",
    "status": "CASE WHEN {n} % 10 = 0 THEN 3 + {n} / 10 % 7 ELSE 1 END",
}
_SQL = load_statements("bench", "bulk.sql")
_COUNT = "(WITH RECURSIVE s (n) AS (SELECT {} UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s) AS s"

Execute = Callable[[str], None]


def make_vin(number: int) -> str:
    """Give the VIN of the vehicle with this running number."""
    return f"3PADRN00X0{number:07d}"


class Engine:
    """What the two engines write differently: series of numbers, instants, JSON, padding."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")

    def write(self, names: Sequence[str], start: int, last: int, n: str, **more: object) -> str:
        """Give the statements of these names for a range; ``n`` is the expression of a vehicle's running number."""
        if self.is_sqlite:
            own = {"rows": _COUNT.format(start, last), "now": str(time.time_ns() // 1000), "json": "json_object"}
            padded = f"printf('%07d', {n})"
        else:
            rows = f"generate_series({start}::bigint, {last}::bigint) AS s (n)"
            own = {"rows": rows, "now": "now()", "json": "json_build_object"}
            padded = f"lpad(({n})::text, 7, '0')"
        values = {name: expression.format(n=n) for name, expression in VALUES.items()}
        given = {**values, **own, "vin": f"'3PADRN00X0' || {padded}", **more}
        return ";\n".join(_SQL[name].format(**given) for name in names)

    def list_indexes(self, tables: Sequence[str]) -> dict[str, str]:
        """Give the names and definitions of these tables' indexes, without those of their keys."""
        if self.is_sqlite:
            file = apsw.Connection(str(Path(self.url.removeprefix("sqlite:///"))))
            asked = ", ".join("?" * len(tables))
            rows = file.execute(
                f"SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql <> '' AND tbl_name IN ({asked})",  # noqa: S608
                tables,
            ).fetchall()
            file.close()
            return {str(name): str(definition) for name, definition in rows}
        return asyncio.run(_list_indexes(self.url, tables))

    def fill_search_texts(self) -> None:
        """Fill what vehicles are found in, by what a migration of vehicles of before does."""
        if not self.is_sqlite:
            asyncio.run(_fill_search_texts(self.url))
            return
        file = apsw.Connection(str(Path(self.url.removeprefix("sqlite:///"))))
        file.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")
        add_functions(file)
        file.execute(_SQL["fill_search_texts"])
        file.close()

    def open(self) -> Execute:
        """Give what runs statements, each durable by itself; on SQLite with a large cache."""
        if not self.is_sqlite:
            return lambda statement: asyncio.run(_execute(self.url, statement))
        file = apsw.Connection(str(Path(self.url.removeprefix("sqlite:///"))))
        file.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000")
        return lambda statement: _execute_file(file, statement)


def fill_vehicles(url: str, account_count: int, vehicles: int, say: Callable[[str], None]) -> list[Listed]:
    """Make accounts with ``vehicles`` vehicles in all; give their keys and VINs."""
    listed = asyncio.run(_make_accounts(url, account_count))
    engine, each = Engine(url), vehicles // account_count
    execute, began = engine.open(), time.perf_counter()
    indexes = _drop_indexes(engine, execute, FILLED_TABLES) if vehicles > CHUNK else {}
    for place, account in enumerate(listed):
        first = place * each
        account["vins"] = [make_vin(first + number) for number in range(each)]
        for start in range(0, each, CHUNK):
            last = min(start + CHUNK, each) - 1
            apart = () if engine.is_sqlite else ("insert_identities",)
            names = ("insert_vehicles", *apart, "insert_versions", "insert_registrations", "set_counter")
            counted = {"last_change": last + 1, "vehicle_count": last + 1}
            execute(engine.write(names, start, last, f"({first} + s.n)", account=place + 1, **counted))
            if each > CHUNK:
                done = first + last + 1
                say(f"{done:,} vehicles, {done / (time.perf_counter() - began):,.0f}/s")
    _make_indexes(execute, indexes, say)
    say("the texts of the search")
    engine.fill_search_texts()
    _settle(engine, execute)
    return listed


def fill_history(url: str, account: int, each: int, changes: int, say: Callable[[str], None]) -> None:
    """Add status changes to one account, vehicle after vehicle, over and over."""
    engine = Engine(url)
    execute, began = engine.open(), time.perf_counter()
    indexes = _drop_indexes(engine, execute, ["changes"])
    for start in range(0, changes, CHUNK * 5):
        last = min(start + CHUNK * 5, changes) - 1
        more = {"account": account, "each": each, "last_change": each + last + 1, "vehicle_count": each}
        execute(engine.write(("insert_changes", "set_counter"), start, last, f"(s.n % {each})", **more))
        say(f"{last + 1:,} changes, {(last + 1) / (time.perf_counter() - began):,.0f}/s")
    _make_indexes(execute, indexes, say)
    _settle(engine, execute)


def _drop_indexes(engine: Engine, execute: Execute, tables: Sequence[str]) -> dict[str, str]:
    """Give the definitions of the tables' indexes. Row by row they would take several times as long as at the end."""
    indexes = engine.list_indexes(tables)
    for index in indexes:
        execute(f"DROP INDEX {index}")
    return indexes


def _make_indexes(execute: Execute, indexes: Mapping[str, str], say: Callable[[str], None]) -> None:
    for index, definition in indexes.items():
        say(f"the index {index}")
        execute(definition)


def _settle(engine: Engine, execute: Execute) -> None:
    if engine.is_sqlite:
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        execute("VACUUM ANALYZE")
        execute("CHECKPOINT")


async def _make_accounts(url: str, count: int) -> list[Listed]:
    settings = read_settings({"PADRON_DATABASE_URL": url})
    await migrate_database(settings)
    runtime = await open_runtime(settings)
    listed: list[Listed] = []
    try:
        for place in range(count):
            account = await accounts.add_account(runtime, f"account-{place}")
            assert account.account_id == place + 1, "The database is not new."
            scopes = [scope.value for scope in Scope]
            key = await accounts.add_key(runtime, account, label="bench", scopes=scopes, expires_in=None)
            listed.append({"token": key.token})
    finally:
        await runtime.close()
    return listed


async def _list_indexes(url: str, tables: Sequence[str]) -> dict[str, str]:
    connection: Any = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND indexname NOT LIKE '%_pkey'",
            tables,
        )
        return dict(map(tuple, rows))
    finally:
        await connection.close()


async def _fill_search_texts(url: str) -> None:
    connection: Any = await asyncpg.connect(url, server_settings={"maintenance_work_mem": "1GB"})
    try:
        async with connection.transaction():
            await fill_search_texts(connection)
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    # No foreign key is checked: the rows are right by the way they are made.
    settings = {"synchronous_commit": "off", "session_replication_role": "replica", "maintenance_work_mem": "1GB"}
    connection: Any = await asyncpg.connect(url, server_settings=settings)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _execute_file(file: apsw.Connection, statement: str) -> None:
    if statement.startswith("PRAGMA"):
        file.execute(statement).fetchall()
        return
    with file:
        file.execute(statement).fetchall()
