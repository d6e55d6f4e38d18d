"""The lines of a stream of server-sent events. The feed's stream and the console's have the same form."""

from padron.domain.idempotency import Headers

HEARTBEAT_S = 10.0
STREAM_PAGE = 200  # changes in a page; streams of an account that ask the same share what is read
STREAM_HEADERS: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # tells proxies such as nginx to forward each event at once
)


def format_event(cursor: str, body: bytes, kind: str = "") -> bytes:
    """Give an event with the cursor after it. ``body`` is one line."""
    named = b"event: %s\n" % kind.encode() if kind else b""
    return b"id: %s\n%sdata: %s\n\n" % (cursor.encode(), named, body)


def format_heartbeat(cursor: str) -> bytes:
    """Give a comment that keeps the connection alive. Readers continue from its cursor, although it is no event."""
    return b"id: %s\n: waiting\n\n" % cursor.encode()


def format_comment(text: str) -> bytes:
    """Give a line for whoever looks at the stream. Readers skip it."""
    return b": %s\n\n" % text.encode()
