"""The roles of deploy/postgresql: one makes the tables, and the other one, which serves, only reads and writes rows."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.store.sql.statements import load_engine
from tests.e2e.load import Load
from tests.e2e.program import make_fleets, run_server
from tests.e2e.test_side_by_side import check_other_calls
from tests.postgres import Postgres
from tests.starting import Outcome, run_program

ROLES = Path(__file__).parents[2] / "deploy" / "postgresql" / "roles.sql"


@dataclass(frozen=True, kw_only=True, slots=True)
class Urls:
    """One database as three roles reach it."""

    administrator: str
    owner: str
    server: str


@pytest.fixture(scope="module")
async def with_roles(postgres_server: Postgres) -> AsyncIterator[Postgres]:
    """A PostgreSQL with the roles, which all its databases share."""
    for name in ("padron_owner", "padron"):
        await postgres_server.execute(f"CREATE ROLE {name} LOGIN")
    yield postgres_server
    await postgres_server.execute("DROP ROLE padron, padron_owner")


@pytest.fixture(scope="module")
async def urls(with_roles: Postgres) -> AsyncIterator[Urls]:
    """A database of the roles, which a test may fill, but must leave to others as it is otherwise."""
    async with make_database(with_roles, "padron") as urls:
        yield urls


@pytest.fixture
async def own_urls(with_roles: Postgres) -> AsyncIterator[Urls]:
    """A database of the roles for one test alone."""
    async with make_database(with_roles, "padron_alone") as urls:
        yield urls


@asynccontextmanager
async def make_database(postgres_server: Postgres, name: str) -> AsyncIterator[Urls]:
    """Make a database of the roles, migrated by its owner. At the end it is gone."""
    await postgres_server.execute(f"CREATE DATABASE {name} OWNER padron_owner")
    url = postgres_server.give_url(name)
    found = Urls(
        administrator=url,
        owner=url.replace("//postgres:@", "//padron_owner@"),
        server=url.replace("//postgres:@", "//padron@"),
    )
    folder = urlsplit(url).query.partition("host=")[2]
    psql: list[str | Path] = [postgres_server.bin_folder / "psql", "-h", folder, "-U", "postgres", "-d", name]
    subprocess.run([*psql, "-v", "ON_ERROR_STOP=1", "-f", ROLES], check=True, capture_output=True)
    outcome = await asyncio.to_thread(run_program, "migrate", "--database-url", found.owner)
    assert outcome.status == 0, outcome.stderr
    yield found
    await postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_server_serves_as_the_role_that_only_reads_and_writes_rows(urls: Urls, tmp_path: Path) -> None:
    fleets = await make_fleets(urls.server)
    load = Load(fleets)
    async with run_server(urls.server, tmp_path) as server:
        async with load.under_way(server.port):
            await load.wait_for_answers(100)
        await check_other_calls(server.port, fleets[0])
        assert await server.stop() == 0
        assert "WARNING" not in server.read_log()
        assert "ERROR" not in server.read_log()
    assert load.give_statuses() == {204}


async def test_every_statement_of_the_program_is_allowed_to_it(urls: Urls) -> None:
    connection = await asyncpg.connect(urls.server)
    try:
        statements = load_engine("padron.store.postgres")
        assert len(statements) > 100
        parts = []  # of statements that the program puts together; the load runs them
        for name, text in statements.items():
            if all(line.startswith("--") for line in text.splitlines()):
                continue  # this engine has none
            try:
                await connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}")
            except asyncpg.InsufficientPrivilegeError as error:
                pytest.fail(f"{name}: {error}")
            except asyncpg.PostgresSyntaxError:
                parts.append(name)
        assert len(parts) < 12, parts
    finally:
        await connection.close()


async def test_it_makes_backups_and_the_owner_restores_them(
    own_urls: Urls, postgres_server: Postgres, tmp_path: Path
) -> None:
    await make_fleets(own_urls.server, accounts=1)
    variables = {"PATH": f"{postgres_server.bin_folder}{os.pathsep}{os.environ['PATH']}"}

    async def run(*words: str, url: str) -> Outcome:
        return await asyncio.to_thread(
            run_program, *words, "--database-url", url, folder=tmp_path, variables=variables
        )  # fmt: skip

    made = await run("backup", "padron.dump", url=own_urls.server)
    assert made.status == 0, made.stderr
    refused = await run("restore", "padron.dump", "--replace", url=own_urls.server)
    assert refused.status == 1
    assert "Connect as the owner of the database (docs/postgresql.md)." in refused.stderr
    restored = await run("restore", "padron.dump", "--replace", url=own_urls.owner)
    assert restored.status == 0, restored.stderr
    again = await run("backup", "again.dump", url=own_urls.server)  # the grants are those of the database
    assert again.status == 0, again.stderr
    connection = await asyncpg.connect(own_urls.owner)
    try:
        await connection.execute("REVOKE SELECT ON ALL SEQUENCES IN SCHEMA public FROM padron")
    finally:
        await connection.close()
    refused = await run("backup", "third.dump", url=own_urls.server)
    assert refused.status == 1
    assert "or run the grants of docs/postgresql.md again." in refused.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id integer)", "DROP TABLE changes", "ALTER TABLE vehicles ADD COLUMN mine text",
        "TRUNCATE changes", "CREATE INDEX mine ON vehicles (vin)", "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (id integer)",
    ],
)  # fmt: skip
async def test_it_can_do_nothing_else(urls: Urls, statement: str) -> None:
    connection = await asyncpg.connect(urls.server)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_role_that_was_not_named_is_not_let_in(urls: Urls, postgres_server: Postgres) -> None:
    await postgres_server.execute("CREATE ROLE stranger LOGIN")
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="database"):
            await asyncpg.connect(urls.server.replace("//padron@", "//stranger@"))
    finally:
        await postgres_server.execute("DROP ROLE stranger")
