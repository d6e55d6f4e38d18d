"""The archive of a record: where the record begins now, how far the archiving has come, and what an archive keeps."""

from dataclasses import dataclass
from datetime import datetime

from padron.domain.change import HistoryEntry
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.vehicle import Details


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordStart:
    """Up to which number an account's changes are archived, and the latest instant up to there.

    The number is 0 while nothing is archived. The register as it was *at* this number is still known: each vehicle's
    registration, its last change and its last change of status are kept.
    """

    number: int
    at: datetime

    def check_instant(self, at: datetime) -> None:
        """Raise ``archived`` for an instant whose state needs archived changes."""
        if self.number and at < self.at:
            raise self._refuse(f"The changes before {format_instant(self.at)} are archived")

    def check_number(self, number: int) -> None:
        """Raise ``archived`` for the state after a change that needs archived changes."""
        if number < self.number:
            raise self._refuse(f"The changes before number {self.number:,} ({format_instant(self.at)}) are archived")

    def check_request(self, first: int, request: str) -> None:
        """Raise ``archived`` for the undo of a request whose first change is archived, with others of it or alone."""
        if first <= self.number:
            raise self._refuse(f"The request {request} changed something up to {format_instant(self.at)}")

    def check_place(self, number: int) -> None:
        """Raise ``cursor_gone`` for a place in the feed from which archived changes would follow."""
        if number < self.number:
            raise PadronError(
                Code.CURSOR_GONE,
                f"The feed now begins after change {self.number:,} ({format_instant(self.at)}); the rest is archived. "
                "Load the list from its first page, and follow the feed from the cursor that this page gives.",
            )

    def _refuse(self, fact: str) -> PadronError:
        return PadronError(
            Code.ARCHIVED, f"{fact}, and no longer in the register. The operator can read them with `padron archive`."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveMark:
    """How far the archiving of one account's record has come, as numbers of changes.

    Changes up to ``archived_to`` are in files. The portion up to ``archiving_to`` is being written, if that is more.
    Up to ``cleared_to`` only the changes that later questions need are still in the database.
    """

    archived_to: int
    archived_at: datetime
    archiving_to: int
    cleared_to: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NextPortion:
    """The changes that may be archived next: the number of the last one, how many, and the earliest instant."""

    last: int
    count: int
    earliest_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedChange:
    """A change as an archive keeps it: with its vehicle, and with all core data if it began a version of them."""

    change: HistoryEntry
    vehicle_id: int
    vin: str
    details: Details | None
