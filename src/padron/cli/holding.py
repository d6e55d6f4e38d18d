"""Locks the SQLite file for one server, with two locks. Commands may use the file while the server runs.

One lock is on the file itself, under any name, so a hard link or a deleted lock file cannot admit a second server. The
other lock is on a file beside it. It is for systems without the first kind, and for a database file that was replaced.
"""

import errno
import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from padron.config import Settings
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.wiring import prepare_file

_PLACE = 1 << 62  # the locked byte: far after the bytes that SQLite locks, and after the end of any file

_is_held: set[tuple[int, int]] = set()
# These stay open while the process runs, because closing one would remove SQLite's own locks on the same file.
_kept: dict[tuple[int, int], int] = {}


@contextmanager
def hold_file(settings: Settings, *, is_checked: bool = True) -> Iterator[None]:
    """Keep other servers away from the SQLite file. The locks end with the process, even if it is killed.

    Creates the file if it does not exist. Raises ``store_unavailable`` when another server has it open. Unless
    ``is_checked``, the file may be damaged.
    """
    if not settings.is_sqlite:
        yield
        return
    prepare_file(settings, is_checked=is_checked)
    path = settings.sqlite_path
    descriptor = _open_lock(settings, os.O_CREAT)
    try:
        if not _take(descriptor):
            raise _refuse_held(path)
        with _hold_inode(path):
            yield
    finally:
        os.close(descriptor)


def may_be_served(settings: Settings) -> bool:
    """Say whether a server may be waiting for this command. For a SQLite file the locks show it."""
    return not settings.is_sqlite or _is_inode_held(settings.sqlite_path) or _is_name_held(settings)


def check_name(settings: Settings) -> None:
    """Raise ``store_unavailable`` when a server has the SQLite file open under another name (a hard link).

    The name of SQLite's log comes from the name of the file. Two names give two logs, which destroy the database.
    """
    path = settings.sqlite_path
    try:
        link_count = Path(path).stat().st_nlink if settings.is_sqlite else 1
    except OSError:
        return
    if link_count > 1 and _is_inode_held(path) and not _is_name_held(settings):
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"A server has the database {quote_path(path)} open under another name (a hard link). "
            "Use the name that the server uses.",
        )


def _refuse_held(path: str) -> PadronError:
    return PadronError(
        Code.STORE_UNAVAILABLE,
        f"Another server has the database {quote_path(path)} open, and a SQLite file can have only one server. "
        "Stop that server, or use another file.",
    )


def _is_name_held(settings: Settings) -> bool:
    try:
        descriptor = _open_lock(settings, 0)
    except PadronError:
        return Path(_name_lock(settings)).exists()
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def _name_lock(settings: Settings) -> str:
    return f"{os.path.realpath(settings.sqlite_path)}.lock"


def _open_lock(settings: Settings, flags: int) -> int:
    path = _name_lock(settings)
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except OSError as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"The lock file {quote_path(path)} beside the database cannot be used: {error.strerror}.",
        ) from error


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _hold_inode(path: str) -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    inode, descriptor = _open_file(path)
    if inode in _is_held or not _lock(descriptor, fcntl.F_WRLCK):
        raise _refuse_held(path)
    _is_held.add(inode)
    try:
        yield
    finally:
        _is_held.discard(inode)
        _lock(descriptor, fcntl.F_UNLCK)


def _is_inode_held(path: str) -> bool:
    if sys.platform != "linux":
        return False
    try:
        inode, descriptor = _open_file(path)
    except PadronError:
        return False  # the code that uses the file will raise the error
    asked = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _describe_lock(fcntl.F_WRLCK))
    return inode in _is_held or struct.unpack_from("h", asked)[0] != fcntl.F_UNLCK


class _OpenFile(NamedTuple):
    """A file by its device and inode, with the descriptor that stays open."""

    inode: tuple[int, int]
    descriptor: int


def _open_file(path: str) -> _OpenFile:
    try:
        named = Path(path).stat()
        if (named.st_dev, named.st_ino) in _kept:
            inode = (named.st_dev, named.st_ino)
            return _OpenFile(inode, _kept[inode])
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The database file {quote_path(path)} cannot be used: {error.strerror}."
        ) from error
    found = os.fstat(descriptor)
    inode = (found.st_dev, found.st_ino)
    return _OpenFile(inode, _kept.setdefault(inode, descriptor))


if sys.platform == "linux":

    def _lock(descriptor: int, kind: int) -> bool:
        """Take or release the lock on the open file. Closing another descriptor does not release this kind (OFD)."""
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _describe_lock(kind))
        except OSError as error:
            # On a file system without this kind of lock, only the lock beside the file protects it.
            return error.errno not in {errno.EAGAIN, errno.EACCES}
        return True

    def _describe_lock(kind: int) -> bytes:
        """Give C's ``struct flock``: the kind, the origin (the beginning), the first byte, the length, no process."""
        return struct.pack("hhqqi4x", kind, os.SEEK_SET, _PLACE, 1, 0)
