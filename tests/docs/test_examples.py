"""Every command and every request of README and docs/ runs as it stands, but for the placeholders (examples.py)."""

import asyncio
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, chdir, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from padron.cli.app import run
from padron.domain.account import Scope
from padron.http.routes import ROUTES
from tests.barcodes import make_photo
from tests.certificates import Authority
from tests.docs import examples
from tests.docs.examples import DOCUMENTS, Command, Request, Values
from tests.e2e.program import run_server
from tests.postgres import Postgres
from tests.starting import give_environment, run_program, write_command
from tests.tables import each_row

VIN, OTHER_VIN = "3LNHL2GC1BR262548", "1C4RJEAG2EC476429"
COMMAND_S_MAX = 50
TOOLS = "tools"  # the folder of the commands that stand in for others

# What is not run, by how it begins, and why. Each must be in a document still.
LEFT_OUT = {
    "make run": "installs the program; test_serve.py runs what it starts",
    "python3 -m venv": "makes an environment",
    "~/padron/bin/pip install": "installs packages",
    "export PATH=": "is about the environment that was left out",
    "pg_basebackup": "copies a whole server; replica.py runs it with the folders of the tests",
    "createuser -h db-1": "is for a node of a cluster, as the next two are",
    "createdb -h db-1": "is for a node of a cluster",
    "psql -h db-": "needs Citus; tests/cluster make such a cluster",
    "padron restore cluster.dump": "needs a cluster; tests/cluster/test_restoring.py does it",
    "pg_receivewal": "runs until it is ended",
    "padron doctor --database-url postgresql": "blames the tests' server, which does not sync to the disk",
    "API_URL=": "runs until it is ended; test_worker_example.py runs it",
    "python -m padron_client.conformance": "needs a gate of the reader's; client/tests/local_gate tries ours",
    "top -b": "looks for the server by name, and this machine may have several",
}
_FIND_REQUEST = re.compile(r"(?:^x-request-id: |^(?:Set|Deleted) .* Request )([0-9a-z-]+)", re.MULTILINE)
SERVES = re.compile(r"padron serve\b")
OF_SHELLS = re.compile(r"[|&;<>()$`*?~{}\[\]!#\n]")
# In these, a reader begins with nothing.
EMPTY = {"README.md", "backup.md", "edge.md", "limits.md", "observing.md", "postgresql.md", "retention.md"}
# Their commands take longest: they make passwords, databases of PostgreSQL, backups and large answers.
LONG = {
    "administration.md", "backup.md", "bulk.md", "duplicates.md", "edge.md", "export.md", "observing.md", "people.md",
    "planned-changes.md", "postgresql.md", "removal.md", "retention.md", "scale.md", "scanning.md", "time.md",
    "webhooks.md",
}  # fmt: skip
PAPERS = [path for path in DOCUMENTS if path.name != "api-changelog.md"]


def give_name(path: Path) -> str:
    return path.name


def is_left_out(command: Command) -> bool:
    return any(command.text.startswith(begin) for begin in LEFT_OUT)


def test_what_is_left_out_is_in_a_document_still() -> None:
    texts = [command.text for path in DOCUMENTS for command in examples.list_commands(path)]
    unused = [begin for begin in LEFT_OUT if not any(text.startswith(begin) for text in texts)]
    assert unused == []


def test_every_block_is_of_a_kind_that_is_known() -> None:
    found = {block.language for path in DOCUMENTS for block in examples.list_blocks(path)}
    assert found <= examples.RUN | examples.NOT_RUN


def test_no_command_stands_outside_a_block() -> None:
    for path in DOCUMENTS:
        for line in path.read_text("utf-8").splitlines():
            assert not re.match(r"    +(\$ |curl |padron |[A-Z_]+=\S+ python)", line) or "\\" in line or "-H" in line, (
                line
            )


