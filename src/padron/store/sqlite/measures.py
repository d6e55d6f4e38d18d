"""The figures of a SQLite file: its writer, its reading threads, its sizes on the disk, and its continuous backup."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from padron.meters import Family, give_counter, give_gauge, give_gauges, give_histogram, give_histograms
from padron.store.backups import BackupState
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connections import READ_THREADS, ReadConnections


def give_families(path: str, committer: GroupCommitter, connections: ReadConnections) -> Sequence[Family]:
    """Give the figures of a file."""
    return (
        give_histograms(
            "padron_commit_duration_seconds",
            "How long a commit took until it was on the disk.",
            "kind",
            {"group": committer.commit_s},
        ),
        give_histogram("padron_commit_group_size", "Transactions that shared a commit.", committer.group_sizes),
        give_gauge("padron_store_writes_waiting", "Transactions that wait for a commit.", committer.waiting_count),
        give_gauges(
            "padron_pool_connections_used", "Connections in use, by pool.", "pool",
            {"pages": min(connections.reading_count, READ_THREADS)},
        ),
        give_gauges("padron_pool_connections_max", "The size of each pool.", "pool", {"pages": READ_THREADS}),
        give_gauges(
            "padron_pool_waiting", "Statements that wait for a connection, by pool.", "pool",
            {"pages": max(0, connections.reading_count - READ_THREADS)},
        ),
        give_gauge("padron_sqlite_file_bytes", "The size of the database's file.", _find_size(path)),
        give_gauge("padron_sqlite_log_bytes", "The size of the log beside the file.", _find_size(f"{path}-wal")),
    )  # fmt: skip


def give_backup_families(state: BackupState, now: datetime) -> Sequence[Family]:
    """Give the figures of a continuous backup. Ages are absent until there is something that has one."""
    age_s = state.give_age_s(now)
    families = [
        give_gauge(
            "padron_backup_failing", "1 while the continuous backup cannot be written.", int(bool(state.trouble))
        ),
        give_gauge("padron_backup_trial_failed", "1 if the last trial restore failed.", int(bool(state.check_trouble))),
        give_counter("padron_backup_written_bytes_total", "Bytes written to the folder.", state.copied_bytes),
        give_gauge("padron_backup_waiting_bytes", "Bytes of the log in memory that wait.", state.waiting_bytes),
    ]
    if age_s is not None:
        families.append(give_gauge("padron_backup_age_seconds", "How far the backup is behind.", age_s))
    if state.checked_at is not None:
        trial_s = max((now - state.checked_at).total_seconds(), 0.0)
        families.append(give_gauge("padron_backup_trial_age_seconds", "Since the last trial restore.", trial_s))
    return families


def _find_size(path: str) -> int:
    with suppress(OSError):
        return os.stat(path).st_size  # noqa: PTH116 - one call to the system, on the event loop
    return 0
