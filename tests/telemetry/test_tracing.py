"""Spans as OpenTelemetry has them: whose child each is, what it is linked to, and what it says."""

import asyncio
import logging
import time
from time import perf_counter

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from padron.domain.trace_context import TraceContext, format_traceparent, parse_traceparent
from padron.telemetry import tracing
from padron.telemetry.collector import CollectorWatch
from padron.telemetry.tracing import OtelRequestSpan, OtelTracer
from padron.traces import CURRENT, TracedAnswer, TracedDelivery
from tests.cast import wait_until
from tests.delivery.receiver import always, run_receiver
from tests.telemetry.recording import Recording, give_ids, give_links, give_parent

ROUTE = "/api/v2/vehicles/{vin}"
CLIENT = TraceContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736", span_id="00f067aa0ba902b7", flags=1)
HEADER = format_traceparent(CLIENT).encode()
UNRECORDED = HEADER[:-2] + b"00"
DELIVERY = TracedDelivery(endpoint_id="e1", url="https://u:p@hooks.example/secret?token=1", resend_count=2)


def begin(tracer: OtelTracer, parent: bytes | None = None, state: bytes | None = None) -> OtelRequestSpan:
    span = tracer.begin_request(parent, state, perf_counter())
    assert span is not None
    return span


def answer(status: int = 200, route: str = ROUTE, method: str = "GET") -> TracedAnswer:
    return TracedAnswer(method=method, route=route, scheme="https", status=status, account_id=7)


def test_a_request_continues_the_trace_of_its_client() -> None:
    recording = Recording()
    span = begin(recording.tracer, HEADER, b"congo=t61")
    span.end(answer())
    seen = recording.get_span(f"GET {ROUTE}")
    assert give_ids(seen) == (CLIENT.trace_id, span.context.span_id)
    assert (give_parent(seen), seen.kind) == (CLIENT.span_id, SpanKind.SERVER)
    assert seen.attributes == {
        "http.request.method": "GET", "http.route": ROUTE, "http.response.status_code": 200, "url.scheme": "https",
        "padron.account.id": 7,
    }  # fmt: skip
    assert seen.resource.attributes["service.name"] == "padron"
    assert parse_traceparent(span.request_id) == TraceContext(
        trace_id=CLIENT.trace_id, span_id=span.context.span_id, flags=1
    )


def test_a_request_without_a_trace_begins_one() -> None:
    recording = Recording()
    first, second = begin(recording.tracer), begin(recording.tracer, b"nonsense")
    first.end(answer(404, ""))
    second.end(answer(503, "", "_OTHER"))
    gone, failed = recording.list_spans()
    assert (gone.name, gone.parent, gone.status.status_code) == ("GET", None, StatusCode.UNSET)
    assert (failed.name, failed.parent, failed.status.status_code) == ("HTTP", None, StatusCode.ERROR)
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "503"
    assert first.context.trace_id != second.context.trace_id


def test_the_span_of_a_request_begins_when_its_head_had_come() -> None:
    recording = Recording()
    span = recording.tracer.begin_request(None, None, perf_counter() - 3.0)
    assert span is not None
    span.end(answer())
    seen = recording.get_span(f"GET {ROUTE}")
    assert seen.start_time is not None
    assert seen.end_time is not None
    assert 3.0 <= (seen.end_time - seen.start_time) / 1e9 < 4.0
    assert abs(seen.end_time / 1e9 - time.time()) < 1.0


def test_what_the_client_does_not_record_is_not_recorded_but_passed_on() -> None:
    recording = Recording()
    span = begin(recording.tracer, UNRECORDED)
    span.end(answer())
    delivery = recording.tracer.begin_delivery(recording.tracer.find_cause(span.request_id), DELIVERY)
    assert delivery is not None
    delivery.end(204)
    assert delivery.headers["traceparent"].startswith(f"00-{CLIENT.trace_id}-")
    assert delivery.headers["traceparent"].endswith("-00")
    assert recording.list_spans() == []


def test_the_operator_chooses_how_many_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    recording = Recording()
    assert recording.tracer.begin_request(None, None, perf_counter()) is None
    # A batch is recorded with its requests, and not drawn by chance once more.
    request = begin(recording.tracer, HEADER)
    with recording.tracer.trace_batch([request.request_id]):
        pass
    assert len(recording.list_spans("status batch")) == 1


def test_as_many_are_recorded_as_the_operator_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    tracer = Recording().tracer
    recorded = [span for _ in range(1_000) if (span := tracer.begin_request(None, None, perf_counter())) is not None]
    assert 400 < len(recorded) < 600  # six times the standard deviation; drawn twice it would be 250
    assert all(span.context.is_sampled for span in recorded)


def test_the_standard_variables_name_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "fleet")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    recording = Recording()
    begin(recording.tracer).end(answer())
    (seen,) = recording.list_spans()
    expected = {"service.name": "fleet", "deployment.environment.name": "test"}
    assert expected.items() <= seen.resource.attributes.items()


def test_a_batch_is_linked_to_its_requests_and_has_the_commit_below_it() -> None:
    recording = Recording()
    one, other, unrecorded = (begin(recording.tracer, header) for header in (None, HEADER, UNRECORDED))
    ids = [one.request_id, other.request_id, unrecorded.request_id, "e0676a397aca606e000000000002"]
    with recording.tracer.trace_batch(ids):
        recording.tracer.note_commit("sqlite", "group", perf_counter(), [CURRENT.get()])
    assert CURRENT.get() is None
    batch, commit = recording.get_span("status batch"), recording.get_span("commit")
    assert batch.parent is None
    assert batch.attributes == {"padron.batch.size": 4}
    assert give_links(batch) == {(span.context.trace_id, span.context.span_id) for span in (one, other)}
    assert (give_ids(commit)[0], give_parent(commit)) == give_ids(batch)
    assert commit.attributes == {
        "db.system.name": "sqlite", "db.operation.name": "COMMIT", "padron.commit.kind": "group",
        "padron.commit.size": 1,
    }  # fmt: skip


