"""A small HTTP server: enough of HTTP/1.1 for the calls of a local gate, and every way to fail that a proxy has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

_SETTLE_TURNS = 20


class Request(msgspec.Struct, frozen=True):
    """A request that has come as a whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def read_json(self) -> dict[str, Any]:
        """Give the members of the body, or none."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Reply(msgspec.Struct):
    """An answer. With ``parts`` the body comes bit by bit, and the connection ends after it."""

    status: int = 200
    document: Any = None
    parts: AsyncIterator[bytes] | None = None
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()


class CutError(Exception):
    """Raised by an answer that ends the connection without a word."""


Answer = Callable[[Request], Awaitable[Reply]]


class HttpServer:
    """Serves one function on a port of the loopback."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        server, self._server = self._server, None
        if server is not None:
            loop = asyncio.get_running_loop()
            for listening in server.sockets:
                with suppress(NotImplementedError):  # as on Windows, whose loop accepts in another way
                    loop.remove_reader(listening.fileno())
            # When Python 3.11 closes a server before a connection has begun that it accepted, nobody closes that one.
            await _settle()
            server.close()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.05)
        await _settle()  # the sockets are closed in the loop's next round

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs in one
        self._tasks.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                reply = await self._answer(request)
                await _write(writer, reply)
                if reply.parts is not None:
                    break
        except (CutError, OSError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def _settle() -> None:
    """Let a connection begin that was accepted, or one end that was cut. Each takes a few turns of the loop."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    line = (await reader.readline()).decode("latin-1").split()
    if len(line) != 3:  # noqa: PLR2004 - the method, the target and the version
        return None
    headers: dict[str, str] = {}
    while header := (await reader.readline()).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    target = urlsplit(line[1])
    return Request(line[0], unquote(target.path), dict(parse_qsl(target.query)), headers, body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    head = [f"HTTP/1.1 {reply.status} X", f"Content-Type: {reply.media_type}", *reply.headers]
    if reply.parts is None:
        body = b"" if reply.document is None else json.dumps(reply.document).encode()
        head.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        await writer.drain()
        return
    head.append("Transfer-Encoding: chunked")
    writer.write("\r\n".join([*head, "", ""]).encode())
    await writer.drain()
    async for part in reply.parts:
        writer.write(b"%x\r\n%s\r\n" % (len(part), part))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()
