"""The part of the log that was read and is not in the folder yet. The committing thread and the shipping one share it.

What is under the lock reads the log and memory, never the folder, so the committing thread does not wait for the
folder.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from padron.domain.errors import PadronError
from padron.store.sqlite.backup.folders import LogMark
from padron.store.sqlite.backup.frames import LogLostError
from padron.store.sqlite.backup.records import Record, RecordKind
from padron.store.sqlite.backup.tail import LogTail

QUEUE_BYTES_MAX = 16 << 20
TAKEN_BYTES_MAX = 8 << 20
HELD_PAGES_MAX = 64_000  # 256 MB of log; then the chain is given up

_log = logging.getLogger("padron.backup")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPortion:
    """Records to write. ``is_last`` if nothing else was committed at ``read_at_us``."""

    records: Sequence[Record]
    is_last: bool
    read_at_us: int


class WaitingLog:
    """Reads the log into memory. Each chain has a number, so that late work for an earlier chain has no effect."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._tail = LogTail(path)
        self._queue: deque[Record] = deque()
        self._read_at_us = 0
        self.waiting_bytes = 0
        self.chain = 0

    def begin(self) -> int:
        """Begin a new chain with the present log, and give its number."""
        with self._lock:
            self._forget()
            self._tail.begin()
            return self.chain

    def note_commit(self, pages: int) -> None:
        """Note the instant of a commit, after which the log has so many pages."""
        self._tail.note(pages, _read_clock_us())

    def catch_up(self, pages: int) -> bool:
        """Read the rest of the log, so that it may be copied. Say whether the log is free.

        When the log is longer than its limit, end the chain, so that SQLite can start the log again.
        """
        with self._lock:
            if not self._tail.is_pinned:
                return True
            try:
                if self._read():
                    return True
            except LogLostError as error:
                self._end(str(error))
                return True
            except (PadronError, OSError, apsw.Error) as error:
                _log.warning("The log could not be read for the continuous backup now: %s", error)
            if pages > HELD_PAGES_MAX:
                self._end("SQLite's log reached its limit while the folder took nothing")
                return True
            return False

    def take(self, chain: int) -> LogPortion | None:
        """Give what to write next, or None when the chain has ended. Raises ``LogLostError``."""
        with self._lock:
            if chain != self.chain:
                return None
            try:
                self._read()
            except LogLostError as error:
                self._end(str(error))
                return None
            records: list[Record] = []
            size_bytes = 0
            for record in self._queue:
                size_bytes += len(record.payload)
                if records and size_bytes > TAKEN_BYTES_MAX:
                    break
                records.append(record)
            is_last = len(records) == len(self._queue) and not self._tail.is_cut
            return LogPortion(records=records, is_last=is_last, read_at_us=self._read_at_us)

    def remove(self, chain: int, portion: LogPortion) -> None:
        """Remove what was written."""
        with self._lock:
            if chain == self.chain:
                for record in portion.records:
                    self._queue.popleft()
                    self.waiting_bytes -= len(record.payload)

    def find_mark(self, chain: int) -> LogMark | None:
        """Give the place after all that is committed now, or None when there was no room to read it."""
        with self._lock:
            if chain != self.chain or not self._read():
                return None
            return LogMark(log=self._tail.log, frame=self._tail.read)

    @property
    def log(self) -> int:
        """The present log's place in the chain."""
        return self._tail.log

    def end(self, chain: int, why: str) -> None:
        """End a chain at what was written."""
        with self._lock:
            if chain == self.chain and self._tail.is_pinned:
                self._end(why)

    def close(self) -> None:
        """Let the log go for ever."""
        with self._lock:
            self._forget()
            self._tail.close()

    def _read(self) -> bool:
        """Read what was committed, as far as there is room. Say whether that was all."""
        room_bytes = QUEUE_BYTES_MAX - self.waiting_bytes
        if room_bytes <= 0:
            return False
        now_us = _read_clock_us()
        for record in self._tail.advance(now_us, room_bytes):
            self._queue.append(record)
            self.waiting_bytes += len(record.payload)
        if self._tail.is_cut:
            return False
        self._read_at_us = now_us
        return True

    def _end(self, why: str) -> None:
        _log.warning("The continuous backup has a gap from now until its next base: %s", why)
        self._forget()

    def _forget(self) -> None:
        self.chain += 1
        self._tail.let_go()
        self._queue.clear()
        self.waiting_bytes = 0


def end_record(log: int) -> Record:
    """Give the record at the end of a chain that ended as it should."""
    return Record(kind=RecordKind.ENDED, log=log)


def _read_clock_us() -> int:
    return time.time_ns() // 1000
