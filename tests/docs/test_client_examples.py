"""The examples of docs/clients.md, each in its own language, against a server process and over a bad network."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from standardwebhooks import Webhook

from padron.wiring import give_api_document
from tests.cast import UNKNOWN_VIN, wait_until
from tests.docs.relays import Fate, run_relay
from tests.e2e.program import Fleet, Server, make_fleets, run_command, run_server
from tests.languages import NODE, check_types, find_curl, find_java, make_types, run_quietly
from tests.starting import give_environment

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "clients"
SCRIPT = EXAMPLES / "client_example.mts"
RUN_S_MAX = 30  # a client waits a second or two after each trouble, and Java takes a second to start

in_java = pytest.param("java", marks=pytest.mark.long)
in_each_language = pytest.mark.parametrize("language", ["curl", "python", "typescript", in_java])
that_listen = pytest.mark.parametrize("language", ["python", "typescript", in_java])


@pytest.fixture(scope="module")
def java_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("java")
    javac = find_java() / "javac"
    assert run_quietly([javac, "-Xlint:all", "-Werror", "-d", folder, EXAMPLES / "ClientExample.java"]) == ""
    return folder


@pytest.fixture
def example(language: str, request: pytest.FixtureRequest) -> list[str]:
    """The command that runs the example."""
    if language == "curl":
        find_curl()
        return ["bash", str(EXAMPLES / "client_example.sh")]
    if language == "java":
        return [str(find_java() / "java"), "-cp", str(request.getfixturevalue("java_classes")), "ClientExample"]
    if language == "typescript":
        return [str(NODE), str(SCRIPT)]
    return [sys.executable, str(EXAMPLES / "client_example.py")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    status: int
    said: str
    complained: str


@dataclass(frozen=True, kw_only=True)
class Register:
    """A server, and an account with two vehicles."""

    url: str
    server: Server
    fleet: Fleet
    client: httpx2.AsyncClient

    @property
    def vin(self) -> str:
        return self.fleet.vins[0]

    async def set_status(self, status: int, reason: str = "Test") -> None:
        body = {"vehicleStatusId": status, "reason": reason}
        assert (await self.client.patch(f"/api/v2/vehicles/{self.vin}/status", json=body)).status_code == 204

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return (await self.client.get(path)).json()

    def give_variables(self, port: int | None = None, secret: str = "") -> dict[str, str]:
        address = f"http://127.0.0.1:{port or self.server.port}"
        return give_environment() | {"API_URL": address, "API_KEY": self.fleet.token, "WEBHOOK_SECRET": secret}

    async def run(self, command: Sequence[str], port: int | None = None) -> Ended:
        """Run a program to its end."""
        process = await asyncio.create_subprocess_exec(
            *command, env=self.give_variables(port), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            said, complained = await asyncio.wait_for(process.communicate(), RUN_S_MAX)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Ended(status=process.returncode, said=said.decode(), complained=complained.decode())


@asynccontextmanager
async def serve(url: str, folder: Path, fleet: Fleet) -> AsyncIterator[Register]:
    async with run_server(url, folder, webhook_allow="127.0.0.1/32") as server:
        headers = {"Authorization": f"Bearer {fleet.token}"}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers) as client:
            yield Register(url=url, server=server, fleet=fleet, client=client)


@pytest.fixture
async def register(template: Path, tmp_path: Path) -> AsyncIterator[Register]:
    shutil.copy(template, tmp_path / "padron.db")
    url = f"sqlite:///{tmp_path}/padron.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=2)
    async with serve(url, tmp_path, fleet) as register:
        yield register


@contextmanager
def started(command: Sequence[str], variables: dict[str, str], log: Path) -> Iterator[None]:
    """Run a program beside the test, with what it prints in a file. At the end it and its children are killed."""
    with log.open("ab") as out:
        process = psutil.Popen([*command], env=variables, stdout=out, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        for one in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        process.wait(10)


def read_lines(log: Path) -> list[Any]:
    """Give what the program printed: JSON on each complete line."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]


