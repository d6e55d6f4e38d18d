"""Compresses answers for those who ask for it (RFC 9110, 12.5.3), with gzip and nothing else.

An answer with an ETag is sent as it is. Its tag is strong and names these very bytes, so a compressed one would need
another tag, and that one would no longer be what If-Match compares. Such answers are single vehicles, and small.
Streams are sent as they are too: what is held back to be compressed would come late.
"""

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from padron.domain.idempotency import Headers
from padron.http.answers.replies import Reply

BYTES_MIN = 1_024  # less is not worth the work: it fits into one packet either way
INLINE_BYTES_MAX = 16_384  # so much takes some 0.2 ms; more is given to a thread, beside the event loop
HEADER_BYTES_MAX = 1_024  # no client has so much to say about codings
PLACES = 2
LEVEL = 1

_VARY: Headers = ((b"vary", b"accept-encoding"),)
_ENCODED: Headers = (*_VARY, (b"content-encoding", b"gzip"))


class Compressor:
    """Compresses the answers of one process, at most ``PLACES`` large ones at once; further ones go as they are."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._taken = 0

    async def compress(self, reply: Reply, accepted: bytes | None) -> Reply:
        """Give the reply, compressed if the client takes it so and a place is free. Only for bodies of some size."""
        if _is_tagged(reply.headers):
            return reply
        varied = Reply(reply.status, reply.body, (*reply.headers, *_VARY))
        if accepted is None or not accepts_gzip(accepted):
            return varied
        if len(reply.body) <= INLINE_BYTES_MAX:
            body = _shrink(reply.body)
        elif self._taken >= PLACES:
            return varied  # to wait for a place would be slower than to send more bytes
        else:
            try:
                body = await self._shrink_beside(reply.body)
            except asyncio.CancelledError:
                return varied  # the server ends: the answer is there, and need not be lost
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
    """Say whether an Accept-Encoding takes gzip, and not identity sooner. What cannot be read counts as no."""
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


def _is_tagged(headers: Headers) -> bool:
    return any(name == b"etag" for name, _ in headers)


def _shrink(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)
