"""The engine for several server processes and hosts: one PostgreSQL database."""

from padron.store.postgres.engine import MIGRATIONS, PostgresStore, migrate
from padron.store.postgres.examination import PostgresExamination
from padron.store.postgres.opening import check_replica, explain_use, open_store

__all__ = [
    "MIGRATIONS",
    "PostgresExamination",
    "PostgresStore",
    "check_replica",
    "explain_use",
    "migrate",
    "open_store",
]
