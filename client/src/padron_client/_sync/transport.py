"""Sends calls, repeats them when that helps, and gives the answers.

``tools/make_client.py`` wrote this file from the one in ``_async``. Do not edit it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx2

from padron_client._sync.ways import Later, Within, make_http_client, read_file, sleep
from padron_client.calls import (
    Attempt,
    CallOptions,
    Ending,
    Hooks,
    Operation,
    Prepared,
    Reply,
    Retries,
    Timeouts,
    give_random,
    give_user_agent,
    prepare,
    read_answer,
    read_error,
    should_repeat,
)
from padron_client.errors import ApiError, ConnectionFailed, DeadlinePassed
from padron_client.sse import EventParser

if TYPE_CHECKING:
    from typing_extensions import Self

    from padron_client import models

_log = logging.getLogger("padron_client")
_NEVER_REPEATED = (httpx2.DecodingError, httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)
_NO_OPTIONS = CallOptions()


class Bearer(httpx2.Auth):
    """Puts the key into each request, and nowhere else: it is in no header that is shown, and in no repr."""

    def __init__(self, key: str | Callable[[], str]) -> None:
        self._give = key if callable(key) else lambda: key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Send a request with the key."""
        request.headers["Authorization"] = f"Bearer {self._give()}"
        yield request


@dataclass(frozen=True)
class Settings:
    """What all calls of a client have in common."""

    url: str
    timeouts: Timeouts
    retries: Retries
    deadline_s: float | None
    hooks: Hooks


@dataclass(frozen=True)
class Limit:
    """When a call must be over, by the clock that never goes back."""

    end: float | None

    def give_left(self) -> float | None:
        """Give the seconds that are left. Raises TimeoutError when the time is over."""
        if self.end is None:
            return None
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def shorten(self, seconds: float) -> float:
        """Give so many seconds, or fewer if fewer are left."""
        left = self.give_left()
        return seconds if left is None else min(seconds, left)


class Transport:
    """Sends the calls of one client."""

    def __init__(
        self,
        settings: Settings,
        key: str | Callable[[], str],
        http_client: httpx2.Client | None,
        connection: Mapping[str, Any],
    ) -> None:
        self._settings = settings
        self._auth = Bearer(key)
        self._client = make_http_client(**connection) if http_client is None else http_client
        self._is_ours = http_client is None
        self._user_agent = give_user_agent(f"httpx2/{httpx2.__version__}")

    def close(self) -> None:
        """Close the connections, if they are this client's own."""
        if self._is_ours:
            self._client.close()

    def send(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        headers: Mapping[str, str | None] = {},
        body: object = None,
        content: bytes | os.PathLike[str] | None = None,
        options: CallOptions | None = None,
    ) -> Any:  # noqa: ANN401 - the record that the operation names
        """Give the record of an answer."""
        options = options or _NO_OPTIONS
        prepared = prepare(
            operation, path=path, query=query, headers=headers, body=body, content=content, options=options
        )

        def attempt(number: int, limit: Limit) -> Any:  # noqa: ANN401 - as above
            return read_answer(operation, self._fetch(prepared, number, limit), number)

        return self._repeat(prepared, options, attempt)

    def download(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        headers: Mapping[str, str | None] = {},
        options: CallOptions | None = None,
    ) -> Download:
        """Give an answer that is read bit by bit."""
        return Download(self._open_later(operation, path, query, headers, options or _NO_OPTIONS))

    def stream(
        self,
        operation: Operation,
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        headers: Mapping[str, str | None] = {},
        options: CallOptions | None = None,
    ) -> Events:
        """Give an answer that is a stream of events."""
        return Events(self._open_later(operation, path, query, headers, options or _NO_OPTIONS))

    def _open_later(
        self,
        operation: Operation,
        path: Mapping[str, object],
        query: Mapping[str, object],
        headers: Mapping[str, str | None],
        options: CallOptions,
    ) -> Callable[[], Later[httpx2.Response]]:
        prepared = prepare(operation, path=path, query=query, headers=headers, body=None, content=None, options=options)

        def attempt(number: int, limit: Limit) -> httpx2.Response:
            return self._open(prepared, number, limit)

        def open_now() -> httpx2.Response:
            response: httpx2.Response = self._repeat(prepared, options, attempt)
            return response

        return open_now

    def _repeat(self, prepared: Prepared, options: CallOptions, attempt: Callable[[int, Limit], Later[Any]]) -> Any:  # noqa: ANN401 - what an attempt gives
        """Make attempts until one is answered for good."""
        deadline_s = self._settings.deadline_s if options.deadline_s is None else options.deadline_s
        limit = Limit(None if deadline_s is None else time.monotonic() + deadline_s)
        retries = options.retries or self._settings.retries
        number = 0
        while True:
            number += 1
            error: Exception
            try:
                with Within(limit.give_left()):
                    return attempt(number, limit)
            except httpx2.RequestError as failed:
                error = _word_failure(prepared.operation, failed, number, limit)
                if isinstance(failed, _NEVER_REPEATED) or isinstance(error, DeadlinePassed) or number > retries.count:
                    raise error from failed
                retry_after_s = None
            except ApiError as refused:
                has_key = "Idempotency-Key" in prepared.headers
                if number > retries.count or not should_repeat(refused, has_key=has_key, attempts=number):
                    raise
                error, retry_after_s = refused, refused.retry_after_s
                if retry_after_s is not None and retry_after_s > retries.retry_after_s_max:
                    raise
            except TimeoutError as late:
                raise _word_late(prepared.operation, number) from late
            pause_s = retries.choose_pause(number - 1, retry_after_s, give_random().uniform)
            if limit.end is not None and time.monotonic() + pause_s >= limit.end:
                raise error  # which says more than that the deadline would pass
            sleep(pause_s)

    def _fetch(self, prepared: Prepared, number: int, limit: Limit) -> Reply:
        """Make one attempt, and give its whole answer."""
        with self._watched(prepared, number) as watch:
            response = self._start(prepared, watch.headers, limit)
            try:
                parts = []
                for part in response.iter_bytes():
                    parts.append(part)
                    limit.give_left()
                watch.end(response)
                return Reply(status=response.status_code, headers=response.headers, body=b"".join(parts))
            finally:
                response.close()

    def _open(self, prepared: Prepared, number: int, limit: Limit) -> httpx2.Response:
        """Make one attempt, and give its answer without its body, if it is a success."""
        with self._watched(prepared, number) as watch:
            response = self._start(prepared, watch.headers, limit)
            watch.end(response)
        if response.status_code in prepared.operation.answers:
            return response
        try:
            body = response.read()
        finally:
            response.close()
        raise read_error(Reply(status=response.status_code, headers=response.headers, body=body), number)

    def _start(self, prepared: Prepared, added: Mapping[str, str], limit: Limit) -> httpx2.Response:
        """Send a request, and give the answer as soon as its headers are there."""
        timeouts, content = self._settings.timeouts, prepared.content
        request = self._client.build_request(
            prepared.operation.method,
            self._settings.url + prepared.target,
            headers={"User-Agent": self._user_agent, **prepared.headers, **added},
            content=content if content is None or isinstance(content, bytes) else read_file(content),
            timeout=httpx2.Timeout(
                connect=limit.shorten(timeouts.connect_s),
                read=limit.shorten(timeouts.read_s + prepared.wait_s),
                write=limit.shorten(timeouts.write_s),
                pool=limit.shorten(timeouts.pool_s),
            ),
        )
        return self._client.send(request, auth=self._auth, stream=True, follow_redirects=False)

    def _watched(self, prepared: Prepared, number: int) -> _Watch:
        operation = prepared.operation
        attempt = Attempt(operation=operation.name, method=operation.method, path=operation.path, number=number)
        return _Watch(self._settings.hooks, attempt)


