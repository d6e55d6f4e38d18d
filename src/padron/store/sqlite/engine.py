"""An open SQLite file. The engine first brings its schema up to date, then reads and writes."""

import asyncio
import copy
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, assert_never

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import HeldKey
from padron.domain.query import VehicleQuery
from padron.domain.quoting import quote_path
from padron.domain.sorting import give_sort_key
from padron.domain.trouble import TroubleCode, TroubledError
from padron.meters import Family
from padron.store.backups import BackupPlan
from padron.store.base import Decide, WriteTransaction
from padron.store.directory import Directory
from padron.store.idempotency import settle_key
from padron.store.imports import ImportBoard
from padron.store.people.board import People
from padron.store.plans import PlanBoard
from padron.store.reader import Reader
from padron.store.selections import SelectionBoard
from padron.store.sql.migrations import Migration, check_newer, load_migrations
from padron.store.sqlite.backup.keeper import FileHealth, LogBackup
from padron.store.sqlite.backup.measures import give_backup_families
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connection import check_sqlite_version, open_connection, translate_errors
from padron.store.sqlite.connections import ReadConnections
from padron.store.sqlite.log_copies import ALONE_LOG_PAGES, LOG_PAGES, LogCopier
from padron.store.sqlite.measures import give_families
from padron.store.sqlite.migrating import READ_NEWER, READ_NUMBER, apply_migrations
from padron.store.sqlite.orders.following import OrderFollower
from padron.store.sqlite.orders.walking import find_page
from padron.store.sqlite.port import SQL, SqliteBoard, SqliteReads
from padron.store.sqlite.recognition import check_file, claim, create_file
from padron.store.sqlite.soundness.background import CheckState, FileCheck
from padron.store.sqlite.soundness.guard import FileGuard
from padron.store.sqlite.soundness.log_check import LOST_COMMITS, has_lost_commits, keep_log
from padron.store.sqlite.statuses import change_together
from padron.store.sqlite.transaction import SqliteTransaction
from padron.store.strict_accounts import StrictAccounts
from padron.store.webhooks import WebhookBoard
from padron.traces import Tracer

T = TypeVar("T")

_log = logging.getLogger("padron.store")

SCRUBS_MAX = 10
SCRUB_PAUSE_S = 0.2
MIGRATIONS = load_migrations("padron.store.sqlite")


