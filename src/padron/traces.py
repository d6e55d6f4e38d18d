"""What the rooms need to be traced, and which trace the current task belongs to.

It is below all rooms. The room ``telemetry`` has the one ``Tracer``, over OpenTelemetry. Where nobody asked for traces
there is no tracer, and a room only sees that.

A request that is traced has its ``traceparent`` as its request id. So each change that it makes keeps the trace, in
every process and for as long as the change is kept, and a batch knows the traces of its requests.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from padron.domain.trace_context import TraceContext

CURRENT: ContextVar[TraceContext | None] = ContextVar("padron-trace", default=None)


def leave_trace() -> None:
    """Let the current task belong to no trace. A lasting task that a request happened to start calls this first."""
    CURRENT.set(None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedAnswer:
    """How a request was answered, as far as its span shows it. It holds nothing that a client can choose freely."""

    method: str
    route: str  # the template of the address; empty for an address that does not exist
    scheme: str
    status: int
    problem: str = ""
    account_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedDelivery:
    """One attempt to send a change to a webhook, as its span shows it. The address may hold a secret: only its host."""

    endpoint_id: str
    url: str
    resend_count: int


class RequestSpan(Protocol):
    """The span of a request that is being answered."""

    @property
    def request_id(self) -> str:
        """The request's id, which is its ``traceparent``."""
        ...

    @property
    def context(self) -> TraceContext:
        """The span's place in its trace."""
        ...

    def end(self, answer: TracedAnswer) -> None:
        """End the span."""
        ...


class DeliverySpan(Protocol):
    """The span of one attempt to send a webhook."""

    @property
    def context(self) -> TraceContext:
        """The span's place in its trace."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by which the receiver continues the trace."""
        ...

    def end(self, status: int | None) -> None:
        """End the span. ``status`` is None where no answer came."""
        ...


class Tracer(Protocol):
    """Records spans. No method waits, and none fails because of a collector."""

    def begin_request(self, parent: bytes | None, state: bytes | None, began_s: float) -> RequestSpan | None:
        """Give the span of a request with these headers; None if it is not traced. ``began_s`` is a perf_counter."""
        ...

    def trace_batch(self, request_ids: Iterable[str]) -> AbstractContextManager[None]:
        """Record a batch of these requests while the block runs, if one of them is recorded."""
        ...

    def note_commit(self, system: str, kind: str, began_s: float, served: Sequence[TraceContext | None]) -> None:
        """Record a commit that ends now. ``served`` are the writers that shared it, None for one without a trace."""
        ...

    def begin_delivery(self, cause: TraceContext | None, delivery: TracedDelivery) -> DeliverySpan | None:
        """Give the span of an attempt to send what ``cause`` made; None if that is not traced."""
        ...

    def find_cause(self, request_id: str) -> TraceContext | None:
        """Give the context of a request by its id; None if it was not traced."""
        ...

    async def close(self) -> None:
        """Send what waits, for a moment at the most."""
        ...
