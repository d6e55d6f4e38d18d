"""An uploaded file of vehicles that is imported: its states, and which worker may work on it.

Its states are uploading, queued and running, then done, failed or cancelled. One import of an account runs at a time.
Its worker holds a lease and an attempt number, and stops writing when another worker has a higher number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from padron.domain.errors import Code, PadronError
from padron.domain.file_reading import Header, ReadingOptions
from padron.domain.ids import format_timed_id, make_timed_id, parse_timed_id
from padron.domain.vehicle import check_text

UPLOAD_BYTES_MAX = 1_000_000_000
PART_BYTES = 262_144
REFUSALS_KEPT_MAX = 100_000  # faults
FILE_NAME_LENGTH_MAX = 255
LEASE = timedelta(seconds=30)
KEPT = timedelta(days=30)  # after an import ended
UPLOAD_KEPT = timedelta(minutes=15)  # after the last part of an upload arrived
FILE_KEPT = timedelta(hours=24)  # a file that is looked at first, after it was last used
MAPPINGS_KEPT_MAX = 200  # of an account
TRIES_MAX = 5  # attempts in which no row was read


class ImportState(StrEnum):
    """The state of an import."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({ImportState.UPLOADING, ImportState.QUEUED, ImportState.RUNNING})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCounts:
    """How many rows were read, and how many had each result."""

    read: int = 0
    registered: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_duplicates: int = 0
    refused: int = 0

    def add(self, more: "ImportCounts") -> "ImportCounts":
        """Give the sum of these counts and some more."""
        return ImportCounts(
            read=self.read + more.read,
            registered=self.registered + more.registered,
            updated=self.updated + more.updated,
            unchanged=self.unchanged + more.unchanged,
            kept_duplicates=self.kept_duplicates + more.kept_duplicates,
            refused=self.refused + more.refused,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FileImport:
    """One uploaded file. ``moved_at`` is the instant of its last progress; ``detail`` says why it failed.

    ``header`` says where the column names are. It is None before the file was opened. ``kept_until`` makes it a kept
    file: uploaded, but not an import. Its imports are records of their own, with its id as their ``source_id``.
    """

    import_id: int
    state: ImportState
    file_name: str | None
    keep_duplicates: bool
    dry_run: bool
    created_by: str
    request_id: str
    created_at: datetime
    moved_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    byte_count: int = 0
    part_count: int = 0
    bytes_read: int = 0
    bytes_total: int = 0
    counts: ImportCounts = ImportCounts()
    refusals_kept: int = 0
    detail: str | None = None
    tries: int = 0
    attempt: int = 0
    lease_holder: str | None = None
    lease_until: datetime | None = None
    options: ReadingOptions = field(default_factory=ReadingOptions)
    header: Header | None = None
    source_id: int | None = None
    kept_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Say whether the import has not ended."""
        return self.state in OPEN_STATES

    @property
    def progress(self) -> float:
        """Give the share of the file that was read, from 0 to 1."""
        if self.state is ImportState.DONE:
            return 1.0
        return min(1.0, round(self.bytes_read / self.bytes_total, 4)) if self.bytes_total else 0.0

    @property
    def rows_per_second(self) -> float:
        """Give the rows read per second, from the start to the last progress."""
        seconds = (self.moved_at - self.started_at).total_seconds() if self.started_at else 0.0
        return round(self.counts.read / seconds, 1) if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRefusal:
    """One fault of a refused line. ``place`` counts the faults of an import in the order of the file."""

    place: int
    line: int
    column: str | None
    detail: str


def make_import_id(at: datetime, random_number: int) -> int:
    """Give a new import's id: later imports have higher ones, so that the oldest comes first."""
    return make_timed_id(at, random_number)


def format_import_id(import_id: int) -> str:
    """Give an import's id as people see it: 16 hexadecimal digits."""
    return format_timed_id(import_id)


def parse_import_id(text: str) -> int | None:
    """Give the import's id of a text, or None when no import can have it."""
    return parse_timed_id(text)


def check_file_name(name: str) -> str:
    """Give a file name to show to people. Raises ``bad_parameters`` when it is too long or not printable."""
    check_text("fileName", name, FILE_NAME_LENGTH_MAX)
    return name


def check_room(open_imports: Sequence[FileImport], imports_max: int) -> None:
    """Raise ``import_limit_reached`` when the account already has the maximum of open imports."""
    count = sum(one.kept_until is None for one in open_imports)
    if count >= imports_max:
        raise PadronError(
            Code.IMPORT_LIMIT_REACHED,
            f"This account already has {count} open imports, the maximum. Wait until one ends, or cancel one.",
        )


def check_file_room(open_imports: Sequence[FileImport], files_max: int) -> None:
    """Raise ``import_limit_reached`` when the account already has the maximum of kept files."""
    count = sum(one.kept_until is not None for one in open_imports)
    if count >= files_max:
        raise PadronError(
            Code.IMPORT_LIMIT_REACHED,
            f"This account already keeps {count} uploaded files, the maximum. Import or discard one.",
        )


def list_over(open_imports: Sequence[FileImport], now: datetime) -> list[int]:
    """Give the uploads to delete: those that stopped, and kept files after their time. No open import needs them."""
    used = {one.source_id for one in open_imports}
    return [
        one.import_id
        for one in open_imports
        if one.state is ImportState.UPLOADING and one.import_id not in used and _is_over(one, now)
    ]


def _is_over(upload: FileImport, now: datetime) -> bool:
    return upload.moved_at < now - UPLOAD_KEPT if upload.kept_until is None else upload.kept_until <= now


def choose_next(open_imports: Sequence[FileImport], holder: str, now: datetime) -> FileImport | None:
    """Give the import that a worker may take: the running one if nobody holds it, else the oldest queued one."""
    running = [one for one in open_imports if one.state is ImportState.RUNNING]
    if running:
        return next((one for one in running if _is_free(one, holder, now)), None)
    queued = [one for one in open_imports if one.state is ImportState.QUEUED]
    return min(queued, key=lambda one: one.import_id, default=None)


def claim(taken: FileImport, holder: str, now: datetime) -> FileImport:
    """Give an import as a worker takes it. After too many attempts without a new row it has failed."""
    if taken.tries >= TRIES_MAX:
        return end(
            taken,
            ImportState.FAILED,
            now,
            f"The import read {taken.counts.read} rows and then made no progress in {taken.tries} attempts. "
            "Import the file again, or split it.",
        )
    return replace(
        taken,
        state=ImportState.RUNNING,
        started_at=taken.started_at or now,
        tries=taken.tries + 1,
        attempt=taken.attempt + 1,
        lease_holder=holder,
        lease_until=now + LEASE,
    )


def release(held: FileImport) -> FileImport:
    """Give up the lease, so that another worker can continue immediately. A stopped server is not a failed attempt."""
    return replace(held, tries=max(0, held.tries - 1), lease_holder=None, lease_until=None)


def cancel(asked: FileImport, now: datetime) -> FileImport:
    """Give an import as cancelled. Raises ``import_ended`` when it is done or failed."""
    if asked.state is ImportState.CANCELLED:
        return asked
    if not asked.is_open:
        raise PadronError(
            Code.IMPORT_ENDED,
            f"The import is already {asked.state.value}, so it cannot be cancelled. "
            "Undo its changes by its requestId instead.",
        )
    return end(asked, ImportState.CANCELLED, now)


def end(ended: FileImport, state: ImportState, now: datetime, detail: str | None = None) -> FileImport:
    """Give an import as it is at its end."""
    return replace(
        ended, state=state, detail=detail, ended_at=now, moved_at=now, lease_holder=None, lease_until=None
    )  # fmt: skip


def check_held(held: FileImport | None, attempt: int) -> FileImport:
    """Give the import if this attempt still holds it. Raises ``import_ended`` when it was cancelled or taken over."""
    if held is None or held.state is not ImportState.RUNNING or held.attempt != attempt:
        raise PadronError(Code.IMPORT_ENDED, "The import was cancelled, or another server has taken it over.")
    return held


def _is_free(running: FileImport, holder: str, now: datetime) -> bool:
    return running.lease_until is None or running.lease_until <= now or running.lease_holder == holder
