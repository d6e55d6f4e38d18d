"""How a call is made, without sending anything: addresses, headers, when to repeat, and what an answer means."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from padron_client import __version__
from padron_client.errors import ApiError, NotModified, UnexpectedAnswer, give_class

if TYPE_CHECKING:
    import random

JSON = "application/json"
FILE = "application/octet-stream"
EVENTS = "text/event-stream"
STREAM_WAIT_S = 30.0  # the server sends a comment more often than that
NOT_MODIFIED = 304
REFUSED = 400
REPEATED = frozenset({429, 503})
KEY_IN_USE = "IdempotencyKeyInUse"
SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Operation:
    """What there is to know of an operation of the API."""

    name: str
    method: str
    path: str
    answers: Mapping[int, str]  # the name of the record of each status of success
    makes_key: bool  # whether a call gets an Idempotency-Key by itself
    accept: str = JSON


@dataclass(frozen=True)
class Retries:
    """When a call is sent again: after a broken connection, 429 and 503.

    The pause before the repeat ``n`` is chosen at random between zero and ``first_s`` times ``2 ** n``, at most
    ``longest_s``. It is never shorter than what ``Retry-After`` says. If that is more than ``retry_after_s_max``, the
    error is raised at once.
    """

    count: int = 2
    first_s: float = 0.5
    longest_s: float = 8.0
    retry_after_s_max: float = 60.0

    def choose_pause(self, repeat: int, retry_after_s: float | None, roll: Callable[[float, float], float]) -> float:
        """Give the pause before a repeat. The first repeat has the number 0."""
        pause = roll(0.0, min(self.longest_s, self.first_s * 2.0**repeat))
        return max(pause, retry_after_s or 0.0)


@dataclass(frozen=True)
class Timeouts:
    """How long one attempt may wait, in seconds. What the API itself was asked to wait is added to ``read_s``."""

    connect_s: float = 5.0
    read_s: float = 30.0
    write_s: float = 30.0
    pool_s: float = 30.0


@dataclass(frozen=True)
class CallOptions:
    """What one call does in another way than the client's other calls."""

    deadline_s: float | None = None
    retries: Retries | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """One request, as hooks see it. It has no header and no body, so no secret."""

    operation: str
    method: str
    path: str  # as in the API's document: `/api/v2/vehicles/{vin}`
    number: int  # 1 is the first


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: with the status of an answer, or with an error."""

    seconds: float
    status: int | None = None
    request_id: str = ""
    error: str = ""


@dataclass(frozen=True)
class Hooks:
    """Functions that are called around each attempt.

    ``before`` may give headers to add, such as ``traceparent``. ``after`` gets what ``before`` got, and the ending.
    """

    before: Callable[[Attempt], Mapping[str, str] | None] | None = None
    after: Callable[[Attempt, Ending], None] | None = None


@dataclass(frozen=True)
class Reply:
    """An answer that has arrived."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Prepared:
    """A request that is ready to be sent, several times if need be."""

    operation: Operation
    target: str
    headers: Mapping[str, str]
    content: bytes | os.PathLike[str] | None
    wait_s: float


def give_user_agent(library: str) -> str:
    """Give the header that says which client this is."""
    return f"padron-client/{__version__} python/{sys.version_info[0]}.{sys.version_info[1]} {library}"


def prepare(
    operation: Operation,
    *,
    path: Mapping[str, object],
    query: Mapping[str, object],
    headers: Mapping[str, str | None],
    body: object,
    content: bytes | os.PathLike[str] | None,
    options: CallOptions,
) -> Prepared:
    """Make a request of what a method got."""
    sent = {"Accept": operation.accept, **options.headers}
    sent.update({name: value for name, value in headers.items() if value is not None})
    if operation.makes_key and "Idempotency-Key" not in sent:
        import uuid  # noqa: PLC0415 - only such calls need it

        sent["Idempotency-Key"] = str(uuid.uuid4())
    if body is not None:
        from padron_client.records import to_json  # noqa: PLC0415 - what has no body needs no msgspec

        content, sent["Content-Type"] = to_json(body), JSON
    elif content is not None:
        sent["Content-Type"] = FILE
    pairs = [pair for name, value in query.items() for pair in list_pairs(name, value)]
    wait = query["wait"] if "wait" in query else getattr(body, "wait", None)
    return Prepared(
        operation=operation,
        target=write_path(operation.path, path) + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""),
        headers=sent,
        content=content,
        wait_s=STREAM_WAIT_S if operation.accept == EVENTS else float(wait) if isinstance(wait, int) else 0.0,
    )