class _Watch:
    """Tells the hooks how an attempt begins and ends. A hook that fails is logged, and changes nothing."""

    def __init__(self, hooks: Hooks, attempt: Attempt) -> None:
        self._hooks = hooks
        self._attempt = attempt
        self._began = time.monotonic()
        self._ending: tuple[int, str] | None = None
        self.headers: Mapping[str, str] = {}

    def end(self, response: httpx2.Response) -> None:
        """Note the answer."""
        self._ending = (response.status_code, response.headers.get("x-request-id", ""))

    def __enter__(self) -> Self:
        if self._hooks.before is not None:
            try:
                self.headers = self._hooks.before(self._attempt) or {}
            except Exception:  # noqa: BLE001 - whatever it is, the call goes on
                _log.exception("The hook before a request failed.")
        self._began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hooks.after is None:
            return
        seconds = time.monotonic() - self._began
        status, request_id = self._ending or (None, "")
        name = "" if kind is None else kind.__name__
        try:
            self._hooks.after(self._attempt, Ending(seconds=seconds, status=status, request_id=request_id, error=name))
        except Exception:  # noqa: BLE001 - as above
            _log.exception("The hook after a request failed.")


class Download:
    """An answer that is read bit by bit. Use it in a ``with`` block, which closes it."""

    def __init__(self, open_now: Callable[[], Later[httpx2.Response]]) -> None:
        self._open_now = open_now
        self._response: httpx2.Response | None = None

    @property
    def request_id(self) -> str:
        """The request's id."""
        return str(self._give_response().headers.get("x-request-id", ""))

    def _give_response(self) -> httpx2.Response:
        if self._response is None:
            message = "Open this answer first, in a with block."
            raise RuntimeError(message)
        return self._response

    def __enter__(self) -> Self:
        self._response = self._open_now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_response().close()

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes as they come. Raises ConnectionFailed when they end too early."""
        try:
            for chunk in self._give_response().iter_bytes():
                yield chunk
        except httpx2.RequestError as failed:
            message = f"The answer broke off ({type(failed).__name__}). What came so far is not all of it."
            raise ConnectionFailed(message, attempts=1) from failed

    def read(self) -> bytes:
        """Give all bytes."""
        return b"".join([chunk for chunk in self.chunks()])


class Events(Download):
    """The feed as a stream. It ends when the server stops or the connection breaks: begin again after ``cursor``."""

    cursor: str | None = None

    def __iter__(self) -> Iterator[models.Change]:
        from padron_client.decoding import read_change  # noqa: PLC0415 - only a stream needs it

        parser = EventParser()
        for chunk in self.chunks():
            for event in parser.feed(chunk):
                if event.data:
                    yield read_change(event.data)
                self.cursor = event.id or self.cursor


def _word_failure(operation: Operation, failed: httpx2.RequestError, number: int, limit: Limit) -> Exception:
    try:
        limit.give_left()
    except TimeoutError:
        return _word_late(operation, number)
    message = f"{operation.name} got no answer ({type(failed).__name__}: {failed}), after {_count(number)}."
    return ConnectionFailed(message, attempts=number)


def _word_late(operation: Operation, number: int) -> DeadlinePassed:
    message = (
        f"{operation.name} was not answered within its deadline, after {_count(number)}. It may have taken effect."
    )
    return DeadlinePassed(message, attempts=number)


def _count(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"
