"""The protocol of one connection. uvicorn makes one for each, by its option ``http``.

Bytes are counted as they arrive. A head is checked when it is complete, and only then goes to the parser, one request
at a time. What the fast path can answer is answered here. For everything else a task runs the application.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from math import inf
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from padron.http.answers import problems
from padron.http.answers.errors import word_error
from padron.http.answers.problems import ProblemError
from padron.http.answers.replies import Reply, list_headers
from padron.http.calls import BODY_BYTES_MAX, BODY_SLOW_S, CLOSE, Request
from padron.http.edge import heads
from padron.http.edge.edge import Edge, Plan
from padron.http.edge.heads import Framing

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

IDLE_S = 15.0  # without a request
HEAD_S = 10.0  # from the first byte of a head to its last
REQUEST_S = 30.0  # from then on, a body must have arrived at the pace below
BYTES_PER_S_MIN = 1_000  # in a body that arrives, and in an answer that a client takes
UNSENT_S = 30.0  # a client that takes less than this pace for so long is cut off
DRAIN_S = 2.0  # for a client to read a last answer, while what it still sends is thrown away
DRAIN_BYTES_MAX = 1_000_000
CHUNK_BYTES_MAX = 16_384  # of a chunked body, given to the parser at once
FRAME_BYTES_MAX = 32_768  # of a chunked body without a byte of data: lengths, extensions and trailers
AHEAD_BYTES_MAX = 65_536  # of later requests that arrive before the answer to this one
AT_ONCE_MAX = 16  # requests of one connection that are answered before other connections have their turn

_log = logging.getLogger("padron.http")


class EdgeProtocol(asyncio.Protocol):
    """Takes the requests of one connection, and answers each before it looks at the next."""

    # How uvicorn calls it.
    def __init__(  # type: ignore[explicit-any]  # uvicorn's
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._config = config
        self._app = config.loaded_app
        self._edge = cast("Edge", config.loaded_app.edge)
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        # The parser only holds a reference to the methods, so this makes a cycle that ``connection_lost`` breaks.
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._flow: FlowControl
        self.client: tuple[str, int] | None = None
        self._server: tuple[str, int | None] | None = None
        self._scheme = "http"
        self._deadline_s = inf  # when the client must have done its part
        self._on_deadline: Callable[[], None] = self._close
        # What has arrived of the next head, or of later requests while this one is answered.
        self._buffer = b""
        self._searched = 0
        # The request.
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._is_complete = True
        self._body = b""  # of a request that may be answered at once
        self._held: Plan | None = None  # such a request, until its body has arrived
        self._left: int | None = 0  # bytes of the body that have not arrived; None for a chunked body
        self._body_began_s = 0.0
        self._body_bytes = 0  # as they arrived, with the frames of chunks
        self._frame_bytes = 0  # since a byte of data, for a chunked body's frames may say anything
        self._is_overrun = False  # the parser saw the beginning of another request
        # The answer.
        self._cycle: RequestResponseCycle | None = None
        self._is_answering = False
        self._keeps_alive = True
        self._is_taking = False
        self._drained: int | None = None  # bytes thrown away after the last answer
        self._written_bytes = 0
        self._stalled_s = inf
        self._stalled_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or close the connection when there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._flow = FlowControl(self._transport)
        self.client = get_remote_addr(self._transport)
        self._server = get_local_addr(self._transport)
        self._scheme = "https" if is_ssl(self._transport) else "http"
        if not self._edge.connections.admit(self, self.client[0] if self.client else ""):
            self._drained = 0
            self._transport.abort()
            return
        self._state.connections.add(cast("HttpToolsProtocol", self))
        self._wait(IDLE_S, self._close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End everything that belongs to the connection."""
        self._edge.connections.leave(self)
        self._state.connections.discard(cast("HttpToolsProtocol", self))
        cycle = self._cycle
        if cycle is not None:
            if not cycle.response_complete:
                cycle.disconnected = True
            cycle.message_event.set()
        self._flow.resume_writing()
        self._deadline_s = inf
        self._buffer = b""
        self._held = None
        self._parser = None

    def eof_received(self) -> bool:
        """Stay open while an answer is under way that nobody can cancel. Otherwise the client has gone."""
        if self._is_answering and self._cycle is None:
            self._keeps_alive = False
            return True
        return False

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._drained is not None:
            self._drain(data)
            return
        if self._buffer:
            data = self._buffer + data
        self._take(data)

    def pause_writing(self) -> None:
        """Note that the client does not take what was sent."""
        self._flow.pause_writing()
        self._stalled_s, self._stalled_at = self._loop.time(), self._written_bytes - self.unsent_bytes
        self._edge.connections.stall(self)

    def resume_writing(self) -> None:
        """Note that the client takes answers again."""
        self._stalled_s = inf
        self._edge.connections.resume(self)
        self._flow.resume_writing()
        if self._buffer and not self._is_answering and self._drained is None:
            self._loop.call_soon(self._continue)

    def shutdown(self) -> None:
        """End the connection after the answer under way. uvicorn calls this when the server stops."""
        if self._held is not None:
            self._begin_task(self._held.request)
        self._keeps_alive = False
        if self._cycle is not None and not self._cycle.response_complete:
            self._cycle.keep_alive = False
        elif not self._is_answering:
            self._close()

    # The times.

    def check_time(self, now_s: float) -> None:
        """End the connection when its client has not done its part in time."""
        if now_s > self._deadline_s:
            self._deadline_s = inf
            self._on_deadline()
        if now_s - self._stalled_s > UNSENT_S:
            taken = self._written_bytes - self.unsent_bytes
            if taken - self._stalled_at < UNSENT_S * BYTES_PER_S_MIN:
                self.abort()
            self._stalled_s, self._stalled_at = now_s, taken

    def _wait(self, seconds: float, on_deadline: Callable[[], None]) -> None:
        self._deadline_s = self._loop.time() + seconds
        self._on_deadline = on_deadline

    def _give_up_head(self) -> None:
        detail = f"The head of the request did not arrive within {HEAD_S:.0f} seconds."
        self._refuse(ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE))

    def _check_pace(self) -> None:
        """Cut off a body that is too slow. The application has a shorter time for most bodies."""
        passed_s = self._loop.time() - self._body_began_s
        if self._body_bytes < passed_s * BYTES_PER_S_MIN:
            detail = f"The body arrived too slowly. Send at least {BYTES_PER_S_MIN} bytes a second."
            self._refuse(ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE))
            return
        self._wait(1.0, self._check_pace)

    # The way in.

    def _continue(self) -> None:
        if self._drained is None and not self._transport.is_closing():
            self._take(self._buffer)

    def _take(self, data: bytes) -> None:
        """Take bytes as far as the request that they belong to may be looked at."""
        if self._is_taking:
            self._buffer = data
            return
        self._is_taking = True
        self._buffer = b""
        try:
            answered = 0
            while data and self._drained is None:
                if not self._is_complete:
                    data = self._take_body(data)
                elif self._is_answering or self._flow.write_paused or answered >= AT_ONCE_MAX:
                    self._keep(data, is_soon=answered >= AT_ONCE_MAX)
                    return
                else:
                    answered += 1
                    data = self._take_head(data)
        except ProblemError as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError:
            self._refuse(heads.refuse_unparsable())
        finally:
            self._is_taking = False

    def _keep(self, data: bytes, *, is_soon: bool) -> None:
        self._buffer = data
        if len(data) > AHEAD_BYTES_MAX:
            self._flow.pause_reading()
        if is_soon and not self._is_answering:
            self._loop.call_soon(self._continue)

    def _take_head(self, data: bytes) -> bytes:
        """Take a head when it is complete, and begin to answer. Give what follows it."""
        if not self._searched and data.startswith(b"\r\n"):
            return data[2:]  # RFC 9112, 2.2: an empty line before a request
        end = data.find(heads.END, max(0, self._searched - len(heads.END)))
        if end < 0 or end > heads.HEAD_BYTES_MAX:
            if not self._searched:
                self._wait(HEAD_S, self._give_up_head)
            heads.check_beginning(data, self._searched)
            self._searched = len(data)
            self._buffer = data
            return b""
        head, rest = data[: end + 4], data[end + 4 :]
        heads.check_head(head)
        self._searched = 0
        self._deadline_s = inf
        try:
            self._feed(head)
        except httptools.HttpParserError:
            raise heads.explain_unparsable(head) from None
        return self._begin(rest)

    def _feed(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except (
            httptools.HttpParserUpgrade
        ):  # nothing here upgrades, so the request is answered as it is (RFC 9110, 7.8)
            self._keeps_alive = False

    def _begin(self, rest: bytes) -> bytes:
        """Begin to answer the request whose head was parsed. Give what follows it."""
        parser = cast("httptools.HttpRequestParser", self._parser)
        headers = dict(self._fields)
        is_old = parser.get_http_version() != "1.1"
        framing = heads.check_fields(self._fields, headers, is_old=is_old)
        self._keeps_alive = self._keeps_alive and not is_old and parser.should_keep_alive()
        path, query = heads.split_target(self._target)
        request = Request(parser.get_method().decode("ascii"), path, query, headers, {}, self._scheme)
        self._is_answering = True
        if framing is Framing.CHUNKED:
            self._left = None
        else:
            size = self._left = int(headers.get(b"content-length", b"0"))
            is_plain = len(headers) == len(self._fields) and size <= BODY_BYTES_MAX
            plan = self._edge.plan(request) if is_plain else None
            if plan is not None:
                if len(rest) < size:
                    self._held = plan
                    self._wait(BODY_SLOW_S, self._release)
                    return rest
                body, rest = rest[:size], rest[size:]
                if body:
                    self._feed(body)
                self._answer(plan, body)
                return rest
        if not self._is_complete:
            self._begin_body()
        self._begin_task(request)
        return rest

    def _begin_body(self) -> None:
        self._body_began_s = self._loop.time()
        self._body_bytes = self._frame_bytes = 0
        self._wait(REQUEST_S, self._check_pace)

    def _take_body(self, data: bytes) -> bytes:
        """Take a part of the body, and give what follows it."""
        if self._left is not None:
            part, rest = data[: self._left], data[self._left :]
            self._left -= len(part)
        else:
            part, rest = data[:CHUNK_BYTES_MAX], data[CHUNK_BYTES_MAX:]
        self._body_bytes += len(part)
        self._frame_bytes += len(part)
        self._feed(part)
        if self._frame_bytes > FRAME_BYTES_MAX and not self._is_complete:
            raise heads.refuse_unparsable()
        if self._is_complete:
            if self._is_overrun:
                # A chunked body ends where the parser says, so what followed it went to the parser unchecked.
                self._keeps_alive = False
                if self._cycle is not None:
                    self._cycle.keep_alive = False
                rest = b""
            self._deadline_s = inf
            held, self._held = self._held, None
            if held is not None:
                body, self._body = self._body, b""
                self._answer(held, body)
        return rest

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if not self._is_complete or self._is_answering:
            self._is_overrun = True
            return
        self._target = b""
        self._fields = []
        self._body = b""
        self._is_complete = False
        self._is_overrun = False

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        if not self._is_overrun:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Those that follow a chunked body are ignored (RFC 9110, 6.5.1)."""
        if not self._is_answering:
            self._fields.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._frame_bytes = 0
        if self._is_overrun:
            return
        cycle = self._cycle
        if cycle is None:
            self._body += body
        elif not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self._flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End the request."""
        if self._is_overrun:
            return
        self._is_complete = True
        if self._cycle is not None and not self._cycle.response_complete:
            self._cycle.more_body = False
            self._cycle.message_event.set()

    # The way out.

    def _answer(self, plan: Plan, body: bytes) -> None:
        """Answer a complete request at once, or let a task do it."""
        self._deadline_s = inf
        if not self._edge.begin(plan, body, self):
            self._body = body
            self._begin_task(plan.request)

    def _release(self) -> None:
        """Let a task read the rest of a body that is slow to come."""
        held = self._held
        if held is not None:
            self._begin_body()
            self._begin_task(held.request)

    def _begin_task(self, request: Request) -> None:
        """Run the application for a request, whose body may still be arriving."""
        self._held = None
        cycle = self._cycle = RequestResponseCycle(
            scope=self._build_scope(request),
            transport=cast("asyncio.Transport", self),  # it writes and closes by our methods
            flow=self._flow,
            logger=_log,
            access_logger=_log,
            access_log=False,
            default_headers=self._state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=request.headers.get(b"expect", b"").lower() == b"100-continue",
            keep_alive=self._keeps_alive,
            on_response=self._end_answer,
        )
        cycle.body += self._body
        cycle.more_body = not self._is_complete
        if cycle.body or not cycle.more_body:
            cycle.message_event.set()
        self._body = b""
        self.run_task(cycle.run_asgi(self._app))

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:  # type: ignore[explicit-any]  # as asyncio has it
        """Run a task that ends with the answer. A server that stops waits for it."""
        task = self._loop.create_task(work)
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)

    def _build_scope(self, request: Request) -> "HTTPScope":
        version = cast("httptools.HttpRequestParser", self._parser).get_http_version()
        return {
            "type": "http",
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self._server,
            "client": self.client,
            "scheme": self._scheme,
            "method": request.method,
            "root_path": "",
            "path": unquote(request.path.decode("ascii")),
            "raw_path": request.path,
            "query_string": request.query,
            "headers": self._fields,
            "state": self._app_state.copy(),
            "extensions": {},
        }

    def send(self, reply: Reply, request_id: str) -> None:
        """Send the answer to a request that was answered at once."""
        if self._drained is not None or self._transport.is_closing():
            self._is_answering = False
            return
        self.write(encode_reply(reply, request_id, self._state.default_headers, keeps_alive=self._keeps_alive))
        if not self._keeps_alive:
            self.close()
        self._end_answer()

    def _end_answer(self) -> None:
        self._state.total_requests += 1
        self._is_answering = False
        self._cycle = None
        if self._drained is not None or self._transport.is_closing():
            return
        if not self._is_complete:
            self.close()
            return
        self._flow.resume_reading()
        self._wait(IDLE_S, self._close)
        if self._buffer and not self._is_taking:
            self._take(self._buffer)

    def _refuse(self, refusal: ProblemError) -> None:
        """Answer what cannot be a request, or not any more, and close the connection."""
        cycle, self._cycle, self._held = self._cycle, None, None
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.abort()
                return
        self._is_complete = False  # so what still arrives is thrown away
        self._keeps_alive = False
        request_id = self._edge.make_request_id()
        self.write(
            encode_reply(word_error(refusal, request_id), request_id, self._state.default_headers, keeps_alive=False)
        )
        self.close()

    # What a transport has: the application's answers go out through these methods.

    def write(self, data: bytes) -> None:
        """Write a part of an answer."""
        self._written_bytes += len(data)
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Say whether nothing more can be written."""
        return self._drained is not None or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after the last answer.

        While bytes of the client are on the way, a closed socket would answer them by a reset, and the client could
        lose the answer (RFC 9112, 9.6). So they are thrown away for a moment.
        """
        if self._drained is not None:
            return
        if (self._is_complete and not self._buffer) or not self._transport.can_write_eof():
            self._close()
            return
        self._buffer = b""
        self._drained = 0
        self._transport.write_eof()
        self._flow.resume_reading()
        self._wait(DRAIN_S, self.abort)

    def abort(self) -> None:
        """Close the connection at once, without sending the rest."""
        self._deadline_s = inf
        self._transport.abort()

    @property
    def unsent_bytes(self) -> int:
        """How many bytes wait until the client takes them."""
        return self._transport.get_write_buffer_size()

    def _close(self) -> None:
        self._deadline_s = inf
        self._transport.close()

    def _drain(self, data: bytes) -> None:
        if self._drained is not None:
            self._drained += len(data)
            if self._drained > DRAIN_BYTES_MAX:
                self.abort()


def encode_reply(reply: Reply, request_id: str, defaults: Iterable[tuple[bytes, bytes]], *, keeps_alive: bool) -> bytes:
    """Give the bytes of an answer, as the application's answers are sent."""
    parts = [STATUS_LINE[reply.status]]
    is_closed = False
    for name, value in (*defaults, *list_headers(reply, request_id.encode())):
        is_closed = is_closed or name == b"connection"
        parts += (name, b": ", value, b"\r\n")
    if not keeps_alive and not is_closed:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", reply.body)
    return b"".join(parts)
