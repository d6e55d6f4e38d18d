"""A disk that takes no more under the servers, and takes more again.

By default the system lets the server's process write no file beyond a size. On a small disk that somebody mounted, and
named in ``PADRON_TRIAL_DISK``, a file takes all the room instead: that disk is full for everybody.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.e2e.program import Server
from tests.e2e.test_disk_full import full_disk

SMALL_DISK = os.environ.get("PADRON_TRIAL_DISK", "")
_LEFT_BYTES = 16 * 1024


class Disk(Protocol):
    """Can be full until the end of a block."""

    def full(self, server: Server) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitedDisk:
    """Is full for one server's process."""

    database: str

    @contextmanager
    def full(self, server: Server) -> Iterator[None]:
        try:
            with full_disk(server, self.database):
                yield
        except ProcessLookupError:  # the server was killed, and its limit with it
            assert server.has_ended


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallDisk:
    """Is full for everybody."""

    folder: Path

    @contextmanager
    def full(self, server: Server) -> Iterator[None]:
        del server
        filling = self.folder / "filling"
        disk = os.statvfs(self.folder)
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail  # a part is kept for root alone
        try:
            with filling.open("wb") as file, suppress(OSError):  # others write, too: then it takes what there is
                os.posix_fallocate(file.fileno(), 0, max(free * disk.f_frsize - _LEFT_BYTES, 1))
            yield
        finally:
            filling.unlink()
