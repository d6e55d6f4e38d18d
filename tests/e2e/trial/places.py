"""Where the register of a trial is, on either engine, and how an operator makes another one beside it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import apsw
import asyncpg

from tests.e2e.trial.disks import SMALL_DISK, Disk, LimitedDisk, SmallDisk
from tests.postgres import Postgres

FAILED = Path(__file__).parents[3] / "build" / "trials" / "failed"

T = TypeVar("T")

_TRIES = 40
_AGAIN_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A register, and the folder for everything beside it."""

    url: str
    folder: Path
    disk: Disk | None
    backup_to: Path | None
    postgres: Postgres | None
    make_database: Callable[[], Awaitable[str]]
    drop_database: Callable[[str], Awaitable[None]]

    def keep(self) -> None:
        """Keep the files of a trial that failed, so that somebody can look at them."""
        shutil.rmtree(FAILED, ignore_errors=True)
        with suppress(shutil.Error):  # of files that a server has just removed
            shutil.copytree(self.folder, FAILED, ignore=shutil.ignore_patterns("filling"))

    @property
    def variables(self) -> dict[str, str]:
        """The variables of an operator's commands: PostgreSQL's programs are at hand."""
        path = os.environ["PATH"]
        return {"PATH": path if self.postgres is None else f"{self.postgres.bin_folder}{os.pathsep}{path}"}


@contextmanager
def give_file_place() -> Iterator[Place]:
    """Give a place for a SQLite file, with a folder for its continuous backup."""
    with TemporaryDirectory(prefix="padron-trial-", dir=SMALL_DISK or None) as name:
        folder, numbers = Path(name), count(1)
        database = folder / "padron.db"
        backup_to = folder / "backup"
        backup_to.mkdir()

        async def make() -> str:
            return f"sqlite:///{folder}/copy-{next(numbers)}.db"

        async def drop(url: str) -> None:
            path = Path(url.removeprefix("sqlite:///"))
            for file in folder.glob(f"{path.name}*"):
                file.unlink()

        disk: Disk = SmallDisk(folder=folder) if SMALL_DISK else LimitedDisk(database=str(database))
        yield Place(
            url=f"sqlite:///{database}",
            folder=folder,
            disk=disk,
            backup_to=backup_to,
            postgres=None,
            make_database=make,
            drop_database=drop,
        )


@asynccontextmanager
async def give_database_place(postgres: Postgres) -> AsyncIterator[Place]:
    """Give a place for a database of PostgreSQL."""

    async def make() -> str:
        return await insist(lambda: postgres.create_database(migrated=False))

    async def drop(url: str) -> None:
        await insist(lambda: postgres.drop_database(url))

    with TemporaryDirectory(prefix="padron-trial-") as name:
        url = await postgres.create_database()
        await postgres.leave_alone(url)
        yield Place(
            url=url,
            folder=Path(name),
            disk=None,
            backup_to=None,
            postgres=postgres,
            make_database=make,
            drop_database=drop,
        )
        await postgres.drop_database(url)


async def insist(act: Callable[[], Awaitable[T]]) -> T:
    """Do something while PostgreSQL may be away for a moment, or the disk full."""
    for _ in range(_TRIES):
        try:
            return await act()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, apsw.IOError, apsw.FullError):
            await asyncio.sleep(_AGAIN_S)
    return await act()
