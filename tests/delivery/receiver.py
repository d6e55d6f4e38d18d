"""A receiver of webhooks on this machine: keeps what it gets and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from standardwebhooks import Webhook

from tests.listening import end_listening


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)

    @property
    def number(self) -> int:
        return int(self.event["data"]["number"])

    @property
    def vin(self) -> str:
        return str(self.event["data"]["vin"])

    def verify(self, secret: str) -> None:
        Webhook(secret).verify(self.body, self.headers)


Answer = Callable[[Received], Awaitable[bytes | None]]


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_: Received) -> bytes:
        return reply(status, body, **headers)

    return answer


class Receiver:
    """An HTTP server. ``answer`` may wait, fail, or hang up by giving None."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.accepted: list[Received] = []  # answered with 2xx
        self.answer: Answer = always(204)
        self.port = 0
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def numbers(self) -> list[int]:
        return [message.number for message in self.received]

    @property
    def accepted_numbers(self) -> list[int]:
        return [message.number for message in self.accepted]

    def list_numbers_by_vin(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for message in self.received:
            found.setdefault(message.vin, []).append(message.number)
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def close_connections(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        message = Received(path=head[0].split(" ")[1], headers=headers, body=body)
        self.received.append(message)
        answer = await self.answer(message)
        if answer is None:
            return False
        if answer.split(b" ", 2)[1].startswith(b"2"):
            self.accepted.append(message)
        writer.write(answer)
        await writer.drain()
        return b"connection: close" not in answer.lower()


@asynccontextmanager
async def run_receiver(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, host, port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        await end_listening(server)
        receiver.close_connections()
        await server.wait_closed()