def write_path(template: str, parts: Mapping[str, object]) -> str:
    """Put values into a path. Raises ValueError for an empty one, which would be another path."""
    for name, value in parts.items():
        text = quote(str(value), safe="")
        if text in {"", ".", ".."}:
            message = f"{name} must not be {str(value)!r}."
            raise ValueError(message)
        template = template.replace(f"{{{name}}}", text)
    return template


def list_pairs(name: str, value: object) -> list[tuple[str, str]]:
    """Give the parameters of a query for a value: several for a sequence, none for None."""
    if value is None:
        return []
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [pair for each in value for pair in list_pairs(name, each)]
    return [(name, write_value(value))]


def write_value(value: object) -> str:
    """Give the text of a value in a query. Raises ValueError for an instant without a time zone."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            message = f"The instant {value.isoformat()} has no time zone. Give it one, such as timezone.utc."
            raise ValueError(message)
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return str(value)


def read_retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Give the seconds of ``Retry-After``, which is a number or a date. None when it is missing or cannot be read."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    if not value:
        return None
    import email.utils  # noqa: PLC0415 - hardly a server sends a date

    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now())
    except (TypeError, ValueError):
        return None


def read_answer(operation: Operation, reply: Reply, attempts: int) -> Any:  # noqa: ANN401 - a record, or any JSON
    """Give the record of a successful answer. Raises what else it means."""
    if reply.status not in operation.answers:
        raise read_error(reply, attempts)
    from padron_client import decoding  # noqa: PLC0415 - a program that only imports this package needs no msgspec

    return decoding.read(operation.answers[reply.status], reply, attempts)


def read_error(reply: Reply, attempts: int) -> Exception:
    """Give the exception for an answer that is no success."""
    if reply.status == NOT_MODIFIED:
        return NotModified(reply.headers.get("etag"))
    if reply.status >= REFUSED and reply.headers.get("content-type", "").startswith("application/problem+json"):
        members = read_members(reply.body)
        if members is not None:
            kind = give_class(reply.status, members.get("errorDetail"))
            return kind(
                members,
                status=reply.status,
                request_id=reply.headers.get("x-request-id", ""),
                retry_after_s=read_retry_after(reply.headers),
                attempts=attempts,
            )
    # Its body is not shown: a program that is not Padrón may repeat the request's headers in it, with the key.
    form = reply.headers.get("content-type", "no type")[:SHOWN_CHARACTERS]
    message = f"The answer has the status {reply.status} and {form}, and is not one of Padrón's. Check the address."
    return UnexpectedAnswer(message, status=reply.status)


def read_members(body: bytes) -> Mapping[str, Any] | None:
    """Give the members of a JSON object, or None for anything else."""
    import json  # noqa: PLC0415 - only for errors

    try:
        members = json.loads(body)
    except ValueError:
        return None
    return members if isinstance(members, dict) else None


def should_repeat(error: Exception, *, has_key: bool, attempts: int) -> bool:
    """Say whether an error may be gone at another attempt.

    When an earlier attempt of the same call is still under way, its key is in use: the call then waits for its answer.
    """
    if not isinstance(error, ApiError):
        return False
    if error.status in REPEATED:
        return True
    return has_key and attempts > 1 and error.error_detail == KEY_IN_USE


@functools.lru_cache(maxsize=1)
def give_random() -> random.Random:
    """Give the source of pauses. They need no secrecy, but forked processes must not pause alike."""
    import random  # noqa: PLC0415 - only a repeat needs it

    return random.SystemRandom()
