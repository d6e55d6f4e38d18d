"""What commands and workers know of backups."""

from padron.store.backups import (
    BackupNote,
    RegisterSummary,
    RestoredRegister,
    ShowProgress,
    encode_note,
    give_note_path,
    show_nothing,
)

__all__ = [
    "BackupNote",
    "RegisterSummary",
    "RestoredRegister",
    "ShowProgress",
    "encode_note",
    "give_note_path",
    "show_nothing",
]
