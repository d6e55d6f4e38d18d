"""One request while it is answered: its checked headers, its principal, and its body, read within limits.

The limits of the edge that need no protocol class are here:

- exactly one Host
- number and size of headers
- length of the target
- size and pace of the body

The web server itself limits the time until the headers are complete.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol, cast

from starlette.types import Message, Receive, Scope

from padron.domain.account import Principal
from padron.domain.errors import PadronError
from padron.domain.file_import import PART_BYTES
from padron.domain.idempotency import HeldKey
from padron.domain.quoting import show_word
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.authentication import authenticate
from padron.http.places import UNCOUNTED_BYTES, Places, Seat
from padron.http.requests.forwarding import UNKNOWN_HOP, LastHop
from padron.http.watching.refused_keys import RefusedKeys
from padron.service.runtime import Runtime
from padron.traces import RequestSpan

HEADER_COUNT_MAX = 64
HEADER_BYTES_MAX = 16_384
TARGET_BYTES_MAX = 2_048
BODY_BYTES_MAX = 16_384  # for a call on a single vehicle
BULK_BODY_BYTES_MAX = 1_000_000
BODY_WAIT_S_MAX = 10.0
BODY_SLOW_S = 0.25  # a request whose body takes longer counts as waiting
CONFIRMED_S = 0.25  # together with the time that a key is cached, less than the two seconds of a revocation
# A streamed body may take any time. But after this time of waiting it must have arrived at this pace at least.
STREAM_GRACE_S = 30.0
STREAM_BYTES_PER_S_MIN = 1_000
STREAM_HELD_BYTES = PART_BYTES + 65_536  # what a streamed body takes of the memory: a part, and what just arrived

match_host = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?").fullmatch
ACCEPT_IDENTITY = ((b"accept-encoding", b"identity"),)  # RFC 9110, 15.5.16
_CODINGS = (
    (b"content-encoding", "identity"),
    (b"transfer-encoding", "chunked"),
)  # with the value that leaves a body as it is
_BODILESS = frozenset({"GET", "HEAD"})  # the server ignores their bodies
CLOSE = ((b"connection", b"close"),)


class ClientGoneError(Exception):
    """The client hung up before its request was complete, so nobody waits for an answer."""


async def _receive_nothing() -> Message:
    """Receive nothing more of a request whose body is known."""
    raise AssertionError


class Shared(Protocol):
    """What the calls of one process share."""

    runtime: Runtime
    places: Places
    readers: set[asyncio.Task[object]]  # the tasks of all calls that are reading a body
    refused_keys: RefusedKeys


@dataclass(slots=True)
class Request:
    """The head of a request. ``path`` and ``query`` are as the client sent them, ``headers`` by name in lower case.

    ``path_parameters`` are the parts of the path that the route names.
    """

    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    path_parameters: dict[str, str]
    hop: LastHop = UNKNOWN_HOP
    began_s: float = field(default_factory=perf_counter)
    is_noted: bool = False  # its answer has been counted
    has_arrived: bool = False  # the whole body, before the call began
    span: RequestSpan | None = None  # of a request that is traced

    @property
    def client_address(self) -> str:
        """The address of the client, as a trusted proxy names it or the connection has it; empty if it has none."""
        return self.hop.find_client(self.headers)

    @property
    def scheme(self) -> str:
        """The scheme that the client used: http or https."""
        return self.hop.find_scheme(self.headers)

    def prefers(self, media_type: bytes) -> bool:
        """Say whether the client accepts this form, and does not name JSON.

        Generated clients name every form that the document has, and can read JSON only.
        """
        accepted = self.headers.get(b"accept", b"")
        return media_type in accepted and b"application/json" not in accepted


class Call:
    """One request while it is answered. ``principal`` is set before an endpoint that needs it is called.

    ``body`` is given where it has arrived with the head. Then nothing more is received.
    """

    __slots__ = (
        "_body", "_confirmed_at_s", "_is_whole", "_readers", "_receive", "headers", "held_key", "path_parameters",
        "principal", "refused_keys", "request", "request_id", "runtime", "seat",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        request_id: str,
        shared: Shared,
        *,
        body: bytes | None = None,
        receive: Receive = _receive_nothing,
    ) -> None:
        self.request = request
        self.headers = request.headers
        self.path_parameters = request.path_parameters
        self._receive = receive
        self._readers = shared.readers
        self.request_id = request_id
        self.runtime = shared.runtime
        self.refused_keys = shared.refused_keys
        self.principal: Principal
        self.held_key: HeldKey | None = None
        self.seat = Seat(shared.places)
        self._body = body
        self._is_whole = body is not None  # the whole body has been read
        self._confirmed_at_s: float | None = None  # when the key was last checked; None where no key is needed

    async def authenticate(self) -> None:
        """Find the principal of the request. Raises ``unauthorized``, ``invalid_token`` and ``rate_exceeded``."""
        self.principal = await authenticate(self)
        self.note_authentication()

    def note_authentication(self) -> None:
        """Note that the key was checked now, and count the request. Raises ``rate_exceeded``."""
        self._confirmed_at_s = now_s = asyncio.get_running_loop().time()
        principal = self.principal
        self.runtime.rates.take_request(principal.actor, now_s, principal.requests_per_s)

    async def confirm(self) -> None:
        """Check the key again unless it was checked a moment ago. Call this after any wait.

        Raises ``invalid_token`` for a key that was revoked or has expired meanwhile.
        """
        now_s = asyncio.get_running_loop().time()
        if self._confirmed_at_s is not None and now_s - self._confirmed_at_s > CONFIRMED_S:
            await authenticate(self)
            self._confirmed_at_s = now_s

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the request as waiting during the block. Raises ``overloaded`` when too many requests wait."""
        self.seat.wait()
        try:
            yield
        finally:
            self.seat.work()

    async def read_body(self, size_max: int = BODY_BYTES_MAX) -> bytes:
        """Give the whole body, also when called again. Raises a refusal for a body that is too large or too slow."""
        if self._body is None:
            self._body = await self._receive_body(size_max)
        if len(self._body) > size_max:
            raise _refuse_body(size_max)
        return self._body

    def check_declared(self, size_max: int, held_max: int = BULK_BODY_BYTES_MAX) -> None:
        """Raise a refusal for a body that is declared as too large, or as encoded in a way that we do not decode.

        A body for which there is no memory is refused as well, before any of it is read. For another one the memory is
        kept, so that requests that were let in do not fail when their bodies arrive side by side.
        """
        for name, plain in _CODINGS:
            if name in self.headers and self.request.method not in _BODILESS:
                _check_coding(name, self.headers[name], plain)
        declared = self.headers.get(b"content-length")
        if declared is not None:
            if int(declared) > size_max:
                raise _refuse_body(size_max)
            self.seat.hold_bytes(min(int(declared), held_max))

    async def stream_body(self, size_max: int) -> AsyncIterator[bytes]:
        """Give the body as it arrives, only once. Raises a refusal for a body that is too large or too slow."""
        self.check_declared(size_max, STREAM_HELD_BYTES)
        loop = asyncio.get_running_loop()
        size, waited_s, more = 0, 0.0, True
        self.seat.wait()
        self.seat.hold_bytes(STREAM_HELD_BYTES)
        while more:
            began = loop.time()
            message = await self._receive_within(BODY_WAIT_S_MAX)
            waited_s += loop.time() - began
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            data = cast("bytes", message.get("body", b""))
            more = message.get("more_body", False)
            size += len(data)
            if size > size_max:
                raise _refuse_body(size_max)
            if more and waited_s > STREAM_GRACE_S and size < waited_s * STREAM_BYTES_PER_S_MIN:
                detail = f"The body arrived too slowly. Send at least {STREAM_BYTES_PER_S_MIN} bytes a second."
                raise ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE)
            await self.confirm()
            if data:
                yield data
        self._is_whole = True
        self.seat.work()

    async def _receive_within(self, wait_s_max: float) -> Message:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._readers.add(task)
        try:
            async with asyncio.timeout(wait_s_max):
                return await self._receive()
        except TimeoutError:
            detail = f"Nothing of the body arrived for {wait_s_max:.0f} seconds."
            raise ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE) from None
        finally:
            self._readers.discard(task)

    def watch_client(self) -> asyncio.Future[None]:
        """Give a future that is done when the client hangs up. The body must have been read."""
        return asyncio.ensure_future(self.wait_until_gone())

    async def wait_until_gone(self) -> None:
        """Return when the client hangs up. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _receive_body(self, size_max: int) -> bytes:
        self.check_declared(size_max)
        if self._is_declared() and not self.request.has_arrived:
            self.seat.arrive()
        # No asyncio.timeout, which costs 3 us, because nearly every body has arrived with its headers.
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[object]", asyncio.current_task(loop))
        patience = _BodyPatience(self.seat, task, loop)
        self._readers.add(task)
        try:
            body = await self._collect_body(size_max)
        except asyncio.CancelledError:
            if patience.refusal is None or task.uncancel() > 0:
                raise  # the server is stopping
            raise patience.refusal from None
        finally:
            patience.end()
            self._readers.discard(task)
        self.seat.work()
        await self.confirm()
        return body

    async def has_unread_body(self) -> bool:
        """Say whether a part of the body has not arrived yet. It would keep the connection busy after the answer."""
        if self._is_whole or not self._is_declared():
            return False
        if b"expect" in self.headers:
            return True  # reading would make the client send it
        try:
            async with asyncio.timeout(0):  # a part that has arrived is given at once
                while (message := await self._receive())["type"] != "http.disconnect":
                    if not message.get("more_body", False):
                        return False
        except TimeoutError:
            return True
        return False

    def _is_declared(self) -> bool:
        return self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers

    async def _collect_body(self, size_max: int) -> bytes:
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            body += cast("bytes", message.get("body", b""))
            if len(body) > size_max:
                raise _refuse_body(size_max)
            if len(body) > UNCOUNTED_BYTES:
                self.seat.hold_bytes(len(body))
            if not message.get("more_body", False):
                self._is_whole = True
                return body


class _BodyPatience:
    """Counts a request with a slow body as waiting. Ends it when it is too slow, or when too many requests wait."""

    __slots__ = ("_loop", "_seat", "_task", "_timer", "refusal")

    def __init__(self, seat: Seat, task: asyncio.Task[object], loop: asyncio.AbstractEventLoop) -> None:
        self._seat = seat
        self._task = task
        self._loop = loop
        self._timer = loop.call_later(BODY_SLOW_S, self._wait)
        self.refusal: Exception | None = None

    def end(self) -> None:
        """Stop watching the body."""
        self._timer.cancel()

    def _wait(self) -> None:
        try:
            self._seat.wait()
        except PadronError as error:
            self._give_up(error)
            return
        detail = f"The body did not arrive within {BODY_WAIT_S_MAX:.0f} seconds."
        refusal = ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE)
        self._timer = self._loop.call_later(BODY_WAIT_S_MAX - BODY_SLOW_S, self._give_up, refusal)

    def _give_up(self, refusal: Exception) -> None:
        self.refusal = refusal
        self._task.cancel()


def guard_headers(scope: Scope) -> dict[bytes, bytes]:
    """Give the headers by name, with several values joined by commas. Raises a refusal beyond the edge's limits.

    The server refuses a second Host. It joins a second Authorization to the first, so the key becomes invalid.
    """
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) >= TARGET_BYTES_MAX:
        raise refuse_target()
    if len(scope["headers"]) > HEADER_COUNT_MAX:  # first, because joining thousands of values takes long
        raise refuse_headers()
    headers: dict[bytes, bytes] = {}
    size = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value) + 4
        if name in headers:
            if size > HEADER_BYTES_MAX:
                break
            value = headers[name] + b", " + value  # noqa: PLW2901 - RFC 9110, 5.3: it means the same as a list in one line
        headers[name] = value
    if size > HEADER_BYTES_MAX:
        raise refuse_headers()
    if match_host(headers.get(b"host", b"")) is None:
        raise refuse_host()
    return headers


def refuse_target() -> ProblemError:
    """Give the refusal for a long address."""
    detail = f"The address has more than {TARGET_BYTES_MAX} bytes."
    return ProblemError(problems.TARGET_TOO_LONG, detail, CLOSE)


def refuse_host() -> ProblemError:
    """Give the refusal for a request without exactly one valid Host."""
    return ProblemError(problems.BAD_HOST, "The request must have exactly one Host header with a host name.", CLOSE)


def refuse_headers() -> ProblemError:
    """Give the refusal for too many headers."""
    detail = f"A request may have at most {HEADER_COUNT_MAX} headers, with at most {HEADER_BYTES_MAX} bytes."
    return ProblemError(problems.HEADERS_TOO_LARGE, detail, CLOSE)


def _check_coding(name: bytes, value: bytes, plain: str) -> None:
    codings = [coding.strip().lower() for coding in value.decode("latin-1").split(",")]
    packed = [coding for coding in codings if coding not in {"", plain}]
    if packed:
        header = name.decode().title()
        detail = (
            f"The request declares the body with {header} {show_word(packed[0])}. "
            "Send it uncompressed, without that header."
        )
        raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, detail, (*ACCEPT_IDENTITY, *CLOSE))


def _refuse_body(size_max: int) -> ProblemError:
    return ProblemError(problems.BODY_TOO_LARGE, f"The body may have at most {size_max} bytes.", CLOSE)
