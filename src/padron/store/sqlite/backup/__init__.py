"""Copies of the file: whole ones, and a base with the log since then. Restores both."""

from padron.store.sqlite.backup.copying import copy_checked
from padron.store.sqlite.backup.restoring import check_target, restore_file

__all__ = ["check_target", "copy_checked", "restore_file"]
