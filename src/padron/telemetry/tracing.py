"""Records spans with OpenTelemetry and sends them to a collector by OTLP over HTTP. It needs the extra ``otel``.

The standard variables ``OTEL_...`` configure the exporter, the sampler and the queue. A thread of the library sends.
Its queue is bounded, so a collector that does not answer holds up nothing: spans are lost then.
"""

import asyncio
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter, time_ns
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

from padron import __version__
from padron.domain.trace_context import (
    TRACEPARENT_LENGTH,
    TraceContext,
    format_traceparent,
    parse_traceparent,
    read_headers,
)
from padron.telemetry.collector import CollectorWatch
from padron.traces import CURRENT, TracedAnswer, TracedDelivery

LINKS_MAX = 256  # the requests of the largest batch, or the transactions of the largest commit
RECENT_MAX = 4_096  # traced requests that are remembered, for their batches, and for their webhooks' ``tracestate``
CLOSE_S_MAX = 2.0

_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NOWHERE = Context()  # a context without a span: what follows begins a trace


class LinkSampler(Sampler):
    """Records a span without a parent whenever it is linked to a recorded one, and asks another sampler otherwise.

    A batch begins a trace of its own. Drawn by chance again, a batch of recorded requests would rarely be recorded.
    """

    def __init__(self, other: Sampler) -> None:
        self._other = other

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about one span."""
        if links and not get_current_span(parent_context).get_span_context().is_valid:
            is_sampled = any(link.context.trace_flags.sampled for link in links)
            return SamplingResult(Decision.RECORD_AND_SAMPLE if is_sampled else Decision.DROP, attributes)
        return self._other.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Name the sampler."""
        return f"LinkSampler({self._other.get_description()})"


class DrawnIds(RandomIdGenerator):
    """Gives the trace id that was drawn last, once, so that the sampler can be asked before there is a span."""

    def __init__(self) -> None:
        self._drawn: int | None = None

    def draw(self) -> int:
        """Draw the id of the next trace."""
        self._drawn = super().generate_trace_id()
        return self._drawn

    def generate_trace_id(self) -> int:
        """Give the id of a trace that begins."""
        drawn, self._drawn = self._drawn, None
        return super().generate_trace_id() if drawn is None else drawn


class OtelRequestSpan:
    """The span of a request that is being answered."""

    __slots__ = ("_span", "context", "request_id")

    def __init__(self, span: Span, context: TraceContext) -> None:
        self._span = span
        self.context = context
        self.request_id = format_traceparent(context)

    def end(self, answer: TracedAnswer) -> None:
        """End the span, with the attributes of OpenTelemetry. The address is not among them: it can have a VIN."""
        span = self._span
        if not span.is_recording():
            return
        method = "HTTP" if answer.method.startswith("_") else answer.method
        span.update_name(f"{method} {answer.route}" if answer.route else method)
        attributes: dict[str, str | int] = {
            "http.request.method": answer.method,
            "http.response.status_code": answer.status,
            "url.scheme": answer.scheme,
        }
        if answer.route:
            attributes["http.route"] = answer.route
        if answer.problem:
            attributes["padron.problem"] = answer.problem
        if answer.account_id is not None:
            attributes["padron.account.id"] = answer.account_id
        if answer.status >= _SERVER_ERROR:
            attributes["error.type"] = str(answer.status)
            span.set_status(StatusCode.ERROR)
        span.set_attributes(attributes)
        span.end()


class OtelDeliverySpan:
    """The span of one attempt to send a webhook."""

    __slots__ = ("_span", "context", "headers")

    def __init__(self, span: Span, context: TraceContext) -> None:
        self._span = span
        self.context = context
        self.headers: Mapping[str, str] = {
            "traceparent": format_traceparent(context),
            **({"tracestate": context.state} if context.state else {}),
        }

    def end(self, status: int | None) -> None:
        """End the span."""
        span = self._span
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if status is None or status >= _CLIENT_ERROR:
            span.set_attribute("error.type", "_OTHER" if status is None else str(status))
            span.set_status(StatusCode.ERROR)
        span.end()


