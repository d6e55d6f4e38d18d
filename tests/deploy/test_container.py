"""The container and its compose file: what needs no engine of containers is run for real."""

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from padron.config import Settings
from tests.deploy.files import DEPLOY, ROOT, read_compose
from tests.e2e.program import make_fleets, run_server
from tests.postgres import Postgres
from tests.starting import run_program

CONTAINER = DEPLOY / "container"
TEXT = (CONTAINER / "Containerfile").read_text("utf-8")
PORT = Settings().port
SECRETS = {"OWNER_PASSWORD": "o'wner\"$ 1", "PADRON_PASSWORD": "s;erver\\2"}


def list_checks() -> list[list[str]]:
    """Give the commands that ask whether the container is well."""
    (written,) = re.findall(r"^HEALTHCHECK [^\[]*CMD (\[.*\])$", TEXT.replace("\\\n", ""), re.MULTILINE)
    compose: list[str] = read_compose()["services"]["padron"]["healthcheck"]["test"]
    assert compose[0] == "CMD"
    return [json.loads(written), compose[1:]]


def run_check(command: list[str], port: int) -> int:
    words = [word.replace(str(PORT), str(port)) for word in command]
    assert words != command
    assert words[0] == "python"
    return subprocess.run([sys.executable, *words[1:]], capture_output=True, check=False).returncode


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.long("postgres")
async def test_the_checks_say_whether_the_server_can_serve(
    database: str, tmp_path: Path, postgres_server: Postgres
) -> None:
    async def find_well(port: int) -> list[bool]:
        return [await asyncio.to_thread(run_check, command, port) == 0 for command in list_checks()]

    await make_fleets(database, accounts=1)
    async with run_server(database, tmp_path) as server:
        assert await find_well(server.port) == [True, True]
        async with postgres_server.killed():
            assert await find_well(server.port) == [False, False]
    assert await find_well(server.port) == [False, False]


async def test_the_roles_are_made_as_the_first_start_of_the_database_makes_them(postgres_server: Postgres) -> None:
    folder = urlsplit(postgres_server.give_url("x")).query.partition("host=")[2]
    environment = {
        **os.environ, **SECRETS, "PGHOST": folder, "PGUSER": "postgres",
        "ROLES_FILE": str(DEPLOY / "postgresql" / "roles.sql"),
        "PATH": f"{postgres_server.bin_folder}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    try:
        subprocess.run(["/bin/sh", CONTAINER / "roles.sh"], env=environment, check=True, capture_output=True)
        connection = await asyncpg.connect(postgres_server.give_url("postgres"))
        rows = await connection.fetch("SELECT rolname, rolsuper FROM pg_roles WHERE rolname LIKE 'padron%' ORDER BY 1")
        hashes = await connection.fetch("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'padron%'")
        await connection.close()
        assert [tuple(row) for row in rows] == [("padron", False), ("padron_owner", False)]
        assert all(row[0].startswith("SCRAM-SHA-256$") for row in hashes)
        for role, words in (("padron_owner", ("migrate",)), ("padron", ("accounts", "add", "Acme"))):
            url = f"postgresql://{role}@/padron?host={folder}"
            outcome = await asyncio.to_thread(run_program, *words, "--database-url", url)
            assert outcome.status == 0, outcome.stderr
    finally:
        await postgres_server.execute("DROP DATABASE IF EXISTS padron WITH (FORCE)")
        await postgres_server.execute("DROP ROLE IF EXISTS padron, padron_owner")


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {
        source for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE) for source in shlex.split(line)[:-1]
    }
    assert copied >= {"src", "docs", "requirements/runtime.txt"}
    assert {source for source in copied if not (ROOT / source).exists()} == set()
    assert {source.partition("/")[0] for source in copied} == kept


def test_compose_serves_after_the_migration_and_only_to_its_own_host() -> None:
    services = read_compose()["services"]
    server, migrate = services["padron"], services["migrate"]
    assert server["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert migrate["depends_on"]["database"]["condition"] == "service_healthy"
    assert server["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert "padron_owner@" in migrate["environment"]["PADRON_DATABASE_URL"]
    assert "padron@" in server["environment"]["PADRON_DATABASE_URL"]
    for service in services.values():
        if "build" in service:
            assert (CONTAINER / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()
    for volume in services["database"]["volumes"][1:]:
        assert (CONTAINER / volume.partition(":")[0]).is_file()
    assert os.access(CONTAINER / "roles.sh", os.X_OK)
