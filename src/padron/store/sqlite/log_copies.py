"""Copies SQLite's log into the file, nearly all of it beside the writer.

Left to itself, SQLite copies within a commit once the log is long, and everybody waits for the disk meanwhile. Another
connection can copy while the writer goes on, but the log begins anew only when all of it is in the file, and beside a
writer that never rests this moment never comes. So it copies until little is left, and the rest while the writer waits.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

import apsw

from padron.store.sqlite.connection import open_connection

LOG_PAGES = 4_000  # 16 MB: a page that changed often is copied once; with more, the disk is busy for longer at a time
ALONE_LOG_PAGES = 40_000  # for a program that loads much: it changes pages of indexes over and over
REST_PAGES_MAX = 300  # some milliseconds for the writer
PASSES_MAX = 2  # the second finds what was written during the first

_CACHE_KIB = 1_000  # copying goes past the cache
_log = logging.getLogger("padron.store")


class LogCopier:
    """Watches the log of the write connection and copies it when it is long."""

    def __init__(self, path: str, writer: apsw.Connection, log_pages: int = LOG_PAGES) -> None:
        self._connection = open_connection(path, busy_timeout_ms=0)
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-log")
        self._passes: Future[None] | None = None
        self._pages = 0
        self._length = self._due = log_pages
        writer.set_wal_hook(self._note)  # it takes the place of SQLite's own copying

    def advance(self) -> bool:
        """Begin to copy when the log is long; say whether it is time for ``finish``."""
        if self._passes is None and self._pages >= self._due:
            self._passes = self._thread.submit(self._copy_beside)
        return self._passes is not None and self._passes.done()

    def finish(self) -> None:
        """Copy what is left, between two transactions of the writer: the next one then begins the log anew.

        A reader of an earlier state can prevent that: then it is tried again when the log has grown by a quarter.
        """
        self._passes = None
        self._due = self._pages + self._length // 4
        self._copy()

    def close(self) -> None:
        """Wait for what is under way. Closing the writer's connection, the last one, copies what is left."""
        self._thread.shutdown()
        self._connection.close()

    def _note(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        """Take what SQLite says after each commit: how many pages the log has."""
        del connection, schema
        if pages < self._pages:
            self._due = self._length  # it began anew
        self._pages = pages
        return apsw.SQLITE_OK

    def _copy_beside(self) -> None:
        for _ in range(PASSES_MAX):
            if self._pages - self._copy() <= REST_PAGES_MAX:
                return

    def _copy(self) -> int:
        """Copy as much as readers allow, waiting for nobody; give how many pages of the log are in the file."""
        try:
            ((_, _, copied),) = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except apsw.Error as error:
            # Nothing is lost: it is in the log. The next commit says so too, if the disk takes no more of that either.
            _log.warning("The database's log could not be copied into its file: %s", error)
            return self._pages
        return int(copied)
