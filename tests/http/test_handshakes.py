"""Connections with TLS: they count before their handshake is over, and so does what their clients do not take."""

import asyncio
import shutil
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from padron.cli import loops
from padron.cli.certificates import CertificateFiles
from padron.domain.limits import Limits
from padron.http.app import App, build_app
from padron.http.edge.protocol import EdgeProtocol
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import make_cast, make_vin, registered, save, wait_until
from tests.certificates import Authority

FLEET = 500
SMALL_BYTES = 4_096  # of a socket's buffer
LIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(kw_only=True)
class Target:
    """A server with TLS on the serving loop, in this process."""

    port: int
    app: App
    state: ServerState
    trust: ssl.SSLContext
    list_request: bytes

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def connect(self) -> socket.socket:
        """Connect without a word of TLS."""
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        raw.settimeout(5)
        raw.connect(self.address)
        return raw

    async def ask(self) -> bytes:
        """Connect with TLS, and ask. Gives nothing when the connection is turned away."""
        try:
            reader, writer = await asyncio.open_connection(*self.address, ssl=self.trust)
        except OSError:
            return b""
        try:
            writer.write(LIVE)
            return await asyncio.wait_for(reader.read(17), 5)
        finally:
            writer.close()

    def count_unsent(self) -> int:
        return sum(connection.unsent_bytes for connection in self.app.edge.connections.list_open())


@pytest.fixture(autouse=True)
def _register(template: Path, tmp_path: Path) -> None:
    shutil.copy(template, tmp_path / "p.db")


@asynccontextmanager
async def serving(folder: Path, limits: Limits, vehicles: int) -> AsyncIterator[Target]:
    pair = (authority := Authority(folder)).issue("server")
    context = CertificateFiles(certificate=str(pair.certificate), key=str(pair.key)).load().context
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        runtime = build_runtime(await sqlite.open_store(str(folder / "p.db")), read_clock, limits=limits)
        cast = await make_cast(runtime)
        fleet = [registered(make_vin(number), ownerName="Ana" * 90) for number in range(vehicles)]
        await save(runtime.store, cast.acme.account.account_id, *fleet)
        tokens.append(cast.acme.token)
        return runtime

    app = build_app(open_runtime)
    config = uvicorn.Config(app, http=EdgeProtocol, ws="none", lifespan="on", proxy_headers=False, log_config=None)
    config.load()
    lifespan = config.lifespan_class(config)
    await lifespan.startup()
    state = ServerState()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)  # so that the rest is the server's
    server = await asyncio.get_running_loop().create_server(
        lambda: EdgeProtocol(config, state, {}), sock=listening, ssl=context
    )
    request = f"GET /api/v2/vehicles?limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens[0]}\r\n\r\n"
    target = Target(
        port=server.sockets[0].getsockname()[1],
        app=app,
        state=state,
        trust=authority.trust(),
        list_request=request.encode(),
    )
    try:
        yield target
    finally:
        server.close()
        for connection in app.edge.connections.list_open():
            connection.abort()
        await lifespan.shutdown()


def run(
    folder: Path, limits: Limits, work: Callable[[Target], Coroutine[None, None, None]], *, vehicles: int = 0
) -> None:
    async def serve() -> None:
        async with serving(folder, limits, vehicles) as target, asyncio.timeout(30):
            await work(target)

    with asyncio.Runner(loop_factory=loops.ServingLoop) as runner:
        runner.run(serve())


async def wait_for(condition: Callable[[], bool]) -> None:
    async def is_met() -> bool:
        return condition()

    await wait_until(is_met)


