"""The application. Every request goes through ``Resource``, so that every answer, errors included, has our form."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from itertools import count

from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import show_word
from padron.http import idempotency
from padron.http.answers import problems
from padron.http.answers.compression import BYTES_MIN, Compressor
from padron.http.answers.errors import build_problem_reply, word_error
from padron.http.answers.problems import ProblemError
from padron.http.answers.replies import Reply, StreamReply, send_reply, send_stream
from padron.http.calls import CLOSE, Call, ClientGoneError, guard_headers
from padron.http.declarations import Route
from padron.http.places import Places
from padron.http.routes import ROUTES
from padron.http.routing import Paths
from padron.http.stopping import on_stop_signal
from padron.service.runtime import Runtime

BODY_REST_S = 1.0  # for the rest of bodies that are arriving when the server receives the signal to stop

Background = Callable[[Runtime], AbstractAsyncContextManager[None]]

_READING = frozenset({"GET", "HEAD"})

_log = logging.getLogger("padron.http")


class Server:
    """The state that the resources of one process share: the open runtime, and the request counter."""

    def __init__(self) -> None:
        # Both are set before the first request, and before the server listens for a signal to stop.
        self.runtime: Runtime
        self.places: Places
        self.readers: set[asyncio.Task[object]] = set()
        self.compressor = Compressor()
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    def stop(self) -> None:
        """End all waiting requests now, and soon also those whose clients do not send the rest of their bodies."""
        self.runtime.stop_waiting()
        asyncio.get_running_loop().call_later(BODY_REST_S, self._stop_reading)

    def _stop_reading(self) -> None:
        for task in self.readers:
            task.cancel()

    def make_request_id(self) -> str:
        """Give an id that no other request has: 64 random bits of this process and a running number."""
        return f"{self._prefix}{next(self._numbers):012x}"


class Resource:
    """One path with its methods, as an ASGI application. Without methods it answers unknown paths."""

    def __init__(self, server: Server, routes: Sequence[Route]) -> None:
        self._server = server
        self._operations = {route.method: route for route in routes}
        if "GET" in self._operations:
            self._operations["HEAD"] = self._operations["GET"]
        self._allow = ", ".join(sorted({*self._operations, "OPTIONS"})).encode()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        server = self._server
        call = Call(scope, receive, server.make_request_id(), server.runtime, server.readers, server.places)
        try:
            reply = await self._give_reply(call)
            if reply is None:
                return
            if isinstance(reply, StreamReply):
                await _stream(send, reply, call)
                return
            if await call.has_unread_body() and CLOSE[0] not in reply.headers:
                # Otherwise a client without a valid key could keep the connection by never ending a body.
                reply.headers = (*reply.headers, *CLOSE)
            if len(reply.body) >= BYTES_MIN:
                reply = await server.compressor.compress(reply, call.headers.get(b"accept-encoding"))
            await send_reply(send, reply, call.request_id.encode())
        finally:
            call.seat.leave()

    async def _give_reply(self, call: Call) -> Reply | StreamReply | None:
        """Give the answer, even after an error; None when the client has gone."""
        try:
            return await self._answer(call)
        except (PadronError, ProblemError) as error:
            return word_error(error, call.request_id)
        except ClientGoneError:
            return None
        except asyncio.CancelledError:
            # Only a stopping server cancels a request, after it has waited long enough. Nothing follows the
            # cancellation, so we do not raise it again but answer in our form.
            stopped = PadronError(Code.STORE_UNAVAILABLE, "The server was stopped before this request was done.")
            return word_error(stopped, call.request_id)
        except Exception:  # noqa: BLE001 - the last resort: the log must have each traceback, and no client may get one
            _log.exception("request %s failed: %s %s", call.request_id, call.scope["method"], call.scope["path"])
            detail = f"The server failed. Its log has the error under {call.request_id}."
            return build_problem_reply(problems.INTERNAL_ERROR, detail, call.request_id)

    async def _answer(self, call: Call) -> Reply | StreamReply:
        call.headers = guard_headers(call.scope)
        if not self._operations:
            raise ProblemError(problems.PATH_NOT_FOUND, "There is nothing at this address. See /docs for the list.")
        method = call.scope["method"]
        route = self._operations.get(method)
        if route is None:
            if method == "OPTIONS":
                return Reply(204, headers=((b"allow", self._allow),))
            detail = f"This address does not take {show_word(method)}. Use {self._allow.decode()}."
            raise ProblemError(problems.METHOD_NOT_ALLOWED, detail, ((b"allow", self._allow),))
        if route.public:
            return await route.endpoint(call)
        await call.authenticate()
        call.seat.take(call.principal.account_id)
        if route.either_scope:
            call.principal.check_either_scope(route.either_scope)
        if route.scope is not None:
            # The service checks it too. We check here as well, because 403 comes before any check of VIN and body.
            call.principal.check_scope(route.scope)
        if method == "POST" and idempotency.HEADER in call.headers and not route.is_streamed:
            return await idempotency.answer_once(call, route.endpoint)
        reply = await route.endpoint(call)
        if method in _READING:
            await call.confirm()  # the key may be revoked by now, and only a valid key may get what was read
        if isinstance(reply, StreamReply):
            call.seat.wait()  # until the end, because the client may read slowly
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


def build_app(open_runtime: Callable[[], Awaitable[Runtime]], background: Sequence[Background] = ()) -> ASGIApp:
    """Give the ASGI application. It opens the runtime when it starts and closes it when it stops.

    The ``background`` tasks run beside the calls while the runtime is open.
    """
    server = Server()

    @asynccontextmanager
    async def live(_: object) -> AsyncIterator[None]:
        server.runtime = await open_runtime()
        server.places = Places(server.runtime.limits)
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
    for route in ROUTES:
        paths.setdefault(route.path, []).append(route)
    resources = {path: Resource(server, routes) for path, routes in paths.items()}
    return Router(redirect_slashes=False, default=Paths(resources, Resource(server, ())), lifespan=live)
