"""Reads SQLite's log (the file with ``-wal``) as its format says: a head, then frames with one page each.

A frame whose second number is not zero ends a transaction. Each frame repeats the salts of the head, which are new
whenever SQLite starts the log again.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEAD_BYTES = 32
FRAME_HEAD_BYTES = 24
MAGICS = (0x377F0682, 0x377F0683)

_HEAD = struct.Struct(">III")
_SALT_VALUES = 1 << 32


class LogLostError(Exception):
    """The log is not the continuation of what was read before. A new base is necessary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogHead:
    """The head of the log."""

    raw: bytes
    page_bytes: int
    salts: bytes

    @property
    def frame_bytes(self) -> int:
        """The length of a frame: its own head and a page."""
        return FRAME_HEAD_BYTES + self.page_bytes

    def is_next_after(self, earlier: "LogHead") -> bool:
        """Say whether SQLite started the log exactly once since the earlier head. Each start adds 1 to the salt."""
        salt, before = (int.from_bytes(head.salts[:4]) for head in (self, earlier))
        return salt == (before + 1) % _SALT_VALUES


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """The end of a transaction: its last frame, the size of the database then, and the instant."""

    frame: int
    page_count: int
    at_us: int  # microseconds since 1970


def parse_head(raw: bytes) -> LogHead | None:
    """Give the head of a log, or None for a log that has not begun."""
    if len(raw) < HEAD_BYTES:
        return None
    magic, _, page_bytes = _HEAD.unpack_from(raw)
    if magic not in MAGICS:
        return None
    return LogHead(raw=raw[:HEAD_BYTES], page_bytes=page_bytes, salts=raw[16:24])


def read_head(descriptor: int) -> LogHead | None:
    """Give the head of a log file, or None for a log that has not begun."""
    return parse_head(os.pread(descriptor, HEAD_BYTES, 0))


def read_frames(descriptor: int, head: LogHead, first: int, count: int) -> bytes:
    """Give the bytes of frames, counted from 1. Raises ``LogLostError`` when the file has not so many."""
    length = count * head.frame_bytes
    place = HEAD_BYTES + (first - 1) * head.frame_bytes
    parts: list[bytes] = []
    while length:
        part = os.pread(descriptor, length, place)
        if not part:
            message = "the log is shorter than SQLite says"
            raise LogLostError(message)
        parts.append(part)
        place += len(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def list_ends(head: LogHead, first: int, frames: bytes) -> Iterator[Commit]:
    """Give the ends of transactions, without instants. Raises ``LogLostError`` for frames of another log."""
    salts = head.salts
    heads = struct.Struct(f">4xI8s8x{head.page_bytes}x")
    for frame, (page_count, found) in enumerate(heads.iter_unpack(frames), first):
        if found != salts:
            message = f"frame {frame} is of another log"
            raise LogLostError(message)
        if page_count:
            yield Commit(frame=frame, page_count=page_count, at_us=0)
