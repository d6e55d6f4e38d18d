"""Copies SQLite's log into the file, nearly all of it while the writer continues.

By default SQLite copies a long log within a commit, and every caller waits for the disk meanwhile. Here another
connection copies it while the writer continues. But SQLite starts the log again only when all of it is in the file. A
busy writer always adds more, so the last part is copied while the writer waits.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import apsw

from padron.store.sqlite.connection import open_connection

LOG_PAGES = 4_000  # 16 MB: a page that changed often is copied once; a longer log keeps the disk busy longer at a time
ALONE_LOG_PAGES = 40_000  # for a program that loads much data: it changes the same pages of indexes often
HELD_LENGTHS = 4  # at this many lengths the writer waits for readers that hold up the log
READERS_WAIT_MS = 100

_CACHE_KIB = 1_000  # copying does not use the cache
_log = logging.getLogger("padron.store")


class LogKeeper(Protocol):
    """Reads the log for a backup. SQLite may start the log again only when all of it is read."""

    def note_commit(self, pages: int) -> None:
        """Note a commit, after which the log has so many pages."""
        ...

    def catch_up(self, pages: int) -> bool:
        """Read the rest of a log with so many pages, so that it may be copied. Say whether the log is free."""
        ...

    def close(self) -> None:
        """Read the rest, and end."""
        ...


class LogCopier:
    """Watches the log of the write connection and copies it when it is long."""

    def __init__(
        self, path: str, writer: apsw.Connection, log_pages: int = LOG_PAGES, keeper: LogKeeper | None = None
    ) -> None:
        self._connection = open_connection(path, busy_timeout_ms=READERS_WAIT_MS)  # PASSIVE waits for nobody
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-log")
        self._copying: Future[bool] | None = None
        self._pages = self._begun = 0  # the log's length now, and when copying began
        self._length = self._due = log_pages
        self._keeper = keeper
        self.is_to_empty = self.is_empty = False  # whether the next copy must leave nothing in the log; whether it did
        writer.set_wal_hook(self._note)  # it replaces SQLite's own copying

    def advance(self) -> bool:
        """Begin to copy when the log is long, and say whether to call ``finish`` now.

        It is time for ``finish`` when the log is copied. It is also time when the writer is faster than the disk,
        because then the writer must wait.
        """
        if self.is_to_empty:
            return True
        if self._copying is None:
            if self._pages < self._due:
                return False
            self._begun, self._due = self._pages, self._pages + self._pages // 4
            self._copying = self._thread.submit(self._copy_beside)
        return self._copying.done() or self._pages >= self._begun + self._length

    def finish(self) -> None:
        """Copy the last part between two transactions of the writer. The next transaction then starts the log again.

        A reader of an earlier state can prevent this. The copier retries when the log has grown by a quarter.
        A reader that begins after the copy does not prevent it. So at a very long log the copier waits for the
        present readers.
        """
        copying, self._copying = self._copying, None
        if copying is not None:
            copying.result()
        is_held = self._pages >= HELD_LENGTHS * self._length or self.is_to_empty
        if self._keeper is None:
            is_copied = self._copy("TRUNCATE" if self.is_to_empty else "RESTART" if is_held else "PASSIVE")
            self.is_to_empty, self.is_empty = False, self.is_to_empty and is_copied
            return
        # The keeper is a reader itself, so RESTART would always wait for it, and FULL would while it is behind.
        self.is_to_empty = self.is_empty = False
        is_free = self._keeper.catch_up(self._pages)
        self._copy("FULL" if is_held and is_free else "PASSIVE")
        if is_free:
            self._keeper.catch_up(self._pages)  # its new read transaction lets the log start again

    def close(self) -> None:
        """Wait for the copy under way. Closing the last connection to the file copies the rest."""
        self._thread.shutdown()
        if self._keeper is not None:
            self._keeper.close()
        self._connection.close()

    def _note(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        """Note the number of pages of the log, which SQLite reports after each commit."""
        del connection, schema
        if pages < self._pages:
            self._due = self._length  # the log started again
        self._pages = pages
        if self._keeper is not None:
            self._keeper.note_commit(pages)
        return apsw.SQLITE_OK

    def _copy_beside(self) -> bool:
        """Copy what is in the log now, while the writer continues. What the keeper did not read stays in the log."""
        if self._keeper is not None:
            self._keeper.catch_up(self._begun)
        return self._copy("PASSIVE")

    def _copy(self, mode: str) -> bool:
        """Copy as much as readers allow. Give False when they did not allow all of it."""
        try:
            ((is_busy, _, _),) = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except apsw.Error as error:
            # Nothing is lost: everything is in the log. If the disk cannot take more log either, the next commit fails.
            _log.warning("The database's log could not be copied into its file: %s", error)
            return False
        return is_busy == 0
