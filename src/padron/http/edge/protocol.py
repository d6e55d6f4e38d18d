"""The protocol of one connection. uvicorn makes one for each, by its option ``http``.

Bytes are counted as they arrive. A head is checked when it is complete, and only then goes to the parser, one request
at a time. What the fast path can answer is answered here. For everything else a task runs the application.
"""

import asyncio
import logging
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply
from padron.http.calls import BODY_BYTES_MAX, BODY_SLOW_S, CLOSE, Request
from padron.http.edge import heads
from padron.http.edge.cycles import Cycle
from padron.http.edge.edge import Edge, Shortcut, find_digest
from padron.http.edge.heads import Framing
from padron.http.edge.intake import Intake
from padron.http.edge.known import match_line
from padron.http.edge.links import Link
from padron.http.edge.outlet import BYTES_PER_S_MIN, encode_reply
from padron.http.places import UNCOUNTED_BYTES

IDLE_S = 15.0  # without a request
HEAD_S = 10.0  # from the first byte of a head to its last
REQUEST_S = 30.0  # from then on, a body must have arrived at the least pace
PACE_EVERY_S = 1.0
DRAIN_S = 2.0  # for a client to read a last answer, while what it still sends is thrown away
AHEAD_BYTES_MAX = 65_536  # of later requests that arrive before the answer to this one

_CARRIAGE_RETURN = 0x0D

_log = logging.getLogger("padron.http")