@in_each_language
async def test_a_status_is_set_once_although_a_server_is_busy_and_an_answer_is_lost(
    register: Register, example: list[str]
) -> None:
    async with run_relay(register.server.port) as relay:
        relay.fates = {"GET": [Fate.BUSY], "PATCH": [Fate.LOST]}
        ended = await register.run([*example, "set-status", register.vin, "4", "Brakes, until Friday"], relay.port)
    assert (ended.status, ended.said) == (0, f"{register.vin} has the status 4.\n"), ended.complained
    assert relay.methods == ["GET", "GET", "PATCH", "PATCH", "GET"]
    history = (await register.get(f"/api/v2/vehicles/{register.vin}/history"))["history"]
    assert [(one["type"], one.get("reason")) for one in history[:2]] == [
        ("statusChanged", "Brakes, until Friday"),
        ("registered", None),
    ]


@in_each_language
async def test_a_status_is_not_set_over_what_somebody_else_set_meanwhile(
    register: Register, example: list[str]
) -> None:
    async with run_relay(register.server.port) as relay:
        relay.before = {"PATCH": lambda: register.set_status(3)}
        ended = await register.run([*example, "set-status", register.vin, "4", "Brakes"], relay.port)
    assert (ended.status, ended.said) == (1, "")
    assert "Decide again." in ended.complained
    assert (await register.get(f"/api/v2/vehicles/{register.vin}/status"))["vehicleStatusId"] == 3


@in_each_language
async def test_what_the_server_refuses_ends_the_example_with_the_reason(
    register: Register, example: list[str], tmp_path: Path
) -> None:
    ended = await register.run([*example, "set-status", register.vin, "2", "No call sets this status"])
    assert (ended.status, ended.said) == (1, "")
    assert "vehicleStatusId" in ended.complained
    assert len((await register.get(f"/api/v2/vehicles/{register.vin}/history"))["history"]) == 1
    ended = await register.run([*example, "set-status", UNKNOWN_VIN, "4", "It does not exist"])
    assert (ended.status, ended.said) == (1, "")
    assert UNKNOWN_VIN in ended.complained
    (tmp_path / "cursor.txt").write_text("no cursor", "utf-8")
    ended = await register.run([*example, "follow", str(tmp_path / "cursor.txt")])
    assert (ended.status, ended.said) == (1, "")
    assert ended.complained


@in_each_language
async def test_the_gate_is_asked(register: Register, example: list[str]) -> None:
    ended = await register.run([*example, "ask-gate", register.vin, "dispatch & go"])
    assert (ended.status, ended.said) == (0, "allowed\n"), ended.complained
    await register.set_status(3)
    ended = await register.run([*example, "ask-gate", register.vin, "dispatch & go"])
    assert ended.status == 3
    assert ended.said.startswith("refused: ")
    assert "notActive" in ended.said
    (refusal,) = (await register.get("/api/v2/gate/refusals"))["refusals"] or [None]
    assert refusal is None or refusal["operation"] == "dispatch & go"  # it is written within a second


@in_each_language
async def test_the_feed_goes_on_where_a_killed_reader_stopped(
    register: Register, example: list[str], tmp_path: Path
) -> None:
    log, place = tmp_path / "said", tmp_path / "cursor.txt"
    command, variables = [*example, "follow", str(place)], register.give_variables()

    async def has_all() -> bool:
        """Say whether the reader has seen every change and kept a cursor at the end."""
        if not place.exists():
            return False
        following = await register.client.get("/api/v2/changes", params={"after": place.read_text("utf-8").strip()})
        return bool(following.json()["changes"] == [])

    for status in (3, 1, 4):
        with started(command, variables, log):
            await register.set_status(status)
            await wait_until(has_all, seconds_max=RUN_S_MAX)
        await register.set_status(0)  # while nobody reads
    with started(command, variables, log):
        await wait_until(has_all, seconds_max=RUN_S_MAX)
    recorded = (await register.get("/api/v2/changes"))["changes"]
    numbers = [change["number"] for change in read_lines(log)]
    assert numbers == [change["number"] for change in recorded]  # each once, in order
    assert len(numbers) == 2 + 3 * 2


@in_each_language
async def test_a_cursor_from_before_a_restored_backup_ends_the_example(
    register: Register, example: list[str], tmp_path: Path
) -> None:
    place = tmp_path / "cursor.txt"
    place.write_text((await register.get("/api/v2/changes"))["nextCursor"], "utf-8")
    assert await register.server.stop() == 0
    assert (await run_command(register.url, "register", "renew")).status == 0
    async with serve(register.url, tmp_path, register.fleet) as renewed:
        ended = await renewed.run([*example, "follow", str(place)])
    assert (ended.status, ended.said) == (1, "")
    assert "load your copy of the vehicles again" in ended.complained


