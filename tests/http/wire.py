"""A plain socket to a server: requests as they are, and answers cut from the bytes that come back."""

import json
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

ANSWER_S_MAX = 10.0
CONTINUE = 100
_BODILESS = {CONTINUE, 204, 304}


@dataclass(frozen=True, kw_only=True, slots=True)
class WireAnswer:
    """One answer. Header names are in lower case, as the server sends them."""

    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name: value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the documented name of a refusal."""
        return self.status, str(self.document["errorDetail"])

    @property
    def is_last(self) -> bool:
        return self.headers.get("connection") == "close"


class Wire:
    """One connection, which notices when the server ends it."""

    def __init__(self, port: int, *, receive_bytes: int | None = None, source: str | None = None) -> None:
        """``source`` is the connection's own address."""
        self.socket = socket.socket()
        if source is not None:
            self.socket.bind((source, 0))
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(ANSWER_S_MAX)
        self._received = b""
        self.has_ended = False
        try:
            self.socket.connect(("127.0.0.1", port))
        except ConnectionResetError:
            self.has_ended = True  # a server that turns somebody away may be quicker than the end of the connecting
        else:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, *pieces: bytes, pause_s: float = 0) -> None:
        """Send each piece by itself, as far as the server takes them."""
        with suppress(ConnectionError):
            for place, piece in enumerate(pieces):
                if place:
                    time.sleep(pause_s)
                self.socket.sendall(piece)

    def read_answer(self, method: str = "GET") -> WireAnswer | None:
        """Give the next answer, to a request of this method; None when the server has ended the connection."""
        while b"\r\n\r\n" not in self._received:
            if not self._read_more():
                assert self._received == b""
                return None
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        answer = WireAnswer(status=status, head=head, body=b"")
        if method == "HEAD" or status in _BODILESS:
            return answer
        size = int(answer.headers["content-length"])
        while len(self._received) < size:
            assert self._read_more(), "The connection ended within an answer."
        body, self._received = self._received[:size], self._received[size:]
        return WireAnswer(status=status, head=head, body=body)

    def read_final(self, method: str = "GET") -> WireAnswer:
        """Give the next answer that is not 100 Continue."""
        while (answer := self.read_answer(method)) is not None:
            if answer.status != CONTINUE:
                return answer
        raise EOFError

    def read_answers(self, methods: Sequence[str]) -> list[WireAnswer]:
        """Give the answers to requests of these methods, each with 100 Continue before it, until the end."""
        answers: list[WireAnswer] = []
        for method in methods:
            while (answer := self.read_answer(method)) is not None:
                answers.append(answer)
                if answer.status != CONTINUE:
                    break
            if answer is None or answer.is_last:
                break
        return answers

    def read_end(self, seconds_max: float = ANSWER_S_MAX) -> bool:
        """Say whether the server ends the connection within this time, and sends nothing more before."""
        self.socket.settimeout(seconds_max)
        try:
            return not self._received and not self._read_more()
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(ANSWER_S_MAX)

    def _read_more(self) -> bool:
        if self.has_ended:
            return False
        try:
            data = self.socket.recv(65_536)
        except ConnectionResetError:
            data = b""
        self._received += data
        self.has_ended = not data
        return bool(data)
