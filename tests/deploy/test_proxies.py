"""The examples of proxies, run for real with a server behind them, where nginx and Caddy are installed."""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from padron.http.edge.protocol import IDLE_S, REQUEST_S
from tests.cast import wait_until
from tests.certificates import NAME, Authority
from tests.deploy.files import DEPLOY
from tests.e2e.client import ANSWER_S_MAX, Connection
from tests.e2e.program import Fleet, make_fleets
from tests.e2e.secure import Program, run_program

PROXY = DEPLOY / "proxy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
LONG_POLL_S = 30.0
LARGE_BYTES = 3_000_000
OUTSIDER = "203.0.113.7"
PROGRAMS = [
    pytest.param("nginx", marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed.")),
    pytest.param("caddy", marks=pytest.mark.skipif(CADDY is None, reason="Caddy is not installed.")),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """A proxy that runs, and the server behind it. Each test has an account of its own."""

    name: str
    fleets: list[Fleet]
    port: int
    trust: ssl.SSLContext | None
    program: Program

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        name = None if self.trust is None else NAME
        streams = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust, server_hostname=name)
        connection = Connection(*streams)
        try:
            yield connection
        finally:
            with suppress(OSError):
                await connection.close()


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def write_nginx(folder: Path, port: int, server_port: int, authority: Authority) -> list[str]:
    """Write the example with ports and a certificate of the test. Give the command that runs it."""
    pair = authority.issue("proxy")
    text = (PROXY / "nginx.conf").read_text("utf-8")
    for before, after in (
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{server_port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/nginx/fleet.pem", str(pair.certificate)),
        ("/etc/nginx/fleet.key", str(pair.key)),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "padron.conf").write_text(text, "utf-8")
    paths = "\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy"))
    user = "user root;" if os.getuid() == 0 else ""
    main = (
        f"{user}\ndaemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\n    access_log off;\n{paths}\n    include {folder}/padron.conf;\n}}\n"
    )
    (folder / "main.conf").write_text(main, "utf-8")
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-c", str(folder / "main.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    return command


