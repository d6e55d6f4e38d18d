"""Several requests in one write: each is answered, in their order, and none that follows a last answer is looked at."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
from padron.http import calls
from padron.http.edge import protocol
from padron.service.runtime import Runtime, build_runtime
from padron.store import postgres, sqlite
from padron.wiring import read_clock
from tests.cast import Cast, make_cast, make_vin, registered, save
from tests.http.serving import serve_in_thread
from tests.http.wire import Wire
from tests.service.stores import FaultyStore

VEHICLES, STATUSES = 100, (1, 3, 4, 5, 6)
STREAMS = [
    "/api/v2/changes",
    "/api/v2/vehicles.csv",
    "/api/v2/reports/time-in-status?format=csv&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
]


@dataclass(kw_only=True)
class Target:
    """A server over a register of each engine, and the bytes of requests for it."""

    port: int = 0
    casts: list[Cast] = field(default_factory=list)
    stores: list[FaultyStore] = field(default_factory=list)

    def get(self, path: str, *lines: str, version: str = "1.1", method: str = "GET", is_reader: bool = False) -> bytes:
        cast = self.casts[0]
        token = cast.gamma.token if is_reader else cast.acme.token
        head = [f"{method} {path} HTTP/{version}", "Host: x", f"Authorization: Bearer {token}", *lines]
        return "\r\n".join([*head, "", ""]).encode()

    def get_status(self, number: int, *lines: str) -> bytes:
        return self.get(f"/api/v2/vehicles/{make_vin(number)}/status", *lines)

    def ask_gate(self, number: int) -> bytes:
        return self.get(f"/api/v2/gate/{make_vin(number)}?operation=dispatch")

    def patch(self, number: int, status: int, *, is_chunked: bool = False, is_reader: bool = False) -> bytes:
        body = json.dumps({"vehicleStatusId": status}).encode()
        path = f"/api/v2/vehicles/{make_vin(number)}/status"
        if is_chunked:
            head = self.get(path, "Transfer-Encoding: chunked", method="PATCH")
            return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return self.get(path, f"Content-Length: {len(body)}", method="PATCH", is_reader=is_reader) + body

    def read_status(self, number: int) -> int:
        with Wire(self.port) as wire:
            wire.send(self.get_status(number))
            return int(wire.read_final().document["vehicleStatusId"])


@pytest.fixture
def target(engine: str, database: str, limits: Limits) -> Iterator[Target]:
    target = Target()

    async def open_runtime() -> Runtime:
        opened = await (sqlite.open_store(database) if engine == "sqlite" else postgres.open_store(database))
        store = FaultyStore(opened)
        target.stores.append(store)
        runtime = build_runtime(store, read_clock, limits=limits)
        target.casts.append(await make_cast(runtime))
        fleet = [registered(make_vin(number)) for number in range(VEHICLES)]
        await save(opened, target.casts[0].acme.account.account_id, *fleet)
        return runtime

    with serve_in_thread(open_runtime) as target.port:
        assert target.read_status(0) == 1  # from now on, the key is believed
        yield target


@pytest.mark.long("postgres")
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_hundred_mixed_requests_are_answered_in_their_order(target: Target, pieces: int) -> None:
    requests: list[tuple[str, bytes]] = []
    for number in range(VEHICLES):
        kind = number % 5
        made = {
            0: ("GET", target.get_status(number)),
            1: ("PATCH", target.patch(number, 3)),
            2: ("GET", target.ask_gate(number)),
            3: ("GET", target.get(f"/api/v2/vehicles/{make_vin(number)}")),
            4: ("HEAD", target.get("/api/v2/vehicle-statuses", method="HEAD")),
        }
        requests.append(made[kind])
    everything = b"".join(data for _, data in requests)
    size = -(-len(everything) // pieces)
    with Wire(target.port) as wire:
        wire.send(*(everything[place : place + size] for place in range(0, len(everything), size)), pause_s=0.01)
        for number, (method, _) in enumerate(requests):
            answer = wire.read_final(method)
            if method == "GET":
                assert (answer.status, answer.document["vin"]) == (200, make_vin(number))
            else:
                assert answer.status == (204 if method == "PATCH" else 200)
                assert answer.body == b""
        wire.send(target.get_status(1))
        assert wire.read_final().document["vehicleStatusId"] == 3


def test_a_hundred_changes_of_one_vehicle_happen_in_their_order(target: Target) -> None:
    statuses = [STATUSES[number % len(STATUSES)] for number in range(1, 101)]
    with Wire(target.port) as wire:
        wire.send(b"".join(target.patch(0, status) + target.get_status(0) for status in statuses))
        for status in statuses:
            assert wire.read_final("PATCH").status == 204
            assert wire.read_final().document["vehicleStatusId"] == status


@pytest.mark.long("postgres")
def test_two_connections_with_many_requests_take_turns(target: Target) -> None:
    """One connection's requests are begun a few at a time, so nobody waits for all of them."""
    with Wire(target.port) as greedy, Wire(target.port) as other:
        greedy.send(target.get_status(0) * 400)
        other.send(target.get_status(1))
        assert other.read_final().document["vin"] == make_vin(1)
        for _ in range(400):
            assert greedy.read_final().document["vin"] == make_vin(0)


