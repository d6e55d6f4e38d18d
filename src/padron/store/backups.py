"""What a register holds, in numbers, and the note beside a backup that has these numbers.

A backup is compared with its register by them, and a restored register with its backup.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from padron import __version__
from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote, quote_path

FORMAT = 1
NOTE_SUFFIX = ".json"

_HASHED_BYTES = 1 << 20

ShowProgress = Callable[[int, int], None]  # takes how much is done, and of how much


def show_nothing(done: int, total: int) -> None:
    """Show no progress."""
    del done, total


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSummary:
    """One account's numbers."""

    name: str
    vehicle_count: int
    last_change: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisterSummary:
    """A whole register's numbers, as of one instant."""

    schema_number: int
    epoch: str
    accounts: tuple[AccountSummary, ...]
    row_counts: dict[str, int] = field(default_factory=dict)  # of every table

    @property
    def vehicle_count(self) -> int:
        """The current vehicles of all accounts."""
        return sum(account.vehicle_count for account in self.accounts)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupNote:
    """The small file beside a backup: what the backup holds, and the hash of its bytes."""

    format: int
    engine: str
    made_at: datetime
    version: str  # of the program
    size_bytes: int
    sha256: str
    summary: RegisterSummary


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoredRegister:
    """A register that was restored and checked."""

    summary: RegisterSummary
    new_epoch: str
    is_compared: bool  # with the note of the backup
    kept: str = ""  # where the file is that was replaced
    reached_at: datetime | None = None  # by a continuous backup: the instant of the last commit that is restored
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupPlan:
    """How a server keeps a continuous backup."""

    folder: str
    keep: timedelta  # any instant since then can be restored
    base_bytes: int  # of log; then a new base is made


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupState:
    """The state of a continuous backup: a snapshot for readiness and metrics."""

    folder: str
    trouble: str = ""  # why nothing is copied now
    copied_at: datetime | None = None  # all that was committed until then can be restored; None before the first base
    copied_bytes: int = 0  # by this process
    waiting_bytes: int = 0  # in memory
    base_at: datetime | None = None
    checked_at: datetime | None = None  # when the newest backup was restored on trial
    check_trouble: str = ""  # what was wrong with it

    def give_age_s(self, now: datetime) -> float | None:
        """Give the seconds of changes that would be lost now with the database. None before the first base."""
        return None if self.copied_at is None else max((now - self.copied_at).total_seconds(), 0.0)


class ContinuousBackup(Protocol):
    """What the rest of the program knows of a continuous backup."""

    @property
    def state(self) -> BackupState:
        """A snapshot of its state. Any thread may ask, and it waits for nothing."""
        ...

    def note_check(self, at: datetime, trouble: str) -> None:
        """Note how the trial restore of the newest backup ended: with an empty text if it was right."""
        ...


def find_difference(wanted: RegisterSummary, found: RegisterSummary) -> str | None:
    """Give a sentence about the first number that differs, or None."""
    if wanted.schema_number != found.schema_number:
        return f"its schema is number {found.schema_number} and not {wanted.schema_number}"
    accounts = {account.name: account for account in found.accounts}
    for account in wanted.accounts:
        if accounts.get(account.name) != account:
            other = accounts.get(account.name)
            has = "is missing" if other is None else f"has {other.vehicle_count} vehicles, change {other.last_change}"
            return f"the account {quote(account.name)} {has}, not {account.vehicle_count} and {account.last_change}"
    if len(accounts) != len(wanted.accounts):
        return f"it has {len(accounts)} accounts and not {len(wanted.accounts)}"
    return _find_other_count(wanted.row_counts, found.row_counts)


def _find_other_count(wanted: Mapping[str, int], found: Mapping[str, int]) -> str | None:
    for table in sorted(wanted.keys() | found.keys()):
        if wanted.get(table) != found.get(table):
            return f"the table {table} has {found.get(table)} rows and not {wanted.get(table)}"
    return None


def check_same(wanted: RegisterSummary, found: RegisterSummary, what: str) -> None:
    """Raise ``store_unavailable`` when the numbers differ. ``what`` names the copy."""
    difference = find_difference(wanted, found)
    if difference is not None:
        raise PadronError(Code.STORE_UNAVAILABLE, f"{what} is not what was copied: {difference}.")


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()


def describe_backup(backup: Path, engine: str, summary: RegisterSummary, made_at: datetime) -> BackupNote:
    """Give the note of a backup that is complete."""
    return BackupNote(
        format=FORMAT,
        engine=engine,
        made_at=made_at,
        version=__version__,
        size_bytes=backup.stat().st_size,
        sha256=hash_file(backup),
        summary=summary,
    )


def give_note_path(backup: Path) -> Path:
    """Give the path of the note beside a backup."""
    return backup.with_name(f"{backup.name}{NOTE_SUFFIX}")


def encode_note(note: BackupNote) -> bytes:
    """Give the note as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(note), indent=2) + b"\n"


def find_note(backup: Path) -> BackupNote | None:
    """Give the note beside a backup, if there is one. Raises ``store_unavailable`` for one that cannot be read."""
    path = give_note_path(backup)
    try:
        return msgspec.json.decode(path.read_bytes(), type=BackupNote)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"The note {quote_path(path)} beside the backup cannot be read: {error}. Without it, the backup can be "
            "restored but not compared: move the note away.",
        ) from error


def check_bytes(backup: Path, note: BackupNote) -> None:
    """Raise ``store_unavailable`` when a backup has other bytes than its note says."""
    size_bytes = backup.stat().st_size
    if size_bytes != note.size_bytes or hash_file(backup) != note.sha256:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"The backup {quote_path(backup)} is damaged: its bytes ({size_bytes:,} of {note.size_bytes:,}) are not "
            "the ones that were written. Use another backup.",
        )
