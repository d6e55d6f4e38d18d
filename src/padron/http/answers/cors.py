"""Lets the pages of named origins call the API from a browser (the Fetch standard's CORS protocol).

Without origins nothing of this module is used. No answer permits credentials: an API key is in ``Authorization``, which
a script sets itself, and the server takes no cookies. So a page of another origin can read nothing in a user's name.
"""

from collections.abc import Mapping

from padron.domain.idempotency import Headers
from padron.http.answers.replies import Reply

MAX_AGE_S = 600  # how long a browser keeps a permission: an origin that is removed from the setting is out after this
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
REQUEST_HEADERS = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "Padron-After",
    "traceparent",
)  # fmt: skip
ANSWER_HEADERS = (
    "Content-Disposition", "ETag", "Idempotency-Replayed", "Link", "Location", "Padron-Planned-Change", "RateLimit",
    "RateLimit-Policy", "Retry-After", "X-Request-Id",
)  # fmt: skip

# Also for a request without an origin: a cache must not give its answer to a page.
_VARY: Headers = ((b"vary", b"origin"),)
_EXPOSED: Headers = ((b"access-control-expose-headers", ", ".join(ANSWER_HEADERS).encode()), *_VARY)
_PERMITTED: Headers = (
    (b"access-control-allow-methods", ", ".join(METHODS).encode()),
    (b"access-control-allow-headers", ", ".join(REQUEST_HEADERS).encode()),
    (b"access-control-max-age", b"%d" % MAX_AGE_S),
)


class Cors:
    """The origins whose pages may call, and the headers for their browsers."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def give_headers(self, headers: Mapping[bytes, bytes]) -> Headers:
        """Give the headers to add to the answer to a request with these headers, whatever the answer is."""
        origin = headers.get(b"origin")
        return ((b"access-control-allow-origin", origin), *_EXPOSED) if origin in self._origins else _VARY

    def answer_preflight(self, headers: Mapping[bytes, bytes]) -> Reply | None:
        """Give the answer to an OPTIONS that a browser sends before a call; None for any other OPTIONS.

        It is the same for every address and needs no key. A browser sends no key with it, and shows a page the
        answers 401, 404 and 405 to the call itself only if it was permitted.
        """
        if b"access-control-request-method" not in headers or headers.get(b"origin") not in self._origins:
            return None
        return Reply(204, headers=_PERMITTED)
