"""Reads JSON bodies strictly: UTF-8, known members, each once, integers that are integers (contract 2)."""

import json
from typing import Any, TypeVar

import msgspec

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.http import problems
from padron.http.calls import BODY_BYTES_MAX, Call
from padron.http.problems import Refusal

T = TypeVar("T")

_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}


async def read_json(call: Call, shape: type[T], size_max: int = BODY_BYTES_MAX, *, absent: bytes = b"") -> T:
    """Give the body as ``shape``, or ``absent`` where there is none.

    Raises ``bad_parameters`` and says what is wrong and where.
    """
    _check_content_type(call.headers.get(b"content-type"))
    body = await call.read_body(size_max) or absent
    if not body:
        raise PadronError(Code.BAD_PARAMETERS, "The body is missing: send a JSON object.")
    value = decode_shape(shape, body)
    if body.count(b'"') > 2:  # noqa: PLR2004 - two quotes are one name and no text: no member can occur twice
        _check_no_member_twice(body)
    return value


def decode_shape(shape: type[T], text: bytes) -> T:
    """Give JSON as ``shape``. Raises ``bad_parameters`` and says what is wrong and where."""
    decoder = _DECODERS.get(shape)
    if decoder is None:
        decoder = _DECODERS[shape] = msgspec.json.Decoder(shape)
    try:
        value: T = decoder.decode(text)
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: text that is not UTF-8, endless digits
        raise PadronError(Code.BAD_PARAMETERS, f"The body is not what this call takes: {_word(error)}.") from error
    except RecursionError:  # only where a member may be any JSON
        raise _refuse_depth() from None
    return value


def _check_content_type(content_type: bytes | None) -> None:
    if content_type is None or content_type == b"application/json":
        return
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    main, _, sub = media_type.strip().partition("/")
    is_json = main == "application" and (sub == "json" or sub.endswith("+json"))
    charsets = [
        value.strip(' "') for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "charset"
    ]
    if not is_json or any(charset != "utf-8" for charset in charsets):
        detail = f"The body is declared as {quote(content_type.decode('latin-1'))}: send JSON in UTF-8."
        raise Refusal(problems.UNSUPPORTED_MEDIA_TYPE, detail)


def _check_no_member_twice(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_refuse_twice)
    except RecursionError:
        raise _refuse_depth() from None
    except ValueError as error:  # only inside a member that may be any JSON, which the decoder leaves as it is
        raise PadronError(Code.BAD_PARAMETERS, f"The body is not JSON in UTF-8: {_word(error)}.") from error


def _refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for name, value in pairs:
        if name in seen:
            raise PadronError(Code.BAD_PARAMETERS, f"The body has the member {quote(name)} twice.")
        seen[name] = value
    return seen


def _refuse_depth() -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, "The body is nested too deeply.")


def _word(error: Exception) -> str:
    text = str(error).rstrip(".")
    return text[0].lower() + text[1:] if text else "it is not JSON"
