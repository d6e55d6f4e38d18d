"""A file of vehicles that was uploaded to be imported: the states it goes through, and who may work on it.

Uploading, queued, running; then done, failed or cancelled. Of an account one import runs at a time. Whoever works on
it holds a lease and an attempt's number, and writes nothing any more once another has a higher one.
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
OPEN_MAX = 10  # imports of an account that have not ended
REFUSALS_KEPT_MAX = 100_000  # faults
FILE_NAME_LENGTH_MAX = 255
LEASE = timedelta(seconds=30)
KEPT = timedelta(days=30)  # an import that ended
UPLOAD_KEPT = timedelta(minutes=15)  # an upload that does not move on
TRIES_MAX = 5  # attempts without a row


class ImportState(StrEnum):
    """How far an import has come."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({ImportState.UPLOADING, ImportState.QUEUED, ImportState.RUNNING})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportCounts:
    """What became of the rows so far."""

    read: int = 0
    registered: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_duplicates: int = 0
    refused: int = 0

    def add(self, more: "ImportCounts") -> "ImportCounts":
        """Give what became of these rows and of some more."""
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
    """One uploaded file. ``moved_at`` is when it came further last; ``detail`` says why it failed.

    ``header`` is where the names of the columns were found, None before the file was opened.
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

    @property
    def is_open(self) -> bool:
        """Say whether it has not ended."""
        return self.state in OPEN_STATES

    @property
    def progress(self) -> float:
        """Give the share of the file that was read, from 0 to 1."""
        if self.state is ImportState.DONE:
            return 1.0
        return min(1.0, round(self.bytes_read / self.bytes_total, 4)) if self.bytes_total else 0.0

    @property
    def rows_per_second(self) -> float:
        """Give the rows read in a second, from its start to when it moved last."""
        seconds = (self.moved_at - self.started_at).total_seconds() if self.started_at else 0.0
        return round(self.counts.read / seconds, 1) if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRefusal:
    """One fault of a refused line. ``place`` counts the faults of an import, in the order of the file."""

    place: int
    line: int
    column: str | None
    detail: str


def make_import_id(at: datetime, random_number: int) -> int:
    """Give a new import's id: later imports have higher ones, so that the oldest comes first."""
    return make_timed_id(at, random_number)


def format_import_id(import_id: int) -> str:
    """Give an import's id as it is told: 16 hexadecimal digits."""
    return format_timed_id(import_id)


def parse_import_id(text: str) -> int | None:
    """Give the import's id of a text, or None when no import can have it."""
    return parse_timed_id(text)


def check_file_name(name: str) -> str:
    """Give a file's name, for people. Raises ``bad_parameters`` when it is too long or cannot be printed."""
    check_text("fileName", name, FILE_NAME_LENGTH_MAX)
    return name


def check_room(open_imports: Sequence[FileImport]) -> None:
    """Raise ``import_limit_reached`` when an account has as many imports open as it may."""
    if len(open_imports) >= OPEN_MAX:
        raise PadronError(
            Code.IMPORT_LIMIT_REACHED,
            f"The account has {len(open_imports)} imports that have not ended, and may have {OPEN_MAX}: "
            "wait for one to end, or cancel one.",
        )


def choose_next(open_imports: Sequence[FileImport], holder: str, now: datetime) -> FileImport | None:
    """Give the import that a worker may take: the running one that nobody holds, or else the oldest that is queued."""
    running = [one for one in open_imports if one.state is ImportState.RUNNING]
    if running:
        return next((one for one in running if _is_free(one, holder, now)), None)
    queued = [one for one in open_imports if one.state is ImportState.QUEUED]
    return min(queued, key=lambda one: one.import_id, default=None)


def claim(taken: FileImport, holder: str, now: datetime) -> FileImport:
    """Give an import as a worker takes it: it fails when it was taken too often without a row being read."""
    if taken.tries >= TRIES_MAX:
        return end(
            taken,
            ImportState.FAILED,
            now,
            f"After {taken.counts.read} rows it was tried {taken.tries} times and came no further.",
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
    """Give an import back, for another worker to go on at once; that the server ended counts as no try."""
    return replace(held, tries=max(0, held.tries - 1), lease_holder=None, lease_until=None)


def cancel(asked: FileImport, now: datetime) -> FileImport:
    """Give an import as cancelled. Raises ``import_ended`` when it ended otherwise."""
    if asked.state is ImportState.CANCELLED:
        return asked
    if not asked.is_open:
        raise PadronError(
            Code.IMPORT_ENDED,
            f"The import is {asked.state.value}: what it changed can be undone by its requestId, not cancelled.",
        )
    return end(asked, ImportState.CANCELLED, now)


def end(ended: FileImport, state: ImportState, now: datetime, detail: str | None = None) -> FileImport:
    """Give an import as it is at its end."""
    return replace(
        ended, state=state, detail=detail, ended_at=now, moved_at=now, lease_holder=None, lease_until=None
    )  # fmt: skip


def check_held(held: FileImport | None, attempt: int) -> FileImport:
    """Give an import that an attempt still works on. Raises ``import_ended`` when it was cancelled or taken over."""
    if held is None or held.state is not ImportState.RUNNING or held.attempt != attempt:
        raise PadronError(Code.IMPORT_ENDED, "The import was cancelled, or another server has taken it up.")
    return held


def _is_free(running: FileImport, holder: str, now: datetime) -> bool:
    return running.lease_until is None or running.lease_until <= now or running.lease_holder == holder
