"""Watches over the folder of a continuous backup: one server uses it, and it is still the folder that it was."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.store.sqlite.backup.folders import FILE_MODE, LOCK_NAME

_TAKEN = {errno.EWOULDBLOCK, errno.EACCES}


class BackupPlace:
    """A folder that was there when the server started."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder. Raises ``store_unavailable`` when it cannot be used."""
        self.folder = folder
        try:
            self._device = folder.stat().st_dev
            self._lock = _lock(folder)
        except BlockingIOError as error:
            raise PadronError(
                Code.STORE_UNAVAILABLE,
                f"Another server backs up into the folder {quote_path(folder)}. Give each register its own folder.",
            ) from error
        except OSError as error:
            raise PadronError(
                Code.STORE_UNAVAILABLE,
                f"The folder {quote_path(folder)} for the backup cannot be used: {error.strerror}. Make it first.",
            ) from error

    def check(self) -> None:
        """Raise ``OSError`` unless this is the folder of the start, or a new one on the same file system.

        An unmounted folder is an empty one on another file system, whose disk must not be filled.
        """
        try:
            (self.folder / LOCK_NAME).stat()
        except FileNotFoundError:
            if self.folder.stat().st_dev != self._device:
                raise OSError(errno.ENODEV, "the file system of the folder is not mounted") from None
            self._unlock()
            self._lock = _lock(self.folder)

    def close(self) -> None:
        """Let another server have the folder."""
        self._unlock()

    def _unlock(self) -> None:
        with suppress(OSError):
            os.close(self._lock)


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            os.close(descriptor)
            raise
        # Some file systems have no locks. Then the operator's care must do.
    return descriptor
