"""A backup of a register whose servers are stopped, and the register as it was then, put in its place."""

import shutil
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.postgres import Postgres


class Backup(Protocol):
    async def make(self) -> None: ...

    async def restore(self) -> None: ...


class FileBackup:
    """Of SQLite: a copy of the file."""

    def __init__(self, file: Path, copy: Path) -> None:
        self._file, self._copy = file, copy

    async def make(self) -> None:
        shutil.copy(self._file, self._copy)
        wal = Path(f"{self._file}-wal")
        assert not wal.exists() or wal.stat().st_size == 0

    async def restore(self) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self._file}{suffix}").unlink(missing_ok=True)
        shutil.copy(self._copy, self._file)


class DatabaseBackup:
    """Of PostgreSQL: a copy of the database, which is the register from then on."""

    def __init__(self, postgres: Postgres, url: str) -> None:
        self._postgres, self._name = postgres, urlsplit(url).path[1:]
        self._copy = f"{self._name}_backup"

    async def make(self) -> None:
        await self._end_users()
        await self._postgres.execute(f"DROP DATABASE IF EXISTS {self._copy}")
        await self._postgres.execute(f"CREATE DATABASE {self._copy} TEMPLATE {self._name} STRATEGY file_copy")

    async def restore(self) -> None:
        await self._postgres.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
        await self._postgres.execute(f"ALTER DATABASE {self._copy} RENAME TO {self._name}")

    async def _end_users(self) -> None:
        """End what servers that were stopped a moment ago may have left: PostgreSQL copies only what nobody uses."""
        await self._postgres.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{self._name}'"  # noqa: S608
        )
