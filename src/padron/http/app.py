"""The application. Every request goes through ``Resource``, so that every answer, errors included, has our form."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from starlette.routing import Router
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from padron.domain.errors import PadronError
from padron.domain.quoting import show_word
from padron.http import idempotency
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply, send_reply, send_stream
from padron.http.answers.streams import give_nothing
from padron.http.calls import CLOSE, Call, ClientGoneError, Request, guard_headers
from padron.http.declarations import Route
from padron.http.edge import heads
from padron.http.edge.edge import Edge
from padron.http.edge.peers import EXTENSION
from padron.http.mounts import give_fallback_routes, give_mounted_routes
from padron.http.places import Places
from padron.http.reach import DIRECT, Reach, make_stripper, set_root_path
from padron.http.routes import ROUTES, give_routes
from padron.http.routes.docs import DOCUMENTATION
from padron.http.routing import Paths, give_raw_path
from padron.http.server import Server, admit, answer_whatever
from padron.http.stopping import on_stop_signal
from padron.http.watching.measures import give_families
from padron.http.watching.tally import NO_ROUTE, Sent, Tally
from padron.mounting import Mount
from padron.service.runtime import Runtime
from padron.traces import CURRENT

Background = Callable[[Runtime], AbstractAsyncContextManager[None]]

_READING = frozenset({"GET", "HEAD"})
_UNTRACED = frozenset({"/livez", "/readyz"})  # whoever watches the server asks every few seconds

_log = logging.getLogger("padron.http")


class Resource:
    """One path with its methods, as an ASGI application. Without methods it answers unknown paths."""

    def __init__(self, server: Server, routes: Sequence[Route]) -> None:
        self._server = server
        self._path = routes[0].path if routes else NO_ROUTE
        self._is_traced = self._path not in _UNTRACED
        self._operations = {route.method: route for route in routes}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._allow = ", ".join(sorted({*self._operations, "OPTIONS"})).encode()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        server = self._server
        request = self._give_request(scope)
        request_id = server.name_request(request) if self._is_traced else server.make_request_id()
        call = Call(request, request_id, server, receive=receive)
        if request.span is not None:
            CURRENT.set(request.span.context)
        sent = Sent(send)
        try:
            reply = await answer_whatever(call, self._answer(call, scope))
            if reply is None:
                return
            if isinstance(reply, StreamReply):
                reply = server.add_cors(reply, call.headers)
                if call.request.method == "HEAD":  # it has no pieces, and so it ends, although a feed never does
                    await reply.chunks.aclose()
                    reply = StreamReply(give_nothing(), reply.headers)
                sent.status = 200
                await _stream(sent.pass_on, reply, call)
                return
            reply = server.add_cors(reply, call.headers)
            if await call.has_unread_body() and CLOSE[0] not in reply.headers:
                # Otherwise a client without a valid key could keep the connection by never ending a body.
                reply.headers = (*reply.headers, *CLOSE)
            reply = await server.compress(reply, call)
            sent.status, sent.problem = reply.status, reply.problem
            await send_reply(sent.pass_on, reply, call.request_id.encode())
        finally:
            call.seat.leave()
            if server.tally is not None:
                server.tally.note(call, self._path, sent.status, sent.byte_count, sent.problem)

    def _give_request(self, scope: AsgiScope) -> Request:
        """Give the request as the protocol has it, or from the scope of another server, with its headers to come."""
        request: Request | None = scope.get("extensions", {}).get(EXTENSION, {}).get("request")
        if request is None:
            client = scope.get("client")
            hop = self._server.meet(client[0] if client else "", scope.get("scheme", "http"))
            request = Request(scope["method"], b"", scope["query_string"], {}, {}, hop)
        request.path, request.path_parameters = give_raw_path(scope), scope["path_params"]
        return request

    async def _answer(self, call: Call, scope: AsgiScope) -> Reply | StreamReply:
        if EXTENSION not in scope.get("extensions", ()):
            call.headers = call.request.headers = guard_headers(scope)
        method = call.request.method
        route = self._operations.get(method)
        if route is None:
            return self._answer_without_route(call)
        if route.public:
            return await _check_version(await route.endpoint(call), scope)
        await call.authenticate()
        admit(call, route)
        if method == "POST" and idempotency.HEADER in call.headers and not route.is_streamed and route.keeps_answer:
            return await idempotency.answer_once(call, route.endpoint)
        reply = await _check_version(await route.endpoint(call), scope)
        if method in _READING:
            await call.confirm()  # the key may be revoked by now, and only a valid key may get what was read
        if isinstance(reply, StreamReply):
            call.seat.wait()  # until the end, because the client may read slowly
        return reply

    def _answer_without_route(self, call: Call) -> Reply:
        method = call.request.method
        if method == "OPTIONS" and (preflight := self._server.answer_preflight(call.headers)) is not None:
            return preflight
        if not self._operations:
            if method == "OPTIONS" and call.request.path == b"*":  # RFC 9110, 9.3.7: a question about the server itself
                return Reply(204, headers=((b"allow", b", ".join(heads.KNOWN_METHODS)),))
            raise ProblemError(problems.PATH_NOT_FOUND, "There is nothing at this address. See /docs for the list.")
        if method == "OPTIONS":
            return Reply(204, headers=((b"allow", self._allow),))
        detail = f"This address does not take {show_word(method)}. Use {self._allow.decode()}."
        raise ProblemError(problems.METHOD_NOT_ALLOWED, detail, ((b"allow", self._allow),))


async def _check_version(reply: Reply | StreamReply, scope: AsgiScope) -> Reply | StreamReply:
    """Give the answer. Raises a refusal of a stream for a client that cannot read one."""
    if isinstance(reply, StreamReply) and scope.get("http_version") == "1.0":
        await reply.chunks.aclose()
        raise ProblemError(problems.MALFORMED_REQUEST, "This answer is a stream, which needs HTTP/1.1.", CLOSE)
    return reply


async def _stream(send: Send, reply: StreamReply, call: Call) -> None:
    try:
        await send_stream(send, reply, call.request_id.encode(), call.confirm)
    except PadronError as error:
        # The end of the answer is missing, so the server breaks the connection when this returns.
        _log.warning("the answer to request %s broke off: %s", call.request_id, error.detail)
    except asyncio.CancelledError:
        _log.warning(
            "the answer to request %s broke off: its client took none of it, and the server ends", call.request_id
        )
    except ClientGoneError:
        return


class App:
    """The ASGI application, and the edge that a connection of its own protocol asks first."""

    def __init__(self, router: Router, edge: Edge) -> None:
        self._router = router
        self.edge = edge

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Run the application for a request, or for the life of the server."""
        await self._router(scope, receive, send)