class EdgeProtocol(Link):
    """Takes the requests of one connection, and answers each before it looks at the next."""

    def __init__(  # type: ignore[explicit-any]  # as uvicorn calls it
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(cast("Edge", config.loaded_app.edge), server_state, _loop or asyncio.get_running_loop())
        self._app = config.loaded_app
        self._app_state = app_state
        # What has arrived of the next head, or of later requests while this one is answered.
        self._buffer = b""
        self._searched = 0
        self._is_taking = False
        self._has_client_ended = False  # it sends nothing more, but may still read
        # The request.
        self._request: Request | None = None  # while it is answered
        self._intake = Intake()
        self._intake.take_data = self._take_data
        self._held: Shortcut | None = None  # what may be answered at once when its body has arrived
        self._body = b""  # of such a request
        self._body_began_s = 0.0
        # The answer.
        self._cycle: Cycle | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or close the connection when there are too many."""
        if self._open(cast("asyncio.Transport", transport)):
            self._wait(IDLE_S, self._outlet.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End everything that belongs to the connection."""
        self._leave()
        cycle = self._cycle
        if cycle is not None:
            if not cycle.response_complete:
                cycle.disconnected = True
            cycle.message_event.set()
        self._buffer = b""
        self._held = None
        self._intake.close()

    def eof_received(self) -> bool:
        """Stay open until all that has arrived is answered. Without any of it, the client has gone."""
        if not self._is_to_answer() or not self._transport.can_write_eof():  # TLS always ends both ways
            return False
        self._has_client_ended = True
        if self._cycle is not None:
            self._cycle.has_client_ended = True
        return True

    def _is_to_answer(self) -> bool:
        """Say whether a request has arrived whole and waits for its answer, not for something to happen."""
        if self._outlet.is_ending or not self._intake.is_complete:
            return False
        if self._is_answering:
            return self._cycle is None or not self._cycle.is_watched
        return bool(self._buffer) and not self._searched

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._outlet.is_ending:
            self._outlet.drain(data)
            return
        if self._buffer:
            data = self._buffer + data
        self._take(data)

    def resume_writing(self) -> None:
        """Note that the client takes answers again."""
        super().resume_writing()
        if self._buffer and not self._is_answering:
            self._edge.line.join(self)

    def shutdown(self) -> None:
        """End the connection after the answer under way. uvicorn calls this when the server stops."""
        if self._held is not None:
            self._release()
        self._intake.keeps_alive = False
        if self._cycle is not None and not self._cycle.response_complete:
            self._cycle.keep_alive = False
        elif not self._is_answering:
            self._outlet.close()

    # The times.

    def _give_up_head(self) -> None:
        detail = f"The head of the request did not arrive within {HEAD_S:.0f} seconds."
        self._refuse(ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE))

    def _check_body(self) -> None:
        """Cut off a body that is too slow. The application allows most bodies less time."""
        if self._flow.read_paused:
            self._body_began_s += PACE_EVERY_S  # it is we who do not read
        passed_s = self._loop.time() - self._body_began_s
        if self._intake.body_bytes < passed_s * BYTES_PER_S_MIN:
            detail = f"The body arrived too slowly. Send at least {BYTES_PER_S_MIN} bytes a second."
            self._refuse(ProblemError(problems.REQUEST_TIMEOUT, detail, CLOSE))
        else:
            self._wait(PACE_EVERY_S, self._check_body)

    # The way in.

    def take_next(self) -> None:
        """Take the next request, because it is this connection's turn."""
        if not self._outlet.is_closing():
            self._take(self._buffer)

    def _take(self, data: bytes) -> None:
        """Take bytes as far as the request that they belong to may be looked at."""
        if self._is_taking:
            self._buffer = data
            return
        self._is_taking = True
        self._buffer = b""
        has_begun = False
        try:
            while data and not self._outlet.is_ending:
                if not self._intake.is_complete:
                    data = self._take_body(data)
                elif self._is_answering or self._flow.write_paused or has_begun:
                    self._keep(data)
                    return
                else:
                    has_begun = True
                    data = self._take_head(data)
        except ProblemError as refusal:
            self._refuse(refusal)
        finally:
            self._is_taking = False
        if self._has_client_ended and not self._is_to_answer():
            self._close_after_client()

    def _keep(self, data: bytes) -> None:
        """Keep later requests until this one is answered, or until other connections had their turn."""
        self._buffer = data
        if len(data) > AHEAD_BYTES_MAX and not self._has_client_ended:
            self._flow.pause_reading()
        if not self._is_answering and not self._flow.write_paused:
            self._edge.line.join(self)

    def _take_head(self, data: bytes) -> bytes:
        """Take a head when it is complete, and begin to answer. Give what follows it."""
        if not self._searched and data[0] == _CARRIAGE_RETURN:
            data = heads.skip_empty_lines(data)
            if len(data) <= 1:
                self._buffer = data
                return b""
        end = data.find(heads.END, max(0, self._searched - len(heads.END)))
        if end < 0 or end > heads.HEAD_BYTES_MAX:
            if not self._searched:
                self._wait(HEAD_S, self._give_up_head)
            self._intake.has_head = False
            heads.check_beginning(data, self._searched)
            self._searched = len(data)
            self._buffer = data
            return b""
        self._searched = 0
        self._wait_for_nobody()
        head, rest = data[: end + len(heads.END)], data[end + len(heads.END) :]
        line_end = head.index(b"\r\n")
        known = self._edge.known.find(head[line_end:])
        line = None if known is None else match_line(head[:line_end])
        if known is None or line is None:
            self._intake.take_head(head)
            return self._begin(head[line_end:], rest)
        self._intake.take_known(line.method, known)
        request = Request(*line, known.headers, {}, self._peer.hop)
        return self._begin_answer(request, known.size, rest, known.digest)

    def _begin(self, fields: bytes, rest: bytes) -> bytes:
        """Begin to answer the request whose head was parsed, with the bytes of its fields. Give what follows it."""
        intake = self._intake
        headers = dict(intake.fields)
        framing = heads.check_fields(intake.fields, headers, is_old=intake.version != "1.1")
        target = heads.split_target(intake.method, intake.target)
        is_plain = len(headers) == len(intake.fields)
        if not is_plain:
            headers = heads.join_fields(intake.fields)
        if target.host is not None:
            headers[b"host"] = target.host
            intake.fields = heads.replace_host(intake.fields, target.host)
        request = Request(intake.method, target.path, target.query, headers, {}, self._peer.hop)
        size = None if framing is Framing.CHUNKED else int(headers.get(b"content-length", b"0"))
        is_lasting = target.host is None and intake.keeps_alive  # both are said outside of the fields, too
        digest = find_digest(headers) if is_plain else None
        return self._begin_answer(request, size, rest, digest, fields if is_lasting else b"")

    def _begin_answer(
        self, request: Request, size: int | None, rest: bytes, digest: bytes | None, fields: bytes = b""
    ) -> bytes:
        """Answer a request whose head was read, or let a task do it. Give what follows the request.

        ``digest`` is that of its token, if it is plain. ``fields`` are the bytes to be known again, if any.
        """
        intake = self._intake
        self._request = request
        self._body = b""  # an earlier request may have left its own
        self._is_answering = True
        intake.expect_body(size)
        if digest is not None and size is not None and size <= BODY_BYTES_MAX:
            shortcut = self._edge.find_shortcut(request, digest)
            if shortcut is not None:
                if fields:
                    self._edge.known.keep(fields, intake.fields, request.headers, digest)
                return self._hold(shortcut, size, rest)
        if not intake.is_complete:
            self._begin_body()
        self._begin_task(request)
        return rest

    def _hold(self, shortcut: Shortcut, size: int, rest: bytes) -> bytes:
        """Wait a moment for the body of a request that may be answered at once."""
        if size:
            self._held = shortcut
            if rest:
                rest = self._intake.take_body(rest)
            if not self._intake.is_complete:
                self._wait(BODY_SLOW_S, self._release)
                if size > UNCOUNTED_BYTES:
                    self._release()  # so that its memory is counted while it arrives
                return rest
            self._held = None
        self._answer(shortcut)
        return rest

    def _begin_body(self) -> None:
        self._body_began_s = self._loop.time()
        self._wait(REQUEST_S, self._check_body)

    def _take_body(self, data: bytes) -> bytes:
        """Take a part of the body, and give what follows it."""
        intake = self._intake
        rest = intake.take_body(data)
        if not intake.is_complete:
            return rest
        self._wait_for_nobody()
        self._outlet.may_be_reset = intake.is_overrun  # otherwise a close would wait for the client to close too
        held, self._held = self._held, None
        if held is not None:
            self._answer(held)
        elif self._cycle is not None:
            if intake.is_overrun:  # what follows is not answered
                intake.keeps_alive = self._cycle.keep_alive = False
                rest = b""
            self._cycle.request.has_arrived = True
            self._cycle.more_body = False
            self._cycle.message_event.set()
        return rest

    def _take_data(self, data: bytes) -> None:
        cycle = self._cycle
        if cycle is None:
            self._body += data
        elif not cycle.response_complete:
            cycle.body += data
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self._flow.pause_reading()
            cycle.message_event.set()

    # The way out.

    def _answer(self, shortcut: Shortcut) -> None:
        """Answer a complete request at once, or let a task do it."""
        if not self._edge.begin(shortcut, self._body, self):
            self._begin_task(shortcut.request)

    def _release(self) -> None:
        """Let a task read the rest of a body that is slow to come."""
        held, self._held = self._held, None
        if held is not None:
            self._begin_body()
            self._begin_task(held.request)

    def _begin_task(self, request: Request) -> None:
        """Run the application for a request, whose body may still be arriving."""
        request.has_arrived = self._intake.is_complete
        cycle = self._cycle = Cycle(
            scope=self._peer.build_scope(request, self._intake.version, self._intake.fields, self._app_state),
            transport=cast("asyncio.Transport", self._outlet),
            flow=self._flow,
            logger=_log,
            access_logger=_log,
            access_log=False,
            default_headers=self._state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=heads.expects_continue(request.headers, self._intake.version),
            keep_alive=self._intake.keeps_alive,
            on_response=self._end_answer,
        )
        cycle.request = request
        cycle.has_client_ended = self._has_client_ended
        cycle.body += self._body
        cycle.more_body = not self._intake.is_complete
        if cycle.body or not cycle.more_body:
            cycle.message_event.set()
        self._body = b""
        self._outlet.may_be_reset = cycle.more_body
        self.run_task(cycle.run_asgi(self._app))

    def send(self, reply: Reply, request_id: str) -> None:
        """Send the answer to a request that was answered at once."""
        if not self._outlet.is_closing():
            keeps_alive = self._intake.keeps_alive
            self._outlet.write(encode_reply(reply, request_id, self._state.default_headers, keeps_alive=keeps_alive))
            if not keeps_alive:
                self._outlet.close()
        self._end_answer()

    def _end_answer(self) -> None:
        self._state.total_requests += 1
        self._is_answering = self._intake.is_head_asked = False
        self._cycle = self._request = None
        if self._outlet.is_closing():
            if self._outlet.may_be_reset:
                self._flow.resume_reading()
                self._wait(DRAIN_S, self._outlet.abort)
            return
        if not self._intake.is_complete:
            self._close_early()
            return
        self._flow.resume_reading()
        self._wait(IDLE_S, self._outlet.close)
        if not self._is_taking and (self._buffer or self._has_client_ended):
            self._take(self._buffer)

    def _refuse(self, refusal: ProblemError) -> None:
        """Answer what cannot be a request, or not any more, and close the connection."""
        cycle, self._cycle, self._held = self._cycle, None, None
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._outlet.abort()
                return
        headers = heads.join_fields(self._intake.fields) if self._intake.has_head else {}
        unread = Request(self._intake.method if headers else "", b"", b"", headers, {}, self._peer.hop)
        refused = self._edge.word_refusal(refusal, self._request or unread)
        data = encode_reply(refused.reply, refused.request_id, self._state.default_headers, keeps_alive=False)
        self._outlet.write(data.partition(heads.END)[0] + heads.END if self._intake.is_head_asked else data)
        self._close_early()

    def _close_after_client(self) -> None:
        """Close the connection of a client that sends nothing more, once it was answered."""
        self._outlet.may_be_reset = False
        self._outlet.close()

    def _close_early(self) -> None:
        """Close the connection while its client may still be sending."""
        self._intake.give_up()
        self._buffer = b""
        self._outlet.may_be_reset = not self._has_client_ended
        self._outlet.close()
        self._flow.resume_reading()
        self._wait(DRAIN_S, self._outlet.abort)
