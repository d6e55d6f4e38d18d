"""The answers of the server: a status, headers and a body, sent over ASGI in two messages."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
from starlette.types import Send

from padron.domain.errors import PadronError
from padron.domain.idempotency import Headers

JSON_HEADERS: Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-cache"),
)
_POLICY = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Our pages load only one style sheet and one script, both from this server.
PAGE_HEADERS: Headers = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


@dataclass(slots=True)
class Reply:
    """An answer, ready to be sent. ``problem`` is the kind of a refusal."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StreamReply:
    """An answer that is sent piece by piece, as long as ``chunks`` gives any. Its status is always 200.

    ``farewell`` turns an error in the middle into a last piece, for formats in which a client expects no end.
    """

    chunks: AsyncGenerator[bytes, None]
    headers: Headers = ()
    farewell: Callable[[PadronError], bytes] | None = None


def build_json_reply(status: int, body: object, headers: Headers = ()) -> Reply:
    """Give a JSON answer. Instants become RFC 3339 in UTC with ``Z``."""
    return Reply(status, msgspec.json.encode(body), (*JSON_HEADERS, *headers))


def list_headers(reply: Reply, request_id: bytes) -> Headers:
    """Give all headers of the answer, with the request's id."""
    if reply.status in {204, 304}:
        return (*reply.headers, (b"x-request-id", request_id))
    return (*reply.headers, (b"x-request-id", request_id), (b"content-length", b"%d" % len(reply.body)))


async def send_reply(send: Send, reply: Reply, request_id: bytes) -> None:
    """Send the answer, with the request's id."""
    headers = list_headers(reply, request_id)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def send_stream(
    send: Send, reply: StreamReply, request_id: bytes, confirm: Callable[[], Awaitable[None]]
) -> None:
    """Send the answer piece by piece. An error in the middle breaks the connection, so that it cannot look complete.

    The function calls ``confirm`` before each piece, once the client has taken the pieces before. ``confirm`` raises
    when the client may not get more.
    """
    headers = [*reply.headers, (b"x-request-id", request_id)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        async with aclosing(reply.chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": b"", "more_body": True})  # waits for a slow reader
                await confirm()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except PadronError as error:
        if reply.farewell is None:
            raise
        await send({"type": "http.response.body", "body": reply.farewell(error), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
