"""The fields of recent requests, whose heads were checked and parsed and whose keys were found.

Most clients send the same fields with each request, byte for byte, except for the length of the body. The same bytes
mean the same on any connection, so they are neither checked nor parsed again. Only the request line is read, and only a
plain one. Whatever differs takes the way of every first request.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from padron.domain.idempotency import Headers
from padron.http.calls import TARGET_BYTES_MAX

ENTRIES_MAX = 4_096
FIELDS_BYTES_MAX = 2_048  # of an entry
FIELDS_MAX = 32

# No HEAD, whose answers have no bodies, and in the address only characters that every parser takes.
_match_line = re.compile(
    rb"(DELETE|GET|PATCH|POST|PUT) (/[0-9A-Za-z._~/-]*)(?:\?([0-9A-Za-z._~/=&:-]*))? HTTP/1\.1"
).fullmatch
_LINE_BYTES_MAX = TARGET_BYTES_MAX  # method and version count too, so a longer line is left to the check
_find_length = re.compile(rb"\r\n(?i:content-length):[\t ]*([0-9]{1,5})(?![0-9])").search


class PlainLine(NamedTuple):
    """The parts of a request line of HTTP/1.1, with the address as the client sent it."""

    method: str
    path: bytes
    query: bytes


@dataclass(slots=True)
class KnownFields:
    """Fields that were checked. Nothing here comes from a connection, because any connection may send them."""

    fields: Headers
    headers: dict[bytes, bytes]
    digest: bytes  # of the token, by which the key is asked for at each request
    length: bytes  # the digits of Content-Length
    place: int  # where they are
    size: int  # of the body
    is_asked: bool = False  # since the table looked at it for the last time

    def change_length(self, length: bytes) -> "KnownFields":
        """Give the same fields for a body of another length."""
        fields = tuple((name, length if name == b"content-length" else value) for name, value in self.fields)
        return KnownFields(fields, dict(fields), self.digest, length, self.place, int(length))


class KnownTable:
    """The fields of recent requests of a process. They are found by their bytes, with any length of the body.

    The bytes have the key too, so nobody finds what another client sent. When the table is full, a new entry takes the
    place of the oldest one that nobody asked for lately. So a client that sends ever new fields takes the places of
    those that seldom send something, and these lose the time of a first request.
    """

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        """With no entries, nothing is ever known."""
        self._entries_max = entries_max
        self._known: dict[bytes, KnownFields] = {}  # by their bytes without the digits of Content-Length
        self._line: deque[bytes] = deque()  # the same bytes, and first those that are looked at next

    def __len__(self) -> int:
        """Give the number of entries."""
        return len(self._known)

    def find(self, given: bytes) -> KnownFields | None:
        """Give what is known of the fields with these bytes: all between a request line and the body."""
        if len(given) > FIELDS_BYTES_MAX:
            return None
        digits = _find_digits(given)
        key = given[: digits.start] + given[digits.stop :]
        known = self._known.get(key)
        if known is None or known.place != digits.start:
            return None
        length = given[digits]
        if known.length != length:
            known = self._known[key] = known.change_length(length)
        known.is_asked = True
        return known

    def keep(self, given: bytes, fields: Headers, headers: dict[bytes, bytes], digest: bytes) -> None:
        """Keep checked fields of a request without a chunked body. ``headers`` has as many entries as ``fields``."""
        if len(given) > FIELDS_BYTES_MAX or len(fields) > FIELDS_MAX or not self._entries_max:
            return
        digits = _find_digits(given)
        length = given[digits]
        if headers.get(b"content-length", b"") != length:
            return  # it has more digits than a known one may have
        key = given[: digits.start] + given[digits.stop :]
        if key not in self._known:
            if len(self._known) >= self._entries_max:
                self._drop()
            self._line.append(key)
        self._known[key] = KnownFields(fields, headers, digest, length, digits.start, int(length or b"0"))

    def _drop(self) -> None:
        """Forget the first entry in the line that nobody asked for. Each other one goes to the end of the line."""
        while True:
            key = self._line.popleft()
            known = self._known[key]
            if not known.is_asked:
                del self._known[key]
                return
            known.is_asked = False
            self._line.append(key)


def _find_digits(given: bytes) -> "slice[int, int, None]":
    """Say where some bytes, which need not be right, have the digits of the first Content-Length; nothing at 0 if not.

    Bytes that are the same without the digits, and have them at the same place, mean the same but for the length.
    """
    found = _find_length(given)
    return slice(0, 0) if found is None else slice(found.start(1), found.end(1))


def match_line(line: bytes) -> PlainLine | None:
    """Give the parts of a plain request line of HTTP/1.1; None for any other line."""
    matched = _match_line(line) if len(line) <= _LINE_BYTES_MAX else None
    if matched is None:
        return None
    method, path, query = matched.groups(b"")
    return PlainLine(method.decode(), path, query)
