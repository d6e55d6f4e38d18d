"""Writes the segments of a chain: each record is synced, and a record that failed is written again at its place."""

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from padron.store.sqlite.backup.folders import (
    FILE_MODE,
    NEWEST_NAME,
    ChainFolder,
    make_chain,
    write_file,
)
from padron.store.sqlite.backup.records import (
    DIGEST_BYTES,
    NO_DIGEST,
    Record,
    RecordKind,
    encode_file_head,
    encode_record,
)

SEGMENT_BYTES = 64 << 20


class ChainLostError(OSError):
    """What was written is no longer there. The chain cannot continue."""


class ChainWriter:
    """Writes one chain. ``write`` may raise ``OSError``; then it can be called again with the same records."""

    def __init__(self, folder: Path, at: datetime) -> None:
        self.chain: ChainFolder = make_chain(folder, at)
        self.begins: dict[int, int] = {}  # the segment in which each log begins
        self.written_bytes = 0
        self._digest = NO_DIGEST
        self._segment = 0
        self._place = 0
        self._descriptor: int | None = None
        try:
            self._begin_segment()
        except OSError:
            shutil.rmtree(self.chain.path, ignore_errors=True)  # the next try makes another one
            raise

    def write(self, records: Sequence[Record]) -> None:
        """Append records, and return when they are on the disk."""
        if self._place >= SEGMENT_BYTES:
            self._begin_segment()
        assert self._descriptor is not None  # noqa: S101 - a segment was begun
        self._check_there()
        digest, place, parts = self._digest, self._place, []
        for record in records:
            data = encode_record(record, digest)
            digest = data[-DIGEST_BYTES:]
            parts.append(data)
        data = b"".join(parts)
        try:
            _write_at(self._descriptor, data, place)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, place)
            raise
        try:
            _sync(self._descriptor)
        except OSError as error:
            # After a failed sync nobody knows which bytes are on the disk.
            raise ChainLostError(error.errno, error.strerror) from error
        self._digest, self._place = digest, place + len(data)
        self.written_bytes += len(data)
        for record in records:
            if record.kind is RecordKind.LOG_BEGAN:
                self.begins[record.log] = self._segment

    def close(self) -> None:
        """Close the present segment."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def _begin_segment(self) -> None:
        number = self._segment + 1
        head = encode_file_head(number, self.chain.chain_id, self._digest)
        path = self.chain.give_segment(number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        try:
            _write_at(descriptor, head, 0)
            os.fsync(descriptor)
            write_file(self.chain.path / NEWEST_NAME, str(number).encode())
        except OSError:
            os.close(descriptor)
            raise
        self.close()
        self._descriptor, self._segment, self._place = descriptor, number, len(head)

    def _check_there(self) -> None:
        """Raise when the segment was deleted or replaced: writing to a file without a name succeeds."""
        assert self._descriptor is not None  # noqa: S101 - a segment was begun
        own = os.fstat(self._descriptor)
        try:
            named = self.chain.give_segment(self._segment).stat()
        except FileNotFoundError as error:
            raise ChainLostError(error.errno, error.strerror) from error
        if (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino) or own.st_size < self._place:
            raise ChainLostError(0, "the file was replaced")


def _sync(descriptor: int) -> None:
    if sys.platform == "linux":
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def _write_at(descriptor: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, place)
        view, place = view[count:], place + count
