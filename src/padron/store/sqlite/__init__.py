"""The embedded engine: one SQLite file, one server process."""

from padron.store.sqlite.engine import SqliteStore, migrate, open_store

__all__ = ["SqliteStore", "migrate", "open_store"]