@pytest.mark.long("postgres")
def test_the_end_of_a_chunked_body_in_the_same_write_as_another_request_ends_the_connection(target: Target) -> None:
    """What followed went to the parser unchecked. The client is told that it was not answered."""
    with Wire(target.port) as wire:
        wire.send(target.patch(0, 3, is_chunked=True) + target.patch(1, 4))
        answer = wire.read_final("PATCH")
        assert (answer.status, answer.is_last) == (204, True)
        assert wire.read_end()
    assert (target.read_status(0), target.read_status(1)) == (3, 1)


@pytest.mark.long("postgres")
def test_a_request_behind_a_chunked_body_in_a_write_of_its_own_is_answered(target: Target) -> None:
    with Wire(target.port) as wire:
        for status in (3, 4, 5):
            wire.send(target.patch(0, status, is_chunked=True))
            answer = wire.read_final("PATCH")
            assert (answer.status, answer.is_last) == (204, False)
            wire.send(target.patch(1, status))
            assert wire.read_final("PATCH").status == 204
    assert (target.read_status(0), target.read_status(1)) == (5, 5)


@pytest.mark.long("postgres")
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_is_not_taken_for_a_part_of_the_next_one(target: Target, is_chunked: bool) -> None:  # noqa: FBT001
    with Wire(target.port) as wire:
        for status in (3, 4, 5, 6):
            wire.send(target.patch(0, status))
            assert wire.read_final("PATCH").status == 204
            wire.send(target.patch(1, status, is_chunked=is_chunked))
            assert wire.read_final("PATCH").status == 204
            assert target.read_status(1) == status


@pytest.mark.long("postgres")
@pytest.mark.parametrize(
    "version, line", [("1.1", "Connection: close"), ("1.0", "Connection: keep-alive"), ("1.0", "A: b")]
)
def test_nothing_behind_a_last_request_is_looked_at(target: Target, version: str, line: str) -> None:
    path = f"/api/v2/vehicles/{make_vin(0)}/status"
    with Wire(target.port) as wire:
        wire.send(target.get(path, line, version=version) + target.patch(1, 8))
        assert wire.read_final().is_last
        assert wire.read_end()
    assert target.read_status(1) == 1


@pytest.mark.long("postgres")
def test_a_malformed_request_behind_good_ones_is_refused_after_their_answers(target: Target) -> None:
    with Wire(target.port) as wire:
        wire.send(target.patch(0, 3) + target.get_status(0) + b"nonsense\r\n\r\n" + target.patch(1, 8))
        assert wire.read_final("PATCH").status == 204
        assert wire.read_final().document["vehicleStatusId"] == 3
        refused = wire.read_final()
        assert (refused.error, refused.is_last) == ((400, "MalformedRequest"), True)
        assert wire.read_end()
    assert target.read_status(1) == 1


def test_many_changes_in_one_write_are_all_answered_when_the_store_fails(target: Target) -> None:
    """The answer to one begins the next, while those who wait for the failed batch are told."""
    (store,) = target.stores
    store.fails, store.error = True, PadronError(Code.STORE_UNAVAILABLE, "The database is gone.")
    with Wire(target.port) as wire:
        wire.send(b"".join(target.patch(number, 3) for number in range(10)))
        for _ in range(10):
            assert wire.read_final("PATCH").error == (503, "StoreUnavailable")
        store.fails = False
        wire.send(target.patch(0, 3))
        assert wire.read_final("PATCH").status == 204


