"""Moves old changes into the archive, from time to time."""

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from padron.files.archives import ArchiveError
from padron.service.retention.archiving import ArchivePlan, archive_register
from padron.service.runtime import Runtime
from padron.workers.base import Worker

ARCHIVE_EVERY_S = 600.0
LOCK_NAME = ".padron-archiving.lock"

_log = logging.getLogger("padron.archiving")


class ArchivingWorker(Worker):
    """Archives into one folder. Of several processes, the one that holds the folder's lock does it."""

    def __init__(self, runtime: Runtime, folder: str, age: timedelta, *, every_s: float = ARCHIVE_EVERY_S) -> None:
        super().__init__(
            "archiving", _log, "old changes stay in the database, because they cannot be archived",
            first_s=min(every_s, 10.0), trouble_s=every_s,
        )  # fmt: skip
        self._runtime = runtime
        self._plan = ArchivePlan(folder=Path(folder), age=age, is_stopping=lambda: self.is_stopping)
        self._every_s = every_s

    async def _look(self) -> float:
        with _hold(self._plan.folder) as is_ours:
            if is_ours:
                began_s = asyncio.get_running_loop().time()
                count = await archive_register(self._runtime, self._plan)
                if count:
                    took_s = asyncio.get_running_loop().time() - began_s
                    _log.info("archived %d changes in %.1f s", count, took_s)
        return self._every_s


@contextmanager
def _hold(folder: Path) -> Iterator[bool]:
    """Say whether this process may write into the folder while the block runs. Raises ArchiveError."""
    try:
        number = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ArchiveError(folder, f"cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(number)  # which releases the lock
