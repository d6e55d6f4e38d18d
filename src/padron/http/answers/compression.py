"""Compresses answers for clients that ask for it (RFC 9110, 12.5.3), only with gzip.

The server never compresses an answer with an ETag. The tag is strong and names these very bytes, so a compressed
answer would need another tag, which If-Match could not compare. These answers are single vehicles, and small.
The server does not compress streams either, because compression would delay their pieces.
"""

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from padron.domain.idempotency import Headers
from padron.http.answers.replies import Reply

BYTES_MIN = 1_024  # a smaller answer fits into one packet anyway
INLINE_BYTES_MAX = 16_384  # this size takes about 0.2 ms; a thread beside the event loop compresses more
HEADER_BYTES_MAX = 1_024  # no real client sends a longer Accept-Encoding
PLACES = 2
LEVEL = 1

_VARY: Headers = ((b"vary", b"accept-encoding"),)
_ENCODED: Headers = (*_VARY, (b"content-encoding", b"gzip"))


class Compressor:
    """Compresses one process's answers, at most ``PLACES`` large ones at once. Others are sent uncompressed."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._taken = 0

    async def compress(self, reply: Reply, accepted: bytes | None) -> Reply:
        """Give the reply, compressed if the client accepts it and a place is free. Call it only for large bodies."""
        if _is_settled(reply.headers):
            return reply
        varied = Reply(reply.status, reply.body, (*reply.headers, *_VARY))
        if accepted is None or not accepts_gzip(accepted):
            return varied
        if len(reply.body) <= INLINE_BYTES_MAX:
            body = _shrink(reply.body)
        elif self._taken >= PLACES:
            return varied  # waiting for a place is slower than sending more bytes
        else:
            try:
                body = await self._shrink_beside(reply.body)
            except asyncio.CancelledError:
                return varied  # the server is stopping, but the uncompressed answer is ready
        return Reply(reply.status, body, (*reply.headers, *_ENCODED))

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown()

    async def _shrink_beside(self, body: bytes) -> bytes:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(PLACES, "padron-gzip")
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _shrink, body)
        finally:
            self._taken -= 1


@lru_cache(maxsize=64)  # clients send the same few values with every request
def accepts_gzip(accepted: bytes) -> bool:
    """Say whether an Accept-Encoding accepts gzip and does not prefer identity. A malformed one means no."""
    if len(accepted) > HEADER_BYTES_MAX:
        return False
    weights: dict[str, float] = {}
    for part in accepted.decode("latin-1").lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = _read_weight(weight)
    gzip_weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0.0)


def _read_weight(text: str) -> float:
    name, _, value = text.partition("=")
    if not text.strip():
        return 1.0
    digits = value.strip()
    is_weight = name.strip() == "q" and digits[:1] in {"0", "1"} and digits.replace(".", "0", 1).isdigit()
    return min(float(digits), 1.0) if is_weight and digits.isascii() and len(digits) <= len("0.000") else 0.0


def _is_settled(headers: Headers) -> bool:
    """Say whether the answer must stay as it is: it has a tag, or it is encoded already."""
    return any(name in {b"etag", b"content-encoding"} for name, _ in headers)


def _shrink(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
