"""Receives webhooks: checks signatures (Standard Webhooks 1.0.0), refuses what comes twice, and calls a function.

``verify()`` checks one message. ``AsgiReceiver`` and ``WsgiReceiver`` answer requests.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import inspect
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from padron_client.errors import PadronClientError

if TYPE_CHECKING:
    from padron_client import models

TOLERANCE_S = 300
BODY_BYTES_MAX = 1_000_000
SEEN_MAX = 100_000
SIGNATURES_MAX = 16
LENGTH_DIGITS_MAX = 18
PREFIX = "whsec_"
_log = logging.getLogger("padron_client.webhooks")


class WebhookRefused(PadronClientError):
    """A message that Padrón did not send, that is too old, or that cannot be read. ``status`` is for the answer."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Message:
    """A message whose signature was checked."""

    id: str  # the same at each attempt and each replay
    timestamp_s: int
    members: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """The type of the event, such as ``vehicle.status_changed``."""
        return str(self.members.get("type", ""))

    @property
    def payload(self) -> models.WebhookPayload | None:
        """What the message says, or None for a type that is newer than this client: look into ``members`` then."""
        from padron_client.decoding import read_payload  # noqa: PLC0415 - verifying needs no records

        return read_payload(self.body)


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> Message:
    """Give the message of a request. Raises WebhookRefused if none of the secrets signed these very bytes just now.

    During a replacement give both secrets. ``tolerance_s`` is how far the timestamp may be from this machine's clock.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and signatures) or not (timestamp.isascii() and timestamp.isdigit()):
        message = "A header is missing or malformed: webhook-id, webhook-timestamp or webhook-signature."
        raise WebhookRefused(message, status=400)
    signed = b"%s.%s.%s" % (message_id.encode(), timestamp.encode(), body)
    offered = [each[3:] for each in signatures.split(" ")[:SIGNATURES_MAX] if each.startswith("v1,")]
    keys = [read_secret(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not any(_is_signed(signed, key, signature) for key in keys for signature in offered):
        message = "The signature is not one of these secrets for this message."
        raise WebhookRefused(message, status=401)
    seconds = int(timestamp)
    if abs((time.time() if now_s is None else now_s) - seconds) > tolerance_s:
        message = f"The message's timestamp is more than {tolerance_s:g} seconds away from this machine's clock."
        raise WebhookRefused(message, status=400)
    try:
        members = json.loads(body)
    except ValueError as error:
        message = "The body is not JSON."
        raise WebhookRefused(message, status=400) from error
    if not isinstance(members, dict):
        message = "The body is not a JSON object."
        raise WebhookRefused(message, status=400)
    return Message(id=message_id, timestamp_s=seconds, members=members, body=body)


def read_secret(secret: str) -> bytes:
    """Give the key that a secret stands for. Raises ValueError for anything else, and does not show it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        message = f"A webhook's secret is {PREFIX} and base64, as the endpoint's first answer gave it."
        raise ValueError(message)
    return key


def _is_signed(signed: bytes, key: bytes, signature: str) -> bool:
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return hmac.compare_digest(expected, signature.encode())


class Memory:
    """Remembers which messages were handled. It is bounded, and safe to use from several threads.

    A message that is new enough to be verified is never forgotten to make room. When there is no room, new messages
    are refused for a while, and Padrón sends them again.
    """

    def __init__(self, size_max: int = SEEN_MAX, tolerance_s: float = TOLERANCE_S) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._busy: set[str] = set()
        self._size_max = size_max
        self._young_s = 2 * tolerance_s  # from a timestamp that is ahead to one that is behind
        self._lock = threading.Lock()

    def begin(self, message_id: str) -> bool:
        """Say whether to handle a message. Raises WebhookRefused while it is handled already, or without room."""
        with self._lock:
            if message_id in self._seen:
                return False
            if message_id in self._busy:
                message = "This message is being handled already."
                raise WebhookRefused(message, status=503)
            if len(self._seen) + len(self._busy) >= self._size_max and not self._drop_oldest():
                message = "Too many messages came at once."
                raise WebhookRefused(message, status=503)
            self._busy.add(message_id)
            return True

    def end(self, message_id: str, *, is_handled: bool) -> None:
        """Note that a message was handled, or that it was not and may come again."""
        with self._lock:
            self._busy.discard(message_id)
            if is_handled:
                self._seen[message_id] = time.monotonic()

    def forget(self) -> None:
        """Handle every message again: before a replay that you asked Padrón for."""
        with self._lock:
            self._seen.clear()

    def _drop_oldest(self) -> bool:
        if not self._seen or time.monotonic() - next(iter(self._seen.values())) <= self._young_s:
            return False
        self._seen.popitem(last=False)
        return True


