"""Hands the requests below a mount to the room that answers them, under the guards of every other request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from padron.domain.account import Principal
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, StreamReply
from padron.http.calls import CLOSE, Call, ClientGoneError
from padron.http.declarations import Route
from padron.http.places import Kind
from padron.http.watching.tally import NO_ROUTE
from padron.mounting import BodyRefusedError, Mount, MountedRequest, MountedRoute

_FALLBACK_METHODS = ("GET", "POST")


def give_mounted_routes(mount: Mount) -> Sequence[Route]:
    """Give the routes of a mount. They are not the API's, so its document does not have them."""
    return [_declare(mount, route.method, route.path, route) for route in mount.routes]


def give_fallback_routes(mount: Mount) -> Sequence[Route]:
    """Give the routes for addresses below a mount that do not exist: the room answers them in its own form."""
    return [_declare(mount, method, NO_ROUTE, None) for method in _FALLBACK_METHODS]


def _declare(mount: Mount, method: str, path: str, route: MountedRoute | None) -> Route:
    return Route(
        name=mount.name, method=method, path=path, tag="", summary="", description="",
        endpoint=partial(_answer, mount, route), answers={}, public=True,
        is_streamed=route is not None and route.is_streamed,
    )  # fmt: skip


async def _answer(mount: Mount, route: MountedRoute | None, call: Call) -> Reply | StreamReply:
    request = call.request
    reply = await mount.answer(
        MountedRequest(
            runtime=call.runtime,
            request_id=call.request_id,
            route=route,
            method=request.method,
            path=request.path.decode("latin-1"),
            query=request.query.decode("latin-1"),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()},
            parameters=call.path_parameters,
            scheme=request.scheme,
            client_address=request.client_address,
            read_body=_build_reading(call),
            stream_body=partial(_stream_body, call),
            hold_bytes=call.seat.hold_bytes,
            admit=_build_admission(call),
            begin_scan=partial(call.seat.begin, Kind.SCAN),
            begin_stream=call.seat.stream,
            watch_client=call.watch_client,
        )
    )
    if reply.pieces is not None:
        return StreamReply(reply.pieces, reply.headers)
    return Reply(reply.status, reply.body, reply.headers, reply.problem)


def _build_reading(call: Call) -> Callable[[int], Awaitable[bytes]]:
    async def read_body(size_max: int) -> bytes:
        try:
            return await call.read_body(size_max)
        except ProblemError as error:
            problem = error.problem
            raise BodyRefusedError(problem.status, error.detail, error.headers, problem.slug) from None

    return read_body


async def _stream_body(call: Call, size_max: int) -> AsyncIterator[bytes]:
    try:
        async for data in call.stream_body(size_max):
            yield data
    except ProblemError as error:
        problem = error.problem
        raise BodyRefusedError(problem.status, error.detail, error.headers, problem.slug) from None
    except ClientGoneError:
        gone = problems.REQUEST_TIMEOUT
        raise BodyRefusedError(gone.status, "The client hung up.", CLOSE, gone.slug) from None


def _build_admission(call: Call) -> Callable[[Principal], None]:
    def admit(principal: Principal) -> None:
        call.runtime.rates.take_request(principal.actor, asyncio.get_running_loop().time())
        call.principal = principal
        call.seat.take(principal.account_id)

    return admit
