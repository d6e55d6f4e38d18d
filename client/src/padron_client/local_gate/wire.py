"""The calls of a local gate, and the bytes of their answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2
import msgspec

from padron_client.local_gate.errors import BadAnswerError, ServerRefusedError

HEARTBEAT_S = 10.0  # a stream is never silent for longer
EVENT_BYTES_MAX = 4_000_000
PAGE_LIMIT = 500
_PROBLEM_BYTES_MAX = 65_536

T = TypeVar("T")


class Former(msgspec.Struct, frozen=True, gc=False):
    """Values before a change of core data. ``vin`` is there when the VIN itself changed."""

    vin: str | None = None


class Change(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What a local gate needs of a change: the gate's present verdicts on its VIN, and on the VIN that it replaced."""

    number: int
    vin: str
    allowed: bool
    former: Former | None = None
    former_allowed: bool | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """A change from a stream, with the cursor after it."""

    cursor: str
    change: Change


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A page of the feed."""

    changes: list[Change]
    next_cursor: str
    more: bool


class SetHead(msgspec.Struct, frozen=True):
    """The first line of a set."""

    of: str
    cursor: str
    number: int
    operable: int
    refused: int


class SetEnd(msgspec.Struct, frozen=True):
    """The last line of a set."""

    end: int


class Head(msgspec.Struct, frozen=True):
    """The account's last change."""

    number: int
    cursor: str


class Lease(msgspec.Struct, frozen=True, rename="camel"):
    """A lease, and the account's last change when the server handled the call."""

    lease_id: str
    seconds: float
    number: int
    cursor: str


class Verdict(msgspec.Struct, frozen=True):
    """The server's verdict on a vehicle."""

    vin: str
    allowed: bool
    reason: str | None = None


class Verdicts(msgspec.Struct, frozen=True):
    """The server's verdicts in the order of the question."""

    results: list[Verdict]
    cursor: str


class _Problem(msgspec.Struct):
    errorDetail: str = ""  # noqa: N815 - the name on the wire


class _Bearer(httpx2.Auth):
    """Gives each request the key, and shows it nowhere."""

    def __init__(self, give_key: Callable[[], str]) -> None:
        self._give_key = give_key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._give_key()}"
        yield request


class Wire:
    """The connections of one gate to its server."""

    def __init__(self, url: str, give_key: Callable[[], str], options: Mapping[str, Any]) -> None:
        if url.startswith("http:"):
            options = {"verify": False, **options}  # it reads no certificates, which takes a third of a second
        self._client = httpx2.AsyncClient(
            base_url=url.rstrip("/") + "/api/v2",
            auth=_Bearer(give_key),
            headers={"User-Agent": "padron-local-gate"},
            **options,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def read_head(self, timeout_s: float) -> Head:
        """Give the account's last change."""
        return await self._call("GET", "changes/last", Head, timeout_s)

    async def read_page(self, after: str, timeout_s: float, *, wait_s: int = 0, seen: str | None = None) -> Page:
        """Give a page of the feed, in a state that includes the cursor ``seen``."""
        query: dict[str, str | int] = {"after": after, "limit": PAGE_LIMIT}
        if wait_s:
            query["wait"] = wait_s
        headers = {} if seen is None else {"Padron-After": seen}
        return await self._call("GET", "changes", Page, timeout_s + wait_s, params=query, headers=headers)

    async def take_lease(self, seconds: float, name: str | None, timeout_s: float) -> Lease:
        """Take a lease."""
        body: dict[str, object] = {"seconds": seconds} if name is None else {"seconds": seconds, "name": name}
        return await self._call("POST", "gate-leases", Lease, timeout_s, json=body)

    async def renew_lease(self, lease_id: str, cursor: str, timeout_s: float) -> Lease:
        """Renew a lease, and acknowledge every change up to the cursor."""
        return await self._call("PUT", f"gate-leases/{lease_id}", Lease, timeout_s, json={"cursor": cursor})

    async def end_lease(self, lease_id: str, timeout_s: float) -> None:
        """Give a lease back."""
        response = await self._client.delete(f"gate-leases/{lease_id}", timeout=timeout_s)
        _check(response, response.content)

    async def ask(self, operation: str, vins: list[str], timeout_s: float) -> Verdicts:
        """Ask the server's gate."""
        return await self._call("POST", "gate", Verdicts, timeout_s, json={"operation": operation, "vins": vins})

    @asynccontextmanager
    async def read_set(self, of: str) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """Give the parts of a set as they come."""
        timeout = httpx2.Timeout(30.0, connect=5.0)
        async with self._client.stream("GET", "gate-set", params={"of": of}, timeout=timeout) as response:
            await _check_stream(response, "application/x-ndjson")
            yield response.aiter_bytes()

    @asynccontextmanager
    async def follow(self, after: str) -> AsyncGenerator[AsyncIterator[list[Event]], None]:
        """Give the events of a stream, as many at once as came together."""
        timeout = httpx2.Timeout(5.0, read=2.5 * HEARTBEAT_S)
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        async with self._client.stream(
            "GET", "changes", params={"after": after}, headers=headers, timeout=timeout
        ) as response:
            await _check_stream(response, "text/event-stream")
            yield _read_events(response.aiter_bytes())

    async def _call(self, method: str, path: str, shape: type[T], timeout_s: float, **options: Any) -> T:  # noqa: ANN401 - httpx2's
        response = await self._client.request(method, path, timeout=timeout_s, **options)
        _check(response, response.content)
        try:
            return msgspec.json.decode(response.content, type=shape)
        except msgspec.DecodeError:
            raise BadAnswerError(f"The answer to {method} {path} is not what the protocol says.") from None


async def _check_stream(response: httpx2.Response, media_type: str) -> None:
    if response.status_code != httpx2.codes.OK:
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _PROBLEM_BYTES_MAX:
                break
        _check(response, body)
    if not response.headers.get("content-type", "").startswith(media_type):
        raise BadAnswerError(f"The answer is not {media_type}.")


def _check(response: httpx2.Response, body: bytes) -> None:
    if response.is_success:
        return
    try:
        detail = msgspec.json.decode(body, type=_Problem).errorDetail
    except msgspec.DecodeError:
        detail = ""
    retry_after: float | None = None
    given = response.headers.get("retry-after", "")
    if given.isascii() and given.isdigit():
        retry_after = float(given)
    raise ServerRefusedError(response.status_code, detail, retry_after)


_change_decoder = msgspec.json.Decoder(Change)


async def _read_events(parts: AsyncIterator[bytes]) -> AsyncIterator[list[Event]]:
    """Give the events of the parts. A part without a whole event gives an empty list."""
    rest = b""
    async for part in parts:
        *blocks, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(rest) > EVENT_BYTES_MAX:
            raise BadAnswerError("An event of the stream is too long.")
        yield [event for block in blocks if (event := parse_event(block)) is not None]


def parse_event(block: bytes) -> Event | None:
    """Give the event of a block of lines, or None for a comment or heartbeat."""
    cursor = data = b""
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"id":
            cursor = value.strip()
        elif name == b"data":
            data += value
    if not data:
        return None
    try:
        return Event(cursor.decode("ascii"), _change_decoder.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadAnswerError("An event of the stream is not a change.") from None
