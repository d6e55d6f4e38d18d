"""Who does not do its part in time is cut off: a silent client, half a head, a slow body, and who reads no answer."""

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from padron.domain.limits import Limits
from padron.http import calls
from padron.http.edge import connections, outlet, protocol
from padron.http.edge.outlet import Outlet
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import make_cast, make_vin, registered, save
from tests.http.serving import serve_in_thread
from tests.http.wire import ANSWER_S_MAX, Wire

END_S_MAX = 10.0
SHORT_S = 0.3
LONG_S = 60.0  # never, in a test
HEAD = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
ADDRESS_MAX = 6
VEHICLES = 500
AHEAD_BYTES = 40_000_000  # more than two sockets keep
SMALL_BYTES = 4_096  # of a socket's buffer


class Target:
    """A server with short times, of which a test makes one its own."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.key = f"Authorization: Bearer {token}\r\n".encode()

    def give_head(self, line: bytes, *lines: bytes) -> bytes:
        return line + b"\r\nHost: x\r\n" + self.key + b"".join(one + b"\r\n" for one in lines) + b"\r\n"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        path = tmp_path_factory.mktemp("deadlines") / "padron.db"
        limits = Limits(address_connections=ADDRESS_MAX)
        runtime = build_runtime(await sqlite.open_store(str(path)), read_clock, limits=limits)
        cast = await make_cast(runtime)
        fleet = [registered(make_vin(number), ownerName="Ana" * 90) for number in range(VEHICLES)]
        await save(runtime.store, cast.acme.account.account_id, *fleet)
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime) as port:
        yield Target(port, tokens[0])


@pytest.fixture(autouse=True)
def _long_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all times long, and look often, so that only the time of the test can end anything."""
    monkeypatch.setattr(connections, "SWEEP_S", 0.05)
    for name in ("IDLE_S", "HEAD_S", "REQUEST_S", "DRAIN_S"):
        monkeypatch.setattr(protocol, name, LONG_S)
    monkeypatch.setattr(outlet, "UNTAKEN_S", LONG_S)


