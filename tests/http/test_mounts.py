"""A room that is mounted beside the API: it gets its requests under the guards of all others, and nothing else."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from padron.domain.errors import PadronError
from padron.domain.limits import Limits
from padron.http.app import build_app
from padron.http.reach import Reach, set_root_path
from padron.http.watching.tally import Tally
from padron.mounting import BodyRefusedError, Mount, MountedReply, MountedRequest, MountedRoute
from padron.service.runtime import Runtime
from tests.cast import Cast, wait_until
from tests.http.asgi import Answer, AsgiClient
from tests.http.conftest import run_lifespan
from tests.http.raw import RawCall

pytestmark = pytest.mark.long("postgres")

ROUTES = (
    MountedRoute(method="GET", path="/room"),
    MountedRoute(method="GET", path="/room/things/{name}"),
    MountedRoute(method="POST", path="/room/things/{name}"),
)
HEADERS = ((b"content-type", b"text/html"),)


class Room:
    """Answers everything, and remembers what it was asked."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.asked: list[MountedRequest] = []
        self.bodies: list[bytes] = []
        self.refusals: list[int] = []
        self.gate: asyncio.Event | None = None  # that who was admitted waits for
        self.streaming = 0

    async def has_two(self) -> bool:
        return len(self.asked) == 2

    async def answer(self, request: MountedRequest) -> MountedReply:
        self.asked.append(request)
        if request.query == "fail":
            raise RuntimeError("the cause")
        if request.query == "admit":
            try:
                request.admit(self.cast.gamma.principal)
            except PadronError as error:
                return MountedReply(status=429, headers=HEADERS, problem=error.code.value)
            if self.gate is not None:
                await self.gate.wait()
        if request.query == "stream":
            request.admit(self.cast.gamma.principal)
            try:
                request.begin_stream("session")
            except PadronError as error:
                return MountedReply(status=429, headers=HEADERS, problem=error.code.value)
            return MountedReply(status=200, headers=HEADERS, pieces=self._give_pieces(request))
        if request.method == "POST":
            try:
                self.bodies.append(await request.read_body(1_000))
            except BodyRefusedError as error:
                self.refusals.append(error.status)
                return MountedReply(status=error.status, headers=(*HEADERS, *error.headers), problem=error.problem)
        if request.query == "packed":
            packed = (*HEADERS, (b"content-encoding", b"gzip"))
            return MountedReply(status=200, headers=packed, body=gzip.compress(b"x" * 9_000))
        return MountedReply(status=404 if request.route is None else 200, headers=HEADERS, body=b"x" * 5_000)

    async def _give_pieces(self, request: MountedRequest) -> AsyncGenerator[bytes, None]:
        gone = request.watch_client()
        self.streaming += 1
        try:
            yield b"first"
            await asyncio.wait([gone])
            yield b"nobody reads this"
        finally:
            self.streaming -= 1
            gone.cancel()


@pytest.fixture
def room(cast: Cast) -> Room:
    return Room(cast)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def http(runtime: Runtime, room: Room, tally: Tally) -> AsyncIterator[AsgiClient]:
    async def open_runtime() -> Runtime:
        return runtime

    mount = Mount(name="room", routes=ROUTES, answer=room.answer)
    app = build_app(open_runtime, reach=Reach(root_path="/padron"), tally=tally, mounts=[mount])
    async with run_lifespan(app):
        yield AsgiClient(app)
    set_root_path("")


async def ask(http: AsgiClient, method: str, target: str, body: bytes | None = None) -> Answer:
    return await http.request(method, target, body, ())


def list_routes(tally: Tally) -> set[object]:
    (family, _) = tally.give_families()
    return {*family.samples}


async def test_the_room_gets_its_requests_with_parameters_and_without_the_root_path(
    http: AsgiClient, room: Room
) -> None:
    for prefix in ("", "/padron"):
        answer = await ask(http, "GET", f"{prefix}/room/things/a%2Fb?q=1%202")
        assert answer.status == 200
        asked = room.asked[-1]
        assert (asked.route, asked.path, asked.query) == (ROUTES[1], "/room/things/a%2Fb", "q=1%202")
        assert asked.parameters == {"name": "a/b"}
        assert asked.request_id == answer.headers["x-request-id"]
        assert (asked.scheme, asked.client_address) == ("http", "127.0.0.1")
        assert asked.headers["host"] == "padron.test"


