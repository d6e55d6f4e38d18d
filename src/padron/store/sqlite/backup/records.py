"""The form of a segment: a file of the continuous backup that holds a part of the log.

A segment has a head and records. A record has a head with its own checksum, the ends of its transactions, the frames
of the log, and a digest of all that. Each record repeats the digest of the record before it, also across segments.
So nothing can be missing, doubled or damaged in the middle without a sign. Only the last record of a chain can be
incomplete, because the program was killed while it wrote it.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import zstandard

from padron.domain.quoting import quote_path
from padron.store.sqlite.backup.frames import Commit

VERSION = 1
DIGEST_BYTES = 16
CHAIN_BYTES = 8
NO_DIGEST = bytes(DIGEST_BYTES)
COMPRESSION = 3  # of zstd: pages of one record are alike, so a tenth is left, at 400 MB/s

_FILE_MAGIC = b"PadronLg"
_RECORD_MAGIC = b"PadR"
# magic, version, segment number, chain, digest of the last record of the segment before
_FILE_HEAD = struct.Struct(f">8sHxxI{CHAIN_BYTES}s{DIGEST_BYTES}s")
# magic, kind, log's place in the chain, first frame, frames, commits, stored bytes, bytes, digest of the record before
_RECORD_HEAD = struct.Struct(f">4sBxxxIIIIII{DIGEST_BYTES}s")
_COMMIT = struct.Struct(">IIq")
_CRC = struct.Struct(">I")

FILE_HEAD_BYTES = _FILE_HEAD.size + _CRC.size
RECORD_HEAD_BYTES = _RECORD_HEAD.size + _CRC.size


class RecordKind(IntEnum):
    """What a record holds."""

    LOG_BEGAN = 1  # the head of a log
    FRAMES = 2  # whole transactions
    ENDED = 3  # nothing: the program ended as it should, and the chain is complete


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A part of the log."""

    kind: RecordKind
    log: int  # the log's place in the chain, from 1; SQLite starts the log again each time it was copied
    first: int = 0
    count: int = 0
    commits: tuple[Commit, ...] = ()
    payload: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundRecord:
    """A record that was read, and where."""

    record: Record
    place: int
    end: int
    digest: bytes


class DamagedError(Exception):
    """A segment is damaged. ``is_tail`` for an incomplete end, which may be the last one that was written."""

    def __init__(self, path: Path, place: int, what: str, *, is_tail: bool = False) -> None:
        super().__init__(f"{quote_path(path)} is damaged at byte {place:,}: {what}")
        self.is_tail = is_tail


def encode_file_head(segment: int, chain: bytes, before: bytes) -> bytes:
    """Give the head of a segment."""
    head = _FILE_HEAD.pack(_FILE_MAGIC, VERSION, segment, chain, before)
    return head + _CRC.pack(zlib.crc32(head))


def encode_record(record: Record, before: bytes) -> bytes:
    """Give the bytes of a record; the last of them are its digest."""
    is_packed = record.kind is RecordKind.FRAMES
    stored = zstandard.ZstdCompressor(level=COMPRESSION).compress(record.payload) if is_packed else record.payload
    head = _RECORD_HEAD.pack(
        _RECORD_MAGIC, record.kind, record.log, record.first, record.count, len(record.commits), len(stored),
        len(record.payload), before,
    )  # fmt: skip
    head += _CRC.pack(zlib.crc32(head))
    commits = b"".join(_COMMIT.pack(one.frame, one.page_count, one.at_us) for one in record.commits)
    digest = hashlib.blake2b(head + commits, digest_size=DIGEST_BYTES)
    digest.update(stored)
    return b"".join((head, commits, stored, digest.digest()))


def read_file_head(data: memoryview, path: Path, segment: int, chain: bytes | None) -> bytes:
    """Check the head of a segment and give the digest of the last record before it. Raises ``DamagedError``."""
    if len(data) < FILE_HEAD_BYTES:
        raise DamagedError(path, 0, "its head is incomplete", is_tail=True)
    head = data[: _FILE_HEAD.size]
    magic, version, number, own, before = _FILE_HEAD.unpack(head)
    if magic != _FILE_MAGIC or _CRC.unpack_from(data, _FILE_HEAD.size)[0] != zlib.crc32(head):
        raise DamagedError(path, 0, "its head is wrong")
    if version != VERSION:
        raise DamagedError(path, 0, f"it has the form {version}, and this program knows the form {VERSION}")
    if number != segment or (chain is not None and own != chain):
        raise DamagedError(path, 0, "it is another segment than its name says")
    return bytes(before)


def read_records(data: memoryview, path: Path, place: int, before: bytes) -> Iterator[FoundRecord]:
    """Give the records of a segment from a place on, each checked. Raises ``DamagedError``."""
    while place < len(data):
        found = _read_record(data, path, place, before)
        yield found
        place, before = found.end, found.digest


def _read_record(data: memoryview, path: Path, place: int, before: bytes) -> FoundRecord:
    head = data[place : place + RECORD_HEAD_BYTES]
    if len(head) < RECORD_HEAD_BYTES or not any(data[place:]):
        raise DamagedError(path, place, "the last record is incomplete", is_tail=True)
    magic, kind, log, first, count, commit_count, stored_bytes, size_bytes, earlier = _RECORD_HEAD.unpack_from(head)
    if magic != _RECORD_MAGIC or _CRC.unpack_from(head, _RECORD_HEAD.size)[0] != zlib.crc32(head[: _RECORD_HEAD.size]):
        raise DamagedError(path, place, "the head of a record is wrong")
    if earlier != before:
        raise DamagedError(path, place, "a record before this one is missing")
    stored_at = place + RECORD_HEAD_BYTES + commit_count * _COMMIT.size
    end = stored_at + stored_bytes + DIGEST_BYTES
    is_last = end >= len(data)
    if end > len(data):
        raise DamagedError(path, place, "the last record is incomplete", is_tail=True)
    digest = hashlib.blake2b(data[place : end - DIGEST_BYTES], digest_size=DIGEST_BYTES).digest()
    if digest != data[end - DIGEST_BYTES : end]:
        raise DamagedError(path, place, "a record has other bytes than were written", is_tail=is_last)
    stored = bytes(data[stored_at : stored_at + stored_bytes])
    is_packed = kind == RecordKind.FRAMES
    record = Record(
        kind=RecordKind(kind),
        log=log,
        first=first,
        count=count,
        commits=tuple(
            Commit(frame=frame, page_count=page_count, at_us=at_us)
            for frame, page_count, at_us in _COMMIT.iter_unpack(data[place + RECORD_HEAD_BYTES : stored_at])
        ),
        payload=zstandard.ZstdDecompressor().decompress(stored, max_output_size=size_bytes) if is_packed else stored,
    )
    return FoundRecord(record=record, place=place, end=end, digest=digest)