@pytest.mark.long("postgres")
def test_a_body_that_comes_late_is_answered_on_the_ordinary_way(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BODY_SLOW_S", 0.05)
    monkeypatch.setattr(calls, "BODY_SLOW_S", 0.05)
    request = target.patch(0, 3)
    with Wire(target.port) as wire:
        wire.send(request[:-30], request[-30:-5], request[-5:] + target.get_status(0), pause_s=0.2)
        assert wire.read_final("PATCH").status == 204
        assert wire.read_final().document["vehicleStatusId"] == 3


@pytest.mark.long("postgres")
def test_a_client_that_leaves_before_the_end_of_its_body_changes_nothing(target: Target) -> None:
    for _ in range(3):
        with Wire(target.port) as wire:
            wire.send(target.patch(0, 3)[:-1])
    assert target.read_status(0) == 1


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(calls=1)])
def test_every_request_gives_its_place_back(target: Target) -> None:
    tomorrow = (read_clock() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    planned = json.dumps({"vehicleStatusId": 3, "effectiveAt": tomorrow}).encode()
    bad = target.get(f"/api/v2/vehicles/{'I' * 17}/status")
    path = f"/api/v2/vehicles/{make_vin(0)}/status"
    requests = {
        204: ("PATCH", target.patch(0, 3)),
        403: ("PATCH", target.patch(0, 3, is_reader=True)),
        200: ("GET", target.get_status(0)),
        400: ("GET", bad),
        202: ("PATCH", target.get(path, f"Content-Length: {len(planned)}", method="PATCH") + planned),
        304: ("GET", target.get_status(0, "If-None-Match: *")),
    }
    with Wire(target.port) as wire:
        for status, (method, request) in requests.items():
            for _ in range(4):
                wire.send(request)
                assert wire.read_final(method).status == status


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(calls=1)])
def test_a_request_beyond_the_places_of_its_account_is_turned_away(target: Target) -> None:
    """While one change is being written, the other connections' changes come in."""
    statuses = Counter[int]()
    wires = [Wire(target.port) for _ in range(20)]
    for _ in range(20):
        for number, wire in enumerate(wires):
            wire.send(target.patch(number, 3))
        statuses += Counter(wire.read_final("PATCH").status for wire in wires)
        if {*statuses} == {204, 429}:
            break
    for wire in wires:
        wire.close()
    assert {*statuses} == {204, 429}


@pytest.mark.long("postgres")
@pytest.mark.parametrize("path", STREAMS)
def test_the_head_of_a_stream_ends_and_the_next_request_is_answered(target: Target, path: str) -> None:
    head = target.get(path, "Accept: text/event-stream, text/csv", method="HEAD")
    with Wire(target.port) as wire:
        wire.send(head + target.get_status(0))
        answer = wire.read_final("HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-type"].startswith("text/")
        assert wire.read_final().document["vin"] == make_vin(0)


@pytest.mark.long("postgres")
@pytest.mark.parametrize("path", STREAMS)
def test_a_client_of_the_old_version_gets_no_stream_which_it_could_not_cut(target: Target, path: str) -> None:
    with Wire(target.port) as wire:
        wire.send(target.get(path, "Accept: text/event-stream, text/csv", version="1.0"))
        answer = wire.read_final()
        assert answer.error == (400, "MalformedRequest")
        assert "transfer-encoding" not in answer.headers
        assert wire.read_end()


@pytest.mark.long("postgres")
@pytest.mark.parametrize("parts", [pytest.param(1, marks=pytest.mark.long), 2])
def test_all_that_was_complete_is_answered_after_the_client_has_ended_its_side(target: Target, parts: int) -> None:
    """On both ways, and also more than the server reads ahead."""
    everything = b"".join(
        target.patch(number % VEHICLES, 3) + target.get(f"/api/v2/vehicles?limit=1&x{number}")
        for number in range(300 * parts)
    )
    with Wire(target.port) as wire:
        wire.send(everything)
        wire.socket.shutdown(socket.SHUT_WR)
        for _ in range(300 * parts):
            assert wire.read_final("PATCH").status == 204
            assert wire.read_final().status == 400
        assert wire.read_end()


