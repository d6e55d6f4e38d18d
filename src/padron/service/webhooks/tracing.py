"""Sends a message to a webhook within the trace of what caused it, if that is traced."""

from dataclasses import replace

from padron.domain.trace_context import TraceContext
from padron.domain.webhook import Answer
from padron.service.webhooks.sending import Message, Sender
from padron.traces import CURRENT, TracedDelivery, Tracer


async def send_traced(
    sender: Sender, tracer: Tracer, message: Message, cause: TraceContext | None, resend_count: int = 0
) -> Answer:
    """Send a message with the headers of its trace, and give the result."""
    delivery = TracedDelivery(endpoint_id=message.endpoint_id, url=message.url, resend_count=resend_count)
    span = tracer.begin_delivery(cause, delivery)
    if span is None:
        return await sender.send(message)
    token = CURRENT.set(span.context)
    status: int | None = None
    try:
        answer = await sender.send(replace(message, headers={**message.headers, **span.headers}))
        status = answer.status
        return answer
    finally:
        span.end(status)
        CURRENT.reset(token)
