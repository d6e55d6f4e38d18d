"""Knows what is wrong with the file under a running server, and lets nothing be served from a damaged or lost one.

Damage, and a file that was removed or replaced, last until the restart: what happened in between is unknown. A write
that failed lasts until a write succeeds.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from padron.domain.trouble import SENTENCES, TRY_AFTER_S, Trouble, TroubleCode, TroubledError

ASIDE_SUFFIX = "-of-removed-file"
FREE_BYTES_MIN = 1_048_576  # with less room the next transactions fail

_SUFFIXES = ("-wal", "-shm")
_FOR_EVER = (TroubleCode.DAMAGED, TroubleCode.FILE_GONE)


class _Inode(NamedTuple):
    device: int
    inode: int


class FileGuard:
    """The state of one open file. Calls come from the event loop and from the threads that read and commit."""

    def __init__(self, path: str) -> None:
        self._real = real = os.path.realpath(path)
        self._folder = Path(real).parent
        # The name as it was given may be a link, which can be changed too.
        self._names = [*dict.fromkeys((str(Path(path).absolute()), real)), *(f"{real}{suffix}" for suffix in _SUFFIXES)]
        self._inodes: dict[str, _Inode] = {}
        self._lasting: Trouble | None = None  # read by every call, so it is an attribute and not a question
        self._write: Trouble | None = None
        self._failed_s = 0.0
        self._place: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """The trouble of now, the worst first."""
        return self._lasting or self._write or self._place

    @property
    def is_lost(self) -> bool:
        """Say whether the file is damaged or gone, which lasts."""
        return self._lasting is not None

    @property
    def is_time_to_try(self) -> bool:
        """Say whether the last write failed because of the disk, some seconds ago, so that one may succeed now."""
        return self._write is not None and self._lasting is None and monotonic() > self._failed_s + TRY_AFTER_S

    def check(self) -> None:
        """Raise when nothing may be served any more."""
        if self._lasting is not None:
            raise TroubledError(self._lasting.code, SENTENCES[self._lasting.code])

    @contextmanager
    def note_errors(self) -> Iterator[None]:
        """Remember what the errors of a block say about the file."""
        try:
            yield
        except TroubledError as error:
            self.note_error(error)
            raise

    def note_error(self, error: BaseException) -> None:
        """Remember what an error of the store says about the file."""
        if not isinstance(error, TroubledError):
            return
        if error.trouble.code in _FOR_EVER:
            self._lasting = self._lasting or error.trouble
        elif error.trouble.code in {TroubleCode.DISK_FULL, TroubleCode.DISK_FAILING, TroubleCode.READ_ONLY}:
            self._write, self._failed_s = error.trouble, monotonic()

    def note_damage(self) -> None:
        """Remember that a check found damage."""
        self._lasting = self._lasting or Trouble(code=TroubleCode.DAMAGED)

    def note_written(self) -> None:
        """Remember that a transaction was committed."""
        self._write = None

    def look(self) -> None:
        """Look whether the open files are still at their places. Raises when one was removed or replaced.

        It only asks for names and never opens the file: closing it would drop SQLite's locks.
        """
        for name in self._names:
            found = _find(name)
            known = self._inodes.get(name)
            if known is None:
                if found is not None:
                    self._inodes[name] = found  # SQLite made it when it first needed it
            elif found != known:
                self._lasting = self._lasting or Trouble(code=TroubleCode.FILE_GONE)
        self.check()

    def put_log_aside(self) -> str | None:
        """Rename the log of a database file that is not at its place any more, and give its new name.

        Otherwise SQLite would read that log into the file that was put there instead, and destroy it. Call this after
        all connections are closed.
        """
        log = f"{self._real}-wal"
        known = self._inodes.get(log)
        if known is None or _find(self._real) == self._inodes.get(self._real) or _find(log) != known:
            return None
        aside = f"{log}{ASIDE_SUFFIX}"
        os.rename(log, aside)  # noqa: PTH104 - as above
        return aside

    def look_at_disk(self) -> None:
        """Look whether the disk has room and takes writes. This writes nothing."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            self._place = Trouble(code=TroubleCode.DISK_FAILING)
            return
        if disk.f_flag & os.ST_RDONLY:
            self._place = Trouble(code=TroubleCode.READ_ONLY)
        elif disk.f_bavail * disk.f_frsize < FREE_BYTES_MIN:
            self._place = Trouble(code=TroubleCode.DISK_FULL)
        else:
            self._place = None


def _find(path: str) -> _Inode | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - called at each commit, and Path costs as much again
    except OSError:
        return None
    return _Inode(found.st_dev, found.st_ino)
