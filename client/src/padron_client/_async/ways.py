"""How the client with ``async`` waits and reads files. The other one has a module of the same names."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx2

if TYPE_CHECKING:
    from typing_extensions import Self

CHUNK_BYTES = 65_536
Later = Awaitable


async def sleep(seconds: float) -> None:
    """Wait."""
    await anyio.sleep(seconds)


class Within(AbstractAsyncContextManager["Within"]):
    """Interrupts what runs in it with TimeoutError after some time."""

    def __init__(self, seconds: float | None) -> None:
        self._scope = anyio.fail_after(seconds)

    async def __aenter__(self) -> Self:
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._scope.__exit__(kind, error, trace)


async def read_file(path: os.PathLike[str]) -> AsyncIterator[bytes]:
    """Give a file in parts, so that it need not be in memory."""
    file = await anyio.to_thread.run_sync(Path(path).open, "rb")
    try:
        while chunk := await anyio.to_thread.run_sync(file.read, CHUNK_BYTES):
            yield chunk
    finally:
        file.close()


def make_http_client(
    *, verify: object, http2: bool, proxy: str | None, trust_env: bool, connections: int
) -> httpx2.AsyncClient:
    """Give a client of HTTP."""
    return httpx2.AsyncClient(
        verify=verify,  # type: ignore[arg-type]  # a context or a boolean, as the client says
        http2=http2,
        proxy=proxy,
        trust_env=trust_env,
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
    )
