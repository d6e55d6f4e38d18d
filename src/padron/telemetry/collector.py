"""Watches the exporter of spans: it logs once that the collector does not take them, and once that it does again."""

import logging
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

# The library warns at every attempt of every batch, and for each span that finds the queue full.
_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_QUEUE = "opentelemetry.sdk._shared_internal"

_log = logging.getLogger("padron.traces")


class LastWords(logging.Handler):
    """Keeps the last message of the library out of the log, and in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a message."""
        self.text = record.getMessage()


class CollectorWatch(SpanExporter):
    """Hands spans to another exporter, from the thread of the library."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost_count = 0
        self._words = LastWords()
        for name, handler in ((_EXPORTER, self._words), (_QUEUE, logging.NullHandler())):
            logger = logging.getLogger(name)
            logger.handlers = [handler]
            logger.propagate = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, and log the first failure and its end."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost_count:
                _log.warning("Traces cannot be sent, and are lost: %s", self._words.text or "no reason is known")
            self._lost_count += len(spans)
        elif self._lost_count:
            _log.info("Traces can be sent again, after at least %d spans were lost", self._lost_count)
            self._lost_count = 0
        return result

    def shutdown(self) -> None:
        """Stop sending."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        return self._exporter.force_flush(timeout_millis)
