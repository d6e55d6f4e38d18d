"""Each request has one span, whichever way it takes, and names from closed sets only."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from padron.http.watching.tally import Tally
from padron.service.runtime import Runtime, build_runtime
from padron.store import sqlite
from padron.wiring import read_clock
from tests.cast import make_cast, make_vin, registered, save
from tests.http.serving import serve_in_thread
from tests.http.wire import Wire
from tests.telemetry.recording import Recording, give_ids, give_links, give_parent

VIN = make_vin(0)
VEHICLE, STATUS = "/api/v2/vehicles/{vin}", "/api/v2/vehicles/{vin}/status"
TRACE, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"traceparent: 00-{TRACE}-{CLIENT_SPAN}-01\r\n"


class Target:
    """A server that is traced."""

    def __init__(self, port: int, token: str, recording: Recording) -> None:
        self._port = port
        self._key = f"Authorization: Bearer {token}\r\n"
        self._recording = recording

    def ask(self, line: str, body: str = "", *, headers: str = "", key: str | None = None) -> str:
        """Send a request and give its id."""
        line = line.replace("{vin}", VIN)
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        with Wire(self._port) as wire:
            sent = f"{line} HTTP/1.1\r\nHost: x\r\n{self._key if key is None else key}{headers}{length}\r\n{body}"
            wire.send(sent.encode())
            return wire.read_final(line.partition(" ")[0]).headers["x-request-id"]

    def wait_for(self, count: int) -> list[str]:
        """Give the names of the requests' spans, which end just after the answers."""
        until_s = time.monotonic() + 5
        while len(self._list()) < count and time.monotonic() < until_s:
            time.sleep(0.005)
        return [span.name for span in self._list()]

    def _list(self) -> list[ReadableSpan]:
        return [span for span in self._recording.list_spans() if span.name not in {"commit", "status batch"}]


@contextmanager
def serve(folder: Path, recording: Recording, *, is_fast: bool = True) -> Iterator[Target]:
    tokens: list[str] = []

    async def open_runtime() -> Runtime:
        store = await sqlite.open_store(str(folder / "padron.db"))
        runtime = build_runtime(store, read_clock, tracer=recording.tracer)
        cast = await make_cast(runtime)
        await save(runtime.store, cast.acme.account.account_id, registered(VIN))
        tokens.append(cast.acme.token)
        return runtime

    with serve_in_thread(open_runtime, is_fast=is_fast, tally=Tally()) as port:
        yield Target(port, tokens[0], recording)


@pytest.mark.parametrize("is_fast", [True, False])
def test_both_ways_make_one_span_for_each_request(tmp_path: Path, *, is_fast: bool) -> None:
    recording = Recording()
    with serve(tmp_path, recording, is_fast=is_fast) as target:
        ids = [
            target.ask(f"PATCH {STATUS}", '{"vehicleStatusId":3}', headers=HEADER),
            target.ask(f"PATCH {STATUS}", '{"vehicleStatusId":"3"}'),
            target.ask(f"GET {VEHICLE}"),
            target.ask(f"GET {VEHICLE}", key=""),
            target.ask("GET /nothing/{vin}"),
            target.ask(f"PROPFIND {VEHICLE}"),
            target.ask("GET /nothing\x01"),
        ]
        target.ask("GET /livez")
        target.ask("GET /readyz")
        names = target.wait_for(len(ids))
    assert names == [
        f"PATCH {STATUS}", f"PATCH {STATUS}", f"GET {VEHICLE}", f"GET {VEHICLE}", "GET", f"HTTP {VEHICLE}", "HTTP",
    ]  # fmt: skip
    spans = [span for span in recording.list_spans() if span.name in names]
    assert ids == ["00-{}-{}-{:02x}".format(*give_ids(span), span.context.trace_flags) for span in spans]
    assert (give_ids(spans[0])[0], give_parent(spans[0])) == (TRACE, CLIENT_SPAN)
    assert {span.parent for span in spans[1:]} == {None}
    problems = [span.attributes.get("padron.problem") for span in spans if span.attributes is not None]
    assert problems == [
        None, "bad-parameters", None, "unauthorized", "path-not-found", "method-not-allowed", "malformed-request",
    ]  # fmt: skip
    assert VIN not in "".join(span.to_json() for span in spans)


def test_a_key_that_is_known_from_before_takes_the_fast_path_and_is_traced(tmp_path: Path) -> None:
    recording = Recording()
    with serve(tmp_path, recording) as target:
        for status in (3, 4, 3):
            target.ask(f"PATCH {STATUS}", f'{{"vehicleStatusId":{status}}}')
        assert target.wait_for(3) == [f"PATCH {STATUS}"] * 3
    requests, batches = recording.list_spans(f"PATCH {STATUS}"), recording.list_spans("status batch")
    assert [give_links(batch) for batch in batches] == [{give_ids(request)} for request in requests]
    assert [give_parent(commit) for commit in recording.list_spans("commit")] == [give_ids(one)[1] for one in batches]


def test_a_request_that_leaves_the_fast_path_has_one_span_and_one_id(tmp_path: Path) -> None:
    recording = Recording()
    body = '{"vehicleStatusId":3,"effectiveAt":"2099-01-01T00:00:00Z"}'
    with serve(tmp_path, recording) as target:
        target.ask(f"GET {VEHICLE}")  # from now on the key is known
        planned = target.ask(f"PATCH {STATUS}", body)
        assert target.wait_for(2) == [f"GET {VEHICLE}", f"PATCH {STATUS}"]
    (span,) = recording.list_spans(f"PATCH {STATUS}")
    assert planned.split("-")[1:3] == [*give_ids(span)]
    assert recording.unended_count == 0


def test_requests_at_once_share_a_batch_and_each_is_linked_to_it(tmp_path: Path) -> None:
    recording = Recording()
    with serve(tmp_path, recording) as target:
        target.ask(f"GET {VEHICLE}")
        threads = [
            threading.Thread(target=target.ask, args=(f"PATCH {STATUS}", f'{{"vehicleStatusId":{3 + turn % 2}}}'))
            for turn in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        target.wait_for(25)
    requests, batches = recording.list_spans(f"PATCH {STATUS}"), recording.list_spans("status batch")
    links = [link for batch in batches for link in give_links(batch)]
    assert sorted(links) == sorted(give_ids(request) for request in requests)


@pytest.mark.parametrize("header", ["traceparent: x\r\n", HEADER + HEADER, f"{HEADER}tracestate: {'a' * 4_000}\r\n"])
def test_no_trace_context_is_an_error(tmp_path: Path, header: str) -> None:
    recording = Recording()
    with serve(tmp_path, recording) as target:
        target.ask(f"GET {VEHICLE}", headers=header)
        target.wait_for(1)
    (span,) = recording.list_spans()
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert (span.parent is not None) is header.endswith("a\r\n")