class SqliteStore:
    """The store in one file. Only one server process may use the file, and commands beside it."""

    def __init__(self, path: str, *, log_pages: int = LOG_PAGES, keeper: LogBackup | None = None) -> None:
        connection = open_connection(path)
        with translate_errors():
            ((self.epoch,),) = connection.execute(SQL["find_epoch"])
        connection.set_busy_timeout(0)  # from now on a wait would block the event loop
        self._guard = FileGuard(path)
        self._file_check = FileCheck(path, self._guard)
        self._keeper = keeper
        self._committer = GroupCommitter(connection, LogCopier(path, connection, log_pages, keeper), self._guard)
        if keeper is not None:
            keeper.start(
                FileHealth(
                    is_lost=lambda: self._guard.is_lost,
                    is_being_checked=lambda: self._file_check.state is CheckState.RUNNING,
                )
            )
        self._connections = ReadConnections(path, self._guard)
        self._path = path
        self._guard.look()
        self._held: HeldKey | None = None
        self.strict_accounts = StrictAccounts()
        self.orders = OrderFollower(self._committer, self._connections)
        self._board = SqliteBoard(self._committer, self._connections)
        self.directory = Directory(self._board)
        self.imports = ImportBoard(self._board)
        self.people = People(self._board)
        self.plans = PlanBoard(self._board)
        self.selections = SelectionBoard(self._board)
        self.webhooks = WebhookBoard(self._board)

    def read(self, account_id: int) -> Reader:
        """Give a reader of one account."""
        bounds = self.orders.bounds

        def find(connection: apsw.Connection, account_id: int, query: VehicleQuery) -> list[int] | None:
            return find_page(connection, account_id, query, bounds)

        return Reader(SqliteReads(self._connections, account_id, find), account_id)

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        """Give a reader. It is never behind, because a file has no replica."""
        del at_least
        return self.read(account_id)

    def read_caught_up(self, account_id: int) -> Reader:
        """Give a reader. It is never behind."""
        return self.read(account_id)

    @property
    def reads_at_once(self) -> bool:
        """Say that a point read is over at once: it runs on the event loop."""
        return True

    @property
    def stalled_s(self) -> float:
        """Give the seconds that the committing task has spent on one group."""
        return self._committer.stalled_s

    @property
    def failing_node_count(self) -> int:
        """Give 0: there is one database."""
        return 0

    @property
    def is_replica_fresh(self) -> None:
        """Say that there is no replica."""
        return

    @property
    def backup(self) -> LogBackup | None:
        """The continuous backup of the file, if this server keeps one."""
        return self._keeper

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account. Run it again if another job of the same commit fails."""

        async def run(connection: apsw.Connection) -> T:
            transaction = SqliteTransaction(connection, account_id, self.strict_accounts)
            result = await work(transaction)
            if self._held is not None:
                await settle_key(transaction.keys, self._held, result)
            return result

        return await self._committer.run(run)

    def give_lane(self, account_id: int) -> int:
        """Give 0: the status calls of all accounts may be joined."""
        del account_id
        return 0

    async def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Change statuses in several accounts. No account is left out, because all writers wait in one queue."""

        async def run(connection: apsw.Connection) -> frozenset[int]:
            change_together(connection, vins, decide, self.strict_accounts)
            return frozenset(vins)

        yield await self._committer.run(run)

    async def write_apart(self, account_id: int, vins: Sequence[str], decide: Decide) -> None:
        """Change statuses in one account."""
        async for _ in self.write_together({account_id: vins}, decide):
            pass

    def hold_key(self, held: HeldKey) -> "SqliteStore":
        """Give the same store for the work of one request under a key."""
        store = copy.copy(self)
        store._held = held  # noqa: SLF001 - its own kind
        return store

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes."""
        return dict(map(tuple, await self._board.read_point("load_last_changes", list(account_ids))))

    async def read_time(self) -> None:
        """Give None, because a file has no clock. Its one server uses its own clock."""
        return

    def give_families(self) -> Sequence[Family]:
        """Give the figures of the file and its writer."""
        own = give_families(self._path, self._committer, self._connections)
        if self._keeper is None:
            return own
        return (*own, *give_backup_families(self._keeper.state, datetime.now(UTC)))

    def trace(self, tracer: Tracer) -> None:
        """Let a tracer record the commits."""
        self._committer.tracer = tracer

    @property
    def is_being_checked(self) -> bool | None:
        """Say whether the check of the whole file has yet to end; None before the first one begins."""
        match self._file_check.state:
            case CheckState.NEVER:
                return None
            case CheckState.RUNNING | CheckState.PUT_OFF:
                return True
            case CheckState.SOUND | CheckState.DAMAGED:
                return False
            case _:
                assert_never(self._file_check.state)

    async def watch(self) -> None:
        """Look whether the files are at their places, and whether the disk takes writes again if it did not."""
        await asyncio.to_thread(self._guard.look_at_disk)
        self._guard.look()
        if self._guard.is_time_to_try:
            await self.directory.try_to_write()

    async def examine(self) -> bool:
        """Check the whole file, beside everything else. A damaged one is not served any more."""
        await asyncio.wrap_future(self._file_check.begin())
        return not self.is_being_checked

    async def check(self) -> None:
        """Return when the writer runs, the file is in order and it has this program's schema."""
        trouble = self._guard.trouble
        if trouble is not None:
            raise TroubledError(trouble.code, trouble.sentence)
        if not self._committer.is_alive:
            raise PadronError(Code.STORE_UNAVAILABLE, "The writer of the database has ended. Restart the server.")

        async def ask(statement: str, *parameters: object) -> Sequence[tuple[Any, ...]]:
            return await self._connections.read_point(statement, parameters)

        ((applied,),) = await ask(READ_NUMBER)
        if applied > len(MIGRATIONS):
            check_newer(MIGRATIONS, applied, [kind for (kind,) in await ask(READ_NEWER, len(MIGRATIONS))])

    async def follow_record(self) -> bool:
        """Take the next changes of a large account into the bits that its pages by an instant follow."""
        return await self.orders.advance()

    async def restart_orders(self) -> None:
        """Forget all bits, also those that another process is making."""
        await self.orders.restart()

    async def scrub(self) -> bool:
        """Empty the log, which still has pages as they were. The pragma secure_delete cares for the file itself.

        SQLite leaves a rare copy in the free part of a page from which it moved rows (decision 61).

        A continuous backup reads the log until the server stops, so then it is not tried: it would only make the writer
        wait for the backup.
        """
        if self._keeper is not None:
            return False
        for _ in range(SCRUBS_MAX):
            if await self._committer.empty_log():
                return True
            await asyncio.sleep(SCRUB_PAUSE_S)  # a reader of an earlier state ends soon
        return False

    async def close(self) -> None:
        """Finish the work under way and close. The writer closes last and leaves one file without a log beside it."""
        await asyncio.to_thread(self._file_check.close)
        self._connections.close()
        await self._committer.close()
        if (aside := self._guard.put_log_aside()) is not None:
            _log.error("The database file was removed or replaced. Its last changes are in %s", quote_path(aside))


async def open_store(
    path: str, *, is_alone: bool = False, may_create: bool = True, plan: BackupPlan | None = None
) -> SqliteStore:
    """Create the file or bring its schema up to date, and open it. Raises ``schema_mismatch`` when it is newer.

    Raises ``store_unavailable`` when the file is not a register, and for a missing file that may not be created.
    ``is_alone`` is for a program that loads much data while no server uses the file. The log may then grow longer.
    ``plan`` is for a server that keeps a continuous backup.
    """
    check_sqlite_version(apsw.sqlite_lib_version())
    migrate(path, may_create=may_create)
    keeper = None if plan is None else LogBackup(path, plan)
    return SqliteStore(path, log_pages=ALONE_LOG_PAGES if is_alone else LOG_PAGES, keeper=keeper)


def migrate(path: str, *, dry_run: bool = False, may_create: bool = True) -> list[Migration]:
    """Apply all pending migrations in one transaction, and give them. With ``dry_run`` only give them.

    Raises ``schema_mismatch``, and ``store_unavailable`` for a file that is not a register.
    """
    check_file(path, may_create=may_create)
    if dry_run and not Path(path).exists():
        return list(MIGRATIONS)
    create_file(path)
    connection = open_connection(path)
    try:
        if has_lost_commits(connection, os.path.realpath(path)):
            keep_log(connection)
            raise TroubledError(TroubleCode.DAMAGED, LOST_COMMITS)
        with translate_errors():
            connection.create_scalar_function("sort_key", _give_sort_key, 1, deterministic=True)
            connection.execute("BEGIN IMMEDIATE")
            claim(connection, path)
            pending = apply_migrations(connection, MIGRATIONS)
            connection.execute("ROLLBACK" if dry_run else "COMMIT")
    finally:
        connection.close()  # an open transaction is rolled back
    return pending


def _give_sort_key(*texts: object) -> str:
    return give_sort_key(str(texts[0]))