def test_a_silent_connection_is_closed(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE_S", SHORT_S)
    with Wire(target.port) as wire:
        assert not wire.read_end(SHORT_S / 2)
        assert wire.read_end(5)


def test_a_connection_that_is_silent_after_an_answer_is_closed(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(target.port) as wire:
        monkeypatch.setattr(protocol, "IDLE_S", SHORT_S)
        for _ in range(2):
            wire.send(HEAD + b"\r\n")
            assert wire.read_final().status == 200
        assert wire.read_end(5)


@pytest.mark.parametrize("beginning", [b"G", HEAD, b"\r\nGET /", HEAD + b"A: b\r\n\r"])
def test_half_a_head_is_408(target: Target, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", SHORT_S)
    with Wire(target.port) as wire:
        wire.send(beginning)
        refused = wire.read_final()
        assert (refused.error, refused.is_last) == ((408, "RequestTimeout"), True)
        assert wire.read_end()


def test_a_head_that_drips_is_408_though_bytes_of_it_come(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", SHORT_S)
    began = time.monotonic()
    with Wire(target.port) as wire:
        wire.send(*(HEAD[place : place + 1] for place in range(15)), pause_s=0.03)
        assert wire.read_final().error == (408, "RequestTimeout")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("size", [5, 700], ids=["at once", "after a good beginning"])
def test_a_body_below_the_least_pace_is_408(
    target: Target, framing: bytes, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", SHORT_S)
    monkeypatch.setattr(protocol, "PACE_EVERY_S", 0.05)
    head = target.give_head(b"POST /api/v2/imports HTTP/1.1", b"Content-Type: text/csv", framing)
    with Wire(target.port) as wire:
        wire.send(head, b"%x\r\n%b\r\n" % (size, b"vin\n".ljust(size)))
        refused = wire.read_final("POST")
        assert refused.error == (408, "RequestTimeout")
        assert refused.document["detail"].startswith("The body arrived too slowly.")
        assert wire.read_end()


def test_a_body_that_stays_away_is_408_though_the_key_is_known(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that could be answered at once waits a moment for its body, and then as every other request does."""
    monkeypatch.setattr(calls, "BODY_WAIT_S_MAX", SHORT_S)
    path = f"/api/v2/vehicles/{make_vin(0)}/status".encode()
    with Wire(target.port) as wire:
        wire.send(target.give_head(b"GET " + path + b" HTTP/1.1"))
        assert wire.read_final().status == 200
        wire.send(target.give_head(b"PATCH " + path + b" HTTP/1.1", b"Content-Length: 22") + b'{"vehicle')
        assert wire.read_final("PATCH").error == (408, "RequestTimeout")
        assert wire.read_end()


def test_a_body_of_the_least_pace_is_taken_for_as_long_as_it_comes(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", SHORT_S)
    monkeypatch.setattr(protocol, "PACE_EVERY_S", 0.05)
    content = b"vin\n" + b"".join(make_vin(number).encode() + b"\n" for number in range(100))
    head = target.give_head(
        b"POST /api/v2/imports HTTP/1.1", b"Content-Type: text/csv", b"Content-Length: %d" % (4 * len(content))
    )
    with Wire(target.port) as wire:
        wire.send(head + content, content, content, content, pause_s=SHORT_S)
        assert wire.read_final("POST").status == 202


def test_who_reads_nothing_of_its_answers_is_cut_off(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "UNTAKEN_S", SHORT_S)
    with Wire(target.port, receive_bytes=SMALL_BYTES) as wire:
        wire.send(target.give_head(b"GET /api/v2/vehicles?limit=500 HTTP/1.1") * 100)
        poll = select.poll()
        poll.register(wire.socket, 0)  # whatever is asked for, the system tells of a reset
        assert poll.poll(END_S_MAX * 1_000)


def test_what_a_client_sends_before_its_answer_is_taken_up_to_a_bound(target: Target) -> None:
    """The rest stays in the sockets of both machines, and the client notices."""
    with Wire(target.port) as wire:
        wire.send(target.give_head(b"GET /api/v2/changes?wait=2&type=vehicle.info_changed HTTP/1.1"))
        wire.socket.settimeout(1.0)
        sent = 0
        with suppress(TimeoutError):
            while sent < AHEAD_BYTES:
                sent += wire.socket.send(HEAD * 2_000)
        assert 65_536 < sent < AHEAD_BYTES
        wire.socket.settimeout(ANSWER_S_MAX)
        assert wire.read_final().status == 200
        assert wire.read_final().error == (431, "HeadersTooLarge")


def list_answered(target: Target) -> list[Wire]:
    """Give a new connection if it may stay."""
    wire = Wire(target.port)
    wire.send(HEAD + b"\r\n")
    try:
        assert wire.read_final().status == 200
    except EOFError:
        wire.close()
        return []
    return [wire]


def test_one_address_has_no_more_connections_than_the_bound(target: Target) -> None:
    wires: list[Wire] = []
    try:
        until = time.monotonic() + END_S_MAX
        while len(wires) < ADDRESS_MAX:  # the server may not have seen yet that those of the last test are closed
            assert time.monotonic() < until
            wires += list_answered(target)
        with Wire(target.port) as refused:
            assert refused.read_end()
        wires.pop().close()
        wires.pop().close()
        until = time.monotonic() + END_S_MAX
        while len(wires) < ADDRESS_MAX:  # the server learns of the closed ones a moment later
            assert time.monotonic() < until
            wires += list_answered(target)
    finally:
        for wire in wires:
            wire.close()


def test_a_client_that_goes_on_sending_after_a_refusal_can_read_it(target: Target) -> None:
    """A socket that is closed with bytes of the client in it resets the connection, and the refusal is lost."""
    head = target.give_head(b"PATCH /api/v2/vehicles/x/status HTTP/1.1", b"Content-Length: 900000")
    with Wire(target.port) as wire:
        wire.send(head, *[b"x" * 100_000] * 8, pause_s=0.02)
        answer = wire.read_final("PATCH")
        assert (answer.is_last, answer.status) == (True, 400)
        assert wire.read_end()


def test_a_client_that_never_stops_sending_after_a_refusal_is_cut_off(target: Target) -> None:
    head = target.give_head(b"PATCH /api/v2/vehicles/x/status HTTP/1.1", b"Content-Length: 900000000")
    with Wire(target.port) as wire:
        wire.send(head)
        assert send_as_long_as_taken(wire, 100_000, bytes_max=50_000_000) < 20_000_000


def send_as_long_as_taken(wire: Wire, piece_bytes: int, *, bytes_max: int) -> int:
    """Give how much was sent until the connection was reset: what is closed altogether answers by that."""
    sent = 0
    with suppress(ConnectionError):
        while sent < bytes_max:
            sent += wire.socket.send(b"x" * piece_bytes)
            time.sleep(0.001)
    return sent


def test_a_client_that_stays_after_a_refusal_is_cut_off(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "DRAIN_S", SHORT_S)
    with Wire(target.port) as wire:
        wire.send(b"nonsense\r\n\r\n")
        assert wire.read_final().status == 400
        time.sleep(SHORT_S + 0.3)
        assert send_as_long_as_taken(wire, 1, bytes_max=500) < 500


@asynccontextmanager
async def open_outlet() -> AsyncIterator[tuple[Outlet, asyncio.Transport, socket.socket]]:
    """Give an outlet on a connection whose other end is a plain socket with a small buffer."""
    here, there = socket.socketpair()
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
    for end in (here, there):
        end.settimeout(0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, here)
    try:
        yield Outlet(transport, loop, None, lambda: None), transport, there
    finally:
        transport.abort()
        there.close()
        await asyncio.sleep(0)


async def fill(outlet_: Outlet, unsent_bytes: int) -> None:
    """Write until so much waits: more than the client's end has taken."""
    while outlet_.unsent_bytes < unsent_bytes:
        outlet_.write(b"x" * 512)
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_closed", [False, True])
async def test_a_client_that_takes_nothing_is_cut_off_though_little_waits(is_closed: bool) -> None:  # noqa: FBT001
    """Whatever waits when the connection is closed must not keep it open for ever."""
    now_s = asyncio.get_running_loop().time()
    async with open_outlet() as (outlet_, transport, _):
        await fill(outlet_, 1)
        if is_closed:
            outlet_.close()
            assert outlet_.unsent_bytes
        else:
            outlet_.stall()
        outlet_.check_pace(now_s + LONG_S - 1)
        assert outlet_.unsent_bytes
        outlet_.check_pace(now_s + LONG_S + 1)
        assert outlet_.unsent_bytes == 0
        assert transport.is_closing()


async def test_a_client_that_takes_enough_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "UNTAKEN_S", 1.0)
    now_s = asyncio.get_running_loop().time()
    async with open_outlet() as (outlet_, _, there):
        await fill(outlet_, 200_000)
        outlet_.stall()
        for second in range(1, 4):
            taken = 0
            while taken < outlet.BYTES_PER_S_MIN + 5 * SMALL_BYTES:  # what the socket keeps, and more
                taken += len(await asyncio.get_running_loop().sock_recv(there, 1_024))
            outlet_.check_pace(now_s + 1.1 * second)
            assert not outlet_.is_closing()
        outlet_.check_pace(now_s + 5)
        assert outlet_.is_closing()


async def test_a_client_that_takes_its_answers_again_has_its_time_anew() -> None:
    now_s = asyncio.get_running_loop().time()
    async with open_outlet() as (outlet_, _, _there):
        await fill(outlet_, 1)
        outlet_.stall()
        outlet_.resume()
        outlet_.check_pace(now_s + 10 * LONG_S)
        assert not outlet_.is_closing()
        outlet_.close()
        outlet_.resume()  # too little is taken for that to count
        outlet_.check_pace(now_s + 10 * LONG_S)
        assert outlet_.unsent_bytes == 0