class OtelTracer:
    """The tracer of one process."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._ids = DrawnIds()
        provider = TracerProvider(
            id_generator=self._ids,
            resource=_describe_process(),
            span_limits=SpanLimits(max_links=LINKS_MAX),
            shutdown_on_exit=False,
        )
        self._sampler = provider.sampler  # of the variables
        provider.sampler = LinkSampler(self._sampler)
        provider.add_span_processor(processor)
        self._provider = provider
        self._tracer = provider.get_tracer("padron", __version__)
        self._recent: OrderedDict[str, SpanContext] = OrderedDict()  # by request id

    def begin_request(self, parent: bytes | None, state: bytes | None, began_s: float) -> OtelRequestSpan | None:
        """Give the span of a request; None if nobody asked to record it and the client brings no trace."""
        remote = None if parent is None else read_headers(parent, state)
        if remote is None and not self._is_drawn():  # as with most requests: this takes a third of making a span
            return None
        span = self._tracer.start_span("request", _enter(remote), SpanKind.SERVER, start_time=_give_instant_ns(began_s))
        if remote is None and not span.is_recording():
            return None
        begun = OtelRequestSpan(span, _read(span.get_span_context()))
        self._recent[begun.request_id] = span.get_span_context()
        if len(self._recent) > RECENT_MAX:
            self._recent.popitem(last=False)
        return begun

    def _is_drawn(self) -> bool:
        """Say whether to record the trace that begins next."""
        sampling = self._sampler.should_sample(_NOWHERE, self._ids.draw(), "request", SpanKind.SERVER)
        return sampling.decision is not Decision.DROP

    @contextmanager
    def trace_batch(self, request_ids: Iterable[str]) -> Iterator[None]:
        """Record a batch while the block runs: one span, linked to the spans of its requests."""
        size = 0
        links = []
        for size, request_id in enumerate(request_ids, start=1):  # noqa: B007 - the last one is the size
            if len(request_id) == TRACEPARENT_LENGTH:  # the others are not traced
                context = self._find(request_id)
                if context is not None and context.trace_flags.sampled:
                    links.append(Link(context))
        if not links:
            token = CURRENT.set(None)
            try:
                yield
            finally:
                CURRENT.reset(token)
            return
        span = self._tracer.start_span("status batch", _NOWHERE, attributes={"padron.batch.size": size}, links=links)
        token = CURRENT.set(_read(span.get_span_context()))
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            CURRENT.reset(token)
            span.end()

    def note_commit(self, system: str, kind: str, began_s: float, served: Sequence[TraceContext | None]) -> None:
        """Record a commit: below the only writer that is recorded, or linked to all of them."""
        recorded = [context for context in served if context is not None and context.is_sampled]
        if not recorded:
            return
        is_shared = len(recorded) > 1
        span = self._tracer.start_span(
            "commit",
            _NOWHERE if is_shared else _enter(recorded[0]),
            attributes={
                "db.system.name": system,
                "db.operation.name": "COMMIT",
                "padron.commit.kind": kind,
                "padron.commit.size": len(served),
            },
            links=[Link(_rebuild(context)) for context in recorded] if is_shared else None,
            start_time=_give_instant_ns(began_s),
        )
        span.end()

    def begin_delivery(self, cause: TraceContext | None, delivery: TracedDelivery) -> OtelDeliverySpan | None:
        """Give the span of an attempt; None if its cause is not traced."""
        if cause is None:
            return None
        parts = urlsplit(delivery.url)
        attributes: dict[str, str | int] = {
            "http.request.method": "POST",
            "url.scheme": parts.scheme,
            "server.address": parts.hostname or "",
            "server.port": parts.port or _DEFAULT_PORTS.get(parts.scheme, 0),
            "padron.webhook.endpoint.id": delivery.endpoint_id,
        }
        if delivery.resend_count:
            attributes["http.request.resend_count"] = delivery.resend_count
        span = self._tracer.start_span("POST", _enter(cause), SpanKind.CLIENT, attributes=attributes)
        return OtelDeliverySpan(span, _read(span.get_span_context()))

    def find_cause(self, request_id: str) -> TraceContext | None:
        """Give the context of a request. Its ``tracestate`` is known only to the process that answered it."""
        context = self._find(request_id)
        return None if context is None else _read(context)

    def _find(self, request_id: str) -> SpanContext | None:
        recent = self._recent.get(request_id)
        if recent is not None:
            return recent
        context = parse_traceparent(request_id)
        return None if context is None else _rebuild(context)

    async def close(self) -> None:
        """Send what waits, for two seconds at the most. The library itself would wait for half a minute."""
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()

        def run() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(closed.set)

        # A daemon, so that the end of the process does not wait for it either.
        threading.Thread(target=run, name="padron-traces-end", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S_MAX):
                await closed.wait()
        except TimeoutError:
            return


def open_tracer() -> OtelTracer:
    """Give the tracer of this process, which sends to the collector that the variables name."""
    return OtelTracer(BatchSpanProcessor(CollectorWatch(OTLPSpanExporter())))


def _describe_process() -> Resource:
    own = {"service.name": "padron", "service.version": __version__, "service.instance.id": str(uuid.uuid4())}
    return Resource.create().merge(Resource(own)).merge(OTELResourceDetector().detect())


def _give_instant_ns(began_s: float) -> int:
    """Give when something began, in nanoseconds since 1970."""
    return time_ns() - int((perf_counter() - began_s) * 1e9)


def _rebuild(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(context.flags),
        trace_state=TraceState.from_header([context.state]) if context.state else None,
    )


def _enter(context: TraceContext | None) -> Context:
    """Give the library's context in which a span is the child of this one."""
    return _NOWHERE if context is None else set_span_in_context(NonRecordingSpan(_rebuild(context)), _NOWHERE)


def _read(context: SpanContext) -> TraceContext:
    return TraceContext(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        flags=int(context.trace_flags),
        state=context.trace_state.to_header(),
    )
