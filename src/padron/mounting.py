"""What the API's server and a room that it serves beside the API tell each other about one request.

The server keeps its guards for such a room: limits on heads, bodies, connections and places, request ids, the access
log, metrics and traces. The room says who asks, and answers. Neither imports the other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
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
    that is too slow. ``stream_body`` gives a body as it arrives, and raises the same. ``admit`` tells the server who
    asks, once that is known: it takes a place, counts the request against the limits of the account, and raises
    ``overloaded`` and ``rate_exceeded``. ``begin_scan`` takes a place of those who read much. ``wait`` exchanges the
    place for a waiting request's one during a block, and gives a future that is done when the client has gone. Both
    raise ``overloaded``.
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
    admit: Callable[[Principal], None]
    begin_scan: Callable[[], None]
    wait: Callable[[], AbstractContextManager[asyncio.Future[None]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedReply:
    """An answer. ``problem`` is the kind of a refusal, for the metrics. A body that is encoded already says so."""

    status: int
    headers: Headers
    body: bytes = b""
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A room beside the API: the first segment of its paths, its routes, and the function that answers all of them."""

    name: str
    routes: tuple[MountedRoute, ...]
    answer: Callable[[MountedRequest], Awaitable[MountedReply]]
