"""The embedded engine: one SQLite file, one server process."""

from padron.store.sqlite.engine import MIGRATIONS, SqliteStore, migrate, open_store
from padron.store.sqlite.recognition import check_file, create_file
from padron.store.sqlite.soundness.examination import SqliteExamination
from padron.store.sqlite.soundness.rewriting import write_checksums

__all__ = [
    "MIGRATIONS", "SqliteExamination", "SqliteStore", "check_file", "create_file", "migrate", "open_store",
    "write_checksums",
]  # fmt: skip
