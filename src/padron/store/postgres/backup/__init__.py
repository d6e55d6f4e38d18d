"""Copies of a database with PostgreSQL's own tools, which are checked here."""

from padron.store.postgres.backup.dumping import dump_database
from padron.store.postgres.backup.loading import check_target, load_dump

__all__ = ["check_target", "dump_database", "load_dump"]
