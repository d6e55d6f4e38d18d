"""What commands and workers know of backups, and what the server knows of its continuous one."""

from datetime import datetime

from padron.service.runtime import Runtime
from padron.store.backups import (
    BackupNote,
    BackupState,
    RegisterSummary,
    RestoredRegister,
    ShowProgress,
    encode_note,
    give_note_path,
)

__all__ = [
    "BackupNote",
    "BackupState",
    "RegisterSummary",
    "RestoredRegister",
    "ShowProgress",
    "encode_note",
    "find_backup_state",
    "give_backup_age_s",
    "give_note_path",
    "note_backup_check",
]


def find_backup_state(runtime: Runtime) -> BackupState | None:
    """Give the state of the continuous backup, for readiness and metrics; None if this server keeps none."""
    backup = runtime.store.backup
    return None if backup is None else backup.state


def give_backup_age_s(state: BackupState, now: datetime) -> float | None:
    """Give the seconds of changes that would be lost now with the database. None before the first copy."""
    return state.give_age_s(now)


def note_backup_check(runtime: Runtime, at: datetime, trouble: str) -> None:
    """Note how a trial restore ended: with an empty text if it was right."""
    if runtime.store.backup is not None:
        runtime.store.backup.note_check(at, trouble)
