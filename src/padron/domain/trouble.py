"""What can be wrong with a register as a whole: the codes that `/readyz` shows, each with its sentence.

The sentences are public, so they name no file, no server and no value.
"""

from dataclasses import dataclass
from enum import StrEnum

from padron.domain.errors import Code, PadronError


class TroubleCode(StrEnum):
    """One kind of trouble. Programs read the code, and people read its sentence."""

    DATABASE_UNREACHABLE = "database_unreachable"
    MIGRATIONS_PENDING = "migrations_pending"
    DAMAGED = "damaged"
    FILE_GONE = "file_gone"
    DISK_FULL = "disk_full"
    DISK_FAILING = "disk_failing"
    READ_ONLY = "read_only"
    REPLICA_BEHIND = "replica_behind"
    BACKUP_FAILING = "backup_failing"
    NODE_FAILING = "node_failing"


SENTENCES: dict[TroubleCode, str] = {
    TroubleCode.DATABASE_UNREACHABLE: "The database does not answer. Look at the log of the server.",
    TroubleCode.MIGRATIONS_PENDING: "The database has another schema than this program. Run `padron migrate`.",
    TroubleCode.DAMAGED: "The database is damaged, so nothing is served from it. Run `padron doctor` and restore it.",
    TroubleCode.FILE_GONE: "The database file was removed or replaced while the server runs. Stop the server and "
    "restore the file.",
    TroubleCode.DISK_FULL: "The disk of the database is full, so nothing can be written. Make room on it.",
    TroubleCode.DISK_FAILING: "The disk of the database refuses to write. Check the disk.",
    TroubleCode.READ_ONLY: "The database takes no writes. Make it writable, or point the server to the primary.",
    TroubleCode.REPLICA_BEHIND: "The replica is behind or gone. The primary answers its reads.",
    TroubleCode.BACKUP_FAILING: "The continuous backup does not work. Look at the log of the server.",
    TroubleCode.NODE_FAILING: "A node of the cluster does not answer or does not work. Calls of the accounts on other "
    "nodes go on.",
}

_WARNINGS = frozenset({TroubleCode.REPLICA_BEHIND, TroubleCode.BACKUP_FAILING, TroubleCode.NODE_FAILING})


# A small write may succeed where a larger one did not. So nobody tries before the last failure is some seconds old.
TRY_AFTER_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Something that is wrong with the register now."""

    code: TroubleCode

    @property
    def sentence(self) -> str:
        """What everybody may read about it."""
        return SENTENCES[self.code]

    @property
    def is_fatal(self) -> bool:
        """Say whether the server is not ready because of it."""
        return self.code not in _WARNINGS


class TroubledError(PadronError):
    """``store_unavailable`` with its cause. ``detail`` is for the caller, the trouble is for `/readyz`."""

    def __init__(self, code: TroubleCode, detail: str) -> None:
        super().__init__(Code.STORE_UNAVAILABLE, detail)
        self.trouble = Trouble(code=code)
