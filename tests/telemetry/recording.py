"""A tracer whose spans stay in memory."""

from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from padron.telemetry.tracing import OtelTracer


class _Processor(SimpleSpanProcessor):
    begun_count = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        super().on_start(span, parent_context)
        self.begun_count += 1


class Recording:
    """A tracer, and what it recorded. It reads the variables of the environment when it is made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._processor = _Processor(self._exporter)
        self.tracer = OtelTracer(self._processor)

    @property
    def unended_count(self) -> int:
        """How many spans were begun and have not ended."""
        return self._processor.begun_count - len(self.list_spans())

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
