"""Checks the head of a request before the parser sees it: its form (RFC 9112), and the limits of the edge.

The parser is lenient where proxies and servers may understand a request differently. So the form is checked here, in
one pass over the bytes, and only what has exactly one meaning is let through.
"""

import re
from enum import Enum
from typing import NamedTuple

from padron.domain.idempotency import Headers
from padron.domain.quoting import quote, show_word
from padron.http.answers import problems
from padron.http.answers.problem import ProblemError
from padron.http.calls import (
    CLOSE,
    HEADER_BYTES_MAX,
    HEADER_COUNT_MAX,
    TARGET_BYTES_MAX,
    match_host,
    refuse_headers,
    refuse_host,
    refuse_target,
)

END = b"\r\n\r\n"
METHOD_BYTES_MAX = 32
# Without the end of the head, no more bytes than these are kept: request line and headers.
HEAD_BYTES_MAX = METHOD_BYTES_MAX + TARGET_BYTES_MAX + len("  HTTP/1.1\r\n") + HEADER_BYTES_MAX + len(END)
LENGTH_DIGITS_MAX = 18

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_LINE = rb"%b{1,32} [\x21\x22\x24-\x7e]{1,%d} HTTP/1\.[01]\r\n" % (_TOKEN, TARGET_BYTES_MAX)
_FIELD = rb"%b+:[\t\x20-\x7e\x80-\xff]*\r\n" % _TOKEN
# Each part ends with a character that the part before it cannot contain, so the time is linear.
_match_head = re.compile(rb"%b(?:%b)*\r\n" % (_LINE, _FIELD)).fullmatch
_match_field = re.compile(_FIELD).fullmatch
_match_method = re.compile(rb"%b{1,32}" % _TOKEN).fullmatch
_match_version = re.compile(rb"HTTP/([0-9])\.([0-9])").fullmatch
_match_bare_line_end = re.compile(rb"(?:^|[^\r])\n|\r[^\n]").search
_find_invisible = re.compile(rb"[^\t\r\n\x20-\x7e]").search
_match_empty_lines = re.compile(rb"(?:\r\n)+").match
_match_whole_address = re.compile(rb"(?i:https?)://([^/?]+)(.*)").fullmatch
_hide_upgrade = re.compile(rb"\r\n(?i:upgrade):[^\r]*(?=\r\n)").sub
# The look back keeps the time linear: a match begins only where the white space begins.
_trim_line_ends = re.compile(rb"(?<![\t ])[\t ]+(?=\r\n)").sub
_match_length = re.compile(rb"[0-9]{1,%d}" % LENGTH_DIGITS_MAX).fullmatch

