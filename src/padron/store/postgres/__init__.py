"""The engine for several server processes and hosts: one PostgreSQL database."""

from padron.store.postgres.engine import PostgresStore, migrate, open_store
from padron.store.postgres.explaining import explain

__all__ = ["PostgresStore", "explain", "migrate", "open_store"]
