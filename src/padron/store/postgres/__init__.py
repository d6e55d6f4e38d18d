"""The engine for several server processes and hosts: one PostgreSQL database."""

from padron.store.postgres.engine import MIGRATIONS, PostgresStore, migrate, open_store
from padron.store.postgres.examination import PostgresExamination

__all__ = ["MIGRATIONS", "PostgresExamination", "PostgresStore", "migrate", "open_store"]
