"""What the API's server and a room that it serves beside the API tell each other about one request.

The server keeps its guards for such a room: limits on heads, bodies, connections and places, request ids, the access
log, metrics and traces. The room says who asks, and answers. Neither imports the other.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from padron.domain.account import Principal
from padron.domain.idempotency import Headers
from padron.service.runtime import Runtime


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedRoute:
    """One method on one path below a mount. ``{name}`` in the path is a parameter, as in the API's routes."""

    method: str
    path: str
    is_streamed: bool = False  # it reads its body as it arrives


class BodyRefusedError(Exception):
    """The server's refusal of a body that is too large, too slow or encoded. The room words it in its own form."""

    def __init__(self, status: int, detail: str, headers: Headers, problem: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.problem = problem


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedRequest:
    """A request whose head was checked. ``route`` is None for an address that does not exist.

    ``read_body`` gives the whole body. It raises ``BodyRefusedError`` for more bytes than it is given, and for a body
    that is too slow. ``stream_body`` gives a body as it arrives, and raises the same. Who keeps such a body in memory
    counts its bytes with ``hold_bytes``. ``admit`` tells the server who asks, once that is known: it takes a place,
    counts the request against the limits of the account, and raises ``overloaded`` and ``rate_exceeded``.
    ``begin_scan`` takes a place of those who read much. ``begin_stream`` exchanges the place for a waiting request's
    one until the end of the request, as one of a session's streams. All of them raise ``overloaded``. ``watch_client``
    gives a future that is done when the client has gone. Cancel it in the end.
    """

    runtime: Runtime
    request_id: str
    route: MountedRoute | None
    method: str
    path: str  # as the client sent it, without the root path
    query: str
    headers: Mapping[str, str]  # by names in lower case
    parameters: Mapping[str, str]  # of the path
    scheme: str  # that the client used: http or https
    client_address: str  # empty if it has none
    read_body: Callable[[int], Awaitable[bytes]]
    stream_body: Callable[[int], AsyncIterator[bytes]]
    hold_bytes: Callable[[int], None]
    admit: Callable[[Principal], None]
    begin_scan: Callable[[], None]
    begin_stream: Callable[[str], None]
    watch_client: Callable[[], asyncio.Future[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedReply:
    """An answer. ``problem`` is the kind of a refusal, for the metrics. A body that is encoded already says so.

    With ``pieces`` it is a stream instead: its status is 200, and each piece is sent as soon as it is given.
    """

    status: int
    headers: Headers
    body: bytes = b""
    problem: str = ""
    pieces: AsyncGenerator[bytes, None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A room beside the API: the first segment of its paths, its routes, and the function that answers all of them.

    ``start`` is the page to which ``GET /`` leads a browser; empty for a room without one.
    """

    name: str
    routes: tuple[MountedRoute, ...]
    answer: Callable[[MountedRequest], Awaitable[MountedReply]]
    start: str = ""
