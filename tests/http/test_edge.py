"""The limits of the edge, over a real socket: what a client library would never send."""

import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from padron.domain.limits import Limits
from padron.http import calls
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import HUMMER, make_cast, registered, save
from tests.http.api import LIST, STATUS, VEHICLE
from tests.http.serving import serve_in_thread
from tests.tables import each_row

GOOD = b'{"vehicleStatusId": 3}'


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    content: bytes

    @property
    def error_detail(self) -> str:
        return str(json.loads(self.content)["errorDetail"])


class Server:
    """Sends bytes as they are and reads whole answers."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.authorization = f"Authorization: Bearer {token}\r\n"

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.settimeout(20)
        return connection

    def send(self, *parts: bytes | str) -> Answer:
        """Send one request and read until the server hangs up or the answer is whole."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part.encode() if isinstance(part, str) else part)
            return read_answer(connection)

    def get(self, target: str, headers: str = "Host: padron.test\r\n") -> Answer:
        return self.send(f"GET {target} HTTP/1.1\r\n{headers}{self.authorization}\r\n")

    def patch(self, headers: str, *body: bytes) -> Answer:
        return self.send(f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\n{self.authorization}{headers}\r\n", *body)


def read_answer(connection: socket.socket, *, bodyless: bool = False) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65_536)
        assert chunk, received
        received += chunk
    head, _, content = received.partition(b"\r\n\r\n")
    text = head.decode("latin-1").lower()
    length = re.search(r"content-length: (\d+)", text)
    while length is not None and not bodyless and len(content) < int(length[1]):
        content += connection.recv(65_536)
    return Answer(status=int(text.split(" ")[1]), head=text, content=content)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        path = tmp_path_factory.mktemp("edge") / "padron.db"
        runtime = build_runtime(await sqlite.open_store(str(path)), read_clock, limits=Limits(waiting=20))
        cast = await make_cast(runtime)
        await save(runtime.store, cast.acme.account.account_id, registered(HUMMER, plate="RTA412C"))
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime) as port:
        yield Server(port, tokens[0])


def test_a_good_request_is_answered(server: Server) -> None:
    answer = server.get(VEHICLE)
    assert answer.status == 200
    assert json.loads(answer.content)["vin"] == HUMMER
    assert server.patch(f"Content-Length: {len(GOOD)}\r\n", GOOD).status == 204


@each_row(
    "host",
    [
        "",
        "Host: \r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: a,b\r\n",
        "Host: user@a\r\n",
        "Host: a:port\r\n",
        "Host: a:123456\r\n",
        "Host: [::1\r\n",
        "Host: a\x00\r\n",
    ],
)
def test_a_host_that_is_missing_doubled_or_bad_is_400(server: Server, host: str) -> None:
    answer = server.get(LIST, host)
    assert answer.status == 400
    assert answer.error_detail == ("MalformedRequest" if "\x00" in host else "BadHost")


