"""The fast path: answers the status call and brief reads without a task, and knows when it must not.

It answers only what is plain: a known key, one line for each header, and a VIN in the address. Everything else takes
the ordinary way through the application, and so does whatever is refused before the call itself is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from padron.domain.account import Principal
from padron.domain.vin import VIN_LENGTH
from padron.http.answers.errors import word_error
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply
from padron.http.authentication import find_token
from padron.http.calls import Call, Request
from padron.http.declarations import Route
from padron.http.edge.connections import Line, OpenConnections
from padron.http.edge.known import ENTRIES_MAX, KnownTable
from padron.http.edge.resumed import Resumed
from padron.http.places import UNCOUNTED_BYTES
from padron.http.requests.forwarding import LastHop
from padron.http.server import Server, admit, word_failure
from padron.service.authentication import digest_token

_PARAMETER = "{vin}"
# What a request with one of these headers asks for is not answered here.
_UNUSUAL = frozenset({b"content-encoding", b"expect", b"origin", b"upgrade"})


class Responder(Protocol):
    """The connection on which a request came."""

    def send(self, reply: Reply, request_id: str) -> None:
        """Send the answer to the request."""
        ...

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:  # type: ignore[explicit-any]  # as asyncio has it
        """Run a task that ends with the answer."""
        ...


class Refused(NamedTuple):
    """The answer to a request that was refused before anybody else saw it, and the id made for the request."""

    reply: Reply
    request_id: str


@dataclass(frozen=True, slots=True)
class _ShortRoute:
    """A route with one parameter, the VIN: what its address has before it and behind it."""

    route: Route
    before: bytes
    behind: bytes


@dataclass(slots=True)  # not frozen: each call makes one, and a frozen one takes three times as long
class Shortcut:
    """A request that the fast path may answer, and what it found out about it."""

    request: Request
    route: Route
    principal: Principal


class Edge:
    """The edge of one process: its connections, and the calls that it answers itself."""

    def __init__(
        self,
        server: Server,
        routes: Sequence[Route],
        strip: Callable[[bytes], bytes] | None = None,
        *,
        keeps_fields: bool = True,
    ) -> None:
        """``strip`` removes what a proxy puts before each of the server's paths.

        With ``keeps_fields`` the fields of recent requests are not parsed again.
        """
        self.known = KnownTable(ENTRIES_MAX if keeps_fields else 0)
        self._server = server
        self._strip = strip
        self.connections = OpenConnections(is_exempt=server.is_proxy)
        self.line = Line()
        self._fixed: dict[bytes, Route] = {}  # GET, by path
        self._routes: dict[str, list[_ShortRoute]] = {}
        for route in routes:
            if route.begin is None and not route.is_brief:
                continue
            before, parameter, behind = route.path.partition(_PARAMETER)
            if parameter:
                self._routes.setdefault(route.method, []).append(_ShortRoute(route, before.encode(), behind.encode()))
            else:
                self._fixed[before.encode()] = route

    def meet(self, address: str, scheme: str) -> LastHop:
        """Give the other end of a connection."""
        return self._server.meet(address, scheme)

    def word_refusal(self, refusal: ProblemError, request: Request) -> Refused:
        """Give the answer to what the protocol itself refuses, and count it. ``request`` has what could be read."""
        request_id = self._server.name_request(request)
        reply = self._server.add_cors(word_error(refusal, request_id), request.headers)
        if self._server.tally is not None:
            self._server.tally.note_refusal(request, reply, request_id)
        return Refused(reply, request_id)

    def find_shortcut(self, request: Request, digest: bytes) -> Shortcut | None:
        """Give how to answer a request once its body is complete; None if it must go the ordinary way.

        ``digest`` is that of its token, whose key must have been looked up a moment ago.
        """
        path = request.path if self._strip is None else self._strip(request.path)
        route = self._fixed.get(path) if request.method == "GET" else None
        if route is None:
            route = self._find_route(path, request)
        if route is None or not _UNUSUAL.isdisjoint(request.headers):
            return None
        principal = self._server.runtime.authenticator.believe(digest, request)
        return None if principal is None else Shortcut(request, route, principal)

    def _find_route(self, path: bytes, request: Request) -> Route | None:
        """Give the route of a path with a VIN, and put the VIN into the request."""
        for short in self._routes.get(request.method, ()):
            if path.startswith(short.before) and path.endswith(short.behind):
                segment = path[len(short.before) : len(path) - len(short.behind)]
                # A VIN has no %. What is no VIN in spite of its length is refused as on the ordinary way.
                if len(segment) == VIN_LENGTH and segment.isalnum():
                    request.path_parameters["vin"] = segment.decode("ascii")
                    return short.route
        return None

    def begin(self, shortcut: Shortcut, body: bytes, responder: Responder) -> bool:
        """Begin to answer a request. False: it needs the ordinary way after all."""
        route, principal = shortcut.route, shortcut.principal
        call = Call(shortcut.request, self._server.name_request(shortcut.request), self._server, body=body)
        call.principal = principal
        answering = _Answering(self._server, call, responder, route.path)
        try:
            call.note_authentication()
            admit(call, route)
            if len(body) > UNCOUNTED_BYTES:
                call.seat.hold_bytes(len(body))
            if route.begin is None:
                self._read(call, route, answering)
            elif not route.begin(call, body, answering):
                call.seat.leave()
                call.runtime.rates.return_request(
                    principal.actor, principal.requests_per_s
                )  # the ordinary way counts it
                return False
        except Exception as error:  # noqa: BLE001 - the last resort: whatever goes wrong is answered
            answering.fail(error)
        return True

    def _read(self, call: Call, route: Route, answering: "_Answering") -> None:
        """Answer a read. If it need not wait, it is over when this returns."""
        reading = self._give_reply(call, route)
        if not call.runtime.answers_at_once:
            answering.run(reading)
            return
        try:
            awaited = reading.send(None)
        except StopIteration as end:
            answering.answer(end.value)
        else:
            answering.run(Resumed(reading, awaited))

    async def _give_reply(self, call: Call, route: Route) -> Reply:
        """Give the answer to a read, even after an error."""
        try:
            reply = await route.endpoint(call)
            await call.confirm()  # as on the ordinary way: the key may be revoked by now
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as in ``answer_whatever``
            reply = word_failure(call, error)
        if not isinstance(reply, Reply):
            raise TypeError(route.name)  # no brief read streams
        return await self._server.compress(reply, call)


class _Answering:
    """Sends the answer to one call, once, and gives its place back."""

    __slots__ = ("_call", "_path", "_responder", "_server")

    def __init__(self, server: Server, call: Call, responder: Responder, path: str) -> None:
        self._server = server
        self._call = call
        self._responder = responder
        self._path = path  # of the route

    def answer(self, reply: Reply) -> None:
        self._call.seat.leave()
        self._responder.send(self._server.add_cors(reply, self._call.headers), self._call.request_id)
        if self._server.tally is not None:
            self._server.tally.note(self._call, self._path, reply.status, len(reply.body), reply.problem)

    def fail(self, error: BaseException) -> None:
        self.answer(word_failure(self._call, error))

    def run(self, work: Awaitable[Reply]) -> None:
        """Answer with the result of a task."""

        async def run() -> None:
            self.answer(await work)

        self._responder.run_task(run())


def find_digest(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Give the digest of the bearer token of a request's headers; None without one."""
    token = find_token(headers)
    return None if token is None else digest_token(token)
