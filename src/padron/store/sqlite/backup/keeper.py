"""The continuous backup of a serving process: its thread ships the log to a folder, makes bases and deletes old ones.

All that touches the folder runs on threads of its own, because the folder may be on a mount that hangs. When it does
not work, SQLite's log grows up to a limit. Then the chain is given up, and a new one begins once the folder works.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from padron.domain.errors import PadronError
from padron.store.backups import BackupPlan, BackupState
from padron.store.sqlite.backup.bases import CopyStoppedError, copy_file
from padron.store.sqlite.backup.folders import (
    BaseNote,
    ChainFolder,
    LogMark,
    delete_old,
    encode_base_note,
    write_file,
)
from padron.store.sqlite.backup.frames import LogLostError
from padron.store.sqlite.backup.places import BackupPlace
from padron.store.sqlite.backup.records import RecordKind
from padron.store.sqlite.backup.waiting import LogPortion, WaitingLog, end_record
from padron.store.sqlite.backup.writing import ChainLostError, ChainWriter

SHIP_EVERY_S = 0.25
TROUBLE_S = 1.0
CLOSE_S_MAX = 3.0
BASE_EVERY = timedelta(days=1)
BASE_AGAIN_S = 10.0  # after a base that failed
BASE_END_S_MAX = 2.0  # for a base that is under way when the server stops
BASE_LOOK_S = 0.02
CHECKED_S_MAX = 30.0  # for a check of the file to end before a base of it counts

_log = logging.getLogger("padron.backup")


def _say_no() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class FileHealth:
    """What the store knows of the file: whether it is damaged or gone, and whether all of it is being checked now."""

    is_lost: Callable[[], bool] = _say_no
    is_being_checked: Callable[[], bool] = _say_no


@dataclass(slots=True)
class _Base:
    """A base under way. Its threads set ``note`` once it is copied, ``ended`` once its note is written, or errors."""

    number: int
    log: int
    began_s: float
    note: BaseNote | None = None
    ended: BaseNote | None = None
    is_ending: bool = False
    error: Exception | None = None
    end_error: Exception | None = None  # the note is written again


@dataclass(slots=True)
class _Chain:
    """The chain that is written."""

    number: int
    writer: ChainWriter
    written: LogMark = LogMark(log=0, frame=0)  # noqa: RUF009 - it is frozen
    base: _Base | None = None
    base_number: int = 0
    base_at: datetime | None = None
    base_due_s: float = 0.0
    bytes_due: int = 0  # at so many bytes of log, a new base is made


class LogBackup:
    """Ships the log of one SQLite file, from the opening of the store to its end."""

    def __init__(self, path: str, plan: BackupPlan, *, base_every: timedelta = BASE_EVERY) -> None:
        """Take the folder. Raises ``store_unavailable`` when it cannot be used."""
        self._path = path
        self._plan = plan
        self._base_every = base_every
        self._place = BackupPlace(Path(plan.folder))
        self._waiting = WaitingLog(path)
        self._chain: _Chain | None = None
        self._trouble: object = None  # the kind of the present trouble
        self._closing = threading.Event()
        self._deleting = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="padron-backup", daemon=True)
        self._health = FileHealth()
        self.state: BackupState = BackupState(folder=plan.folder)

    def start(self, health: FileHealth | None = None) -> None:
        """Begin to ship. No base is made of a lost file, so that the newest base stays one that can be restored."""
        self._health = health or self._health
        self._thread.start()

    def note_check(self, at: datetime, trouble: str) -> None:
        """Note how the trial restore of the newest backup ended: with an empty text if it was right."""
        self.state = replace(self.state, checked_at=at, check_trouble=trouble)

    def note_commit(self, pages: int) -> None:
        """Note the instant of a commit, after which the log has so many pages."""
        self._waiting.note_commit(pages)

    def catch_up(self, pages: int) -> bool:
        """Read the rest of the log into memory, so that it may be copied. Say whether the log is free."""
        return self._waiting.catch_up(pages)

    def close(self) -> None:
        """Ship the rest, if the folder takes it within some seconds, and end."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S_MAX)
        self._waiting.close()
        self._place.close()

    def _run(self) -> None:
        while True:
            is_last = self._closing.is_set()
            pause_s = SHIP_EVERY_S
            try:
                self._step(is_last=is_last)
            except (OSError, PadronError, LogLostError, apsw.Error) as error:
                pause_s = TROUBLE_S
                self._note_trouble(error)
            except Exception as error:  # noqa: BLE001 - the thread must survive any error
                pause_s = TROUBLE_S
                _log.error("The continuous backup failed", exc_info=error)
                self._note_trouble(error)
            else:
                self._note_end_of_trouble()
            if is_last:
                self._drop_chain()
                return
            self._closing.wait(pause_s)

    def _step(self, *, is_last: bool) -> None:
        self._place.check()
        chain = self._chain
        if chain is None or chain.number != self._waiting.chain:
            self._drop_chain()
            if is_last:
                return
            chain = self._begin_chain()
        self._ship(chain)
        if chain.number != self._waiting.chain:
            return
        if is_last:
            self._end_chain(chain)
            return
        self._care_for_base(chain)
        if chain.base is None and self._is_base_due(chain):
            self._begin_base(chain)

    def _begin_chain(self) -> _Chain:
        writer = ChainWriter(self._place.folder, datetime.now(UTC))
        self._chain = _Chain(number=self._waiting.begin(), writer=writer)
        self.state = replace(self.state, copied_at=None)
        return self._chain

    def _drop_chain(self) -> None:
        if self._chain is not None:
            self._chain.writer.close()
        self._chain = None

    def _ship(self, chain: _Chain) -> None:
        """Write all that was committed until now."""
        while (portion := self._waiting.take(chain.number)) is not None:
            if portion.records:
                self._write(chain, portion)
            if portion.is_last:
                if chain.base_at is not None:
                    copied_at = datetime.fromtimestamp(portion.read_at_us / 1_000_000, UTC)
                    self.state = replace(self.state, copied_at=copied_at)
                break
        self.state = replace(self.state, waiting_bytes=self._waiting.waiting_bytes)

    def _write(self, chain: _Chain, portion: LogPortion) -> None:
        before = chain.writer.written_bytes
        try:
            chain.writer.write(portion.records)
        except ChainLostError as error:
            self._waiting.end(chain.number, f"{error.strerror}")
            raise
        self._waiting.remove(chain.number, portion)
        for record in portion.records:
            if record.kind is RecordKind.LOG_BEGAN:
                chain.written = LogMark(log=record.log, frame=0)
            elif record.kind is RecordKind.FRAMES:
                chain.written = LogMark(log=record.log, frame=record.first + record.count - 1)
        copied_bytes = self.state.copied_bytes + chain.writer.written_bytes - before
        self.state = replace(self.state, copied_bytes=copied_bytes)

    def _is_base_due(self, chain: _Chain) -> bool:
        is_old = chain.base_at is None or datetime.now(UTC) - chain.base_at >= self._base_every
        is_due = (is_old or chain.writer.written_bytes >= chain.bytes_due) and not self._health.is_lost()
        return is_due and time.monotonic() >= chain.base_due_s

    def _care_for_base(self, chain: _Chain) -> None:
        """End a base that is copied and whose log is written. Raise the error of one that failed."""
        base = chain.base
        if base is None:
            return
        if base.error is not None:
            chain.base, chain.base_due_s = None, time.monotonic() + BASE_AGAIN_S
            raise base.error
        if base.end_error is not None:
            error, base.end_error, base.is_ending = base.end_error, None, False
            raise error
        if base.ended is not None:
            self._note_base(chain, base.ended)
            return
        if base.note is not None and not base.is_ending and not chain.written.is_before(base.note.ready):
            if self._health.is_lost():
                chain.base = None
                chain.writer.chain.give_base(base.number).unlink(missing_ok=True)
            elif not self._health.is_being_checked() or time.monotonic() > base.began_s + CHECKED_S_MAX:
                self._end_base(chain, base, base.note)

    def _end_chain(self, chain: _Chain) -> None:
        """End the chain in order. A base that is nearly copied is completed, because a chain is useless without one."""
        ends_s = time.monotonic() + BASE_END_S_MAX
        while chain.base is not None and time.monotonic() < ends_s:
            time.sleep(BASE_LOOK_S)
            self._ship(chain)
            self._care_for_base(chain)
        chain.writer.write([end_record(self._waiting.log)])

    def _begin_base(self, chain: _Chain) -> None:
        base = _Base(number=chain.base_number + 1, log=self._waiting.log, began_s=time.monotonic())
        chain.base, chain.base_number = base, base.number
        threading.Thread(target=self._make_base, args=(chain, base), name="padron-base", daemon=True).start()

    def _make_base(self, chain: _Chain, base: _Base) -> None:
        """Copy the database's file, on a thread of its own. The log up to the mark that is taken then is part of it."""
        target = chain.writer.chain.give_base(base.number)

        def is_over() -> bool:
            return chain.number != self._waiting.chain

        try:
            copied = copy_file(self._path, target, is_over)
            while (ready := self._waiting.find_mark(chain.number)) is None:
                if is_over():
                    return
                time.sleep(SHIP_EVERY_S)
        except CopyStoppedError:
            with suppress(OSError):
                target.unlink()
        except Exception as error:  # noqa: BLE001 - the shipping thread raises it again
            base.error = error
            with suppress(OSError):
                target.unlink()
        else:
            base.note = BaseNote(
                number=base.number,
                made_at=datetime.now(UTC),
                segment=0,
                log=base.log,
                ready=ready,
                size_bytes=copied.size_bytes,
                sha256=copied.sha256,
            )

    def _end_base(self, chain: _Chain, base: _Base, copied: BaseNote) -> None:
        """Let a thread write the note, which makes the base usable, and delete what nobody needs any more.

        In a slow folder this takes seconds, and the log must be shipped meanwhile.
        """
        note = replace(copied, segment=chain.writer.begins.get(copied.log, 1))
        base.is_ending = True
        threading.Thread(
            target=self._write_note, args=(chain.writer.chain, base, note), name="padron-base-end", daemon=True
        ).start()

    def _write_note(self, chain: ChainFolder, base: _Base, note: BaseNote) -> None:
        try:
            write_file(chain.give_base_note(note.number), encode_base_note(note))
        except Exception as error:  # noqa: BLE001 - the shipping thread raises it again
            base.end_error = error
            return
        base.ended = note
        if self.state.check_trouble:  # the newest backup may be useless, and an older one the last that is not
            return
        try:
            with self._deleting:
                delete_old(self._place.folder, chain, datetime.now(UTC) - self._plan.keep)
        except (OSError, PadronError) as error:
            _log.warning("Old backups in %s could not be deleted: %s", self._plan.folder, error)

    def _note_base(self, chain: _Chain, note: BaseNote) -> None:
        chain.base, chain.base_at = None, note.made_at
        chain.bytes_due = chain.writer.written_bytes + max(self._plan.base_bytes, note.size_bytes)
        for log in [log for log in chain.writer.begins if log < note.log]:
            del chain.writer.begins[log]
        self.state = replace(self.state, base_at=note.made_at)

    def _note_trouble(self, error: Exception) -> None:
        what = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        self.state = replace(self.state, trouble=what, waiting_bytes=self._waiting.waiting_bytes)
        kind = (type(error), getattr(error, "errno", None))
        if self._trouble is None:
            _log.error("The continuous backup into %s does not work: %s. It is tried again.", self._plan.folder, what)
        elif kind != self._trouble:
            _log.warning("The continuous backup into %s still does not work: %s", self._plan.folder, what)
        self._trouble = kind

    def _note_end_of_trouble(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self.state = replace(self.state, trouble="")
            _log.info("The continuous backup into %s works again", self._plan.folder)
