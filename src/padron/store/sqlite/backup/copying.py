"""Copies a register's file page by page while others use it.

One read transaction holds the state that is copied. So a writer neither waits nor makes the copy begin again, and the
copy can pause. Meanwhile SQLite cannot start its log again, so a long copy makes the log longer.
"""

import time
from collections.abc import Callable
from pathlib import Path

import apsw

from padron.store.backups import RegisterSummary, ShowProgress, check_same, show_nothing
from padron.store.sqlite.backup.summaries import check_register_file, summarize
from padron.store.sqlite.connection import open_connection, translate_errors
from padron.store.sqlite.soundness.checksums import has_checksums, reserve_bytes

STEP_PAGES = 500  # 2 MB
PAUSE_S_MAX = 0.05


def copy_register(source: str, target: Path, show: ShowProgress = show_nothing) -> RegisterSummary:
    """Copy a register into an empty file and give the numbers of the copied state. Raises ``store_unavailable``."""
    reader = open_connection(source, read_only=True)
    try:
        with translate_errors():
            reader.execute("BEGIN")
            summary = summarize(reader)
            copy_pages(reader, target, show, pause=rest)
            return summary
    finally:
        reader.close()


def copy_checked(source: str, target: Path, show: ShowProgress = show_nothing) -> RegisterSummary:
    """Copy as ``copy_register`` does, and check each page and each number of the copy."""
    copied = copy_register(source, target, show)
    check_same(copied, check_register_file(target), "The copy")
    return copied


def copy_pages(
    reader: apsw.Connection,
    target: Path,
    show: ShowProgress = show_nothing,
    *,
    pause: Callable[[float], None] | None = None,
) -> None:
    """Copy the state that a connection's open transaction sees. ``pause`` takes the seconds that a step took."""
    writer = apsw.Connection(str(target))
    try:
        writer.execute("PRAGMA journal_mode = OFF")
        writer.execute("PRAGMA synchronous = OFF")  # the caller syncs the whole file
        if has_checksums(reader):
            # From its first page on, the target gets checksums. Pages that come from the log have none yet.
            reserve_bytes(writer)
            writer.execute("PRAGMA user_version = 1")
        with writer.backup("main", reader, "main") as backup:
            while not backup.done:
                began_s = time.monotonic()
                backup.step(STEP_PAGES)
                show(backup.page_count - backup.remaining, backup.page_count)
                if pause is not None and not backup.done:
                    pause(time.monotonic() - began_s)
    finally:
        writer.close()


def rest(seconds: float) -> None:
    """Pause as long as the work took, so that a server beside it has half of the disk at least."""
    time.sleep(min(seconds, PAUSE_S_MAX))
