"""Pages of other sites: those of named origins may call and read every answer, and without a setting nobody's may."""

from collections.abc import AsyncIterator, Iterator

import pytest

from padron.http.answers import cors
from padron.http.reach import Reach
from padron.http.routes import ROUTES
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import HUMMER, make_cast
from tests.conftest import OpenStore, SteppedClock
from tests.http.api import CAR, LIST, STATUS, VEHICLE, Api, Reply
from tests.http.conftest import run_api
from tests.http.raw import RawCall
from tests.http.serving import serve_in_thread
from tests.http.wire import Wire
from tests.tables import each_row

ORIGIN, OTHER, EVIL = "https://a.example", "http://localhost:3000", "https://evil.example"
ALLOWED = {ORIGIN, OTHER}
FURTHER = (LIST, "/livez", "/docs", "/api/v2/vehicles/x/y/z")


@pytest.fixture
def engine() -> str:
    """Give one engine: nothing here depends on it."""
    return "sqlite"


@pytest.fixture
async def api(open_store: OpenStore, clock: SteppedClock) -> AsyncIterator[Api]:
    runtime = build_runtime(await open_store(), clock)
    async with run_api(runtime, await make_cast(runtime), Reach(origins=frozenset(ALLOWED))) as api:
        yield api


def list_cors(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("access-control-")}


def split(value: str) -> set[str]:
    return {part.strip().lower() for part in value.split(",")}


