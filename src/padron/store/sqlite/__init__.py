"""The embedded engine: one SQLite file, one server process."""

from padron.store.sqlite.engine import SqliteStore, migrate, open_store
from padron.store.sqlite.recognition import check_file, create_file

__all__ = ["SqliteStore", "check_file", "create_file", "migrate", "open_store"]
