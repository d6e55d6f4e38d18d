"""The worker of docs/operations.md, as a process of its own, against a server process."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from padron.service.runtime import build_runtime
from tests.cast import Member, make_cast, make_vin, wait_until
from tests.conftest import OpenStore
from tests.e2e.program import run_server

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "worker_example.py"
OPERATION = "/api/v2/operations/query-fines"
FLEET = 12


@contextmanager
def run_process(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program beside the test and end it with SIGTERM."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PADRON_")}
    process = subprocess.Popen(
        [sys.executable, *command], env={**inherited, **environment}, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture
async def acme(open_store: OpenStore) -> Member:
    store = await open_store()
    member = (await make_cast(build_runtime(store, lambda: datetime.now(UTC)))).acme
    await store.close()
    return member


@pytest.fixture
async def address(engine: str, database: str, acme: Member, tmp_path: Path) -> AsyncIterator[str]:
    """A server process on the register of the cast: a fork on SQLite, and one of uvicorn's own on PostgreSQL."""
    assert acme.token
    if engine == "sqlite":
        async with run_server(f"sqlite:///{database}", tmp_path) as server:
            yield f"http://127.0.0.1:{server.port}"
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = ["-m", "uvicorn", "padron.wiring:make_app", "--factory", "--port", str(port), "--log-level", "warning"]
    with run_process(command, PADRON_DATABASE_URL=database):
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def is_ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await wait_until(is_ready, seconds_max=20)
        yield f"http://127.0.0.1:{port}"


@pytest.mark.long("postgres")
async def test_the_example_works_through_a_run_and_leaves_out_what_is_not_active(address: str, acme: Member) -> None:
    headers = {"Authorization": f"Bearer {acme.token}"}
    async with httpx2.AsyncClient(base_url=address, headers=headers) as client:
        declaration = {"description": "Ask the city for open fines", "leaseSeconds": 60, "attempts": 3}
        assert (await client.put(OPERATION, json=declaration)).status_code == 201
        for number in range(FLEET):
            await client.put(f"/api/v2/vehicles/{make_vin(number)}", json={})
        await client.patch(f"/api/v2/vehicles/{make_vin(0)}/status", json={"vehicleStatusId": 3})
        with run_process([str(EXAMPLE), "query-fines"], API_URL=address, API_KEY=acme.token) as worker:
            run = (await client.post(f"{OPERATION}/runs", json={"all": True})).json()
            assert [refusal["vin"] for refusal in run["refused"]] == [make_vin(0)]

            async def get_run() -> Any:  # noqa: ANN401 - JSON
                return (await client.get(f"{OPERATION}/runs/{run['runId']}")).json()

            async def is_finished() -> bool:
                return bool((await get_run())["state"] == "finished")

            await wait_until(is_finished, seconds_max=20)
        assert worker.returncode == 0
        assert (await get_run())["counts"]["succeeded"] == FLEET - 1
        stored = (await client.get(f"{OPERATION}/runs/{run['runId']}/results")).json()["results"]
        assert [result["result"] for result in stored] == [
            {"fines": [], "askedFor": make_vin(number)} for number in range(1, FLEET)
        ]


@pytest.mark.parametrize(
    "environment, arguments, said",
    [
        ({}, [], "API_URL and API_KEY is missing"),
        ({"API_URL": "http://127.0.0.1:1"}, ["query-fines"], "API_KEY is missing"),
        ({"API_KEY": "k"}, ["query-fines"], "API_URL is missing"),
        ({"API_URL": "127.0.0.1:8080", "API_KEY": "k"}, ["query-fines"], "API_URL must begin with http://"),
        ({"API_URL": "http://127.0.0.1:1", "API_KEY": "k"}, [], "Name the operation to work for"),
        ({"API_URL": "http://127.0.0.1:1", "API_KEY": "k"}, ["a", "b"], "Name the operation to work for"),
    ],
)
def test_what_it_needs_and_does_not_have_is_a_sentence(
    environment: dict[str, str],
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("API_URL", "API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert isinstance(ended.value.code, str)  # which Python prints on stderr, and ends with 1
    assert said in ended.value.code
    assert "\n" not in ended.value.code
    assert capsys.readouterr() == ("", "")


def test_python_prints_such_a_sentence_and_ends_with_1() -> None:
    ended = subprocess.run([sys.executable, str(EXAMPLE)], env={}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "API_URL and API_KEY is missing" in ended.stderr
    assert ended.stderr.count("\n") == 1
