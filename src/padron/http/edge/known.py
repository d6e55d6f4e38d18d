"""The fields of a connection's last request, whose head was checked and parsed.

Most clients send the same fields with each request, byte for byte, except for the length of the body. The same bytes
mean the same, so they are neither checked nor parsed again. Only the request line is read, and only a plain one.
Whatever differs takes the way of every first request.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from padron.domain.idempotency import Headers
from padron.http.calls import TARGET_BYTES_MAX

FIELDS_BYTES_MAX = 2_048  # that a connection keeps
_DIGITS_MAX = 5

# No HEAD, whose answers have no bodies, and in the address only characters that every parser takes.
_match_line = re.compile(
    rb"(DELETE|GET|PATCH|POST|PUT) (/[0-9A-Za-z._~/-]*)(?:\?([0-9A-Za-z._~/=&:-]*))? HTTP/1\.1"
).fullmatch
_LINE_BYTES_MAX = TARGET_BYTES_MAX  # method and version count too, so a longer line is left to the check
_find_length = re.compile(rb"\r\n(?i:content-length):[\t ]*(?=[0-9])").search


class PlainLine(NamedTuple):
    """The parts of a request line of HTTP/1.1, with the address as the client sent it."""

    method: str
    path: bytes
    query: bytes


@dataclass(slots=True)
class KnownFields:
    """Fields that were checked, and their bytes: all between a request line and the body."""

    fields: Headers
    headers: dict[bytes, bytes]
    _bytes: bytes
    _before: bytes  # the digits of Content-Length; all bytes without that header
    _behind: bytes
    size: int  # of the body

    def find_same(self, given: bytes) -> "KnownFields | None":
        """Give the fields of some bytes; None unless they are the same, with any length of the body."""
        if given == self._bytes:
            return self
        before, behind = self._before, self._behind
        if not behind or not given.startswith(before) or not given.endswith(behind):
            return None
        digits = given[len(before) : len(given) - len(behind)]
        if not digits.isdigit() or len(digits) > _DIGITS_MAX:
            return None
        fields = tuple((name, digits if name == b"content-length" else value) for name, value in self.fields)
        return KnownFields(fields, dict(fields), given, before, behind, int(digits))


def keep_fields(given: bytes, fields: Headers, headers: dict[bytes, bytes]) -> KnownFields | None:
    """Give checked fields to keep, of a request whose body has a length. ``headers`` has as many entries as ``fields``.

    ``given`` are their bytes, from the end of the request line on. None for more bytes than a connection keeps.
    """
    if len(given) > FIELDS_BYTES_MAX:
        return None
    length = headers.get(b"content-length")
    found = _find_length(given)
    if length is None or found is None:
        return KnownFields(fields, headers, given, given, b"", 0) if length is None else None
    return KnownFields(fields, headers, given, given[: found.end()], given[found.end() + len(length) :], int(length))


def match_line(line: bytes) -> PlainLine | None:
    """Give the parts of a plain request line of HTTP/1.1; None for any other line."""
    matched = _match_line(line) if len(line) <= _LINE_BYTES_MAX else None
    if matched is None:
        return None
    method, path, query = matched.groups(b"")
    return PlainLine(method.decode(), path, query)