def write_caddy(folder: Path, port: int, server_port: int) -> list[str]:
    """Write the example without TLS, whose certificate it would get from the internet. Give the command."""
    text = (PROXY / "Caddyfile").read_text("utf-8")
    assert text.count("\nfleet.example {") == text.count("127.0.0.1:8080") == 1
    text = text.replace("\nfleet.example {", f"\nhttp://127.0.0.1:{port} {{").replace(":8080", f":{server_port}")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text, "utf-8")
    assert CADDY is not None
    return [CADDY, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def end(process: subprocess.Popen[bytes]) -> None:
    """End a proxy, whose clients may have left connections open."""
    process.terminate()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module", params=PROGRAMS)
async def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxy]:
    """A proxy that answers, with a server behind it. All tests of the program share them."""
    name, folder = str(request.param), tmp_path_factory.mktemp("proxy")
    url = f"sqlite:///{folder}/padron.db"
    fleets = await make_fleets(url)
    authority, port = Authority(folder), find_port()
    async with AsyncExitStack() as stack:
        program = await stack.enter_async_context(run_program(url, folder, "--forwarded-allow", "127.0.0.1"))
        if name == "nginx":
            command, trust = write_nginx(folder, port, program.port, authority), authority.trust()
        else:
            command, trust = write_caddy(folder, port, program.port), None
        with (folder / "proxy.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
        stack.callback(end, process)
        proxy = Proxy(name=name, fleets=fleets, port=port, trust=trust, program=program)

        async def is_there() -> bool:
            assert process.poll() is None, (folder / "proxy.log").read_text("utf-8")
            with suppress(OSError):
                async with proxy.connect() as connection:
                    return (await connection.request("GET", "/readyz")).status == 200
            return False

        await wait_until(is_there, seconds_max=20)
        yield proxy


async def ask(connection: Connection, method: str, target: str, fleet: Fleet, body: object = None) -> int:
    answer = await connection.request(method, target, token=fleet.token, body=body)
    return answer.status


async def test_calls_pass_as_they_are_and_the_server_knows_the_client(proxy: Proxy) -> None:
    fleet = proxy.fleets[0]
    vehicle = f"/api/v2/vehicles/{fleet.vins[0]}"
    async with proxy.connect() as connection:
        for _ in range(3):  # on connections that the proxy keeps
            assert await ask(connection, "PATCH", f"{vehicle}/status", fleet, {"vehicleStatusId": 3}) == 204
        answer = await connection.request("GET", vehicle, token=fleet.token)
        assert (answer.status, "etag" in answer.headers) == (200, True)
        assert not answer.headers["etag"].startswith("W/")
        assert await ask(connection, "GET", "/api/v2/vehicles/a%2Fb/status", fleet) == 400  # no %2F was decoded
        page = await connection.request("GET", "/docs")
        scheme = "https" if proxy.trust is not None else "http"
        assert f"{scheme}://".encode() in page.body
        # What a client says of its address goes before what the proxy knows, so it does not count.
        await connection.send(
            f"GET {vehicle} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-forwarded-for: {OUTSIDER}\r\n"
            f"authorization: Bearer {fleet.token}\r\n\r\n".encode()
        )
        assert (await connection.read_answer()).document["vin"] == fleet.vins[0]


async def test_a_stream_is_not_held_up(proxy: Proxy) -> None:
    fleet = proxy.fleets[1]
    async with proxy.connect() as feed, proxy.connect() as writer:
        await feed.send(
            f"GET /api/v2/changes HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n"
            f"authorization: Bearer {fleet.token}\r\n\r\n".encode()
        )
        heard = b""
        async with asyncio.timeout(ANSWER_S_MAX):
            while b"vehicle.registered" not in heard:
                heard += await feed._reader.read(65_536)
            begun = time.monotonic()
            target = f"/api/v2/vehicles/{fleet.vins[0]}/status"
            assert await ask(writer, "PATCH", target, fleet, {"vehicleStatusId": 3}) == 204
            while b"vehicle.status_changed" not in heard:
                heard += await feed._reader.read(65_536)
        assert time.monotonic() - begun < 3
        feed.reset()  # in the middle of a stream, an orderly end of TLS takes seconds


async def test_a_large_import_passes_and_a_large_call_is_refused(proxy: Proxy) -> None:
    fleet = proxy.fleets[2]
    file = b"vin,plate\n" + b"x" * LARGE_BYTES  # one row, which the server refuses later
    # Caddy has no limit of its own, so the server refuses, and may do so before the end of the body.
    refused = {"/api/v2/vehicles/status": {413}} if proxy.name == "nginx" else {}
    for target, statuses in {"/api/v2/imports": {202}, **refused}.items():
        async with proxy.connect() as connection:
            head = (
                f"POST {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {fleet.token}\r\n"
                f"content-type: text/csv\r\ncontent-length: {len(file)}\r\n\r\n"
            )
            with suppress(OSError):
                await connection.send(head.encode() + file)
            assert (await connection.read_answer()).status in statuses


def test_the_times_of_nginx_are_longer_than_the_servers_but_for_silent_connections() -> None:
    text = (PROXY / "nginx.conf").read_text("utf-8")
    times = {name: float(value) for name, value in re.findall(r"^\s*(\w+) (\d+)s;", text, re.MULTILINE)}
    assert times["keepalive_timeout"] < IDLE_S
    assert times["proxy_read_timeout"] > max(LONG_POLL_S, REQUEST_S) * 2
    assert times["proxy_send_timeout"] > REQUEST_S
    assert "proxy_next_upstream off;" in text
    assert "client_max_body_size 1000m;" in text


def test_the_times_of_caddy_are_longer_than_the_servers_but_for_silent_connections() -> None:
    text = (PROXY / "Caddyfile").read_text("utf-8")
    times = {name: float(value) for name, value in re.findall(r"^\s*(\w+) (\d+)s$", text, re.MULTILINE)}
    assert times["keepalive"] < IDLE_S
    assert times["response_header_timeout"] > max(LONG_POLL_S, REQUEST_S) * 2


@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed.")
def test_caddy_reads_its_file_and_would_write_it_in_the_same_form(tmp_path: Path) -> None:
    assert CADDY is not None
    environment = {**os.environ, "HOME": str(tmp_path)}
    for words in (("validate", "--adapter", "caddyfile", "--config"), ("fmt",)):
        command = [CADDY, *words, str(PROXY / "Caddyfile")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        if words == ("fmt",):
            assert done.stdout == (PROXY / "Caddyfile").read_text("utf-8")
