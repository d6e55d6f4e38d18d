"""The figures of a continuous backup."""

from collections.abc import Sequence
from datetime import datetime

from padron.meters import Family, give_gauge
from padron.store.backups import BackupState


def give_backup_families(state: BackupState, now: datetime) -> Sequence[Family]:
    """Give the figures. Those that are not known yet are left out."""
    age_s = state.give_age_s(now)
    families = [
        give_gauge("padron_backup_working", "Whether the backup works: 1, or 0 after a failure.", not state.trouble),
        give_gauge("padron_backup_copied_bytes", "What this process wrote of the log.", state.copied_bytes),
        give_gauge("padron_backup_waiting_bytes", "The part of the log that waits in memory.", state.waiting_bytes),
    ]
    if age_s is not None:
        families.append(give_gauge("padron_backup_age_seconds", "Changes of so many seconds are not copied.", age_s))
    if state.base_at is not None:
        base_age_s = (now - state.base_at).total_seconds()
        families.append(give_gauge("padron_backup_base_age_seconds", "The age of the newest base.", base_age_s))
    if state.checked_at is not None:
        check_age_s = (now - state.checked_at).total_seconds()
        families += [
            give_gauge("padron_backup_check_age_seconds", "How long ago a backup was restored on trial.", check_age_s),
            give_gauge("padron_backup_check_good", "Whether that was right: 1 or 0.", not state.check_trouble),
        ]
    return families