def build_app(
    open_runtime: Callable[[], Awaitable[Runtime]],
    background: Sequence[Background] = (),
    reach: Reach = DIRECT,
    *,
    is_fast: bool = True,
    tally: Tally | None = None,
    mounts: Sequence[Mount] = (),
) -> App:
    """Give the ASGI application. It opens the runtime when it starts and closes it when it stops.

    The ``background`` tasks run beside the calls while the runtime is open. ``reach`` says how clients reach it.
    Without ``is_fast``, the edge answers no call itself and parses each head. ``tally`` counts the answers. ``mounts``
    are served beside the API, each below its own path.
    """
    server = Server(reach, tally)
    set_root_path(reach.root_path)
    strip = make_stripper(reach.root_path) if reach.root_path else None
    edge = Edge(server, ROUTES if is_fast else (), strip, keeps_fields=is_fast)

    @asynccontextmanager
    async def live(_: object) -> AsyncIterator[None]:
        server.runtime = await open_runtime()
        server.places = Places(server.runtime.limits)
        server.runtime.meters.add(partial(give_families, server, edge.connections))
        edge.connections.set_limits(server.runtime.limits)
        try:
            async with AsyncExitStack() as stack:
                stack.enter_context(on_stop_signal(server.stop))
                for begin in background:
                    await stack.enter_async_context(begin(server.runtime))
                yield
        finally:
            server.compressor.close()
            await server.runtime.close()

    paths: dict[str, list[Route]] = {}
    start = next((mount.start for mount in mounts if mount.start), DOCUMENTATION)
    for route in (*give_routes(start), *(route for mount in mounts for route in give_mounted_routes(mount))):
        paths.setdefault(route.path, []).append(route)
    resources = {path: Resource(server, routes) for path, routes in paths.items()}
    fallbacks = {mount.name: Resource(server, give_fallback_routes(mount)) for mount in mounts}
    every = Paths(resources, Resource(server, ()), strip, fallbacks)
    router = Router(redirect_slashes=False, default=every, lifespan=live)
    return App(router, edge)
