"""How the client without ``async`` waits and reads files. The other one has a module of the same names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, TypeVar

import httpx2

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

CHUNK_BYTES = 65_536
Later = Annotated[T, "at once"]


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


class Within(AbstractContextManager["Within"]):
    """Does nothing: a thread cannot be interrupted. The transport looks at the clock after each part of an answer."""

    def __init__(self, seconds: float | None) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def read_file(path: os.PathLike[str]) -> Iterator[bytes]:
    """Give a file in parts, so that it need not be in memory."""
    with Path(path).open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def make_http_client(
    *, verify: object, http2: bool, proxy: str | None, trust_env: bool, connections: int
) -> httpx2.Client:
    """Give a client of HTTP."""
    return httpx2.Client(
        verify=verify,  # type: ignore[arg-type]  # a context or a boolean, as the client says
        http2=http2,
        proxy=proxy,
        trust_env=trust_env,
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
    )