@each_row("path", PAPERS)
def test_every_request_that_a_sentence_names_exists(path: Path) -> None:
    for method, target in examples.list_inline_requests(path):
        parts = urlsplit(target)
        if not parts.path.startswith(("/api/", "…")):
            continue
        pattern = re.compile(".*" + re.escape(parts.path[1:]) if target.startswith("…") else re.escape(parts.path))
        fitting = [one for one in ROUTES if one.method == method and _match(pattern, parts.path, one.path)]
        assert fitting, f"{path.name}: there is no {method} {target}"
        known = {parameter.name for one in fitting for parameter in one.parameters}
        assert {name for name, _ in parse_qsl(parts.query)} <= known, f"{path.name}: {method} {target}"


def _match(pattern: re.Pattern[str], target: str, route: str) -> bool:
    """Say whether a target is of a route, whatever its path parameters are called there."""
    del pattern
    wanted = ["{}" if part.startswith("{") else part for part in target.removeprefix("…").strip("/").split("/")]
    has = ["{}" if part.startswith("{") else part for part in route.strip("/").split("/")]
    return has[-len(wanted) :] == wanted if target.startswith("…") else has == wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """A folder with a register of what the documents speak of, and how it is called there."""

    folder: Path
    key: str
    plan_id: str
    request_id: str


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    """An account with the sample fleet, a status that was set, another that is planned, and a key for everything."""
    folder = tmp_path_factory.mktemp("register")
    later = f"{datetime.now(UTC).year + 1}-12-31T00:00Z"
    scopes = sorted(Scope)

    def ask(*words: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(run_here(folder, *words, "--json"))

    ask("accounts", "add", "Acme")
    (folder / "fleet.csv").write_text(run_here(folder, "vehicles", "sample"), "utf-8")
    (folder / "list.txt").write_text("137ZA903X1E412677; 1D7RB1CP8BS798034\n", "utf-8")
    ask("vehicles", "import", "fleet.csv", "--account", "Acme")
    changed = ask("vehicles", "status", "4", VIN, "--account", "Acme")
    planned = ask("vehicles", "status", "8", OTHER_VIN, "--account", "Acme", "--effective-at", later)
    ask("vehicles", "export", "fleet.xlsx", "--account", "Acme")
    key = ask("keys", "add", "--account", "Acme", "--name", "docs", "--scope", ",".join(scopes))
    plan_id = planned["results"][0]["plannedChangeId"]
    return Register(folder=folder, key=key["secret"], plan_id=plan_id, request_id=changed["requestId"])


def run_here(folder: Path, *words: str) -> str:
    """Run a command in this process, which is quicker, and give what it prints."""
    printed = io.StringIO()
    with chdir(folder), redirect_stdout(printed):
        assert run(words) == 0
    return printed.getvalue()


@asynccontextmanager
async def furnished(
    register: Register, folder: Path, path: Path, postgres: Postgres, *, is_served: bool = True
) -> AsyncIterator[Values]:
    """Give what stands in for the placeholders, while a server serves a copy of the register in the folder.

    Without a server, the address is one where nobody answers.
    """
    shutil.copytree(register.folder, folder, dirs_exist_ok=True)
    ids, revisions = ("1", "2"), {}
    if path.name == "duplicates.md":
        for plate, status, words in (("RTA412C", 1, ()), ("RTA421C", 4, ("--keep-duplicates",))):
            (folder / "legacy.csv").write_text(f"vin,plate,vehicleStatusId\n{VIN},{plate},{status}\n", "utf-8")
            imported = run_program("vehicles", "import", "legacy.csv", "--account", "Acme", *words, folder=folder)
            assert imported.status == 0, imported.stderr
        found = run_program("duplicates", "list", "--account", "Acme", "--json", folder=folder).document
        vehicles = found["duplicates"][0]["vehicles"]
        ids = (str(vehicles[0]["vehicleId"]), str(vehicles[1]["vehicleId"]))
        revisions = {str(one["vehicleId"]): one["revision"] for one in vehicles}
    if path.name == "scanning.md":
        (folder / "label.jpg").write_bytes(make_photo(VIN))
    if path.name == "export.md":
        (folder / "fleet.xlsx").unlink()  # it is made there
    async with AsyncExitStack() as stack:
        port = 9
        if is_served:
            port = (await stack.enter_async_context(run_server(f"sqlite:///{folder}/padron.db", folder))).port
        yield Values(
            address=f"http://127.0.0.1:{port}",
            key=register.key,
            plan_id=register.plan_id,
            request_id=register.request_id,
            vehicle_ids=ids,
            revisions=json.dumps(revisions),
            postgres=f"/padron?host={give_socket(postgres)}",
            python=sys.executable,
        )


def give_socket(postgres: Postgres) -> str:
    return postgres.give_url("x").partition("host=")[2]


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """A PostgreSQL on which no test has left the documents' user and database."""
    yield postgres_server
    for statement in (
        "DROP DATABASE IF EXISTS padron WITH (FORCE)",
        "DROP DATABASE IF EXISTS restored WITH (FORCE)",
        "DROP ROLE IF EXISTS padron, padron_owner",
    ):
        asyncio.run(postgres_server.execute(statement))


async def run_shell(
    folder: Path, script: str, postgres: Postgres | None = None, *, is_installed: bool = False
) -> tuple[str, str, int]:
    """Run what a reader would paste into a shell. curl fails for any answer that is not 2xx.

    The program alone is run without a shell, which would give it the same words, unless it is the one installed.
    """
    tools = folder / TOOLS
    tools.mkdir(exist_ok=True)
    (folder / ".curlrc").write_text("fail-with-body\n", "utf-8")
    (tools / "pbpaste").write_text(f"#!/bin/sh\necho {VIN}\n", "utf-8")  # of macOS
    (tools / "pbpaste").chmod(0o755)
    paths = [str(tools), str(Path(sys.executable).parent), *([] if postgres is None else [str(postgres.bin_folder)])]
    environment = {
        **give_environment(), "HOME": str(folder), "PADRON_PORT": "0", "COLUMNS": "200",
        "PATH": os.pathsep.join([*paths, os.environ["PATH"]]),
    }  # fmt: skip
    if postgres is not None:
        environment |= {"PGHOST": give_socket(postgres), "PGUSER": "postgres", "PGDATABASE": "postgres"}
    line = script.replace("\\\n", " ")
    if line.startswith("padron ") and not (is_installed or OF_SHELLS.search(line) or SERVES.search(line)):
        words = shlex.split(line)[1:]
        ended = await asyncio.to_thread(
            run_program, *words, folder=folder, variables=environment, seconds_max=COMMAND_S_MAX
        )
        return ended.stdout, ended.stderr, ended.status
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        if SERVES.search(script):
            out, err = await asyncio.wait_for(_end_when_it_listens(process), COMMAND_S_MAX)
        else:
            out, err = await asyncio.wait_for(process.communicate(), COMMAND_S_MAX)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return out.decode(), err.decode(), process.returncode


async def _end_when_it_listens(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    assert process.stderr
    lines = b""
    while b"Listening on" not in lines:
        line = await process.stderr.readline()
        if not line:
            break
        lines += line
    else:
        os.killpg(process.pid, signal.SIGTERM)
    out, rest = await process.communicate()
    return out, lines + rest


def list_papers() -> Iterator[Any]:
    """Give the documents with commands. Those of the README also run as they are installed."""
    for path in PAPERS:
        if examples.list_commands(path):
            marks = [pytest.mark.long] if path.name in LONG else []
            yield pytest.param(path, False, marks=marks, id=path.name)
    yield pytest.param(PAPERS[0], True, marks=pytest.mark.long, id="README.md as installed")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path, is_installed", [*list_papers()])
async def test_every_command_runs(
    path: Path,
    is_installed: bool,  # noqa: FBT001
    tmp_path: Path,
    register: Register,
    postgres: Postgres,
) -> None:
    served = folder = tmp_path / "register"
    served.mkdir()
    if path.name in EMPTY:
        folder = tmp_path / "empty"
        folder.mkdir()
    if path.name == "postgresql.md":
        (folder / "deploy").symlink_to(Path(__file__).parents[2] / "deploy")
    if path.name == "edge.md":
        Authority(folder).issue("server")
    if not is_installed:
        write_command(folder / TOOLS / "padron")
    if path.name == "scale.md":
        out, err, status = await run_shell(served, "createuser padron && createdb -O padron padron", postgres)
        assert status == 0, out + err
        url = f"postgresql://padron@/padron?host={give_socket(postgres)}"
        out, err, status = await run_shell(served, f"padron migrate --database-url '{url}'", postgres)
        assert status == 0, out + err
    commands = [command for command in examples.list_commands(path) if not is_left_out(command)]
    is_served = any(examples.ADDRESS.search(command.text) for command in commands)
    async with furnished(register, served, path, postgres, is_served=is_served) as first:
        values = first
        for command in commands:
            script = _quote_urls(values.fill(command.text))
            out, err, status = await run_shell(folder, script, postgres, is_installed=is_installed)
            assert status == 0, f"{path.name}: {script}\n{out}{err}"
            check_output(command, out)
            if "duplicates resolve" in script:  # so that there is something to merge
                (request_id,) = re.findall(r"\bRequest ([0-9a-z-]+)", out)
                assert run_program("undo", request_id, "--account", "Acme", folder=folder).status == 0
            if given := _FIND_REQUEST.findall(out.replace("\r", "")):
                values = replace(values, request_id=given[-1])


def _quote_urls(script: str) -> str:
    """Quote the database URL of the tests, which has a ``?`` where a document's has none."""
    return re.sub(r"postgresql://\S+", lambda match: shlex.quote(match[0]), script)


def check_output(command: Command, out: str) -> None:
    """Expect what the document shows: status line and headers, the members of JSON, and text but for its numbers."""
    shown = command.output
    if shown.startswith("HTTP/"):
        answer = re.sub(r"^(HTTP/1\.1 1.*?\n\n)+", "", out.replace("\r", ""), flags=re.DOTALL)  # 100 Continue
        head, _, _ = answer.partition("\n\n")
        lines = head.splitlines()
        assert lines[0] == shown.splitlines()[0], command.text
        names = {line.partition(":")[0].lower() for line in lines[1:]}
        for line in shown.splitlines()[1:]:
            assert line.partition(":")[0].lower() in names, f"{command.text}: {line}"
    elif shown.startswith("{"):
        assert list_members(json.loads(shown)) <= list_members(json.loads(out)), command.text
    elif shown:
        has = [_squeeze(line) for line in out.splitlines()]
        for line in filter(None, map(_squeeze, shown.splitlines())):
            assert line in has, f"{command.text}\nshows {line}\nand not {out}"


def list_members(document: object, path: str = "") -> set[str]:
    """Give the paths of all members; a list's elements count as one."""
    if isinstance(document, dict):
        return {path}.union(*(list_members(value, f"{path}.{name}") for name, value in document.items()))
    if isinstance(document, list):
        return {path}.union(*(list_members(value, f"{path}[]") for value in document))
    return {path}


def _squeeze(line: str) -> str:
    return " ".join(re.sub(r"\b[0-9a-f]{8}\b|\d[\d:TZ.-]*", "0", line).split())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", [one for one in PAPERS if examples.list_requests(one)], ids=give_name)
async def test_every_request_is_answered(path: Path, tmp_path: Path, register: Register, postgres: Postgres) -> None:
    async with (
        furnished(register, tmp_path, path, postgres) as values,
        httpx2.AsyncClient(base_url=values.address, headers={"Authorization": f"Bearer {values.key}"}) as client,
    ):
        for request in examples.list_requests(path):
            reply = await send(client, request, values)
            assert reply.is_success, f"{path.name}: {request.method} {request.target}\n{reply.text}"
            results = reply.json().get("results", []) if reply.content else []
            # A revision is an example's: that one may have passed.
            assert {one["status"] for one in results} <= {200, 202, 204, 412}, reply.text
            if "/resolve" in request.target:  # so that there is something to merge
                taken_back = await client.post(f"/api/v2/requests/{reply.headers['x-request-id']}/undo")
                assert taken_back.is_success


async def send(client: httpx2.AsyncClient, request: Request, values: Values) -> httpx2.Response:
    body = values.fill(request.body)
    headers = {**request.headers, **({"Content-Type": "application/json"} if body else {})}
    return await client.request(request.method, values.fill(request.target), headers=headers, content=body or None)