@that_listen
async def test_a_webhook_is_received_once_and_only_when_it_is_real(
    register: Register, example: list[str], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    body = {"url": f"http://127.0.0.1:{port}/padron", "eventTypes": ["vehicle.status_changed"]}
    secret: str = (await register.client.post("/api/v2/webhooks", json=body)).json()["secret"]
    log = tmp_path / "said"
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as sender:

        async def listens() -> bool:
            with suppress(httpx2.TransportError):
                return (await sender.post("/padron", content=b"{}")).status_code == 401  # nobody signed it
            return False

        async def has_received() -> bool:
            return read_lines(log) != []

        with started([*example, "receive", str(port)], register.give_variables(secret=secret), log):
            await wait_until(listens, seconds_max=RUN_S_MAX)
            await register.set_status(4, "Frenos: más de 3 mm · ok")
            await wait_until(has_received, seconds_max=RUN_S_MAX)
            statuses = [
                (await sender.post("/padron", content=content, headers=headers)).status_code
                for content, headers in forge(secret)
            ]
    assert statuses == [204, 204, 204, 401, 401, 401, 401]
    first, second, third = read_lines(log)
    (recorded,) = (await register.get("/api/v2/changes?type=vehicle.status_changed"))["changes"]
    del recorded["allowed"]  # the gate's verdict, which only the feed tells
    assert (first["type"], first["data"]) == ("vehicle.status_changed", recorded)
    assert (second["type"], third["type"]) == ("mine", "rotated")


def forge(secret: str) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Give three real messages, of which the first comes twice, and then some that are not."""

    def sign(key: str, body: str, at: datetime) -> dict[str, str]:
        signature = Webhook(key).sign(f"msg_{body}", at, body)
        return {
            "webhook-id": f"msg_{body}",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    now = datetime.now(UTC)
    mine, rotated, other = '{"type":"mine"}', '{"type":"rotated"}', "whsec_" + "QUJD" * 8
    real, wrong = sign(secret, mine, now), sign(other, mine, now)
    yield mine.encode(), real
    yield mine.encode(), real
    both = sign(secret, rotated, now)
    yield rotated.encode(), both | {"webhook-signature": f"{wrong['webhook-signature']} {both['webhook-signature']}"}
    yield mine.encode(), wrong
    yield b'{"type":"mine" }', real
    yield mine.encode(), sign(secret, mine, now - timedelta(minutes=6))
    yield mine.encode(), real | {"webhook-signature": "v1,"}


# What is replaced in the example in TypeScript, by what, and what is wrong then.
WRONG_TYPES = (
    ("reason: third }", "note: third }", "a member that the body does not have"),
    ("verdict.reason", "verdict.why", "a member that the answer does not have"),
    ("change.toStatusId", "change.former", "a member of another kind of change"),
    ('paths["/api/v2/changes"]', 'paths["/api/v2/change"]', "a call that does not exist"),
    ("{ wait: WAIT_S }", "{ wait: `${WAIT_S}` }", "a parameter of another type"),
    ("JSON.stringify(message)", "message.kind", "a member that no message of a webhook has"),
)


def test_the_types_of_the_example_in_typescript_are_those_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(give_api_document())
    make_types(tmp_path / "openapi.json", tmp_path / "padron.ts")
    text = SCRIPT.read_text("utf-8")
    scripts = [tmp_path / SCRIPT.name]
    scripts[0].write_text(text, "utf-8")
    for right, wrong, why in WRONG_TYPES:
        assert text.count(right) == 1
        scripts.append(tmp_path / f"{why}.mts")
        scripts[-1].write_text(text.replace(right, wrong), "utf-8")
    strictly = ["--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--erasableSyntaxOnly"]
    faults = check_types(scripts, "--noEmit", "--allowImportingTsExtensions", "--verbatimModuleSyntax", *strictly)
    assert {name: len(found) for name, found in faults.items()} == {f"{why}.mts": 1 for _, _, why in WRONG_TYPES}


def test_the_example_for_curl_can_be_started_as_it_is() -> None:
    assert os.access(EXAMPLES / "client_example.sh", os.X_OK)
