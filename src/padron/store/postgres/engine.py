"""An open PostgreSQL database. Several server processes may share it, so this process holds no exact state."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar, cast

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import HeldKey
from padron.domain.trouble import TroubleCode, TroubledError
from padron.meters import Family
from padron.store.base import Decide, WriteTransaction
from padron.store.directory import Directory
from padron.store.idempotency import settle_key
from padron.store.imports import ImportBoard
from padron.store.people.board import People
from padron.store.plans import PlanBoard
from padron.store.postgres.cluster.tables import find_citus
from padron.store.postgres.connection import open_connection, translate_errors
from padron.store.postgres.connections import HELD_MAX, HELD_SETTINGS, Connections
from padron.store.postgres.explaining import explain
from padron.store.postgres.measures import give_families
from padron.store.postgres.migrating import NotePlaced, check_known, migrate_connection
from padron.store.postgres.port import SQL, PostgresBoard, PostgresReads, Sources
from padron.store.postgres.replica import Replica, read_caught_up, read_recent
from padron.store.postgres.status_calls import StatusCalls
from padron.store.postgres.transaction import PostgresTransaction
from padron.store.postgres.troubles import ServerTroubles
from padron.store.postgres.writes import WriteTasks
from padron.store.reader import Reader
from padron.store.selections import SelectionBoard
from padron.store.sql.migrations import Migration, list_pending, load_migrations
from padron.store.strict_accounts import StrictAccounts
from padron.store.webhooks import WebhookBoard
from padron.traces import Tracer

T = TypeVar("T")

MIGRATIONS = load_migrations("padron.store.postgres")
CHECK_S_MAX = 0.8
STALE_S_MAX = 2.0

# Each kind of work has its own connections, so that no kind can take those of another: batches of status calls, other
# writes, point reads (every call begins with one, of its key), and pages.
TOGETHER_CONNECTIONS_MAX = 1
WRITE_CONNECTIONS_MAX = 10
POINT_CONNECTIONS_MAX = 4
PAGE_CONNECTIONS_MAX = 4

_READ_TIME = "SELECT clock_timestamp()"
_READ_STATE = "SELECT max(number), current_setting('transaction_read_only')::boolean FROM schema_migrations"


class PostgresStore:
    """The store in one PostgreSQL database, with or without a replica for reads. It connects when needed."""

    is_distributed = False  # whether its own connections lead to Citus, which spreads the tables

    def __init__(
        self,
        url: str,
        read_url: str | None = None,
        stale_s_max: float = STALE_S_MAX,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._troubles = ServerTroubles()
        connect = partial(Connections, url, troubles=self._troubles, settings=settings)
        self._writes = connect(WRITE_CONNECTIONS_MAX)
        self._together = connect(TOGETHER_CONNECTIONS_MAX)
        self._points = connect(POINT_CONNECTIONS_MAX)
        self._pages = connect(PAGE_CONNECTIONS_MAX)
        self._replica = None if read_url is None else Replica(read_url, self._points, stale_s_max)
        self.epoch = ""  # read when the store is prepared
        self._held: HeldKey | None = None
        self.strict_accounts = StrictAccounts()
        self._tasks = WriteTasks(self._writes)
        self._together_tasks = WriteTasks(self._together)
        self._status_calls = StatusCalls(
            lambda work, _: self._together_tasks.run_alone(work),
            lambda work, _: self._tasks.run_alone(work),
            self.strict_accounts,
        )
        self._sets = connect(HELD_MAX, settings={**HELD_SETTINGS, **(settings or {})})
        self._sources = Sources(points=self._points, pages=self._pages, held=self._sets)
        self.use_board(PostgresBoard(self._tasks, self._points))

    def use_board(self, board: PostgresBoard) -> None:
        """Let a board serve what crosses accounts."""
        self._board = board
        self.directory = Directory(board)
        self.imports = ImportBoard(board)
        self.people = People(board)
        self.plans = PlanBoard(board)
        self.selections = SelectionBoard(board)
        self.webhooks = WebhookBoard(board)

    def read(self, account_id: int) -> Reader:
        """Give a reader of one account."""
        return Reader(PostgresReads(self._sources, account_id), account_id)

    def read_recent(self, account_id: int, at_least: int = 0) -> Reader:
        """Give a reader that may be behind, but not by more than the operator's limit."""
        if self._replica is None:
            return self.read(account_id)
        return read_recent(self._replica, self._sources, account_id, at_least)

    def read_caught_up(self, account_id: int) -> Reader:
        """Give a reader that is not behind, for large answers."""
        if self._replica is None:
            return self.read(account_id)
        return read_caught_up(self._replica, self._sources, account_id)

    @property
    def pools(self) -> Mapping[str, Connections]:
        """The store's own connections, by what they are for."""
        return {
            "writes": self._writes, "batches": self._together, "points": self._points, "pages": self._pages,
            "sets": self._sets,
        }  # fmt: skip

    @property
    def reads_at_once(self) -> bool:
        """Say that every read waits for the server."""
        return False

    @property
    def stalled_s(self) -> float:
        """Give 0: each write has a task of its own, and each of its steps is bounded."""
        return 0.0

    @property
    def backup(self) -> None:
        """Say that PostgreSQL's own tools keep a continuous backup."""
        return

    @property
    def failing_node_count(self) -> int:
        """Give 0: there is one database."""
        return 0

    @property
    def is_replica_fresh(self) -> bool | None:
        """Say whether the replica serves reads."""
        return None if self._replica is None else self._replica.is_fresh

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, to its end even if the caller is cancelled."""

        async def run(connection: asyncpg.Connection) -> T:
            transaction = PostgresTransaction(
                connection, account_id, self.strict_accounts, is_distributed=self.is_distributed
            )
            return await self._do(transaction, work)

        return await self._tasks.run(run, account_id)

    async def _do(self, transaction: PostgresTransaction, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Do the work in an open transaction, and note that the request's key is settled by it."""
        result = await work(transaction)
        if self._held is not None:
            await settle_key(transaction.keys, self._held, result)
        return result

    def give_lane(self, account_id: int) -> int:
        """Give 0: the status calls of all accounts may be joined."""
        del account_id
        return 0

    async def write_together(self, vins: Mapping[int, Sequence[str]], decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Change statuses in several accounts with one statement, to its end even if the caller is cancelled."""
        async for saved in self._status_calls.write_together(vins, decide):
            yield saved

    async def write_apart(self, account_id: int, vins: Sequence[str], decide: Decide) -> None:
        """Change statuses in one account. After a conflict, use locks."""
        if await self._status_calls.try_apart(account_id, vins, decide):
            return

        async def work(transaction: WriteTransaction) -> None:
            await transaction.save_changes(decide(account_id, await transaction.lock_vehicles(vins)))

        await self.write(account_id, work)

    def hold_key(self, held: HeldKey) -> "PostgresStore":
        """Give the same store for the work of one request under a key."""
        store = copy.copy(self)
        store._held = held  # noqa: SLF001 - its own kind
        return store

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes."""
        return dict(map(tuple, await self._board.read_point("load_last_changes", list(account_ids))))

    async def read_time(self) -> datetime:
        """Give the server's time when the statement runs, not when its snapshot was taken."""
        ((now,),) = await self._points.fetch(_READ_TIME, (), CHECK_S_MAX)
        return cast("datetime", now)

    def give_families(self) -> Sequence[Family]:
        """Give the figures of the connections, the commits and the replica."""
        pools = {name: [pool] for name, pool in self.pools.items()}
        return give_families(pools, self._tasks, self._together_tasks, self._replica)

    def trace(self, tracer: Tracer) -> None:
        """Let a tracer record the commits."""
        self._tasks.tracer = self._together_tasks.tracer = tracer

    @property
    def is_being_checked(self) -> None:
        """Say that Padrón checks no pages here: PostgreSQL checks each page that it reads."""
        return

    async def watch(self) -> None:
        """Try to write again after the server could not."""
        if self._troubles.is_time_to_try:
            await self.directory.try_to_write()

    async def examine(self) -> bool:
        """Do nothing, because PostgreSQL checks each page that it reads."""
        return True

    async def check(self) -> None:
        """Return when the database answers within a second, is in order and takes writes."""
        if await self.check_answer():
            raise TroubledError(TroubleCode.READ_ONLY, "The database takes no writes: it is a standby or read-only.")
        if (trouble := self._troubles.trouble) is not None:
            raise TroubledError(trouble.code, trouble.sentence)

    async def check_answer(self) -> bool:
        """Say whether the database only reads. Raises ``schema_mismatch`` for another schema."""
        try:
            ((applied, is_read_only),) = await self._ask(_READ_STATE)
        except asyncpg.UndefinedTableError:
            check_schema(0)
            return False
        await check_known(self._ask, MIGRATIONS, applied or 0)
        check_schema(applied or 0)
        return bool(is_read_only)

    async def is_cluster(self) -> bool:
        """Say whether the database is a cluster's. Raises ``store_unavailable``."""
        return await find_citus(self._ask)

    async def prepare(self) -> None:
        """Read the properties of server and register, and start to watch the replica, if there is one."""
        ((self.epoch,),) = await self._points.fetch(SQL["find_epoch"], ())
        if self._replica is not None:
            await self._replica.start()

    async def _ask(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        return await self._points.fetch(statement, parameters, CHECK_S_MAX)

    async def follow_record(self) -> bool:
        """Do nothing: this engine has indexes for the orders by an instant."""
        return False

    async def restart_orders(self) -> None:
        """Do nothing: what the indexes have is PostgreSQL's own matter."""

    async def scrub(self) -> bool:
        """Do nothing: PostgreSQL removes old rows by VACUUM, which its operator rules."""
        return True

    async def close(self) -> None:
        """Finish the work under way and close."""
        if self._replica is not None:
            await self._replica.close()
        await asyncio.gather(self._tasks.close(), self._together_tasks.close())
        await asyncio.gather(*(connections.close() for connections in self.pools.values()))


async def migrate(url: str, *, dry_run: bool = False, note: NotePlaced = lambda _: None) -> list[Migration]:
    """Apply all pending migrations in one transaction, and give them. With ``dry_run`` only give them.

    On a cluster, ``note`` hears of each table and function that is put on its nodes, or would be. Wait for a migration
    that another process runs. Raises ``schema_mismatch`` and ``store_unavailable``.
    """
    try:
        return await _migrate(url, note, dry_run=dry_run)
    except Exception as error:
        explained = explain(url, error)
        if explained is None:
            raise
        raise explained from error


async def _migrate(url: str, note: NotePlaced, *, dry_run: bool) -> list[Migration]:
    connection = await open_connection(url, patient=True)
    try:
        with translate_errors():
            return await migrate_connection(connection, MIGRATIONS, note, dry_run=dry_run)
    finally:
        connection.terminate()  # an open transaction is rolled back


def check_schema(applied: int) -> None:
    """Raise ``schema_mismatch`` unless all of this program's migrations are applied."""
    if list_pending(MIGRATIONS, applied):
        raise PadronError(
            Code.SCHEMA_MISMATCH,
            f"The database's schema is number {applied}, and this program needs {len(MIGRATIONS)}. "
            "Run `padron migrate`.",
        )
