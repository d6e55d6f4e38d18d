"""Restores a continuous backup: copies the base and lets SQLite itself recover the log after it.

SQLite checks each frame of the log with its own checksum. It takes whole transactions only, as after a power cut.
"""

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote_path
from padron.store.backups import RestoredRegister, ShowProgress, show_nothing
from padron.store.sqlite.backup.choosing import (
    ChainReader,
    Start,
    advise_earlier,
    choose_base,
    to_instant,
    to_microseconds,
)
from padron.store.sqlite.backup.folders import LogMark, write_all
from padron.store.sqlite.backup.frames import LogHead, parse_head
from padron.store.sqlite.backup.records import Record, RecordKind
from padron.store.sqlite.backup.restoring import finish_part, make_part, put_in_place, remove_part
from padron.store.sqlite.connection import translate_errors

TRIAL_NAME = "trial.db"
LEFT_S_MAX = 86_400.0

_CHUNK_BYTES = 1 << 20


def restore_folder(
    folder: Path, target: Path, epoch: str, at: datetime | None, show: ShowProgress = show_nothing
) -> RestoredRegister:
    """Replace the file of a register by its state at an instant, or by the newest. Nobody may have it open.

    Raises ``store_unavailable``. Then the present file is as it was.
    """
    return _restore(folder, target, epoch, at, show, lambda part: put_in_place(part, target))


def try_folder(folder: Path, epoch: str, at: datetime | None, show: ShowProgress = show_nothing) -> RestoredRegister:
    """Restore into a temporary file of the folder itself, check it, and delete it. Raises ``store_unavailable``."""
    for left in folder.glob(f".{TRIAL_NAME}.*"):  # of a trial that was killed
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_S_MAX:
                left.unlink()
    return _restore(folder, folder / TRIAL_NAME, epoch, at, show, lambda _: "")


def _restore(
    folder: Path,
    target: Path,
    epoch: str,
    at: datetime | None,
    show: ShowProgress,
    finish: Callable[[Path], str],
) -> RestoredRegister:
    start = choose_base(folder, at)
    part = make_part(target)
    try:
        advice = advise_earlier(folder, start)
        replay = _Replay(start, part, at, advice)
        replay.run(show)
        summary = finish_part(part, None, epoch, advice)
        kept = finish(part)
    except OSError as error:
        raise _refuse(f"The restored register {quote_path(target)} cannot be written: {error.strerror}.") from error
    finally:
        remove_part(part)
    return RestoredRegister(
        summary=summary,
        new_epoch=epoch,
        is_compared=True,  # each page by its checksums
        kept=kept,
        reached_at=replay.reached_at,
        remarks=(replay.remark,) if replay.remark else (),
    )


@dataclass(slots=True)
class _Log:
    """The log that is being put together."""

    place: int
    head: LogHead
    descriptor: int
    frame_count: int = 0


class _Replay:
    """Applies the log of a chain to a copy of a base, one log after the other."""

    def __init__(self, start: Start, part: Path, at: datetime | None, advice: str) -> None:
        self._start = start
        self._advice = advice
        self._part = part
        self._until = at
        self._until_us = None if at is None else to_microseconds(at)
        self._reached = LogMark(log=0, frame=0)
        self._log: _Log | None = None
        self.reached_at = start.base.made_at
        self.remark = ""

    def run(self, show: ShowProgress) -> None:
        """Make the part the state of the instant."""
        self._copy_base(show)
        reader = ChainReader(self._start)
        is_over = False
        try:
            for record in reader.read(self._until):
                if self._take(record):
                    is_over = True
                    break
            self._apply()
        finally:
            self._close()
        if self._reached.is_before(self._start.base.ready):
            raise _refuse(
                f"The log after the base of {format_instant(self._start.base.made_at)} is incomplete. {reader.remark} "
                f"{self._advice}"
            )
        if not is_over:
            self.remark = reader.remark

    def _copy_base(self, show: ShowProgress) -> None:
        base, path = self._start.base, self._start.chain.give_base(self._start.base.number)
        digest = hashlib.sha256()
        done = 0
        try:
            with path.open("rb") as source, self._part.open("r+b") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    target.write(chunk)
                    done += len(chunk)
                    show(done, base.size_bytes)
        except FileNotFoundError as error:
            raise _refuse(f"The base {quote_path(path)} is missing. {self._advice}") from error
        except OSError as error:
            raise _refuse(f"The base {quote_path(path)} cannot be copied: {error.strerror}.") from error
        if digest.hexdigest() != base.sha256:
            raise _refuse(
                f"The base {quote_path(path)} is damaged: its bytes ({done:,} of {base.size_bytes:,}) are not the "
                f"ones that were written. {self._advice}"
            )

    def _take(self, record: Record) -> bool:
        """Take a record, and say whether the instant is reached."""
        match record.kind:
            case RecordKind.LOG_BEGAN:
                self._apply()
                self._begin(record)
                return False
            case RecordKind.FRAMES:
                return self._add(record)
            case RecordKind.ENDED:
                return False

    def _begin(self, record: Record) -> None:
        head = parse_head(record.payload)
        if head is None or (self._reached.log and record.log != self._reached.log + 1):
            raise _refuse("The copy of the log does not go on where it ended.")
        path = self._part.with_name(f"{self._part.name}-wal")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._log = _Log(place=record.log, head=head, descriptor=descriptor)
        self._reached = LogMark(log=record.log, frame=0)
        write_all(descriptor, head.raw)

    def _add(self, record: Record) -> bool:
        log = self._log
        if log is None or record.log != log.place or record.first != log.frame_count + 1:
            raise _refuse("The copy of the log does not go on where it ended.")
        ready = self._start.base.ready
        taken = 0
        is_over = False
        for commit in record.commits:
            mark = LogMark(log=record.log, frame=commit.frame)
            is_late = self._until_us is not None and commit.at_us > self._until_us
            if is_late and ready.is_before(mark):
                is_over = True
                break
            taken = commit.frame - record.first + 1
            self._reached = mark
            if ready.is_before(mark):
                self.reached_at = max(self.reached_at, to_instant(commit.at_us))
        write_all(log.descriptor, record.payload[: taken * log.head.frame_bytes])
        log.frame_count += taken
        return is_over

    def _apply(self) -> None:
        """Let SQLite recover the log and copy it into the file."""
        log = self._log
        self._close()
        if log is None or not log.frame_count:
            return
        recovered = recover(self._part)
        if recovered != log.frame_count:
            raise _refuse(
                f"SQLite recovered {recovered} of {log.frame_count} pages of a log: the copy of the log is damaged."
            )

    def _close(self) -> None:
        if self._log is not None:
            os.close(self._log.descriptor)
            self._log = None


def recover(part: Path) -> int:
    """Let SQLite recover the log beside a file and copy it into the file. Give the number of pages that it copied.

    The first page of a base may be of the log after this one, and name more pages than the file then has. SQLite takes
    that for damage unless the schema may be written. The next log has all pages that are cut off here.
    """
    connection = apsw.Connection(str(part))
    try:
        with translate_errors():
            connection.execute("PRAGMA writable_schema = ON").fetchall()
            # One process alone uses the file. So SQLite needs no file for an index of the log.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            connection.execute("PRAGMA schema_version").fetchall()  # opens the log, but reads no table
            frame_count, copied_count = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            return min(frame_count, copied_count)
    finally:
        connection.close()


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.STORE_UNAVAILABLE, detail)