async def ask_leave(api: Api, target: str, origin: str, method: str = "PATCH", **headers: str) -> Reply:
    """Send what a browser sends before a call: without a key, and with the method that is to come."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = {"Origin": origin, "Access-Control-Request-Method": method, **named}
    return await api.nobody.send("OPTIONS", target, headers=asked)


@pytest.mark.parametrize("origin", sorted(ALLOWED))
@pytest.mark.parametrize(
    "target", [STATUS, "/nowhere", *(pytest.param(one, marks=pytest.mark.long) for one in FURTHER)]
)
async def test_a_named_origin_gets_leave_for_every_address_without_a_key(api: Api, origin: str, target: str) -> None:
    reply = await ask_leave(api, target, origin, Access_Control_Request_Headers="authorization,content-type,if-match")
    assert (reply.status, reply.content) == (204, b"")
    assert list_cors(reply) == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "DELETE, GET, PATCH, POST, PUT",
        "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
        "Last-Event-ID, Padron-After, traceparent",
        "access-control-max-age": "600",
        "access-control-expose-headers": "Content-Disposition, ETag, Idempotency-Replayed, Link, Location, "
        "Padron-Planned-Change, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
    }
    assert split(reply.headers["vary"]) == {"origin"}


STRANGERS = [
    EVIL, "null", "*", "https://a.example.evil.example", "https://a.example:8443", "http://a.example",
    "https://A.example", "https://a.example/", "https://a.example, https://evil.example", "",
]  # fmt: skip


async def test_any_other_origin_gets_nothing(api: Api) -> None:
    for origin in STRANGERS:
        for reply in (
            await ask_leave(api, STATUS, origin),
            await api.acme.get(LIST, Origin=origin),
            await api.nobody.get(STATUS, Origin=origin),
            await api.nobody.get("/nowhere", Origin=origin),
        ):
            assert list_cors(reply) == {}, origin
            assert "origin" in split(reply.headers["vary"]), origin
        reply = await ask_leave(api, STATUS, origin)
        assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")


async def test_an_options_that_asks_for_no_leave_is_answered_as_before(api: Api) -> None:
    reply = await api.nobody.send("OPTIONS", STATUS, headers={"Origin": ORIGIN})
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
    assert (await api.nobody.send("OPTIONS", "/nowhere", headers={"Origin": ORIGIN})).code == (404, "PathNotFound")


async def test_a_page_can_read_every_answer_also_the_errors(api: Api) -> None:
    await api.acme.register()
    answers = {
        204: await api.acme.patch(STATUS, {"vehicleStatusId": 3}, Origin=ORIGIN),
        200: await api.acme.get(VEHICLE, Origin=ORIGIN),
        304: await api.acme.get(VEHICLE, Origin=ORIGIN, If_None_Match="*"),
        400: await api.acme.patch(STATUS, {"vehicleStatusId": 2}, Origin=ORIGIN),
        401: await api.nobody.get(STATUS, Origin=ORIGIN),
        403: await api.gamma.patch(STATUS, {"vehicleStatusId": 3}, Origin=ORIGIN),
        404: await api.beta.get(STATUS, Origin=ORIGIN),
        405: await api.acme.send("DELETE", STATUS, headers={"Origin": ORIGIN}),
        412: await api.acme.patch(STATUS, {"vehicleStatusId": 4}, Origin=ORIGIN, If_Match='"v1r1t0"'),
        413: await api.acme.send("PATCH", STATUS, "x" * 20_000, {"Origin": ORIGIN}),
        415: await api.acme.send("PATCH", STATUS, "x", {"Origin": ORIGIN, "Content-Type": "text/plain"}),
    }
    for status, reply in answers.items():
        assert reply.status == status, reply.content
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert "origin" in split(reply.headers["vary"])
        exposed = split(reply.headers["access-control-expose-headers"])
        assert {"etag", "location", "retry-after", "x-request-id", "ratelimit", "ratelimit-policy", "link"} <= exposed
        assert "access-control-allow-credentials" not in reply.headers
    assert (await api.nobody.get("/nowhere", Origin=OTHER)).headers["access-control-allow-origin"] == OTHER


async def test_a_failure_and_an_outage_can_be_read_too(api: Api) -> None:
    await api.store.close()
    for status, target in ((500, STATUS), (503, "/readyz")):
        reply = await api.acme.get(target, Origin=ORIGIN)
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == ORIGIN


async def test_a_stream_can_be_read(api: Api) -> None:
    await api.acme.register()
    app = api.acme.http.app
    feed = RawCall(app, api.cast.acme, "GET", "/api/v2/changes", [("accept", "text/event-stream"), ("origin", ORIGIN)])
    headers = await feed.read_headers()
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["access-control-allow-origin"] == ORIGIN
    await feed.hang_up()
    assert (await api.acme.get("/api/v2/vehicles.csv", Origin=ORIGIN)).headers["access-control-allow-origin"] == ORIGIN


async def test_a_cache_keeps_answers_of_different_origins_apart(api: Api) -> None:
    for target in ("/errors", "/livez", LIST):
        reply = await api.acme.get(target, Accept_Encoding="gzip")
        assert "origin" in split(reply.headers["vary"])
    assert split((await api.nobody.get("/errors", Accept_Encoding="gzip")).headers["vary"]) == {
        "origin",
        "accept-encoding",
    }


def test_the_methods_are_those_of_the_api_and_the_headers_those_that_its_calls_take() -> None:
    assert {route.method for route in ROUTES} == set(cors.METHODS)
    taken = {one.name.lower() for route in ROUTES for one in route.parameters if one.place == "header"}
    assert taken <= {name.lower() for name in cors.REQUEST_HEADERS}
    given = {name.lower() for route in ROUTES for one in route.answers.values() for name in one.headers}
    simple = {"vary", "content-type", "cache-control"}
    assert given - simple <= {name.lower() for name in cors.ANSWER_HEADERS}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    async def open_runtime() -> Runtime:
        return build_runtime(await sqlite.open_store(str(tmp_path_factory.mktemp("cors") / "p.db")), read_clock)

    with serve_in_thread(open_runtime, reach=Reach(origins=frozenset(ALLOWED))) as port:
        yield port


_LINE = b"GET /livez HTTP/1.1\r\n"
_FROM = b"Origin: " + ORIGIN.encode() + b"\r\n"


@each_row(
    "sent, status",
    [
        (_LINE + _FROM + b"\r\n", 400),  # no Host
        (_LINE + b"Host: a\r\nHost: b\r\n" + _FROM + b"\r\n", 400),
        (b"GET http://me@x/ HTTP/1.1\r\nHost: x\r\n" + _FROM + b"\r\n", 400),
        (_LINE + b"Host: x\r\nTransfer-Encoding: gzip\r\n" + _FROM + b"\r\n", 400),
        (_LINE + b"Host: x\r\nContent-Length: x\r\n" + _FROM + b"\r\n", 400),
        (b"OFTEN / HTTP/1.1\r\nHost: x\r\n" + _FROM + b"\r\n", 405),
        (b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + _FROM + b"\r\nx\r\n", 400),
    ],
)
def test_a_page_can_read_what_the_protocol_itself_refuses(port: int, sent: bytes, status: int) -> None:
    with Wire(port) as wire:
        wire.send(sent)
        refused = wire.read_final()
    assert refused.status == status
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-Id" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "sent",
    [
        _LINE + b"Origin: " + EVIL.encode() + b"\r\n\r\n",
        _LINE + _FROM + _FROM + b"\r\n",
        _LINE + _FROM + b"A B: not a header\r\n\r\n",
        _LINE + b"Host: x\r\n" + _FROM + b"\r\n" + b"nonsense\r\n",  # a head of its own, without an origin
    ],
)
def test_what_is_refused_to_others_or_cannot_be_read_permits_nobody(port: int, sent: bytes) -> None:
    with Wire(port) as wire:
        wire.send(sent)
        refused = wire.read_final()
        if refused.status == 200:
            refused = wire.read_final()
    assert refused.status == 400
    assert "access-control-allow-origin" not in refused.headers
    assert refused.headers["vary"] == "origin"


async def test_without_origins_everything_is_as_if_there_were_no_cors(
    open_store: OpenStore, clock: SteppedClock, api: Api
) -> None:
    runtime = build_runtime(await open_store(), clock)
    async with run_api(runtime, api.cast) as plain:
        reply = await ask_leave(plain, STATUS, ORIGIN)
        assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH")
        answers = (reply, await ask_leave(plain, "/nowhere", ORIGIN), await plain.acme.put(VEHICLE, CAR, Origin=ORIGIN))
        for answer in answers:
            assert list_cors(answer) == {}
            assert "vary" not in answer.headers
        assert answers[2].status == 201
        assert HUMMER in answers[2].content.decode()
