"""A request over ASGI, message by message: bodies that do not end, clients that do not read, and those that hang up."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message

from tests.cast import Member


class RawCall:
    """One request under way. Its body is what ``send_body`` sends; nothing is read while ``is_reading`` is unset."""

    def __init__(
        self,
        app: ASGIApp,
        member: Member | None,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: str | bytes | None = "",
        client: tuple[str, int] | None = None,
        *,
        version: str = "1.1",
    ) -> None:
        path, _, query = target.partition("?")
        given = [("host", "padron.test"), *headers]
        if member is not None:
            given.append(("authorization", f"Bearer {member.token}"))
        if body != "":
            given.append(("transfer-encoding", "chunked"))
        self._scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given], "http_version": version,
            "scheme": "http", "client": client,
        }  # fmt: skip
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._started: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.is_reading = asyncio.Event()
        self.is_reading.set()
        self.stops_once_reading = False  # after the first piece that has something in it
        self.content = b""
        self.is_complete = False
        if body is not None:
            self.send_body(body)
        self.task = asyncio.ensure_future(self._run(app))

    async def _run(self, app: ASGIApp) -> None:
        try:
            await app(self._scope, self._to_app.get, self._take)
        finally:
            if not self._started.done():
                self._started.cancel()

    async def _take(self, message: Message) -> None:
        await self.is_reading.wait()
        if message["type"] == "http.response.start":
            self._started.set_result(message)
            return
        self.content += message.get("body", b"")
        self.is_complete = self.is_complete or not message.get("more_body", False)
        if self.stops_once_reading and self.content:
            self.stops_once_reading = False
            self.is_reading.clear()

    def send_body(self, body: str | bytes, *, more: bool = False) -> None:
        sent = body.encode() if isinstance(body, str) else body
        self._to_app.put_nowait({"type": "http.request", "body": sent, "more_body": more})

    @property
    def is_answered(self) -> bool:
        return self._started.done()

    async def read_status(self) -> int:
        """Give the status, as soon as there is one."""
        async with asyncio.timeout(10):
            return int((await asyncio.shield(self._started))["status"])

    async def read_headers(self) -> dict[str, str]:
        async with asyncio.timeout(10):
            message = await asyncio.shield(self._started)
        return {name.decode(): value.decode() for name, value in message["headers"]}

    async def read_problem(self) -> tuple[int, str, str]:
        """Give the status, the documented name and the detail of an answer that must be an error."""
        async with asyncio.timeout(10):
            await self.task
        problem: dict[str, Any] = json.loads(self.content)
        return await self.read_status(), problem["errorDetail"], problem["detail"]

    async def hang_up(self) -> None:
        self._to_app.put_nowait({"type": "http.disconnect"})
        self.is_reading.set()
        async with asyncio.timeout(10):
            await self.task
