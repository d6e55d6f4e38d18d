"""Checks the whole file beside the server: after each start and once a day, on a thread that yields to all others.

The checksums notice a page whose content changed. This check notices the rest: pages at wrong places, and rows that an
index does not have.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

import apsw

from padron.domain.trouble import TroubleCode, TroubledError
from padron.store.sqlite.connection import open_connection, translate_errors
from padron.store.sqlite.soundness.checksums import has_checksums
from padron.store.sqlite.soundness.guard import FileGuard

WHOLE_BYTES_MAX = 64_000_000  # a larger file is checked table by table, so that the log can start again in between
LOG_BYTES_MAX = 512_000_000  # from this length of the log on, the check steps back and is repeated later
LOOK_EVERY = 10_000  # steps of SQLite; within a table, a step is a page

_FAULTS_MAX = 5
_NICENESS = 19
_CACHE_KIB = 4_000
_LIST_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"

_log = logging.getLogger("padron.store")


class CheckState(StrEnum):
    """How far the check of the file is."""

    NEVER = "never"
    RUNNING = "running"
    SOUND = "sound"
    PUT_OFF = "put_off"  # the log became too long, or the check could not run
    DAMAGED = "damaged"


class FileCheck:
    """Runs one check at a time. The guard learns of damage."""

    def __init__(self, path: str, guard: FileGuard) -> None:
        self._path = path
        self._guard = guard
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="padron-check")
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None  # while it is used
        self._closing = False
        self.state = CheckState.NEVER

    def begin(self) -> Future[None]:
        """Begin a check, and give its end."""
        self.state = CheckState.RUNNING
        return self._thread.submit(self._run)

    def close(self) -> None:
        """Interrupt the check and wait for its thread.

        SQLite looks for an interruption at each page. Pages that are not in memory take so long that a look every few
        thousand steps would keep a server from ending.
        """
        self._closing = True
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()
        self._thread.shutdown()

    def _run(self) -> None:
        if sys.platform == "linux":  # here a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            faults = self._find_faults()
        except TroubledError as error:
            faults = [error.detail] if error.trouble.code is TroubleCode.DAMAGED else None
            if faults is None:
                _log.warning("The database file could not be checked: %s", error.detail)
        except apsw.InterruptError:  # between two statements of the check
            faults = None
        except Exception:  # noqa: BLE001 - a failed check must not look like a passed one
            _log.exception("The database file could not be checked")
            faults = None
        if self._closing or faults is None:
            self.state = CheckState.PUT_OFF
        elif faults:
            self._guard.note_damage()
            self.state = CheckState.DAMAGED
            _log.critical(
                "The database file is damaged, and nothing is served from it any more. "
                "Stop the server, run `padron doctor`, and restore a backup. Found: %s", "; ".join(faults)
            )  # fmt: skip
        else:
            self.state = CheckState.SOUND

    def _find_faults(self) -> list[str] | None:
        connection = open_connection(self._path, read_only=True)
        with self._lock:
            self._connection = connection
        try:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            if not has_checksums(connection):
                _log.info(
                    "The pages of the database file have no checksums. To add them, stop the server and run "
                    "`padron register checksums`."
                )
            is_large = Path(self._path).stat().st_size > WHOLE_BYTES_MAX
            return check_pages(connection, is_large=is_large, must_stop=self._must_stop)
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _must_stop(self) -> bool:
        try:
            return self._closing or Path(f"{os.path.realpath(self._path)}-wal").stat().st_size > LOG_BYTES_MAX
        except OSError:
            return self._closing


def check_pages(
    connection: apsw.Connection, *, is_large: bool, must_stop: Callable[[], bool], note: Callable[[str], object] = str
) -> list[str] | None:
    """Give the faults of the file, the first of them; None when it had to stop. ``note`` hears of each part's name.

    Raises ``store_unavailable`` when SQLite cannot read on, because of damage or because the disk fails.
    """
    connection.set_progress_handler(must_stop, LOOK_EVERY)
    with translate_errors():
        try:
            for part in _list_parts(connection, is_large=is_large):
                note(part)
                if must_stop():
                    return None
                question = f'("{part}")' if part else f"({_FAULTS_MAX})"
                faults = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check{question}")]
                if faults != ["ok"]:
                    return faults[:_FAULTS_MAX]
        except apsw.InterruptError:
            return None
        finally:
            connection.set_progress_handler(None)
    return []


def _list_parts(connection: apsw.Connection, *, is_large: bool) -> Iterator[str]:
    """Give the tables to check one after the other, or an empty name for the whole file."""
    if not is_large:
        yield ""
        return
    yield from [str(name) for (name,) in connection.execute(_LIST_TABLES).fetchall()]