@pytest.mark.long("postgres")
@pytest.mark.parametrize("request_line", ["/livez", "/api/v2/vehicles.csv", "/api/v2/vehicle-statuses"])
def test_a_single_request_is_answered_after_the_client_has_ended_its_side(target: Target, request_line: str) -> None:
    request = target.get(request_line, "Connection: close")
    with Wire(target.port) as wire:
        wire.send(request)
        wire.socket.shutdown(socket.SHUT_WR)
        received = b""
        while data := wire.socket.recv(65_536):
            received += data
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith((b"0\r\n\r\n", b"}"))


@pytest.mark.long("postgres")
@pytest.mark.parametrize("cut", [-1, -40])
def test_a_request_that_is_cut_off_by_the_end_is_not_answered_but_those_before_are(target: Target, cut: int) -> None:
    for last in (target.patch(0, 8), target.patch(0, 8, is_chunked=True)):
        with Wire(target.port) as wire:
            wire.send(target.patch(0, 3) + target.get_status(0) + last[:cut])
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.read_final("PATCH").status == 204
            assert wire.read_final().document["vehicleStatusId"] == 3
            assert wire.read_end(5)
        assert target.read_status(0) == 3


@pytest.mark.long("postgres")
def test_a_long_poll_ends_when_its_client_ends_its_side_also_behind_other_requests(target: Target) -> None:
    poll = target.get("/api/v2/changes?wait=30&type=vehicle.info_changed")
    with Wire(target.port) as wire:
        wire.send(poll)
        assert not wire.read_end(0.3)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.read_end(5)
    with Wire(target.port) as wire:
        wire.send(target.patch(0, 3) + poll)
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.read_final("PATCH").status == 204
        assert wire.read_end(5)


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(body_bytes=1_500, total_body_bytes=3_000)])
@pytest.mark.parametrize("split", [None, -1])
def test_a_body_counts_on_the_fast_way_as_on_the_other(target: Target, split: int | None) -> None:
    """Bodies above one kilobyte have a limit, whether they arrive with their head or later."""
    path = f"/api/v2/vehicles/{make_vin(0)}/status"
    for size, status in ((1_500, 204), (1_501, 429), (1_500, 204)):
        body = b'{"vehicleStatusId": 3}'.ljust(size)
        request = target.get(path, f"Content-Length: {size}", method="PATCH") + body
        with Wire(target.port) as wire:
            wire.send(*([request] if split is None else [request[:split], request[split:]]), pause_s=0.05)
            assert wire.read_final("PATCH").status == status


@pytest.mark.long("postgres")
@pytest.mark.parametrize("limits", [Limits(calls=2, waiting=1)])
def test_bodies_that_nobody_ends_hold_no_place_of_a_call(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even for the moment in which they may still arrive."""
    monkeypatch.setattr(calls, "BODY_SLOW_S", 30.0)
    body = json.dumps({"vehicles": [{"vin": make_vin(0), "vehicleStatusId": 3}]}).encode()
    request = target.get("/api/v2/vehicles/status", f"Content-Length: {len(body)}", method="POST") + body
    with Wire(target.port) as one, Wire(target.port) as two, Wire(target.port) as three, Wire(target.port) as other:
        for wire in (one, two):
            wire.send(request[:-1])
        other.send(request)
        assert other.read_final("POST").status == 200
        time.sleep(0.2)  # until both have arrived
        for _ in range(3):
            other.send(request)
            assert other.read_final("POST").status == 200
        three.send(request[:-1])
        refused = three.read_final("POST")
        assert refused.error == (429, "TooManyRequests")
        assert "bodies are arriving" in refused.document["detail"]
        for wire in (one, two):
            wire.send(request[-1:])
            assert wire.read_final("POST").status == 200


@pytest.mark.long("postgres")
def test_the_host_of_a_whole_address_is_the_one_that_counts(target: Target) -> None:
    """Whatever the header says (RFC 9112, 3.2.2), the page shows the address that the client asked for."""
    with Wire(target.port) as wire:
        for lines in ((), ("A: 1", "A: 2")):
            wire.send(target.get("http://fleet.example:8443/docs", *lines))
            page = wire.read_final()
            assert page.status == 200
            assert b"http://fleet.example:8443/api" in page.body
        wire.send(target.get("http://me@fleet.example/docs"))
        assert wire.read_final().error == (400, "BadHost")
        assert wire.read_end()