@pytest.mark.parametrize("limits", [Limits(address_connections=3), Limits(total_connections=3)], ids=["one", "all"])
def test_half_handshakes_count_as_connections_and_give_their_places_back(tmp_path: Path, limits: Limits) -> None:
    async def work(target: Target) -> None:
        for beginning in (b"", b"\x16\x03\x01\x02\x00\x01"):  # nothing, and the beginning of a greeting
            held = [target.connect() for _ in range(3)]
            for connection in held:
                connection.sendall(beginning)
            await wait_for(lambda: len(target.state.connections) == 3)
            assert await target.ask() == b""
            for connection in held[:2]:
                connection.close()
            await wait_for(lambda: len(target.state.connections) == 1)
            assert await target.ask() == b"HTTP/1.1 200 OK\r\n"
            held[2].close()
            await wait_for(lambda: not target.state.connections)
        for _ in range(5):  # whoever has ended the handshake has one place, not two
            assert await target.ask() == b"HTTP/1.1 200 OK\r\n"
        await wait_for(lambda: not target.state.connections)
        assert not target.app.edge.connections.list_open()

    run(tmp_path, limits, work)


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "begun"])
def test_a_client_that_never_ends_its_handshake_is_cut_off(
    tmp_path: Path, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "HANDSHAKE_S_MAX", 0.2)

    async def work(target: Target) -> None:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(*target.address)
        writer.write(beginning)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - began > 0.1
        writer.close()
        await wait_for(lambda: not target.state.connections)

    run(tmp_path, Limits(), work)


def test_a_request_in_the_same_flight_as_the_end_of_the_handshake_is_answered(tmp_path: Path) -> None:
    """The server may read both at once, before the connection has its protocol."""

    async def work(target: Target) -> None:
        for _ in range(20):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = target.trust.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            reader, writer = await asyncio.open_connection(*target.address)
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65_536))
            client.write(LIVE)
            writer.write(outgoing.read())
            received = b""
            while not received:
                incoming.write(await asyncio.wait_for(reader.read(65_536), 5))
                try:
                    received = client.read(17)
                except ssl.SSLWantReadError:
                    continue
            assert received == b"HTTP/1.1 200 OK\r\n"
            writer.close()

    run(tmp_path, Limits(), work)


def test_a_server_that_stops_ends_handshakes_at_once(tmp_path: Path) -> None:
    async def work(target: Target) -> None:
        with closing(target.connect()):
            await wait_for(lambda: len(target.state.connections) == 1)
            for connection in [*target.state.connections]:
                connection.shutdown()
            await wait_for(lambda: not target.state.connections)

    run(tmp_path, Limits(), work)


def shake_hands(target: Target) -> ssl.SSLSocket:
    raw = target.connect()
    return target.trust.wrap_socket(raw, server_hostname="127.0.0.1")


def test_answers_that_clients_do_not_take_are_counted_and_bounded_with_tls_too(tmp_path: Path) -> None:
    """The answers are smaller than what TLS itself would keep before it says so."""
    bound = 1_500_000

    async def work(target: Target) -> None:
        clients = []
        for _ in range(12):
            client = await asyncio.to_thread(shake_hands, target)
            await asyncio.to_thread(client.sendall, target.list_request)
            clients.append(client)
        await wait_for(lambda: len(target.app.edge.connections.list_open()) < 10)
        assert 0 < target.count_unsent() <= bound
        ended = 12 - len(target.app.edge.connections.list_open())
        assert 2 <= ended < 12
        assert await target.ask() == b"HTTP/1.1 200 OK\r\n"
        for client in clients:
            client.close()

    run(tmp_path, Limits(total_unsent_bytes=bound), work, vehicles=FLEET)


def test_who_takes_a_large_answer_with_tls_at_last_is_not_counted_any_more(tmp_path: Path) -> None:
    async def work(target: Target) -> None:
        client = await asyncio.to_thread(shake_hands, target)
        await asyncio.to_thread(client.sendall, target.list_request)
        await wait_for(lambda: target.count_unsent() > 0)
        stalled = target.app.edge.connections
        await wait_for(lambda: stalled.count_stalled() == 1)

        def take_all() -> None:
            taken = client.recv(65_536)
            head, _, _ = taken.partition(b"\r\n\r\n")
            size = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            while len(taken) < size:
                taken += client.recv(65_536)

        await asyncio.to_thread(take_all)
        await wait_for(lambda: stalled.count_stalled() == 0)
        client.close()

    run(tmp_path, Limits(), work, vehicles=FLEET)
