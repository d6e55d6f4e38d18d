"""The figures of a SQLite file: its writer, its reading threads, and its sizes on the disk."""

import os
from collections.abc import Sequence
from contextlib import suppress

from padron.meters import Family, give_gauge, give_gauges, give_histogram, give_histograms
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


def _find_size(path: str) -> int:
    with suppress(OSError):
        return os.stat(path).st_size  # noqa: PTH116 - one call to the system, on the event loop
    return 0