@pytest.mark.parametrize("path", ["/room/", "/room/nothing", "/room/things/a/b"])
async def test_the_room_answers_its_unknown_addresses_itself(http: AsgiClient, room: Room, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await ask(http, method, path, b"" if method == "POST" else None)
        assert answer.status == 404
        assert answer.headers["content-type"] == "text/html"
        assert room.asked[-1].route is None


@pytest.mark.parametrize("path", ["/roomy", "/other", "/api/room", "/livez"])
async def test_the_room_gets_nothing_of_the_rest(http: AsgiClient, room: Room, path: str) -> None:
    await ask(http, "GET", path)
    assert not room.asked


async def test_answers_are_counted_by_the_template_and_never_by_the_address(http: AsgiClient, tally: Tally) -> None:
    await ask(http, "GET", "/room/things/137ZA903X1E412677")
    await ask(http, "GET", "/room/secret-address")
    assert list_routes(tally) == {("GET", "/room/things/{name}", "200"), ("GET", "", "404")}


async def test_bodies_have_the_rooms_limit(http: AsgiClient, room: Room) -> None:
    assert (await ask(http, "POST", "/room/things/a", b"x" * 1_000)).status == 200
    large = await ask(http, "POST", "/room/things/a", b"x" * 1_001)
    assert (large.status, large.headers["connection"]) == (413, "close")
    assert room.bodies == [b"x" * 1_000]
    assert room.refusals == [413]


async def test_a_head_request_is_answered_like_a_get_and_other_methods_are_refused(http: AsgiClient) -> None:
    assert (await ask(http, "HEAD", "/room")).status == 200
    refused = await ask(http, "PUT", "/room", b"")
    assert refused.status == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_pages_are_compressed_once(http: AsgiClient) -> None:
    plain = await ask(http, "GET", "/room")
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.content == b"x" * 5_000
    packed = await ask(http, "GET", "/room?packed")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == b"x" * 9_000


@pytest.mark.parametrize("limits", [Limits(key_requests_per_s=1, key_burst=5)])
async def test_who_is_admitted_is_counted_like_every_caller(http: AsgiClient) -> None:
    answers = [await ask(http, "GET", "/room?admit") for _ in range(8)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 3
    assert (await ask(http, "GET", "/room")).status == 200


@pytest.mark.parametrize("limits", [Limits(calls=2)])
async def test_who_is_admitted_takes_a_place_until_the_answer(http: AsgiClient, room: Room) -> None:
    room.gate = asyncio.Event()
    working = [asyncio.create_task(ask(http, "GET", "/room?admit")) for _ in range(2)]
    await wait_until(room.has_two)
    async with asyncio.timeout(10):
        assert (await ask(http, "GET", "/room?admit")).status == 429
    room.gate.set()
    assert {answer.status for answer in await asyncio.gather(*working)} == {200}
    assert (await ask(http, "GET", "/room?admit")).status == 200


async def begin_stream(http: AsgiClient, method: str = "GET", version: str = "1.1") -> RawCall:
    call = RawCall(http.app, None, method, "/room?stream", version=version)
    await call.read_status()
    return call


@pytest.mark.parametrize("limits", [Limits(session_streams=2), Limits(console_streams=2)])
async def test_a_stream_is_sent_as_it_comes_and_has_a_place_until_the_client_goes(http: AsgiClient, room: Room) -> None:
    streams = [await begin_stream(http) for _ in range(3)]
    assert [await one.read_status() for one in streams] == [200, 200, 429]

    async def has_begun() -> bool:
        return [one.content for one in streams[:2]] == [b"first", b"first"]

    await wait_until(has_begun)
    assert room.streaming == 2
    assert not any(one.is_complete for one in streams[:2])
    for one in streams[:2]:
        await one.hang_up()
    assert room.streaming == 0
    again = await begin_stream(http)
    assert await again.read_status() == 200
    await again.hang_up()


async def test_a_stream_is_not_begun_for_a_head_request_or_an_old_client(http: AsgiClient, room: Room) -> None:
    head = await begin_stream(http, "HEAD")
    assert await head.read_status() == 200
    await head.task
    old = await begin_stream(http, version="1.0")
    assert await old.read_status() == 400
    await old.task
    assert room.streaming == 0


async def test_a_failure_of_the_room_is_answered_without_its_cause(http: AsgiClient) -> None:
    answer = await ask(http, "GET", "/room?fail")
    assert answer.status == 500
    assert b"cause" not in answer.content
