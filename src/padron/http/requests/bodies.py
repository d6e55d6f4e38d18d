"""Reads JSON bodies strictly: UTF-8, known members, each once, integers that are integers (contract 2)."""

import asyncio
import json
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import StructConfig

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.calls import BODY_BYTES_MAX, Call
from padron.http.requests.json_faults import join_path, word_encoding, word_fault, word_twice

T = TypeVar("T")

_AT_ONCE_MAX = 65_536  # bytes; scanning more on the event loop would delay all other calls

_NAMES: dict[type, tuple[bytes, ...]] = {}
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}  # type: ignore[explicit-any]  # each gives its own shape


async def read_json(call: Call, shape: type[T], size_max: int = BODY_BYTES_MAX, *, absent: bytes = b"") -> T:
    """Give the body as ``shape``. ``absent`` replaces a missing body.

    Raises ``bad_parameters`` and says what is wrong and where.
    """
    _check_content_type(call.headers.get(b"content-type"))
    body = await call.read_body(size_max) or absent
    if len(body) <= _AT_ONCE_MAX:
        return _parse(body, shape)
    value = decode_shape(shape, body)
    await asyncio.to_thread(_check_no_member_twice, body)
    return value


def parse_json(call: Call, body: bytes, shape: type[T]) -> T:
    """Give a small body that has arrived as ``shape``. Raises what ``read_json`` raises."""
    _check_content_type(call.headers.get(b"content-type"))
    return _parse(body, shape)


def _parse(body: bytes, shape: type[T]) -> T:
    if not body:
        raise PadronError(Code.BAD_PARAMETERS, "The body is missing. Send a JSON object.")
    value = decode_shape(shape, body)
    # Two quotes are one name without text, so no member can occur twice.
    if body.count(b'"') > 2 and not _is_surely_once(body, shape):  # noqa: PLR2004
        _check_no_member_twice(body)
    return value


def _is_surely_once(body: bytes, shape: type) -> bool:
    """Say that no member of a decoded body occurs twice, if that is quick to see.

    It is where one object has only members that the shape names, and no name is there twice as it is written.
    """
    if body.count(b"{") != 1 or b"\\" in body:
        return False
    names = _NAMES.get(shape)
    if names is None:
        names = _NAMES[shape] = _list_names(shape)
    return bool(names) and all(body.count(name) <= 1 for name in names)


def _list_names(shape: type) -> tuple[bytes, ...]:
    """Give the names of a shape's members in quotes, if it has no other members."""
    config: StructConfig | None = getattr(shape, "__struct_config__", None)
    if config is None or not config.forbid_unknown_fields:
        return ()
    return tuple(f'"{field.encode_name}"'.encode() for field in msgspec.structs.fields(shape))


def decode_shape(shape: type[T], text: bytes, within: str = "") -> T:
    """Give JSON as ``shape``. Raises ``bad_parameters`` and says what is wrong and where.

    ``within`` names the member of the body that holds the text, unless the text is the whole body.
    """
    decoder = _DECODERS.get(shape)
    if decoder is None:
        decoder = _DECODERS[shape] = msgspec.json.Decoder(shape)
    try:
        value: T = decoder.decode(text)
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: text that is not UTF-8
        raise PadronError(Code.BAD_PARAMETERS, word_fault(error, text, shape, within)) from error
    except RecursionError:  # possible only where a member may be any JSON
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
        detail = f"The request declares the body as {quote(content_type.decode('latin-1'))}. Send JSON in UTF-8."
        raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, detail)


def _check_no_member_twice(body: bytes) -> None:
    try:
        json.loads(body, object_pairs_hook=_refuse_twice)
    except RecursionError:
        raise _refuse_depth() from None
    except UnicodeDecodeError as error:
        raise PadronError(Code.BAD_PARAMETERS, word_encoding(body)) from error
    except ValueError as error:  # only inside a member that may be any JSON, which the decoder does not check
        raise PadronError(Code.BAD_PARAMETERS, "The body has a number with too many digits, or is not JSON.") from error
    except _TwiceError:
        twice = _find_twice(body)
        raise PadronError(Code.BAD_PARAMETERS, word_twice(twice.name, twice.path)) from None


class _TwiceError(Exception):
    """A member occurs twice somewhere."""


class _Twice(NamedTuple):
    """A member that occurs twice, and the path of its object."""

    name: str
    path: str


class _Members(list[tuple[str, object]]):
    """The members of an object, including those that occur twice."""


def _refuse_twice(pairs: list[tuple[str, object]]) -> None:
    if len(pairs) != len(dict(pairs)):
        raise _TwiceError


def _find_twice(body: bytes) -> _Twice:
    """Give the first member that occurs twice, and the path of its object. Slower, and so only for the refusal."""
    open_values: list[tuple[str, object]] = [("", json.loads(body, object_pairs_hook=_Members))]
    while open_values:
        path, value = open_values.pop()
        if isinstance(value, _Members):
            seen: set[str] = set()
            for name, _ in value:
                if name in seen:
                    return _Twice(name, path)
                seen.add(name)
            open_values += [(join_path(path, name), inner) for name, inner in reversed(value)]
        elif isinstance(value, list):
            open_values += [(f"{path}[{index}]", inner) for index, inner in reversed([*enumerate(value)])]
    raise ValueError("No member occurs twice.")


def _refuse_depth() -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, "The body is nested too deeply. Send fewer levels.")
