"""Copies SQLite's log into the file, nearly all of it beside the writer.

Left to itself, SQLite copies within a commit once the log is long, and everybody waits for the disk meanwhile. Another
connection can copy while the writer goes on, but the log begins anew only when all of it is in the file, and beside a
writer that never rests this moment never comes. So what was written meanwhile is copied while the writer waits.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

import apsw

from padron.store.sqlite.connection import open_connection

LOG_PAGES = 4_000  # 16 MB: a page that changed often is copied once; with more, the disk is busy for longer at a time
ALONE_LOG_PAGES = 40_000  # for a program that loads much: it changes pages of indexes over and over
HELD_LENGTHS = 4  # from here on a log that readers hold up is worth a wait
READERS_WAIT_MS = 100

_CACHE_KIB = 1_000  # copying goes past the cache
_log = logging.getLogger("padron.store")


class LogCopier:
    """Watches the log of the write connection and copies it when it is long."""

    def __init__(self, path: str, writer: apsw.Connection, log_pages: int = LOG_PAGES) -> None:
        self._connection = open_connection(path, busy_timeout_ms=READERS_WAIT_MS)  # PASSIVE waits for nobody
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-log")
        self._copying: Future[None] | None = None
        self._pages = self._begun = 0  # how long the log is, and was when copying began
        self._length = self._due = log_pages
        writer.set_wal_hook(self._note)  # it takes the place of SQLite's own copying

    def advance(self) -> bool:
        """Begin to copy when the log is long; say whether it is time for ``finish``.

        That is so when it has been copied, and when the writer is faster than the disk: then it has to wait.
        """
        if self._copying is None:
            if self._pages < self._due:
                return False
            self._begun, self._due = self._pages, self._pages + self._pages // 4
            self._copying = self._thread.submit(self._copy, "PASSIVE")
        return self._copying.done() or self._pages >= self._begun + self._length

    def finish(self) -> None:
        """Copy what was written meanwhile, between two transactions of the writer: the next one begins the log anew.

        A reader of an earlier state can prevent that: it is tried again when the log has grown by a quarter. Readers
        that begin once all is copied do not, so a log that gets very long waits for those that are there.
        """
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.result()
        self._copy("PASSIVE" if self._pages < HELD_LENGTHS * self._length else "RESTART")

    def close(self) -> None:
        """Wait for what is under way. Closing the last connection to the file copies what is left."""
        self._thread.shutdown()
        self._connection.close()

    def _note(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        """Take what SQLite says after each commit: how many pages the log has."""
        del connection, schema
        if pages < self._pages:
            self._due = self._length  # it began anew
        self._pages = pages
        return apsw.SQLITE_OK

    def _copy(self, mode: str) -> None:
        """Copy as much as readers allow."""
        try:
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except apsw.Error as error:
            # Nothing is lost: it is in the log. The next commit says so too, if the disk takes no more of that either.
            _log.warning("The database's log could not be copied into its file: %s", error)
