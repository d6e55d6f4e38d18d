"""Sends one message and gives the result, with limits of time and size, without redirects and proxies.

The sender uses httpcore2, the layer below httpx2. This layer reads nothing from the environment, follows no redirects,
decompresses nothing, and accepts our guard as its network backend.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpcore2

from padron import __version__
from padron.delivery.guard import GuardedBackend, Resolve, Resolver
from padron.delivery.pools import IDLE_S_MAX, PoolKey, Pools
from padron.domain.errors import PadronError
from padron.domain.target import Network, parse_target
from padron.domain.webhook import ANSWER_KEPT_MAX, RETRY_AFTER_MAX, Answer
from padron.service.webhooks.sending import Message

ANSWER_S_MAX = 15.0  # until the receiver's status arrives
BODY_S_MAX = 1.0  # for the beginning of the body, which only people read
SEND_S_MAX = ANSWER_S_MAX + BODY_S_MAX
_ERROR_LENGTH_MAX = 200

_match_seconds = re.compile("[0-9]+").fullmatch
_SECONDS_DIGITS_MAX = 8
_SHORT_YEAR = 2
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_match_fixed_date = re.compile(
    f"[A-Za-z]{{3}}, (?P<day>[0-9]{{2}}) (?P<month>[A-Za-z]{{3}}) (?P<year>[0-9]{{4}}) {_TIME} GMT"
).fullmatch
_match_rfc850_date = re.compile(
    f"[A-Za-z]{{6,9}}, (?P<day>[0-9]{{2}})-(?P<month>[A-Za-z]{{3}})-(?P<year>[0-9]{{2}}) {_TIME} GMT"
).fullmatch
_match_asctime_date = re.compile(
    f"[A-Za-z]{{3}} (?P<month>[A-Za-z]{{3}}) (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"
).fullmatch
_log = logging.getLogger("padron.delivery")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Received:
    """What came back: the status, the beginning of the body, and for how long the receiver asks to be left alone."""

    status: int
    beginning: bytes
    retry_after: timedelta | None


@cache
def trust_system() -> ssl.SSLContext:
    """Give a context that trusts the system's authorities. Reading them takes up to a tenth of a second, so once."""
    return ssl.create_default_context()


class HttpSender:
    """Sends over HTTP/1.1 to allowed targets. Each process has one, and opens and closes it with ``async with``."""

    def __init__(
        self, allowed: Sequence[Network], clock: Callable[[], datetime], resolve: Resolve | None = None
    ) -> None:
        self.allowed = allowed
        self._clock = clock
        self._resolver = Resolver()
        looked_up = resolve or self._resolver
        context = trust_system()
        # The number of concurrent deliveries already limits the connections. With a limit here, slow targets would
        # delay the others.
        self._pools = Pools(
            lambda is_plain: httpcore2.AsyncConnectionPool(
                ssl_context=context,
                max_connections=None,
                keepalive_expiry=IDLE_S_MAX,
                network_backend=GuardedBackend(allowed, looked_up, is_plain=is_plain),
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._pools.aclose()
        self._resolver.close()

    async def send(self, message: Message) -> Answer:
        """Send a message and give the result. Raises only cancellation."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        status: int | None = None
        error: str | None = None
        body, retry_after = "", None
        try:
            received = await self._post(message)
            status, retry_after = received.status, received.retry_after
            body = escape_text(received.beginning.decode("utf-8", "backslashreplace"), ANSWER_KEPT_MAX)
        except PadronError as refusal:
            error = refusal.detail
        except TimeoutError:
            error = f"There was no answer within {ANSWER_S_MAX:.0f} seconds."
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.TimeoutException,
            OSError,
            ValueError,
        ) as failure:
            error = _word(failure)
        return Answer(
            status=status,
            error=error,
            body=body,
            retry_after=retry_after,
            duration=timedelta(seconds=loop.time() - started_s),
        )

    async def _post(self, message: Message) -> _Received:
        target = parse_target(message.url, self.allowed)
        parts = urlsplit(message.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # Only our code parses the URL. If the client parsed it again, a disagreement would be a security hole.
        url = httpcore2.URL(
            scheme=parts.scheme.encode(), host=target.host.encode(), port=target.port, target=path.encode()
        )
        headers = {
            "Host": parts.netloc.lower(),
            "User-Agent": f"Padron/{__version__}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            **message.headers,
        }
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(self._pools.use(PoolKey(message.endpoint_id, target.is_plain)))
            request = pool.stream("POST", url, headers=list(headers.items()), content=message.body)
            async with asyncio.timeout(ANSWER_S_MAX):
                response = await stack.enter_async_context(request)
            beginning = await _read_beginning(response)
            return _Received(status=response.status, beginning=beginning, retry_after=self._find_retry_after(response))

    def _find_retry_after(self, response: httpcore2.Response) -> timedelta | None:
        for name, value in response.headers:
            if name.lower() == b"retry-after":
                return parse_retry_after(value.decode("latin-1"), self._clock())
        return None


async def _read_beginning(response: httpcore2.Response) -> bytes:
    """Give the body's first kilobyte, or the part that arrives within a second. Only the status decides the result."""
    raw = b""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for chunk in response.aiter_stream():
                raw += chunk
                if len(raw) >= ANSWER_KEPT_MAX:
                    break
    except (TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
        pass  # the body is too slow, or the connection ends in the middle of it
    return raw[:ANSWER_KEPT_MAX]


def parse_retry_after(text: str, now: datetime) -> timedelta | None:
    """Give the time to wait, at most a day, from seconds or a date (RFC 9110, 10.2.3). Give None for other text."""
    text = text.strip(" \t")
    if _match_seconds(text) is not None:
        digits = text.lstrip("0")
        if len(digits) > _SECONDS_DIGITS_MAX:
            return RETRY_AFTER_MAX
        return min(timedelta(seconds=int(digits or "0")), RETRY_AFTER_MAX)
    at = _parse_http_date(text, now)
    return None if at is None else min(max(at - now, timedelta(0)), RETRY_AFTER_MAX)


def _parse_http_date(text: str, now: datetime) -> datetime | None:
    """Give the instant of a date in one of the three forms of RFC 9110, 5.6.7, or None for other text."""
    for match_form in (_match_fixed_date, _match_rfc850_date, _match_asctime_date):
        if (found := match_form(text)) is None:
            continue
        year = int(found["year"])
        if len(found["year"]) == _SHORT_YEAR:
            year += now.year // 100 * 100
            if year > now.year + 50:  # RFC 9110, 5.6.7: it then means the most recent year with these digits
                year -= 100
        try:
            month = _MONTHS.index(found["month"].lower()) + 1
            at = datetime(year, month, int(found["day"]), int(found["hour"]), int(found["minute"]), tzinfo=UTC)
            return at + timedelta(seconds=min(int(found["second"]), 60))  # 60 is read as the next minute's first second
        except (ValueError, OverflowError):
            return None
    return None


def escape_text(text: str, length_max: int) -> str:
    """Give the beginning of a text. Characters that are not printable become escapes."""
    escaped = ""
    for character in text[:length_max]:
        piece = character if character.isprintable() else character.encode("unicode_escape").decode()
        if len(escaped) + len(piece) > length_max:
            break
        escaped += piece
    return escaped


def _word(failure: Exception) -> str:
    text = escape_text(str(failure), _ERROR_LENGTH_MAX)
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