def test_the_largest_batch_keeps_all_links() -> None:
    recording = Recording()
    with recording.tracer.trace_batch(begin(recording.tracer).request_id for _ in range(256)):
        pass
    assert len(give_links(recording.get_span("status batch"))) == 256


def test_a_batch_that_fails_says_so() -> None:
    recording = Recording()
    with pytest.raises(TimeoutError), recording.tracer.trace_batch([begin(recording.tracer).request_id]):
        raise TimeoutError
    seen = recording.get_span("status batch")
    assert seen.status.status_code is StatusCode.ERROR
    assert CURRENT.get() is None


def test_a_commit_of_several_writers_is_linked_to_those_that_are_recorded() -> None:
    recording = Recording()
    writers = [begin(recording.tracer).context, begin(recording.tracer).context]
    recording.tracer.note_commit("sqlite", "group", perf_counter(), [*writers, None])
    commit = recording.get_span("commit")
    assert commit.parent is None
    assert give_links(commit) == {(one.trace_id, one.span_id) for one in writers}


def test_a_commit_is_below_the_only_writer_that_is_recorded() -> None:
    recording = Recording()
    writer = begin(recording.tracer).context
    recording.tracer.note_commit("sqlite", "group", perf_counter(), [None, writer])
    commit = recording.get_span("commit")
    assert (give_parent(commit), give_links(commit)) == (writer.span_id, set())
    assert commit.attributes is not None
    assert commit.attributes["padron.commit.size"] == 2


def test_what_belongs_to_no_recorded_trace_makes_no_span() -> None:
    recording = Recording()
    unrecorded = begin(recording.tracer, UNRECORDED)
    token = CURRENT.set(CLIENT)
    with recording.tracer.trace_batch([unrecorded.request_id, "e0676a397aca606e000000000002"]):
        assert CURRENT.get() is None  # not the trace of whoever started the task
    CURRENT.reset(token)
    recording.tracer.note_commit("sqlite", "group", perf_counter(), [None, unrecorded.context])
    assert (
        recording.tracer.begin_delivery(recording.tracer.find_cause("e0676a397aca606e000000000002"), DELIVERY) is None
    )
    assert recording.list_spans() == []


def test_a_delivery_is_below_its_cause_and_shows_only_the_host() -> None:
    recording = Recording()
    request = begin(recording.tracer, HEADER, b"congo=t61")
    for status in (204, 500, None):
        delivery = recording.tracer.begin_delivery(recording.tracer.find_cause(request.request_id), DELIVERY)
        assert delivery is not None
        assert delivery.headers == {
            "traceparent": f"00-{CLIENT.trace_id}-{delivery.context.span_id}-01", "tracestate": "congo=t61",
        }  # fmt: skip
        delivery.end(status)
    seen = recording.list_spans("POST")
    assert {(give_ids(span)[0], give_parent(span)) for span in seen} == {(CLIENT.trace_id, request.context.span_id)}
    assert [span.status.status_code for span in seen] == [StatusCode.UNSET, StatusCode.ERROR, StatusCode.ERROR]
    assert seen[0].kind is SpanKind.CLIENT
    assert seen[0].attributes == {
        "http.request.method": "POST", "url.scheme": "https", "server.address": "hooks.example", "server.port": 443,
        "padron.webhook.endpoint.id": "e1", "http.request.resend_count": 2, "http.response.status_code": 204,
    }  # fmt: skip


def test_states_are_remembered_for_a_limited_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "RECENT_MAX", 2)
    recording = Recording()
    spans = [begin(recording.tracer, HEADER, b"congo=t61") for _ in range(3)]
    causes = [recording.tracer.find_cause(span.request_id) for span in spans]
    assert [cause.state for cause in causes if cause] == ["", "congo=t61", "congo=t61"]


def make_tracer(port: int) -> OtelTracer:
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", timeout=1)
    processor = BatchSpanProcessor(
        CollectorWatch(exporter), max_queue_size=64, max_export_batch_size=32, schedule_delay_millis=20
    )
    return OtelTracer(processor)


async def test_a_failing_collector_is_logged_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with run_receiver() as collector:
        collector.answer = always(400)
        tracer = await asyncio.to_thread(make_tracer, collector.port)  # it looks through all packages

        async def is_asked(count: int) -> bool:
            begin(tracer).end(answer())
            return len(collector.received) >= count

        await wait_until(lambda: is_asked(3))
        collector.answer = always(200)
        await wait_until(lambda: is_asked(6))
        await tracer.close()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("Traces cannot be sent, and are lost: ")
    assert "400" in lines[0]
    assert lines[1].startswith("Traces can be sent again, after at least ")


async def test_a_collector_that_does_not_answer_holds_up_neither_calls_nor_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CLOSE_S_MAX", 0.2)
    hanging = asyncio.Event()

    async def answer_never(_: object) -> None:
        await hanging.wait()

    async with run_receiver() as collector:
        collector.answer = answer_never
        tracer = await asyncio.to_thread(make_tracer, collector.port)  # it looks through all packages
        for _ in range(10):  # far more than the queue holds
            for _ in range(50):
                begin(tracer).end(answer())
            await asyncio.sleep(0)  # the test fails if the loop was held up
        await wait_until(lambda: is_true(collector.received))
        began_s = perf_counter()
        await tracer.close()
        assert perf_counter() - began_s < 1.5
        hanging.set()
    assert all("Queue full" not in record.getMessage() for record in caplog.records)


async def is_true(value: object) -> bool:
    return bool(value)
