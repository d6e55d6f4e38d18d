"""A register with a continuous backup, and what can be restored from its folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest

from padron.domain.errors import PadronError
from padron.store import sqlite
from padron.store.backups import BackupPlan, RestoredRegister
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.backup import keeper
from padron.store.sqlite.backup.keeper import BASE_EVERY, LogBackup
from padron.store.sqlite.backup.replaying import restore_folder
from tests.cast import NOON, make_vin, registered, save, wait_until
from tests.conftest import Row

LOG_PAGES = 40
EPOCH = "00000000"
KEEP = timedelta(days=7)
PAUSES_S = {"SHIP_EVERY_S": 0.03, "TROUBLE_S": 0.1}  # of the program, for which a test waits: else 0.25 and 1

Dump = dict[str, list[Row]]

# The index of the search is a virtual table without rows. What it keeps is in its shadow tables.
_LIST_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')"


@dataclass(kw_only=True)
class Kept:
    """An open register and its backup."""

    path: Path
    folder: Path
    store: SqliteStore
    backup: LogBackup
    account_id: int
    count: int = 0

    async def write(self, count: int = 1, *, length: int = 300) -> None:
        """Register vehicles, each in a transaction of its own."""
        for number in range(self.count, self.count + count):
            await save(self.store, self.account_id, registered(make_vin(number), ownerName="x" * length))
        self.count += count

    async def wait_until_copied(self) -> None:
        """Wait until all that is committed now can be restored."""
        now = datetime.now(UTC)

        async def is_copied() -> bool:
            copied_at = self.backup.state.copied_at
            return copied_at is not None and copied_at > now

        await wait_until(is_copied)

    async def wait_until_trouble(self) -> None:
        async def is_in_trouble() -> bool:
            return bool(self.backup.state.trouble)

        await wait_until(is_in_trouble)


@cache
def give_empty_register() -> bytes:
    """Give an empty register's file, which is copied faster than a new one is made."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "padron.db"
        sqlite.migrate(str(path))
        return path.read_bytes()


@asynccontextmanager
async def keep(
    root: Path,
    *,
    log_pages: int = LOG_PAGES,
    base_every: timedelta = BASE_EVERY,
    base_bytes: int = 1 << 30,
    kept_for: timedelta = KEEP,
    real_pauses: bool = False,
) -> AsyncIterator[Kept]:
    """Open a register in a folder, with its backup beside it. Its pauses are short, if they are not to be the real."""
    path, folder = root / "padron.db", root / "backup"
    folder.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(give_empty_register())
    plan = BackupPlan(folder=str(folder), keep=kept_for, base_bytes=base_bytes)
    with pytest.MonkeyPatch.context() as patch:
        for name, pause_s in ({} if real_pauses else PAUSES_S).items():
            patch.setattr(keeper, name, pause_s)
        backup = LogBackup(str(path), plan, base_every=base_every)
        store = SqliteStore(str(path), log_pages=log_pages, keeper=backup)
        accounts = await store.directory.list_accounts() or [await store.directory.add_account("Acme", NOON)]
        account_id = accounts[0].account_id
        counts = await store.load_last_changes([account_id])
        try:
            yield Kept(
                path=path, folder=folder, store=store, backup=backup, account_id=account_id, count=counts[account_id]
            )
        finally:
            await store.close()


def dump(path: Path) -> Dump:
    """Give all rows of a register but its epoch."""
    file = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        tables = [str(row[0]) for row in file.execute(_LIST_TABLES)]
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            table: sorted(file.execute(f'SELECT * FROM "{table}"'), key=repr)  # noqa: S608 - a name of the schema
            for table in tables
            if table not in {"register", "sqlite_sequence", "sqlite_stat1"}
        }
    finally:
        file.close()


def restore(folder: Path, target: Path, at: datetime | None = None) -> RestoredRegister:
    """Restore into a new file."""
    target.unlink(missing_ok=True)
    return restore_folder(folder, target, EPOCH, at)


def find_refusal(folder: Path, target: Path, at: datetime | None = None) -> str:
    """Give the words with which a restore is refused, or empty text."""
    try:
        restore(folder, target, at)
    except PadronError as error:
        assert not target.exists()
        assert not [path for path in target.parent.iterdir() if ".part" in path.name]
        return error.detail
    return ""


def list_vins(path: Path) -> list[str]:
    file = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [str(row[0]) for row in file.execute("SELECT vin FROM changes ORDER BY account_id, number")]
    finally:
        file.close()
