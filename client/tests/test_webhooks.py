"""Messages are verified, refused, and handled once: those that a server sends, and those that somebody else does."""

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx2
import pytest
import standardwebhooks
import uvicorn
from padron.domain.signature import format_secret, give_headers

from padron_client import Client, VehicleStatusId, models
from padron_client.webhooks import AsgiReceiver, Memory, Message, WebhookRefused, WsgiReceiver, verify
from tests.cast import wait_until
from tests.e2e.program import make_fleets, run_server
from tests.tables import each_row

SECRET, OTHER = format_secret(b"s" * 32), format_secret(b"o" * 32)
STATUS_CHANGED = {
    "type": "vehicle.status_changed", "timestamp": "2026-03-31T12:00:00Z",
    "data": {
        "type": "vehicle.status_changed", "number": 1207, "vin": "3LNHL2GC1BR262548", "at": "2026-03-31T12:00:00Z",
        "by": "1k3fTq", "byName": "key fleet-platform", "requestId": "e067", "operational": False,
        "operationalChanged": True, "fromStatusId": 1, "toStatusId": 4, "reason": "Brakes, until Friday",
        "newer": [1],
    },
}  # fmt: skip
BODY = json.dumps(STATUS_CHANGED).encode()


def sign(
    body: bytes = BODY, *secrets: str, message_id: str = "msg_1", ago_s: float = 0, **others: str
) -> dict[str, str]:
    at = datetime.fromtimestamp(time.time() - ago_s, UTC)
    return {**give_headers(secrets or (SECRET,), message_id, at, body), **others}


SIGNED_S = time.time()  # when the rows below were signed, which may be minutes before their test runs


def test_a_message_is_read() -> None:
    message = verify(BODY, sign(), SECRET)
    assert (message.id, message.type) == ("msg_1", "vehicle.status_changed")
    payload = message.payload
    assert isinstance(payload, models.VehicleStatusChangedPayload)
    assert payload.data.to_status_id is VehicleStatusId.IN_THE_SHOP
    assert "Brakes" not in repr(message)


def test_what_another_library_signs_is_read() -> None:
    signature = standardwebhooks.Webhook(SECRET).sign("msg_1", datetime.now(UTC), BODY.decode())
    headers = {**sign(), "Webhook-Signature": signature}
    del headers["webhook-signature"]
    assert verify(BODY, headers, SECRET).id == "msg_1"


def test_during_a_replacement_one_secret_of_each_side_is_enough() -> None:
    assert verify(BODY, sign(BODY, OTHER, SECRET), SECRET).id == "msg_1"
    assert verify(BODY, sign(BODY, SECRET), [OTHER, SECRET]).id == "msg_1"
    with pytest.raises(WebhookRefused):
        verify(BODY, sign(BODY, OTHER), SECRET)
    with pytest.raises(WebhookRefused):
        verify(BODY, sign(BODY, SECRET), [])


@each_row(
    "body, headers, status",
    [
        (BODY + b" ", sign(), 401),
        (BODY, sign() | {"webhook-id": "msg_2"}, 401),
        (BODY, sign() | {"webhook-timestamp": str(int(time.time()) - 1)}, 401),
        (BODY, sign() | {"webhook-signature": "v1,"}, 401),
        (BODY, sign() | {"webhook-signature": sign()["webhook-signature"].replace("v1,", "v1a,")}, 401),
        (BODY, sign() | {"webhook-signature": "v1,ñ"}, 401),
        (BODY, sign(ago_s=301), 400),
        (BODY, sign(ago_s=-400), 400),
        (BODY, {}, 400),
        (BODY, sign() | {"webhook-timestamp": "1²"}, 400),
        (BODY, sign() | {"webhook-timestamp": "-1"}, 400),
        (b"[]", sign(b"[]"), 400),
        (b"\xff", sign(b"\xff"), 400),
    ],
)
def test_what_is_wrong_is_refused(body: bytes, headers: Mapping[str, str], status: int) -> None:
    with pytest.raises(WebhookRefused) as raised:
        verify(body, headers, SECRET, now_s=SIGNED_S)
    assert raised.value.status == status
    assert SECRET not in str(raised.value)


def test_the_tolerance_can_be_set() -> None:
    assert verify(BODY, sign(ago_s=900), SECRET, tolerance_s=1_000).id == "msg_1"
    assert verify(BODY, sign(), SECRET, now_s=time.time() + 299).id == "msg_1"


def test_an_event_that_is_newer_than_the_client_has_members_only() -> None:
    body = b'{"type": "vehicle.painted", "timestamp": "2026-03-31T12:00:00Z", "data": {"colour": "red"}}'
    message = verify(body, sign(body), SECRET)
    assert message.payload is None
    assert message.members["data"] == {"colour": "red"}


# ---------------------------------------------------------------- receivers