class Receiver:
    """What both receivers have in common. ``handle`` gets each message once, as far as this process remembers.

    If ``handle`` raises, the answer is 500, and Padrón sends the message again.
    """

    def __init__(
        self,
        secrets: str | Sequence[str],
        handle: Callable[[Message], object],
        *,
        tolerance_s: float = TOLERANCE_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        seen_max: int = SEEN_MAX,
    ) -> None:
        self._secrets = (secrets,) if isinstance(secrets, str) else tuple(secrets)
        for secret in self._secrets:
            read_secret(secret)  # so that a wrong one is noticed at the start
        self._handle = handle
        self._tolerance_s = tolerance_s
        self._body_bytes_max = body_bytes_max
        self.memory = Memory(seen_max, tolerance_s)

    def _check_head(self, method: str, length: str) -> None:
        if method != "POST":
            message = "Only POST is answered here."
            raise WebhookRefused(message, status=405)
        if length:
            if not (length.isascii() and length.isdigit() and len(length) <= LENGTH_DIGITS_MAX):
                message = "The body's length is not a number."
                raise WebhookRefused(message, status=400)
            self._check_length(int(length))

    def _check_length(self, length: int) -> None:
        if length > self._body_bytes_max:
            message = f"The body is larger than {self._body_bytes_max} bytes."
            raise WebhookRefused(message, status=413)

    def _verify(self, headers: Mapping[str, str], body: bytes) -> Message:
        return verify(body, headers, self._secrets, tolerance_s=self._tolerance_s)


class AsgiReceiver(Receiver):
    """An ASGI application that receives webhooks. ``handle`` may be ``async``; another function runs in a thread."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        status, text = await self._answer(scope, receive)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": status, "headers": headers if text else []})
        await send({"type": "http.response.body", "body": text})

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
    ) -> tuple[int, bytes]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_head(scope["method"], headers.get("content-length", ""))
            body = await self._read(receive)
            message = self._verify(headers, body)
            if self.memory.begin(message.id):
                await self._run(message)
        except WebhookRefused as refused:
            return refused.status, str(refused).encode()
        except Exception:  # noqa: BLE001 - whatever it is, Padrón sends the message again
            _log.exception("The handling of a webhook failed.")
            return 500, b""
        return 204, b""

    async def _read(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bytes:
        body, has_more = b"", True
        while has_more:
            event = await receive()
            if event["type"] == "http.disconnect":
                message = "The connection ended before the body."
                raise WebhookRefused(message, status=400)
            body += event.get("body", b"")
            self._check_length(len(body))
            has_more = event.get("more_body", False)
        return body

    async def _run(self, message: Message) -> None:
        is_handled = False
        try:
            if inspect.iscoroutinefunction(self._handle):
                await self._handle(message)
            else:
                result = await asyncio.to_thread(self._handle, message)
                if inspect.isawaitable(result):
                    await result
            is_handled = True
        finally:
            self.memory.end(message.id, is_handled=is_handled)


class WsgiReceiver(Receiver):
    """A WSGI application that receives webhooks."""

    def __call__(
        self, environ: Mapping[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
    ) -> Iterable[bytes]:
        """Answer one request."""
        status, text = self._answer(environ)
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))] if text else []
        start_response(f"{status} {_PHRASES[status]}", headers)
        return [text]

    def _answer(self, environ: Mapping[str, Any]) -> tuple[int, bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        try:
            self._check_head(environ["REQUEST_METHOD"], environ.get("CONTENT_LENGTH") or "")
            message = self._verify(headers, self._read(environ))
            if self.memory.begin(message.id):
                self._run(message)
        except WebhookRefused as refused:
            return refused.status, str(refused).encode()
        except Exception:  # noqa: BLE001 - whatever it is, Padrón sends the message again
            _log.exception("The handling of a webhook failed.")
            return 500, b""
        return 204, b""

    def _read(self, environ: Mapping[str, Any]) -> bytes:
        length = environ.get("CONTENT_LENGTH") or ""
        # Without a length, only a server that ends the input itself can be read from.
        if not length and not environ.get("wsgi.input_terminated"):
            return b""
        body: bytes = environ["wsgi.input"].read(int(length) if length else self._body_bytes_max + 1)
        self._check_length(len(body))
        return body

    def _run(self, message: Message) -> None:
        is_handled = False
        try:
            self._handle(message)
            is_handled = True
        finally:
            self.memory.end(message.id, is_handled=is_handled)


_PHRASES = {
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    405: "Method Not Allowed",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
