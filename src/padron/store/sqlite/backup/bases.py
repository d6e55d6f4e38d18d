"""Copies the database's file for a base, without a lock and without holding up SQLite's log.

While the file is read, SQLite may write pages to it. Each such page is also in the log that is copied beside, whole,
so the log repairs the base. The descriptor stays open while the process runs, because closing it would remove SQLite's
own locks on the file.
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from padron.store.sqlite.backup.folders import FILE_MODE, write_all

CHUNK_BYTES = 1 << 20
PAUSE_S_MAX = 0.05

_kept: dict[tuple[int, int], int] = {}


class CopyStoppedError(Exception):
    """The copy was no longer necessary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedBase:
    """The length and the hash of what was written."""

    size_bytes: int
    sha256: str


def copy_file(source: str, target: Path, is_over: Callable[[], bool]) -> CopiedBase:
    """Copy the file as it is, at half the speed. Raises ``OSError``, and ``CopyStoppedError`` if it is over."""
    descriptor = _open_kept(source)
    digest = hashlib.sha256()
    place = 0
    target_descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        while chunk := _read_chunk(descriptor, place):
            began_s = time.monotonic()
            if is_over():
                raise CopyStoppedError
            write_all(target_descriptor, chunk)
            digest.update(chunk)
            place += len(chunk)
            time.sleep(min(time.monotonic() - began_s, PAUSE_S_MAX))
        os.fsync(target_descriptor)
    finally:
        os.close(target_descriptor)
    return CopiedBase(size_bytes=place, sha256=digest.hexdigest())


def _read_chunk(descriptor: int, place: int) -> bytes:
    """Read a part of the file. SQLite may write a page meanwhile, and the log repairs that.

    But a restore reads the first page before it applies the log, so half of a written first page must not be taken.
    """
    chunk = os.pread(descriptor, CHUNK_BYTES, place)
    while place == 0 and (again := os.pread(descriptor, CHUNK_BYTES, place)) != chunk:
        chunk = again
    return chunk


def _open_kept(path: str) -> int:
    named = os.stat(path)  # noqa: PTH116 - the path as SQLite has it
    inode = (named.st_dev, named.st_ino)
    if inode not in _kept:
        _kept[inode] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _kept[inode]
