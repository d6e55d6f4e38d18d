"""Calls an application as a server does, without a socket and without a client library: a test makes many calls."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message

HOST = b"padron.test"
# Most clients send these unasked.
_USUAL = {b"accept": b"*/*", b"accept-encoding": b"gzip, deflate", b"connection": b"keep-alive", b"user-agent": b"test"}
_WITH_BODY = {"POST", "PUT", "PATCH"}
Content = bytes | str | AsyncIterator[bytes] | None  # an iterator is a body of unknown length
_UNSAFE = re.compile(r"[^!#-;=?-~]")  # what no client sends as it is


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, with its content decompressed."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class AsgiClient:
    """Sends requests to one application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def request(
        self, method: str, target: str, content: Content, headers: Iterable[tuple[bytes, bytes]]
    ) -> Answer:
        """Send a request and wait for all of the answer. An error that escapes the application is raised."""
        body = content.encode() if isinstance(content, str) else content or b""
        size_bytes = len(body) if isinstance(body, bytes) else None
        exchange = _Exchange(_give_once(body) if isinstance(body, bytes) else body)
        await self.app(_describe(method, target, size_bytes, headers), exchange.receive, exchange.send)
        assert exchange.is_complete.is_set()
        given: dict[str, str] = {}
        for name, value in exchange.headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            given[key] = f"{given[key]}, {text}" if key in given else text
        received = b"" if method == "HEAD" else b"".join(exchange.parts)
        if received and given.get("content-encoding") == "gzip":
            received = gzip.decompress(received)
        return Answer(status=exchange.status, headers=given, content=received)


async def _give_once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _describe(
    method: str, target: str, size_bytes: int | None, headers: Iterable[tuple[bytes, bytes]]
) -> dict[str, Any]:
    assert target.startswith("/"), target
    path, _, query = _UNSAFE.sub(lambda unsafe: quote(unsafe[0]), target).partition("?")
    sent = [(name.lower(), value) for name, value in headers]
    named = {name for name, _ in sent}
    usual = {b"host": HOST, **_USUAL}
    if size_bytes is None:
        usual[b"transfer-encoding"] = b"chunked"
    elif (size_bytes or method in _WITH_BODY) and b"transfer-encoding" not in named:
        usual[b"content-length"] = str(size_bytes).encode()
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [*((name, value) for name, value in usual.items() if name not in named), *sent],
        "server": (HOST.decode(), None), "client": ("127.0.0.1", 123),
    }  # fmt: skip


class _Exchange:
    """One request and its answer."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._is_sent = False
        self.status = 0
        self.headers: Iterable[tuple[bytes, bytes]] = ()
        self.parts: list[bytes] = []
        self.is_complete = asyncio.Event()

    async def receive(self) -> Message:
        if self._is_sent:
            await self.is_complete.wait()
            return {"type": "http.disconnect"}
        async for piece in self._body:
            return {"type": "http.request", "body": piece, "more_body": True}
        self._is_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.status
            self.status, self.headers = message["status"], message.get("headers", ())
        elif message["type"] == "http.response.body":
            assert self.status
            assert not self.is_complete.is_set()
            self.parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.is_complete.set()
