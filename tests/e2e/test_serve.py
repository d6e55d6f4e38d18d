"""padron serve, as a process of its own."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tests.e2e.program import make_fleets
from tests.postgres import Postgres
from tests.starting import Outcome, run_program, start_program

END_S_MAX = 10
SERVE = ("serve", "--port", "0")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PADRON_")}


class Forked:
    """A server that was forked from the warm process, to be used as one of ``subprocess``."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        (stdout, printed), (stderr, complained) = os.pipe(), os.pipe()
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)
        with os.fdopen(printed, "wb") as out, os.fdopen(complained, "wb") as errors:
            self._program = start_program(*SERVE, *options, stdout=out, stderr=errors, folder=folder)
        self.pid = self._program.pid

    def send_signal(self, number: signal.Signals) -> None:
        self._program.send_signal(number)

    def kill(self) -> None:
        self._program.kill()

    def wait(self, timeout: float) -> int:
        return self._program.wait(timeout)

    def close(self) -> None:
        self.kill()
        self.wait(END_S_MAX)
        self.stdout.close()
        self.stderr.close()


class Server:
    """A running server and the line that said where it listens."""

    def __init__(self, process: subprocess.Popen[str] | Forked) -> None:
        assert process.stderr is not None
        self.process = process
        self.line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:([0-9]+)", self.line)
        assert found is not None, self.line + process.stderr.read()
        self.port = int(found[1])

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body, headers=headers or {})
        status = connection.getresponse().status
        connection.close()
        return status

    def read_greeting(self) -> str:
        """Read what --demo prints, up to its last line, which is empty and follows the call."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("curl ")):
            lines.append(self.process.stdout.readline())
            assert lines[-1], "stdout ended"
        return "".join(lines)

    def paste(self, greeting: str) -> tuple[int, str]:
        """Make the printed call as curl would, and give its status and VIN."""
        words = shlex.split(greeting.splitlines()[-1])
        assert words[:4] == ["curl", "-i", "-X", "PATCH"]
        headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
        origin = f"http://127.0.0.1:{self.port}"
        assert words[4].startswith(origin)
        path = words[4].removeprefix(origin)
        return self.call("PATCH", path, headers, words[words.index("-d") + 1]), path.split("/")[4]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and give the status; the server has to be quick."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=END_S_MAX)
        assert time.monotonic() - began < END_S_MAX
        return status


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Server]:
    with closing(Forked(folder, options)) as process:
        yield Server(process)


@contextmanager
def serve_as_operators_do(folder: Path, *options: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "padron", *SERVE, *options],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Server(process)
        finally:
            process.kill()


Begin = Callable[..., AbstractContextManager[Server]]
BEGINS = pytest.mark.parametrize("begin", [serve, pytest.param(serve_as_operators_do, marks=pytest.mark.long)])


def check_refusal(ended: Outcome, said: str, status: int = 1) -> None:
    assert (ended.status, ended.stdout) == (status, "")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr


@pytest.mark.long
def test_the_demos_call_answers_204_and_so_does_the_next_starts(tmp_path: Path) -> None:
    vins: list[str] = []
    for _ in range(2):
        with serve(tmp_path, "--demo") as server:
            greeting = server.read_greeting()
            assert f"http://127.0.0.1:{server.port}/docs" in greeting
            link = re.search(rf"http://localhost:{server.port}(/console/invitation/\w+)", greeting)
            assert link is not None
            # A server takes a second for its first page.
            assert bool(vins) or server.call("GET", link[1]) == 200
            assert server.call("GET", "/livez") == 200
            status, vin = server.paste(greeting)
            assert status == 204
            vins.append(vin)
            assert server.end() == 0
    assert vins[0] != vins[1]  # the first is in the shop already, so the second start names another: the same data


async def test_sigterm_finishes_the_request_under_way(tmp_path: Path) -> None:
    (fleet,) = await make_fleets(f"sqlite:///{tmp_path}/padron.db", accounts=1)
    path, body = f"/api/v2/vehicles/{fleet.vins[0]}/status", '{"vehicleStatusId": 3}'
    key = f"Authorization: Bearer {fleet.token}"
    lines = [f"PATCH {path} HTTP/1.1", "Host: localhost", key, f"Content-Length: {len(body)}", ""]
    with serve(tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=END_S_MAX) as connection:
            connection.sendall("\r\n".join([*lines, body[:5]]).encode())
            assert server.call("GET", "/livez") == 200  # it answers others, and by now has read this one's head
            server.process.send_signal(signal.SIGTERM)
            while is_open(server.port):  # until it takes no more connections; thousands a second would be a load
                time.sleep(0.01)
            connection.sendall(body[5:].encode())
            assert connection.recv(1_000).startswith(b"HTTP/1.1 204 ")
        assert server.process.wait(timeout=END_S_MAX) == 0


def is_open(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.long
def test_a_client_that_never_ends_does_not_hold_the_server_up(tmp_path: Path) -> None:
    with serve(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"PATCH /api/v2/vehicles/x/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert server.call("GET", "/livez") == 200
        assert server.end() == 0


@BEGINS
def test_ctrl_c_ends_the_server_with_130(tmp_path: Path, begin: Begin) -> None:
    with begin(tmp_path) as server:
        assert server.end(signal.SIGINT) == 130
        assert server.process.stderr is not None
        (line,) = server.process.stderr.read().splitlines()
        assert line.endswith(": Stopped")


@pytest.mark.long
def test_commands_work_beside_a_running_server(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        assert run_program("accounts", "add", "Acme", folder=tmp_path).status == 0
        words = ("--account", "Acme", "--name", "k", "--scope", "vehicles:read", "--json")
        key = run_program("keys", "add", *words, folder=tmp_path).document
        headers = {"Authorization": f"Bearer {key['secret']}"}
        assert server.call("GET", "/api/vehicles", headers) == 200
        assert run_program("keys", "revoke", key["id"], folder=tmp_path).status == 0
        deadline = time.monotonic() + 2
        while server.call("GET", "/api/vehicles", headers) == 200:
            assert time.monotonic() < deadline
        assert server.call("GET", "/api/vehicles", headers) == 401


@pytest.mark.parametrize(
    "options, status", [((), 400), pytest.param(("--webhook-allow", "127.0.0.0/8"), 201, marks=pytest.mark.long)]
)
def test_webhooks_reach_this_machine_only_when_the_option_names_it(
    tmp_path: Path, options: tuple[str, ...], status: int
) -> None:
    assert run_program("accounts", "add", "Acme", folder=tmp_path).status == 0
    words = ["--account", "Acme", "--name", "k", "--scope", "webhooks:manage", "--json"]
    key = run_program("keys", "add", *words, folder=tmp_path).document
    headers = {"Authorization": f"Bearer {key['secret']}"}
    body = json.dumps({"url": "http://127.0.0.1:9/hook", "eventTypes": ["vehicle.status_changed"]})
    with serve(tmp_path, *options) as server:
        assert server.call("POST", "/api/v2/webhooks", headers, body) == status


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "padron.db")
    with serve(tmp_path) as server:
        check_refusal(run_program(*SERVE, folder=tmp_path), "Another server has the database")
        other = run_program(*SERVE, "--database-url", "sqlite:///link.db", folder=tmp_path)
        check_refusal(other, "Another server has the database")
        assert server.call("GET", "/livez") == 200
        server.process.kill()
        server.process.wait(END_S_MAX)
    with serve(tmp_path) as server:  # a killed server leaves no lock behind
        assert server.call("GET", "/readyz") == 200


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_program("serve", "--port", str(port), folder=tmp_path)
        check_refusal(ended, f"cannot listen on 127.0.0.1 port {port}")


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    ended = run_program("serve", "--host", "192.0.2.1", folder=tmp_path)
    check_refusal(ended, "cannot listen on 192.0.2.1 port 8080")


@pytest.mark.parametrize("form", ["json", pytest.param("text", marks=pytest.mark.long)])
def test_the_log_has_one_line_for_each_event(tmp_path: Path, form: str) -> None:
    with serve(tmp_path, "--log", form) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"\x01\x1b[31m nonsense\r\n\r\n")
            assert b" 400 " in connection.recv(1_000)
        assert server.end() == 0
        assert server.process.stderr is not None
        lines = [server.line, *server.process.stderr.readlines()]
    assert len(lines) == 3  # the start, the refused request, the end
    assert all(line.isascii() and line.rstrip("\n").isprintable() for line in lines)
    if form == "json":
        assert [json.loads(line)["level"] for line in lines] == ["info"] * 3


@BEGINS
async def test_workers_share_postgresql_and_end_together(
    tmp_path: Path, postgres_server: Postgres, begin: Begin
) -> None:
    url = await postgres_server.create_database()
    (fleet,) = await make_fleets(url, accounts=1)
    headers = {"Authorization": f"Bearer {fleet.token}"}
    with begin(tmp_path, "--workers", "2", "--database-url", url) as server:
        target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
        assert server.call("PATCH", target, headers, '{"vehicleStatusId": 3}') == 204
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert len(family) >= 2
        assert server.end() == 0
        _, alive = psutil.wait_procs(family, timeout=1)
        assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []  # ended, whoever collects it
