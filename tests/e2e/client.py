"""A client that speaks plain HTTP/1.1 and hides nothing: raw bytes out, one answer in, and ways to hang up."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

ANSWER_S_MAX = 15
_LINGER_0 = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def check_problem(
        self, status: int, error_type: str, error_detail: str, *, further: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Give the body after checking that it is a problem in our form, with these further members."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.document
        members = {"type", "title", "status", "detail", "instance", "errorType", "errorDetail"}
        assert set(problem) == members | further
        assert (problem["status"], problem["errorType"], problem["errorDetail"]) == (status, error_type, error_detail)
        assert problem["instance"]
        return problem


class Connection:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def request(
        self,
        method: str,
        target: str,
        *,
        token: str | None = None,
        body: object = None,
        key: str | None = None,
        seen: str | None = None,
    ) -> Answer:
        """Send one request and give its answer. Raises ``EOFError`` or ``OSError`` when the server hangs up."""
        await self.send(build_request(method, target, token=token, body=body, key=key, seen=seen))
        return await self.read_answer(has_body=method != "HEAD")

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def read_answer(self, *, has_body: bool = True) -> Answer:
        begun = time.perf_counter()
        async with asyncio.timeout(ANSWER_S_MAX):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head[:-4].split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", "0")) if has_body else 0
            body = await self._reader.readexactly(length)
        return Answer(status=int(first.split(" ")[1]), headers=headers, body=body, seconds=time.perf_counter() - begun)

    async def read_to_end(self, seconds_max: float = ANSWER_S_MAX) -> bytes:
        """Give what comes until the server closes the connection."""
        async with asyncio.timeout(seconds_max):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    def reset(self) -> None:
        """Hang up with a reset instead of an orderly end."""
        own: socket.socket = self._writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[Connection]:
    """Give a connection that is closed at the end. Raises ``OSError`` when it is refused."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield connection
    finally:
        await connection.close()


def build_request(
    method: str,
    target: str,
    *,
    token: str | None = None,
    body: object = None,
    key: str | None = None,
    seen: str | None = None,
) -> bytes:
    """Give the bytes of a request; ``body`` becomes JSON, ``key`` and ``seen`` its headers of that kind."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if key is not None:
        lines.append(f"Idempotency-Key: {key}")
    if seen is not None:
        lines.append(f"Padron-After: {seen}")
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