# They are refused here, because no route may see them: TRACE repeats secrets, and CONNECT asks for a tunnel.
_REFUSED_METHODS = (b"TRACE ", b"CONNECT ")
KNOWN_METHODS = (b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT")
_SHOWN = 40


class RequestTarget(NamedTuple):
    """The address of a request, as the client sent it, and the host that a whole address names."""

    path: bytes
    query: bytes
    host: bytes | None = None


class Framing(Enum):
    """How the end of a body is found."""

    LENGTH = "length"
    CHUNKED = "chunked"


def check_head(head: bytes) -> None:
    """Raise a refusal unless the head, with its empty last line, has the right form and size."""
    if (
        _match_head(head) is None
        or head.count(b"\n") > HEADER_COUNT_MAX + 2
        or head.startswith(_REFUSED_METHODS)
        or len(head) - head.index(b"\n") > HEADER_BYTES_MAX + len(END) - 1
    ):
        raise _explain(head)


def check_beginning(beginning: bytes, searched: int) -> None:
    """Raise a refusal for a head that is not complete and can never be right. ``searched`` bytes were checked before.

    Without this check, a head with wrong line ends would have no end, and would only be refused when its time is over.
    """
    line_end = beginning.find(b"\n", 0, HEAD_BYTES_MAX)
    if searched <= line_end or line_end < 0:
        _check_visible(beginning[: line_end if line_end >= 0 else None])
    if line_end < 0 and len(beginning) > METHOD_BYTES_MAX + TARGET_BYTES_MAX + len("  HTTP/1.1\r\n"):
        raise _explain_line(beginning)
    if _match_bare_line_end(beginning, max(0, searched - 1)) is not None:
        raise _refuse_line_end()
    if line_end >= 0 and searched <= line_end:
        _check_line(beginning[: line_end + 1])
    if beginning.count(b"\n") - 1 > HEADER_COUNT_MAX or len(beginning) - line_end > HEADER_BYTES_MAX + len(END):
        raise refuse_headers()


def check_fields(fields: Headers, headers: dict[bytes, bytes], *, is_old: bool) -> Framing:
    """Give how the body is framed. ``headers`` are the fields by name in lower case; ``is_old`` means HTTP/1.0.

    Raises a refusal for fields that two servers could understand differently (RFC 9112, 6.3 and 11.2).
    """
    if len(headers) != len(fields):
        _check_twice(fields)
    if match_host(headers.get(b"host", b"")) is None:
        raise refuse_host()
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if length is not None:
        if coding is not None:
            raise _refuse("The request has Content-Length and Transfer-Encoding. Send only one of them.")
        if _match_length(length) is None:
            raise _refuse(f"Content-Length is {quote(length.decode('latin-1'), _SHOWN)}. Send the number of bytes.")
    if coding is None:
        return Framing.LENGTH
    if is_old:
        raise _refuse("HTTP/1.0 has no Transfer-Encoding. Send Content-Length, or use HTTP/1.1.")
    if coding.lower() != b"chunked":
        shown = quote(coding.decode("latin-1"), _SHOWN)
        raise _refuse(f"Transfer-Encoding is {shown}. The server takes only chunked.")
    return Framing.CHUNKED


def join_fields(fields: Headers) -> dict[bytes, bytes]:
    """Give fields by name. Several lines of one name mean the same as a list in one line (RFC 9110, 5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def expects_continue(headers: dict[bytes, bytes], version: str) -> bool:
    """Say whether the client waits for 100 before it sends the body. HTTP/1.0 has none (RFC 9110, 10.1.1)."""
    return version == "1.1" and headers.get(b"expect", b"").lower() == b"100-continue"


def skip_empty_lines(data: bytes) -> bytes:
    """Give what follows the empty lines that a client may send before a request (RFC 9112, 2.2)."""
    matched = _match_empty_lines(data)
    return data if matched is None else data[matched.end() :]


def simplify(head: bytes) -> bytes:
    """Give a head as the parser understands it best.

    Without its Upgrade: nothing here upgrades, so the request is answered as it is (RFC 9110, 7.8), and the parser
    would take its body for another protocol. Without tabs behind a value, which may be there (RFC 9112, 5.1): the
    parser would take them for a part of the value.
    """
    if b"\t" in head:
        head = _trim_line_ends(b"", head)
    return _hide_upgrade(b"", head) if b"pgrade" in head.lower() else head


def split_target(method: str, target: bytes) -> RequestTarget:
    """Give the path and the query of an address. A whole address, as for a proxy, names the host as well.

    This host is then the request's, whatever its header Host says (RFC 9112, 3.2.2).
    """
    if target == b"*" and method == "OPTIONS":
        return RequestTarget(target, b"")
    host = None
    if not target.startswith(b"/"):
        matched = _match_whole_address(target)
        if matched is None:
            raise _refuse("The address does not begin with a slash. Send the path, such as /docs.")
        host = matched[1]
        if match_host(host) is None:
            raise refuse_host()
        target = matched[2] if matched[2].startswith(b"/") else b"/" + matched[2]
    path, _, query = target.partition(b"?")
    return RequestTarget(path, query, host)


def refuse_unparsable() -> ProblemError:
    """Give the refusal for a request that the parser does not take, such as one with a wrong chunk."""
    return _refuse("The request is not valid HTTP/1.1: the server's parser cannot read it.")


def read_fields(head: bytes) -> Headers:
    """Give the fields of a head whose form is right, without the parser."""
    lines = head.removesuffix(END).split(b"\r\n")[1:]
    return tuple((name.lower(), value.strip(b" \t")) for name, _, value in (one.partition(b":") for one in lines))


def replace_host(fields: Headers, host: bytes) -> Headers:
    """Give fields with another Host."""
    return tuple((name, host if name == b"host" else value) for name, value in fields)


def explain_unparsable(head: bytes) -> ProblemError:
    """Give the refusal for a head whose form is right, but which the parser does not take."""
    line = head.partition(b"\r\n")[0]
    fields = read_fields(head)
    try:
        check_fields(fields, dict(fields), is_old=line.endswith(b"1.0"))
    except ProblemError as refusal:
        return refusal
    method = line.partition(b" ")[0]
    return refuse_unparsable() if method in KNOWN_METHODS else _refuse_method(method)


def _check_twice(fields: Headers) -> None:
    names = [name for name, _ in fields]
    if names.count(b"host") > 1:
        raise refuse_host()
    for name in (b"content-length", b"transfer-encoding"):
        if names.count(name) > 1:
            raise _refuse(f"The request has {name.decode().title()} more than once. Send it once.")


def _explain(head: bytes) -> ProblemError:
    """Give the refusal for a head that is not right: its first fault."""
    line, _, rest = head.partition(b"\n")
    if _match_bare_line_end(head) is not None:
        return _refuse_line_end()
    try:
        _check_line(line + b"\n")
    except ProblemError as refusal:
        return refusal
    fields = rest.removesuffix(b"\r\n").splitlines(keepends=True)
    if len(fields) > HEADER_COUNT_MAX or len(rest) > HEADER_BYTES_MAX + len(b"\r\n"):
        return refuse_headers()
    for field in fields:
        if field.startswith((b" ", b"\t")):
            return _refuse("A header is continued on a second line. Send each header on one line.")
        if _match_field(field) is None:
            shown = quote(field.rstrip(b"\r\n").partition(b":")[0].decode("latin-1"), _SHOWN)
            return _refuse(
                f"The header {shown} is malformed. Send a name, a colon without a space before it, and a "
                "value without control characters."
            )
    return refuse_unparsable()


def _check_visible(line: bytes) -> None:
    """Raise a refusal for a line with other bytes than text, such as the beginning of TLS on a port without it."""
    if _find_invisible(line) is not None:
        raise _explain_line(line)


def _check_line(line: bytes) -> None:
    """Raise a refusal unless the request line is right."""
    method, _, rest = line.removesuffix(b"\r\n").partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if _match_method(method) is None or not target:
        raise _explain_line(line)
    if line.startswith(_REFUSED_METHODS):
        raise _refuse_method(method)
    if len(target) > TARGET_BYTES_MAX:
        raise refuse_target()
    matched = _match_version(version)
    if matched is None or matched[1] != b"1" or matched[2] not in {b"0", b"1"}:
        shown = quote(version.decode("latin-1"), _SHOWN)
        raise _refuse(f"The request line ends with {shown}. The server speaks HTTP/1.1 and HTTP/1.0.")
    if b"#" in target:
        raise _refuse("The address has a fragment, which begins with #. Send the address without it.")
    if not all(0x21 <= byte <= 0x7E for byte in target):  # noqa: PLR2004 - the visible characters of ASCII
        raise _refuse("The address has a character that is not visible ASCII. Write it in percent-encoding.")


def _explain_line(line: bytes) -> ProblemError:
    if line.count(b" ") and len(line) > METHOD_BYTES_MAX + TARGET_BYTES_MAX and _match_method(line.partition(b" ")[0]):
        return refuse_target()
    return _refuse("The request line is malformed. Send a method, an address and HTTP/1.1, with one space between.")


def _refuse_method(method: bytes) -> ProblemError:
    detail = f"The server takes no {show_word(method.decode())} requests."
    return ProblemError(problems.METHOD_NOT_ALLOWED, detail, ((b"allow", b", ".join(KNOWN_METHODS)), *CLOSE))


def _refuse_line_end() -> ProblemError:
    return _refuse("A line of the head does not end with CR LF. End each line with both.")


def _refuse(detail: str) -> ProblemError:
    return ProblemError(problems.MALFORMED_REQUEST, detail, CLOSE)
