"""Chooses the base of a continuous backup to restore an instant, and reads the log after it, checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote_path
from padron.store.sqlite.backup.folders import BaseNote, ChainFolder, list_chains
from padron.store.sqlite.backup.records import (
    FILE_HEAD_BYTES,
    DamagedError,
    Record,
    RecordKind,
    read_file_head,
    read_records,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Where a restore begins."""

    chain: ChainFolder
    base: BaseNote


def choose_base(folder: Path, at: datetime | None) -> Start:
    """Give the newest base that is not after an instant. Raises ``store_unavailable`` when no base is."""
    oldest: datetime | None = None
    try:
        for chain in reversed(list_chains(folder)):
            for base in reversed(chain.list_bases()):
                if at is None or base.made_at <= at:
                    return Start(chain=chain, base=base)
                oldest = base.made_at
    except OSError as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"The folder {quote_path(folder)} cannot be read: {error.strerror}."
        ) from error
    if oldest is None:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"The folder {quote_path(folder)} has no complete base of a continuous backup. "
            "Name the folder that --backup-to named.",
        )
    raise PadronError(
        Code.STORE_UNAVAILABLE, f"The oldest instant that can be restored is {format_instant(oldest)}. Use a later one."
    )


def advise_earlier(folder: Path, start: Start) -> str:
    """Say how to restore from the base before one that cannot be used."""
    bases = [base for chain in list_chains(folder) for base in chain.list_bases()]
    earlier = [base.made_at for base in bases if base.made_at < start.base.made_at]
    if not earlier:
        return "The folder has no earlier base, so use another backup."
    at = start.base.made_at - timedelta(microseconds=1)
    return f"Use --at {format_instant(at)} to restore from the base before it, of {format_instant(max(earlier))}."


class ChainReader:
    """Reads a chain from a base on. ``remark`` says at the end how the chain ended."""

    def __init__(self, start: Start) -> None:
        self._chain = start.chain
        self._base = start.base
        self.remark = ""
        self.last_at: datetime | None = None  # of the last commit that was read

    def read(self, until: datetime | None) -> Iterator[Record]:
        """Give the records of the log, in order. Raises ``store_unavailable`` for a missing or damaged segment.

        Damage after a commit of the instant ``until`` or later does not matter.
        """
        segments = self._chain.list_segments()
        newest = max([self._base.segment, self._chain.find_newest_segment(), *segments])
        record: Record | None = None
        try:
            for record in self._read_segments(newest):
                if record.commits:
                    self.last_at = to_instant(record.commits[-1].at_us)
                if record.log >= self._base.log:
                    yield record
        except DamagedError as error:
            if until is not None and self.last_at is not None and until <= self.last_at:
                return
            if not error.is_tail:
                raise PadronError(Code.STORE_UNAVAILABLE, f"{error}. {self._give_advice()}") from error
            self.remark = f"The copy of the log ends in the middle of a record, as after a crash ({error})."
            return
        if record is None or record.kind is not RecordKind.ENDED:
            self.remark = "The copy of the log has no end mark: the server still runs, or it was killed."

    def _read_segments(self, newest: int) -> Iterator[Record]:
        before: bytes | None = None
        for number in range(self._base.segment, newest + 1):
            path = self._chain.give_segment(number)
            try:
                data = memoryview(path.read_bytes())
            except OSError as error:
                why = (
                    "it is missing" if isinstance(error, FileNotFoundError) else f"it cannot be read: {error.strerror}"
                )
                raise DamagedError(path, 0, why) from error
            try:
                earlier = read_file_head(data, path, number, self._chain.chain_id)
                _check_link(path, before, earlier)
                before = earlier
                for found in read_records(data, path, FILE_HEAD_BYTES, earlier):
                    before = found.digest
                    yield found.record
            except DamagedError as error:
                error.is_tail = error.is_tail and number == newest  # only the last record of all may be incomplete
                raise

    def _give_advice(self) -> str:
        if self.last_at is None or self.last_at <= self._base.made_at:
            return "Use --at with an earlier instant, or another backup."
        return f"Everything until {format_instant(self.last_at)} can be restored: use --at with this instant."


def _check_link(path: Path, before: bytes | None, earlier: bytes) -> None:
    if before is not None and earlier != before:
        raise DamagedError(path, 0, "the end of the segment before it is missing")


def to_instant(at_us: int) -> datetime:
    """Give the instant of a commit."""
    return _EPOCH + timedelta(microseconds=at_us)


def to_microseconds(at: datetime) -> int:
    """Give an instant as commits have it."""
    return (at - _EPOCH) // timedelta(microseconds=1)
