"""A small HTTP server that answers as a test says: with faults that no sound server has, or with any JSON."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PROBLEM = {
    "type": "/errors/x", "title": "X", "detail": "It is said why.", "instance": "urn:x", "errorType": "x",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What comes back. ``cut_after`` bytes of the body the connection is reset; each part of it waits ``drip_s``."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None
    drip_s: float = 0
    head_drip_s: float = 0  # the status and the headers come byte by byte
    stall_s: float = 0


CUT = Answer(status=0)  # the connection is reset before any answer


def refuse(status: int, error_detail: str, **headers: str) -> Answer:
    body = json.dumps({**PROBLEM, "status": status, "errorDetail": error_detail}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers={"content-type": "application/problem+json", **named}, body=body)


def give(document: object, **headers: str) -> Answer:
    return Answer(
        status=200, headers={"content-type": "application/json", **headers}, body=json.dumps(document).encode()
    )


class Scripted:
    """The server: what it saw, and what it answers next. The last answer is given again and again."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.clients: set[object] = set()
        self.answers: list[Answer | Callable[[Seen], Answer]] = [Answer()]
        self.url = ""

    def script(self, *answers: Answer | Callable[[Seen], Answer]) -> None:
        self.seen.clear()
        self.answers = [*answers]

    def take(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(seen) if callable(answer) else answer


@contextmanager
def run_scripted() -> Iterator[Scripted]:  # noqa: C901 - three small classes around one script
    scripted = Scripted()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.read_body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qsl(parts.query, keep_blank_values=True)
            scripted.clients.add(self.client_address)
            answer = scripted.take(Seen(method=self.command, path=parts.path, query=query, headers=headers, body=body))
            ended.wait(answer.stall_s)
            if answer.status == 0:
                return self.reset()
            if answer.head_drip_s:
                self.drip(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20, answer.head_drip_s)
                return self.reset()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status not in {204, 304}:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if answer.drip_s:
                return self.drip(answer.body, answer.drip_s)
            self.wfile.write(answer.body[: answer.cut_after])
            return self.reset() if answer.cut_after is not None else None

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names of http.server

        def read_body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def drip(self, data: bytes, pause_s: float) -> None:
            for byte in data:
                self.wfile.write(bytes([byte]))
                ended.wait(pause_s)

        def reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *arguments: Any) -> None:
            """A client that hangs up is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        scripted.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield scripted
        finally:
            ended.set()
            server.shutdown()
