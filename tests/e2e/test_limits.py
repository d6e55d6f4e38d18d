"""What the server refuses before it reads on: each limit from both sides, byte by byte, over plain sockets."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio

from tests.e2e.client import Answer, Connection, connect
from tests.e2e.program import Fleet, make_fleets, run_server

HEADERS_MAX = 64
HEADER_BYTES_MAX = 16_384
TARGET_BYTES_MAX = 2_048
BODY_BYTES_MAX = 16_384
LIVE = "GET /livez HTTP/1.1"
HOST = "Host: padron.test"


class Edge:
    """A server, and a connection of its own for each request."""

    def __init__(self, port: int, fleet: Fleet) -> None:
        self._port = port
        self.fleet = fleet

    def open(self) -> AbstractAsyncContextManager[Connection]:
        return connect(self._port)

    async def send(self, *lines: str, body: bytes = b"") -> Answer:
        """Send a head of these lines and a body, and give the answer."""
        async with self.open() as connection:
            await connection.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            answer = await connection.read_answer()
            if answer.headers.get("connection") == "close":
                assert await connection.read_to_end() == b"", "After a last answer there was more."
            return answer

    async def patch(self, *lines: str, body: bytes) -> Answer:
        return await self.send(
            f"PATCH /api/v2/vehicles/{self.fleet.vins[0]}/status HTTP/1.1",
            HOST,
            f"Authorization: Bearer {self.fleet.token}",
            *lines,
            body=body,
        )

    async def is_well(self) -> bool:
        return (await self.send(LIVE, HOST)).status == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """One server for all of these tests: a refused request must not harm the next."""
    folder = tmp_path_factory.mktemp("limits")
    url = f"sqlite:///{folder}/padron.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    async with run_server(url, folder) as server:
        edge = Edge(server.port, fleet)
        yield edge
        assert await edge.is_well()
        assert "ERROR" not in server.read_log()
        assert "Traceback" not in server.read_log()


async def test_one_header_more_than_sixty_four_is_431(edge: Edge) -> None:
    headers = [f"X-{number}: v" for number in range(HEADERS_MAX)]
    assert (await edge.send(LIVE, HOST, *headers[:-1])).status == 200
    answer = await edge.send(LIVE, HOST, *headers)
    answer.check_problem(431, "headersTooLarge", "HeadersTooLarge")
    assert answer.headers["connection"] == "close"


async def test_more_than_sixteen_kilobytes_of_headers_are_431(edge: Edge) -> None:
    room = HEADER_BYTES_MAX - len(HOST) - 2 - len("X: ") - 2 - 1  # what a line has beside its value
    assert (await edge.send(LIVE, HOST, f"X: {'v' * (room - 8)}")).status == 200
    answer = await edge.send(LIVE, HOST, f"X: {'v' * (room + 8)}")
    answer.check_problem(431, "headersTooLarge", "HeadersTooLarge")
    many = [f"X: {'v' * 1_000}"] * 17
    (await edge.send(LIVE, HOST, *many)).check_problem(431, "headersTooLarge", "HeadersTooLarge")


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [HOST, HOST],
        [HOST, "Host: other.test"],
        ["Host:"],
        ["Host: padron.test, other.test"],
        ["Host: user@padron.test"],
        ["Host: padron.test/path"],
        ["Host: padron test"],
        ["Host: padron.test:port"],
        ["Host: padr\xf3n.test"],
    ],
)
async def test_without_exactly_one_good_host_a_request_is_400(edge: Edge, hosts: list[str]) -> None:
    answer = await edge.send(LIVE, *hosts)
    answer.check_problem(400, "badRequest", "BadHost")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "[::1]:8080", "padron.example.com"])
async def test_a_good_host_is_taken(edge: Edge, host: str) -> None:
    assert (await edge.send(LIVE, f"Host: {host}")).status == 200


async def test_a_target_over_two_kilobytes_is_414(edge: Edge) -> None:
    short, long = ("/livez?" + "q" * (size - len("/livez?")) for size in (TARGET_BYTES_MAX, TARGET_BYTES_MAX + 1))
    assert (await edge.send(f"GET {short} HTTP/1.1", HOST)).status == 200
    for target in (long, "/" + "p" * TARGET_BYTES_MAX, "/" + "p" * 60_000):
        answer = await edge.send(f"GET {target} HTTP/1.1", HOST)
        answer.check_problem(414, "uriTooLong", "TargetTooLong")


def pad_body(size: int) -> bytes:
    return b'{"vehicleStatusId":4}'.ljust(size)


async def test_a_body_declared_over_sixteen_kilobytes_is_413_before_it_is_sent(edge: Edge) -> None:
    body = pad_body(BODY_BYTES_MAX)
    assert (await edge.patch(f"Content-Length: {len(body)}", body=body)).status == 204
    for size in (BODY_BYTES_MAX + 1, 10**9, 10**15):
        answer = await edge.patch(f"Content-Length: {size}", body=b"")
        answer.check_problem(413, "payloadTooLarge", "BodyTooLarge")
        assert answer.headers["connection"] == "close"


async def test_a_chunked_body_over_sixteen_kilobytes_is_413(edge: Edge) -> None:
    def chunk(body: bytes) -> bytes:
        parts = [body[place : place + 1_000] for place in range(0, len(body), 1_000)]
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)

    fitting = chunk(pad_body(BODY_BYTES_MAX)) + b"0\r\n\r\n"
    assert (await edge.patch("Transfer-Encoding: chunked", body=fitting)).status == 204
    endless = chunk(pad_body(BODY_BYTES_MAX + 1))  # and no end
    answer = await edge.patch("Transfer-Encoding: chunked", body=endless)
    answer.check_problem(413, "payloadTooLarge", "BodyTooLarge")


@pytest.mark.parametrize("method", ["PROPFIND", "DELETE", "POST"])
async def test_a_method_that_an_address_does_not_take_is_405(edge: Edge, method: str) -> None:
    answer = await edge.send(f"{method} /livez HTTP/1.1", HOST)
    answer.check_problem(405, "methodNotAllowed", "MethodNotAllowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT padron.test:443 HTTP/1.1",
        "BREW /livez HTTP/1.1",
        "get /livez HTTP/1.1",
        "GET /livez HTTP/9.9",
        "GET /li\tvez HTTP/1.1",
        "nonsense",
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_closed(edge: Edge, line: str) -> None:
    """The server's parser answers these before our code is reached, so they need not have our form."""
    answer = await edge.send(line, HOST)
    assert 400 <= answer.status < 500
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 21", "Transfer-Encoding: chunked"],
        ["Content-Length: 21", "Content-Length: 20"],
        ["Content-Length: -1"],
        ["Content-Length: +21"],
        ["Content-Length: 0x15"],
        ["Transfer-Encoding: gzip"],
    ],
)
async def test_a_body_whose_end_is_in_doubt_is_refused(edge: Edge, lines: list[str]) -> None:
    answer = await edge.patch(*lines, body=pad_body(21) + b"GET /livez HTTP/1.1\r\n" + HOST.encode() + b"\r\n\r\n")
    assert 400 <= answer.status < 500
    assert answer.headers["connection"] == "close"


async def test_requests_sent_in_one_piece_are_answered_one_after_the_other(edge: Edge) -> None:
    async with edge.open() as connection:
        await connection.send(f"{LIVE}\r\n{HOST}\r\n\r\n".encode() * 20)
        assert [(await connection.read_answer()).status for _ in range(20)] == [200] * 20
