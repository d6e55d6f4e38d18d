"""Makes records of the bytes of an answer. Loaded with the first answer."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec

from padron_client import models
from padron_client.calls import Reply
from padron_client.errors import UnexpectedAnswer
from padron_client.records import Answer, Done, Head

T = TypeVar("T")

_CHANGES = frozenset(
    str(kind.__struct_config__.tag) for kind in models.Change.__args__ if kind is not models.UnknownChange
)


@functools.cache
def _give_decoder(name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(getattr(models, name) if name else dict[str, Any])


def read(name: str, reply: Reply, attempts: int) -> Any:  # noqa: ANN401 - the record with this name
    """Give the record of an answer. Raises UnexpectedAnswer for a body that has another form."""
    record = Done() if name == "Done" else decode(name, reply)
    if isinstance(record, Answer):
        record.__dict__["head_"] = read_head(reply, attempts)
    return record


def read_head(reply: Reply, attempts: int) -> Head:
    """Give what the headers of an answer say."""
    headers = reply.headers
    return Head(
        status=reply.status,
        request_id=headers.get("x-request-id", ""),
        etag=headers.get("etag"),
        location=headers.get("location"),
        planned_change=headers.get("padron-planned-change"),
        is_replayed=headers.get("idempotency-replayed") == "true",
        attempts=attempts,
    )


def decode(name: str, reply: Reply) -> Any:  # noqa: ANN401 - the record with this name
    """Give the record of a body."""
    try:
        return _give_decoder(name).decode(reply.body)
    except msgspec.ValidationError as error:
        return _decode_newer(name, reply, error)
    except msgspec.DecodeError as error:
        raise _refuse(name, reply, error) from error


def _decode_newer(name: str, reply: Reply, error: Exception) -> Any:  # noqa: ANN401 - the record with this name
    """Decode an answer with a change of a type that is newer than this client: that one becomes an UnknownChange."""
    try:
        return msgspec.convert(replace_unknown(msgspec.json.decode(reply.body)), getattr(models, name))
    except msgspec.ValidationError:
        raise _refuse(name, reply, error) from error


def replace_unknown(node: object) -> object:
    """Mark the changes whose type is not known."""
    if isinstance(node, list):
        return [replace_unknown(each) for each in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if isinstance(kind, str) and "number" in node and "operational" in node and kind not in _CHANGES:
        return {"type": "", "kind": kind, "members": node}
    return {key: replace_unknown(value) for key, value in node.items()}


def _refuse(name: str, reply: Reply, error: Exception) -> UnexpectedAnswer:
    message = f"The answer is not the {name or 'object'} that it should be: {error}."
    return UnexpectedAnswer(message, status=reply.status)


def read_change(data: bytes) -> models.Change:
    """Give the change that an event of the feed carries."""
    reply = Reply(status=200, headers={}, body=b'{"changes":[%s],"nextCursor":"","more":false}' % data)
    change: models.Change = decode("ChangeList", reply).changes[0]
    return change


_PAYLOADS = msgspec.json.Decoder(models.WebhookPayload)


def read_payload(body: bytes) -> models.WebhookPayload | None:
    """Give what the message of a webhook says, or None for one that is newer than this client."""
    try:
        payload: models.WebhookPayload = _PAYLOADS.decode(body)
    except msgspec.ValidationError:
        return None
    return payload


def convert(value: Any, kind: type[T]) -> T:  # noqa: ANN401 - any JSON
    """Give the records for JSON that was read before."""
    return msgspec.convert(value, kind)
