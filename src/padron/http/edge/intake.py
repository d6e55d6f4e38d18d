"""The way in of a connection: the parser, and the one request that it has seen."""

from typing import TYPE_CHECKING

import httptools

from padron.domain.idempotency import Headers
from padron.http.edge import heads
from padron.http.edge.known import KnownFields

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES_MAX = 16_384  # of a chunked body, given to the parser at once
FRAME_BYTES_MAX = 32_768  # of a chunked body without a byte of data: lengths, extensions and trailers


class Intake:
    """Parses one request at a time: first its checked head, then its body."""

    def __init__(self) -> None:
        # The parser keeps our methods, and we keep the parser. ``close`` breaks this cycle.
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.take_data: Callable[[bytes], None]  # gets the parts of the body
        self.target = b""
        self.fields: Headers = ()
        self._read: list[tuple[bytes, bytes]] = []
        self.method = ""
        self.version = "1.1"
        self.is_head_asked = False  # a HEAD is under way, whose answer has no body
        self.keeps_alive = True
        self.is_complete = True
        self.is_overrun = False  # the parser saw the beginning of another request
        self.body_bytes = 0  # that have arrived, with the frames of chunks
        self._left: int | None = 0  # of the body; None for a chunked body
        self._frame_bytes = 0
        self._is_parsed = True  # the parser has the head, and so it gets the body too
        self.has_head = False  # of the request, so that its fields can be read

    def take_head(self, head: bytes) -> None:
        """Parse a head that was checked. Raises a refusal."""
        self.target = b""
        self._read = []
        self.is_complete = False
        self.is_overrun = False
        self.has_head = False
        self.is_head_asked = head.startswith(b"HEAD ")
        self.body_bytes = self._frame_bytes = 0
        self._is_parsed = True
        heads.check_head(head)
        try:
            self._feed(heads.simplify(head))
        except httptools.HttpParserError:
            self.fields, self.has_head = heads.read_fields(head), True
            raise heads.explain_unparsable(head) from None

    def take_known(self, method: str, known: KnownFields) -> None:
        """Take a head of HTTP/1.1 whose fields were parsed before. The parser sees nothing of this request."""
        self.method = method
        self.fields = known.fields
        self.version = "1.1"
        self.is_complete = not known.size
        self.is_overrun = self.is_head_asked = self._is_parsed = False
        self.has_head = True
        self.body_bytes = 0

    def expect_body(self, size: int | None) -> None:
        """Say how large the body is; None for a chunked one, whose end the parser finds."""
        self._left = size

    def take_body(self, data: bytes) -> bytes:
        """Parse a part of the body, and give what follows the body. Raises a refusal.

        What follows a chunked body may have gone to the parser unchecked. Then the request is overrun.
        """
        if self._left is not None:
            part, rest = data[: self._left], data[self._left :]
            self._left -= len(part)
        else:
            part, rest = data[:CHUNK_BYTES_MAX], data[CHUNK_BYTES_MAX:]
        self.body_bytes += len(part)
        if not self._is_parsed:
            self.is_complete = not self._left
            self.take_data(part)
            return rest
        self._frame_bytes += len(part)
        try:
            self._feed(part)
        except httptools.HttpParserError:
            raise heads.refuse_unparsable() from None
        if self._frame_bytes > FRAME_BYTES_MAX and not self.is_complete:
            raise heads.refuse_unparsable()
        return rest

    def give_up(self) -> None:
        """Parse nothing more of this connection."""
        self.is_complete = False

    def close(self) -> None:
        """Forget the parser."""
        self._parser = None

    def _feed(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.is_overrun = self.has_head

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        if not self.has_head:
            self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Those behind a chunked body are ignored (RFC 9110, 6.5.1)."""
        if not self.has_head:
            self._read.append((name.lower(), value.rstrip(b" \t")))  # RFC 9112, 5.1

    def on_headers_complete(self) -> None:
        """End the head."""
        if self.has_head or self._parser is None:
            return
        self.has_head = True
        self.fields = tuple(self._read)
        self.method = self._parser.get_method().decode("ascii")
        self.version = self._parser.get_http_version()
        self.keeps_alive = self.keeps_alive and self.version == "1.1" and self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._frame_bytes = 0
        if not self.is_overrun:
            self.take_data(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self.is_complete = True
