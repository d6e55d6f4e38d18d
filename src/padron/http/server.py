"""What all requests of one process share, and how any of them is answered whatever happens."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from itertools import count
from typing import TypeVar

from padron.domain.errors import Code, PadronError
from padron.http.answers import problems
from padron.http.answers.compression import BYTES_MIN, Compressor
from padron.http.answers.cors import Cors
from padron.http.answers.errors import build_problem_reply, word_error
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply
from padron.http.calls import Call, ClientGoneError, Request
from padron.http.declarations import Route
from padron.http.places import Places
from padron.http.reach import DIRECT, Reach
from padron.http.requests.forwarding import LastHop, is_trusted
from padron.http.watching.refused_keys import RefusedKeys
from padron.http.watching.tally import Tally
from padron.service.runtime import Runtime

Answer = TypeVar("Answer", bound=Reply | StreamReply)

BODY_REST_S = 1.0  # for the rest of bodies that are arriving when the server receives the signal to stop

_log = logging.getLogger("padron.http")


class Server:
    """The state that the resources of one process share: the open runtime, and the request counter."""

    def __init__(self, reach: Reach = DIRECT, tally: Tally | None = None) -> None:
        self._cors = Cors(reach.origins) if reach.origins else None
        self._proxies = reach.proxies
        # Both are set before the first request, and before the server listens for a signal to stop.
        self.runtime: Runtime
        self.places: Places
        self.readers: set[asyncio.Task[object]] = set()
        self.compressor = Compressor()
        self.tally = tally  # None where nobody wants to know
        self.refused_keys = RefusedKeys()
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

    def name_request(self, request: Request) -> str:
        """Give the id of a request. One that is traced has its ``traceparent`` as its id, and its span begins here."""
        tracer = self.runtime.tracer
        if tracer is None:
            return self.make_request_id()
        if request.span is None:  # the fast path may have begun it, and then needed the ordinary way
            headers = request.headers
            request.span = tracer.begin_request(
                headers.get(b"traceparent"), headers.get(b"tracestate"), request.began_s
            )
        return self.make_request_id() if request.span is None else request.span.request_id

    def meet(self, address: str, scheme: str) -> LastHop:
        """Give the other end of a connection."""
        return LastHop(address, scheme, self._proxies)

    def is_proxy(self, address: str) -> bool:
        """Say whether an address is that of a trusted proxy."""
        return is_trusted(address, self._proxies)

    def answer_preflight(self, headers: Mapping[bytes, bytes]) -> Reply | None:
        """Give the answer to an OPTIONS that a browser sends before a call of a permitted page."""
        return None if self._cors is None else self._cors.answer_preflight(headers)

    def add_cors(self, reply: Answer, headers: Mapping[bytes, bytes]) -> Answer:
        """Give the answer to a request with these headers, and what browsers need; as it is where no page may call."""
        if self._cors is None:
            return reply
        return replace(reply, headers=(*reply.headers, *self._cors.give_headers(headers)))

    async def compress(self, reply: Reply, call: Call) -> Reply:
        """Give a large answer compressed if the client takes that."""
        if len(reply.body) < BYTES_MIN:
            return reply
        return await self.compressor.compress(reply, call.headers.get(b"accept-encoding"))


def admit(call: Call, route: Route) -> None:
    """Take a place for a call whose key is known, and check the key's scopes. Raises ``overloaded``, ``forbidden``."""
    call.seat.take(call.principal.account_id)
    if route.either_scope:
        call.principal.check_either_scope(route.either_scope)
    if route.scope is not None:
        # The service checks it too. We check here as well, because 403 comes before any check of VIN and body.
        call.principal.check_scope(route.scope)
        for scope in route.further_scopes:
            call.principal.check_scope(scope)


async def answer_whatever(call: Call, work: Awaitable[Reply | StreamReply]) -> Reply | StreamReply | None:
    """Give the answer, even after an error; None when the client has gone."""
    try:
        return await work
    except ClientGoneError:
        return None
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the last resort: no client may get a traceback
        # Only a stopping server cancels a request, after it has waited long enough. Nothing follows the
        # cancellation, so we do not raise it again but answer in our form.
        return word_failure(call, error)


def word_failure(call: Call, error: BaseException) -> Reply:
    """Give the answer for whatever went wrong. The log must have each traceback, and no client may get one."""
    if isinstance(error, PadronError | ProblemError):
        if isinstance(error, PadronError) and error.code is Code.STORE_UNAVAILABLE:
            call.runtime.outage.note(error.detail)
        return word_error(error, call.request_id)
    if isinstance(error, asyncio.CancelledError):
        stopped = PadronError(Code.STORE_UNAVAILABLE, "The server was stopped before this request was done.")
        return word_error(stopped, call.request_id)
    where = f"{call.request.method} {call.request.path.decode('latin-1')}"
    span = call.request.span
    fields = {} if span is None else {"traceId": span.context.trace_id}
    _log.error("request %s failed: %s", call.request_id, where, exc_info=error, extra={"fields": fields})
    detail = f"The server failed. Its log has the error under {call.request_id}."
    return build_problem_reply(problems.INTERNAL_ERROR, detail, call.request_id)