@each_row("host", ["a", "a.b-c.test:8080", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8080"])
def test_a_good_host_is_taken(server: Server, host: str) -> None:
    assert server.get(LIST, f"Host: {host}\r\n").status == 200


def test_64_headers_are_read_and_65_are_431(server: Server) -> None:
    others = "".join(f"X-{number}: 1\r\n" for number in range(62))
    assert server.get(LIST, f"Host: x\r\n{others}").status == 200
    answer = server.get(LIST, f"Host: x\r\n{others}X-more: 1\r\n")
    assert (answer.status, answer.error_detail) == (431, "HeadersTooLarge")
    assert "connection: close" in answer.head


def test_17_kilobytes_of_headers_are_431(server: Server) -> None:
    assert server.get(LIST, f"Host: x\r\nX-long: {'x' * 15_000}\r\n").status == 200
    answer = server.get(LIST, f"Host: x\r\nX-long: {'x' * 17_408}\r\n")
    assert (answer.status, answer.error_detail) == (431, "HeadersTooLarge")


def test_a_target_of_2_kilobytes_is_414(server: Server) -> None:
    for target in (f"{LIST}?brandName={'x' * 2_048}", "/" + "x" * 2_048):
        answer = server.get(target)
        assert (answer.status, answer.error_detail) == (414, "TargetTooLong")
    assert server.get("/" + "x" * 2_000).status == 404


def test_a_body_declared_too_large_is_413_before_it_is_sent(server: Server) -> None:
    answer = server.patch("Content-Length: 16385\r\n")
    assert (answer.status, answer.error_detail) == (413, "BodyTooLarge")
    assert "connection: close" in answer.head


def test_a_chunked_body_that_grows_too_large_is_413(server: Server) -> None:
    chunks = [b"400\r\n" + b" " * 0x400 + b"\r\n"] * 17
    answer = server.patch("Transfer-Encoding: chunked\r\n", *chunks)
    assert (answer.status, answer.error_detail) == (413, "BodyTooLarge")


def test_a_chunked_body_within_the_limit_is_read(server: Server) -> None:
    chunks = [b"%x\r\n%c\r\n" % (1, byte) for byte in GOOD]
    assert server.patch("Transfer-Encoding: chunked\r\n", *chunks, b"0\r\n\r\n").status == 204


@each_row(
    "lengths", ["Content-Length: 22\r\nContent-Length: 21\r\n", "Content-Length: x\r\n", "Content-Length: -1\r\n",
                "Content-Length: 1_0\r\n", "Content-Length: 22\r\nTransfer-Encoding: chunked\r\n"],
)  # fmt: skip
def test_a_length_that_can_be_read_in_two_ways_is_400(server: Server, lengths: str) -> None:
    assert server.patch(lengths, GOOD).status == 400


@pytest.mark.parametrize("slash", ["%2F", "%2f"])
def test_an_encoded_slash_comes_through_the_server_as_part_of_the_vin(server: Server, slash: str) -> None:
    answer = server.get(f"/api/v2/vehicles/1M8{slash}GDM9AXKP042788/status")
    assert (answer.status, answer.error_detail) == (400, "BadParameters")
    assert b"character 4 is '/'" in answer.content


@each_row(
    "target",
    ["*", "/%", "/%ff", "/api/v2/vehicles/%ED%A0%80", "/api/v2/vehicles/ñ", "//", "/..;/docs", "http://padron.test/%2F",
     "/api/v2/vehicles/%2e%2e%2fstatus", "/api/v2/vehicles/a\\b", "?", "/?%2F"],
)  # fmt: skip
def test_no_target_makes_the_server_fail(server: Server, target: str) -> None:
    assert server.get(target).status < 500


def test_a_packed_body_is_415_before_it_is_sent(server: Server) -> None:
    answer = server.patch("Content-Encoding: gzip\r\nContent-Length: 22\r\n")
    assert (answer.status, answer.error_detail) == (415, "UnsupportedMediaType")
    assert b"gzip" in answer.content
    assert "accept-encoding: identity" in answer.head
    assert "connection: close" in answer.head


def test_trace_and_connect_are_refused_before_any_route(server: Server) -> None:
    answer = server.send("TRACE /docs HTTP/1.1\r\nHost: x\r\nX-secret: y\r\n\r\n")
    assert (answer.status, answer.error_detail) == (405, "MethodNotAllowed")
    assert "allow: delete, get, head, options, patch, post, put" in answer.head
    assert b"X-secret" not in answer.content
    for target in ("padron.test:443", "/docs"):
        assert server.send(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n").status == 405


def test_head_gives_what_get_gives_without_the_body(server: Server) -> None:
    got = server.get(VEHICLE)
    with server.connect() as connection:
        request = f"HEAD {VEHICLE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{server.authorization}\r\n"
        connection.sendall(request.encode())
        head = read_answer(connection, bodyless=True)
        rest = connection.recv(1)
    assert (head.status, head.content, rest) == (200, b"", b"")
    assert f"content-length: {len(got.content)}" in head.head


def test_a_body_that_comes_too_slowly_is_408_and_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "BODY_WAIT_S_MAX", 0.2)
    answer = server.patch("Content-Length: 100\r\n", GOOD[:10])
    assert (answer.status, answer.error_detail) == (408, "RequestTimeout")
    assert "connection: close" in answer.head


def test_a_client_that_hangs_up_in_the_middle_of_its_body_changes_nothing(server: Server) -> None:
    before = json.loads(server.get(STATUS).content)
    with server.connect() as connection:
        head = f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\n{server.authorization}Content-Length: 30\r\n\r\n"
        connection.sendall(head.encode() + b'{"vehicleStatusId": 9}')
    assert json.loads(server.get(STATUS).content) == before


def test_several_requests_on_one_connection_are_answered_in_their_order(server: Server) -> None:
    with server.connect() as connection:
        for status in (4, 5):
            body = b'{"vehicleStatusId": %d}' % status
            head = f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\n{server.authorization}Content-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            assert read_answer(connection).status == 204
    assert json.loads(server.get(STATUS).content)["vehicleStatusId"] == 5


def test_no_answer_names_the_software_behind_it(server: Server) -> None:
    for target in (LIST, "/nothing", "/docs"):
        assert "uvicorn" not in server.get(target).head


@pytest.mark.parametrize("more", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
def test_who_has_no_key_cannot_hold_a_connection_with_a_body_that_never_ends(server: Server, more: str) -> None:
    with server.connect() as connection:
        connection.sendall(f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        answer = read_answer(connection)
        assert (answer.status, answer.error_detail) == (401, "Unauthorized")
        assert "connection: close" in answer.head
        assert connection.recv(1) == b""


def test_who_has_no_key_and_sends_a_whole_body_keeps_the_connection(server: Server) -> None:
    with server.connect() as connection:
        for _ in range(3):
            head = f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(GOOD)}\r\n\r\n"
            connection.sendall(head.encode() + GOOD)
            answer = read_answer(connection)
            assert (answer.status, answer.error_detail) == (401, "Unauthorized")
            assert "connection: close" not in answer.head


def test_a_body_that_waits_to_be_asked_for_is_not_asked_for_in_vain(server: Server) -> None:
    with server.connect() as connection:
        head = f"PATCH {STATUS} HTTP/1.1\r\nHost: x\r\nContent-Length: 22\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert read_answer(connection).status == 401


def test_one_keys_long_polls_beyond_the_limit_are_429_while_its_other_calls_are_answered(
    server: Server,
) -> None:
    head = f"GET /api/v2/changes?wait=30&type=vehicle.info_changed HTTP/1.1\r\nHost: x\r\n{server.authorization}\r\n"
    connections = [server.connect() for _ in range(20)]
    try:
        for connection in connections:
            connection.sendall(head.encode())
        time.sleep(0.5)
        refused = server.send(head)
        assert (refused.status, refused.error_detail) == (429, "TooManyRequests")
        assert "retry-after: 1" in refused.head
        assert server.patch(f"Content-Length: {len(GOOD)}\r\n", GOOD).status == 204
        for connection in connections[:3]:
            connection.close()
        time.sleep(0.5)
        again = server.connect()
        connections.append(again)
        again.sendall(head.encode())
        again.settimeout(0.5)
        with pytest.raises(TimeoutError):
            again.recv(1)  # it waits
    finally:
        for connection in connections:
            connection.close()
