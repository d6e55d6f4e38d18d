"""A tracer whose spans stay in memory."""

from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from padron.telemetry.tracing import OtelTracer


class Recording:
    """A tracer, and what it recorded. It reads the variables of the environment when it is made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = OtelTracer(SimpleSpanProcessor(self._exporter))

    def list_spans(self, name: str = "") -> list[ReadableSpan]:
        """Give the spans that ended, in this order."""
        return [span for span in self._exporter.get_finished_spans() if not name or span.name == name]

    def get_span(self, name: str) -> ReadableSpan:
        (span,) = self.list_spans(name)
        return span


Record = Callable[[], Recording]


def give_ids(span: ReadableSpan) -> tuple[str, str]:
    """Give the ids of a span's trace and of the span."""
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def give_parent(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def give_links(span: ReadableSpan) -> set[tuple[str, str]]:
    return {(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links}
