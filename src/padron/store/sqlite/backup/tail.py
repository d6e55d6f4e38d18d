"""Reads from SQLite's log what was committed, and keeps SQLite from overwriting what is not read yet.

A read transaction, the pin, keeps SQLite from it. A pin of a log that is not all in the file prevents a new start of
the log. A pin of a log that is all in the file allows one start, but then prevents copying, and so a second start.
The next pin begins before the present one ends, and the present one ends only when all up to the next one is read.
So the log is read without a gap, whoever copies it and whoever writes to it, other processes included.
"""

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import apsw

from padron.store.sqlite.backup.frames import (
    Commit,
    LogHead,
    LogLostError,
    list_ends,
    read_frames,
    read_head,
)
from padron.store.sqlite.backup.records import Record, RecordKind
from padron.store.sqlite.connection import count_log_pages, open_connection, translate_errors

TRIES_MAX = 5
NOTES_MAX = 100_000

_PIN_CACHE_KIB = 100  # a pin reads one page


class LogTail:
    """The end of the log. Only one thread at a time may use it, but for ``note``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._now, self._next, self._probe = (open_connection(path, read_only=True) for _ in range(3))
        for connection in (self._now, self._next, self._probe):
            connection.execute(f"PRAGMA cache_size = -{_PIN_CACHE_KIB}")
        self._descriptor: int | None = None
        self._head: LogHead | None = None
        self._notes: deque[Commit] = deque(maxlen=NOTES_MAX)
        self._at_us = 0
        self.log = 0  # how often the log was started since the beginning, the first log included
        self.read = 0  # frames of the present log
        self.is_pinned = False
        self.is_cut = False  # whether the last reading left something because there was no room

    def note(self, pages: int, at_us: int) -> None:
        """Note the instant of a commit after which the log has so many pages. Any thread may call this."""
        self._notes.append(Commit(frame=pages, page_count=0, at_us=at_us))

    def begin(self) -> None:
        """Pin the log. The next records begin with all of the present log."""
        self.let_go()
        with translate_errors():
            _pin(self._now)
        self.is_pinned = True
        # Closing a descriptor of the log is harmless: SQLite's locks are on other files.
        self._descriptor = os.open(f"{os.path.realpath(self._path)}-wal", os.O_RDONLY | os.O_CLOEXEC)
        self._head, self.log, self.read = None, 0, 0

    def let_go(self) -> None:
        """Allow SQLite to start the log again whenever it can."""
        for connection in (self._now, self._next):
            _unpin(connection)
        self.is_pinned = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._notes.clear()

    def close(self) -> None:
        """Let go, and close the connections."""
        self.let_go()
        for connection in (self._now, self._next, self._probe):
            connection.close()

    def advance(self, now_us: int, room_bytes: int) -> list[Record]:
        """Give what was committed since the last time. Raises ``LogLostError``.

        If all of it fits into the room, the pin moves on and the log may be copied up to here.
        """
        with translate_errors():
            _pin(self._next)
            try:
                for _ in range(TRIES_MAX):
                    reading = self._read(now_us, room_bytes)
                    if reading is None:
                        continue
                    self.is_cut = reading.is_cut
                    if not reading.is_cut:
                        self._now, self._next = self._next, self._now
                    return reading.found
                message = "the log starts again too often"
                raise LogLostError(message)
            finally:
                _unpin(self._next)

    def _read(self, now_us: int, room_bytes: int) -> "_LogReading | None":
        """Read the rest of the log, or give None if SQLite started it meanwhile."""
        assert self._descriptor is not None  # noqa: S101 - begin() comes first
        head = read_head(self._descriptor)
        frame_count = self._count_frames()
        if head is None:
            return None if frame_count else _LogReading([], is_cut=False)
        found: list[Record] = []
        read, log = self.read, self.log
        if self._head is None or head.salts != self._head.salts:
            if self._head is not None and not head.is_next_after(self._head):
                message = "the log was started more than once"
                raise LogLostError(message)
            read, log = 0, log + 1
            found.append(Record(kind=RecordKind.LOG_BEGAN, log=log, payload=head.raw))
        count = frame_count - read
        is_cut = False
        if count > 0:
            frames = read_frames(self._descriptor, head, read + 1, count)
            after = read_head(self._descriptor)
            if after is None or after.salts != head.salts:
                return None
            commits = list(list_ends(head, read + 1, frames))
            if not commits or commits[-1].frame != frame_count:
                message = "the log does not end with a transaction"
                raise LogLostError(message)
            kept = _fit(commits, read, head.frame_bytes, room_bytes)
            is_cut = len(kept) < len(commits)
            length = (kept[-1].frame - read) * head.frame_bytes
            found.append(
                Record(
                    kind=RecordKind.FRAMES,
                    log=log,
                    first=read + 1,
                    count=kept[-1].frame - read,
                    commits=tuple(self._date(one, now_us) for one in kept),
                    payload=frames[:length],
                )
            )
            read = kept[-1].frame
        self._head, self.log, self.read = head, log, read
        return _LogReading(found, is_cut=is_cut)

    def _count_frames(self) -> int:
        """Give the number of frames that are committed, as SQLite's index of the log says."""
        return count_log_pages(self._probe)

    def _date(self, commit: Commit, now_us: int) -> Commit:
        """Add the instant that was noted. A commit of another process has none, and gets the present instant."""
        at_us = now_us
        notes = self._notes
        while notes and (notes[0].frame <= commit.frame or _is_of_earlier_log(notes)):
            note = notes.popleft()
            if note.frame == commit.frame:
                at_us = note.at_us
                break
        self._at_us = max(self._at_us, at_us)
        return Commit(frame=commit.frame, page_count=commit.page_count, at_us=self._at_us)


class _LogReading:
    """What was read, and whether it is less than all."""

    def __init__(self, found: list[Record], *, is_cut: bool) -> None:
        self.found = found
        self.is_cut = is_cut


def _is_of_earlier_log(notes: Sequence[Commit]) -> bool:
    """Say whether the log began again after the first note. A note can come after its commit was read."""
    return len(notes) > 1 and notes[1].frame <= notes[0].frame


def _fit(commits: list[Commit], read: int, frame_bytes: int, room_bytes: int) -> list[Commit]:
    """Give the transactions that fit into the room, but at least one."""
    kept = [one for one in commits if (one.frame - read) * frame_bytes <= room_bytes]
    return kept or commits[:1]


def _pin(connection: apsw.Connection) -> None:
    _unpin(connection)
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()


def _unpin(connection: apsw.Connection) -> None:
    if connection.in_transaction:
        with suppress(apsw.Error):
            connection.execute("COMMIT")
