"""The engine for several server processes and hosts: one PostgreSQL database."""

from padron.store.postgres.engine import PostgresStore, migrate, open_store

__all__ = ["PostgresStore", "migrate", "open_store"]
