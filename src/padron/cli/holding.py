"""Who has the SQLite file: one server, told by a lock on a file beside it. Commands may use it beside that server."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from padron.config import Settings
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path


@contextmanager
def hold_file(settings: Settings) -> Iterator[None]:
    """Keep any other server off the SQLite file; the lock ends with the process, however that ends.

    Raises ``store_unavailable`` when another server has it.
    """
    if not settings.is_sqlite:
        yield
        return
    descriptor = _open_lock(settings, os.O_CREAT)
    try:
        if not _take(descriptor):
            raise PadronError(
                Code.STORE_UNAVAILABLE,
                f"Another server has the database {quote_path(settings.sqlite_path)} open: "
                "one SQLite file takes one server.",
            )
        yield
    finally:
        os.close(descriptor)


def may_be_served(settings: Settings) -> bool:
    """Say whether a server may be waiting for what a command does: for a SQLite file that is known."""
    if not settings.is_sqlite:
        return True
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
