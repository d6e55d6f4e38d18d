"""Remembers the troubles that PostgreSQL reported to calls, so that `/readyz` can tell of them.

The server itself keeps damaged pages from being served, if its cluster has checksums. So calls go on, and only those
that meet the damage fail.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from padron.domain.trouble import TRY_AFTER_S, Trouble, TroubleCode, TroubledError

DAMAGE_S = 60.0  # without another report of damage, the server counts as ready again
_OF_WRITES = (TroubleCode.DISK_FULL, TroubleCode.DISK_FAILING, TroubleCode.READ_ONLY)


class ServerTroubles:
    """The last trouble of one database. A successful write ends a trouble of writes."""

    def __init__(self) -> None:
        self._write: Trouble | None = None
        self._failed_s = 0.0
        self._damaged_until_s = float("-inf")

    @property
    def trouble(self) -> Trouble | None:
        """The trouble of now."""
        return Trouble(code=TroubleCode.DAMAGED) if monotonic() < self._damaged_until_s else self._write

    @property
    def is_time_to_try(self) -> bool:
        """Say whether the last write failed because the server could not write, some seconds ago."""
        return self._write is not None and monotonic() > self._failed_s + TRY_AFTER_S

    def note_written(self) -> None:
        """Remember that a transaction was committed."""
        self._write = None

    @contextmanager
    def note_errors(self) -> Iterator[None]:
        """Remember what the errors of a block say about the database."""
        try:
            yield
        except TroubledError as error:
            if error.trouble.code is TroubleCode.DAMAGED:
                self._damaged_until_s = monotonic() + DAMAGE_S
            elif error.trouble.code in _OF_WRITES:
                self._write, self._failed_s = error.trouble, monotonic()
            raise
