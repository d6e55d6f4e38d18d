"""The way out of a connection: writes answers, closes so that the last one arrives, and cuts off who takes none.

uvicorn's cycle of a request writes through an outlet as if it were the transport.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import inf

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from padron.http.answers.replies import Reply, list_headers

BYTES_PER_S_MIN = 1_000  # in a body that arrives, and in an answer that a client takes
UNTAKEN_S = 30.0  # a client that takes less than this pace for so long is cut off
DRAINED_BYTES_MAX = 1_000_000  # thrown away after the last answer

_DROP_UNSENT = struct.pack("ii", 1, 0)  # on, after 0 seconds


class Outlet:
    """What goes out on one connection.

    With TLS, most of what a client does not take is in the transport ``beneath``, whose buffer TLS does not tell. So
    ``on_stall`` is called when much is there.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        beneath: asyncio.Transport | None,
        on_stall: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._beneath = beneath
        self._on_stall = on_stall
        if beneath is not None:
            transport.set_write_buffer_limits(HIGH_WATER_LIMIT)  # as without TLS, which would keep eight times as much
        self._written_bytes = 0
        self._stalled_s = inf  # since when the client does not take what was sent
        self._taken_then = 0
        self._drained_bytes = 0
        self.is_ending = False  # the last answer was written
        self.may_be_reset = False  # bytes of the client are, or may be, on the way

    @property
    def unsent_bytes(self) -> int:
        """How many bytes wait until the client takes them."""
        unsent = self._transport.get_write_buffer_size()
        return unsent if self._beneath is None else unsent + self._beneath.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Write a part of an answer."""
        self._written_bytes += len(data)
        self._transport.write(data)
        if self._beneath is not None and self._stalled_s == inf and self.unsent_bytes > HIGH_WATER_LIMIT:
            self._on_stall()

    def is_taken_beneath(self) -> bool:
        """Say whether the client has taken all that it had not taken. TLS does not tell that itself."""
        return self._beneath is not None and self._stalled_s != inf and not self.unsent_bytes

    def is_closing(self) -> bool:
        """Say whether nothing more can be written."""
        return self.is_ending or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after the last answer.

        While bytes of the client are on the way, a closed socket would answer them by a reset, and the client could
        lose the answer (RFC 9112, 9.6). So only the way out is closed, and what arrives is thrown away for a moment.
        """
        if self.is_ending:
            return
        self.is_ending = True
        if self.unsent_bytes and self._stalled_s == inf:
            self.stall()  # otherwise a client that takes nothing could stay for ever
        if self.may_be_reset and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once, without sending the rest."""
        self.is_ending = True
        opened = self._transport.get_extra_info("socket")
        with suppress(OSError, AttributeError):
            # Otherwise the system would keep what was not sent, uncounted, for as long as the client is silent.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
        self._transport.abort()

    def drain(self, data: bytes) -> None:
        """Throw away what arrives after the last answer."""
        self._drained_bytes += len(data)
        if self._drained_bytes > DRAINED_BYTES_MAX:
            self.abort()

    def stall(self) -> None:
        """Note that the client does not take what was sent."""
        self._stalled_s, self._taken_then = self._loop.time(), self._written_bytes - self.unsent_bytes

    def resume(self) -> None:
        """Note that the client takes answers again."""
        if not self.is_ending:
            self._stalled_s = inf

    def check_pace(self, now_s: float) -> None:
        """Cut off a client that takes its answer too slowly."""
        if now_s - self._stalled_s <= UNTAKEN_S:
            return
        taken = self._written_bytes - self.unsent_bytes
        if taken - self._taken_then < UNTAKEN_S * BYTES_PER_S_MIN:
            self.abort()
        self._stalled_s, self._taken_then = now_s, taken


def encode_reply(reply: Reply, request_id: str, defaults: Iterable[Sequence[bytes]], *, keeps_alive: bool) -> bytes:
    """Give the bytes of an answer, in the form in which the application's answers are sent."""
    parts = [STATUS_LINE[reply.status]]
    is_last = False
    for name, value in (*defaults, *list_headers(reply, request_id.encode())):
        is_last = is_last or name == b"connection"
        parts += (name, b": ", value, b"\r\n")
    if not keeps_alive and not is_last:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", reply.body)
    return b"".join(parts)