class Log:
    """Handles messages: keeps them, and fails as often as a test says."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failures = 0
        self.hold: threading.Event | None = None

    def __call__(self, message: Message) -> None:
        if self.hold is not None:
            self.hold.wait(10)
        if self.failures:
            self.failures -= 1
            raise LookupError
        self.messages.append(message)


@contextmanager
def run_wsgi(application: WsgiReceiver) -> Iterator[str]:
    class Handler(WSGIRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

    with make_server("127.0.0.1", 0, application, handler_class=Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@asynccontextmanager
async def run_asgi(application: AsgiReceiver) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(application, log_level="critical", lifespan="on", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture(params=["asgi", "asgi with async", "wsgi"])
async def receiver(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Log, Memory]]:
    log = Log()

    async def handle(message: Message) -> None:
        log(message)

    if request.param == "wsgi":
        application = WsgiReceiver(SECRET, log, body_bytes_max=2_000)
        with run_wsgi(application) as url:
            yield url, log, application.memory
        return
    asgi = AsgiReceiver(SECRET, handle if "async" in request.param else log, body_bytes_max=2_000)
    async with run_asgi(asgi) as url:
        yield url, log, asgi.memory


Receiving = tuple[str, Log, Memory]


async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    async with httpx2.AsyncClient() as client:
        return (await client.post(url, content=body, headers=headers)).status_code


async def test_a_receiver_handles_a_message_once(receiver: Receiving) -> None:
    url, log, memory = receiver
    for ago_s in (0, 1):  # the second attempt has another timestamp and signature
        assert await post(url, BODY, sign(ago_s=ago_s)) == 204
    assert [message.id for message in log.messages] == ["msg_1"]
    assert await post(url, BODY, sign(message_id="msg_2")) == 204
    memory.forget()
    assert await post(url, BODY, sign()) == 204
    assert [message.id for message in log.messages] == ["msg_1", "msg_2", "msg_1"]


async def test_a_message_whose_handling_failed_is_handled_when_it_comes_again(receiver: Receiving) -> None:
    url, log, _ = receiver
    log.failures = 1
    assert await post(url, BODY, sign()) == 500
    assert await post(url, BODY, sign()) == 204
    assert len(log.messages) == 1


async def test_a_receiver_refuses_what_is_wrong(receiver: Receiving) -> None:
    url, log, _ = receiver
    assert await post(url, BODY, sign(BODY, OTHER)) == 401
    assert await post(url, BODY, sign(ago_s=400)) == 400
    large = json.dumps({"a": "x" * 2_000}).encode()
    assert await post(url, large, sign(large)) == 413
    async with httpx2.AsyncClient() as client:
        assert (await client.get(url)).status_code == 405
    assert log.messages == []


async def test_a_body_without_a_length_is_bounded_too() -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100

    async with run_asgi(AsgiReceiver(SECRET, Log(), body_bytes_max=2_000)) as url, httpx2.AsyncClient() as client:
        assert (await client.post(url, content=drip(), headers=sign())).status_code == 413


def test_a_wsgi_body_without_a_length_is_read_only_where_it_ends_by_itself() -> None:
    said: list[str] = []
    receiver = WsgiReceiver(SECRET, Log(), body_bytes_max=2_000)
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sign().items()}
    environ |= {"REQUEST_METHOD": "POST"}

    def start(status: str, _: object) -> None:
        said.append(status)

    for more in ({}, {"wsgi.input_terminated": True}):
        receiver({**environ, **more, "wsgi.input": io.BytesIO(BODY)}, start)
    receiver({**environ, "wsgi.input_terminated": True, "wsgi.input": io.BytesIO(b"x" * 9_000)}, start)
    for length in ("-1", "1e3", "²", "9" * 5_000):
        receiver({**environ, "CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(BODY)}, start)
    assert [status[:3] for status in said] == ["401", "204", "413", "400", "400", "400", "400"]


def test_the_memory_is_bounded_and_forgets_nothing_young() -> None:
    memory = Memory(size_max=2, tolerance_s=300)
    for name in ("a", "b"):
        assert memory.begin(name)
        memory.end(name, is_handled=True)
    assert not memory.begin("a")
    with pytest.raises(WebhookRefused) as raised:
        memory.begin("c")
    assert raised.value.status == 503
    memory = Memory(size_max=2, tolerance_s=0)
    for name in ("a", "b", "c", "d"):
        assert memory.begin(name)
        memory.end(name, is_handled=True)
        time.sleep(0.001)
    assert memory.begin("a")
    assert len(memory._seen) + len(memory._busy) == 2


def test_of_two_at_the_same_time_one_is_handled() -> None:
    memory, gate = Memory(), threading.Barrier(8)

    def begin(_: int) -> bool:
        gate.wait(10)
        try:
            return memory.begin("a")
        except WebhookRefused:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(begin, range(8))) == 1


async def test_what_a_server_sends_is_received(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'padron.db'}"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    log = Log()
    secrets: list[str] = [OTHER]
    receiver = AsgiReceiver(secrets, log)
    async with run_server(url, tmp_path, webhook_allow="127.0.0.1/32") as server, run_asgi(receiver) as hook_url:
        with Client(f"http://127.0.0.1:{server.port}", fleet.token) as client:

            def work() -> None:
                endpoint = client.create_webhook(
                    models.WebhookBody(url=hook_url, event_types=["vehicle.status_changed"])
                )
                receiver._secrets = (OTHER, endpoint.secret or "")
                assert client.test_webhook(endpoint.id).status == 204
                client.set_vehicle_status(
                    fleet.vins[0], models.StatusBody(vehicle_status_id=VehicleStatusId.STOLEN, reason="At night")
                )

            await asyncio.to_thread(work)

            async def has_come() -> bool:
                return len(log.messages) == 2

            await wait_until(has_come)
    test, changed = (message.payload for message in log.messages)
    assert isinstance(test, models.WebhookTestPayload)
    assert isinstance(changed, models.VehicleStatusChangedPayload)
    assert (changed.data.vin, changed.data.reason, changed.data.operational) == (fleet.vins[0], "At night", False)


def test_a_handler_is_any_function() -> None:
    handlers: list[Callable[[Message], object]] = [print, Log()]
    assert [AsgiReceiver([SECRET, OTHER], each) for each in handlers]
