"""An open PostgreSQL database. Several server processes may share it: nothing exact is held in this one."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import TypeVar, cast

import asyncpg

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import HeldKey
from padron.store.base import Decide, Patience, WriteTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportReader, ImportTransaction
from padron.store.migrations import Migration, list_pending, load_migrations
from padron.store.plans import PlanReader, PlanTransaction
from padron.store.postgres.connection import open_connection, translate_errors
from padron.store.postgres.connections import Connections
from padron.store.postgres.directory import PostgresDirectory
from padron.store.postgres.explaining import explain
from padron.store.postgres.idempotency import KeyedWriter, open_keys
from padron.store.postgres.imports import PostgresImportBoard, open_imports, read_imports
from padron.store.postgres.operations import PostgresOperationStore
from padron.store.postgres.plans import PostgresPlanBoard, open_plan_reads, open_plans
from padron.store.postgres.reader import PostgresReader
from padron.store.postgres.replica import Replica, read_caught_up, read_recent
from padron.store.postgres.sort_keys import rewrite_texts
from padron.store.postgres.statuses import change_together
from padron.store.postgres.transaction import SQL, PostgresTransaction
from padron.store.postgres.webhooks import PostgresWebhookBoard, open_reads, open_work
from padron.store.postgres.writes import Writer
from padron.store.webhooks import WebhookReader, WebhookTransaction

T = TypeVar("T")

MIGRATIONS = load_migrations("padron.store.postgres")
CHECK_S_MAX = 1.0
CONTENDED_S = 1.0
STALE_S_MAX = 2.0

# Status calls that go together, other writes, point reads (which every call begins with: its key) and pages cannot take
# each other's connections.
TOGETHER_CONNECTIONS_MAX = 1
WRITE_CONNECTIONS_MAX = 10
POINT_CONNECTIONS_MAX = 4
PAGE_CONNECTIONS_MAX = 4

_MIGRATION_LOCK = 7_236_366  # any number, the same in every version: two migrations never run at once
_FIND_CITUS = "SELECT 1 FROM pg_extension WHERE extname = 'citus'"
_READ_TIME = "SELECT clock_timestamp()"
_READ_SCHEMA = "SELECT max(number) FROM schema_migrations"
_RECORD = "INSERT INTO schema_migrations (number, name) VALUES ($1, $2)"
_SORT_KEYS = "sort_keys"  # the migration that SQL alone cannot do
_MAKE_RECORD = """
    CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text COLLATE "C" NOT NULL)
"""


class PostgresStore:
    """The store in one PostgreSQL database, with a replica for reads or none. Connections are made as needed."""

    def __init__(self, url: str, read_url: str | None = None, stale_s_max: float = STALE_S_MAX) -> None:
        self._writes = Connections(url, WRITE_CONNECTIONS_MAX)
        self._together = Connections(url, TOGETHER_CONNECTIONS_MAX)
        self._points = Connections(url, POINT_CONNECTIONS_MAX)
        self._pages = Connections(url, PAGE_CONNECTIONS_MAX)
        self._replica = None if read_url is None else Replica(read_url, self._points, stale_s_max)
        self._is_distributed = False
        self.epoch = ""  # read when the store is prepared
        self._contended_until: dict[int, float] = {}  # by account, for those of which a call was overtaken lately
        self._own_writer = Writer(self._writes)
        self._together_writer = Writer(self._together)
        self._writer: Writer | KeyedWriter = self._own_writer
        self.directory = PostgresDirectory(self._own_writer, self._points)
        self.operations = PostgresOperationStore(self._writer, self._points, self._pages)
        self.webhooks = PostgresWebhookBoard(self._own_writer, self._points)
        self.imports = PostgresImportBoard(self._points)
        self.plans = PostgresPlanBoard(self._points)

    def read(self, account_id: int) -> PostgresReader:
        """Give a reader of one account."""
        return PostgresReader(self._points, self._pages, account_id)

    def read_recent(self, account_id: int, at_least: int = 0) -> PostgresReader:
        """Give a reader that may be behind, within the bound."""
        if self._replica is None:
            return self.read(account_id)
        return read_recent(self._replica, (self._points, self._pages), account_id, at_least)

    def read_caught_up(self, account_id: int) -> PostgresReader:
        """Give a reader that is not behind, for large answers."""
        if self._replica is None:
            return self.read(account_id)
        return read_caught_up(self._replica, (self._points, self._pages), account_id)

    @property
    def is_replica_fresh(self) -> bool | None:
        """Say whether the replica takes reads."""
        return None if self._replica is None else self._replica.is_fresh

    async def write(self, account_id: int, work: Callable[[WriteTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, whatever becomes of the caller."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(PostgresTransaction(connection, account_id, is_distributed=self._is_distributed))

        return await self._writer.run(run, account_id)

    async def write_together(
        self, vins: Mapping[int, Sequence[str]], decide: Decide, patience: Patience
    ) -> frozenset[int]:
        """Change statuses in several accounts with one statement, whatever becomes of the caller.

        An account that waits for others is left out for a second after it was overtaken.
        """
        if self._is_distributed:
            return frozenset()

        async def run(connection: asyncpg.Connection) -> frozenset[int]:
            return await change_together(connection, vins, decide, patience)

        if patience is not Patience.FULL:
            return await self._together_writer.run_alone(run)
        (account_id,) = vins
        if monotonic() < self._contended_until.get(account_id, 0):
            return frozenset()
        saved = await self._own_writer.run_alone(run)
        if not saved:
            self._contended_until[account_id] = monotonic() + CONTENDED_S
        return saved

    def read_plans(self, account_id: int) -> PlanReader:
        """Give a reader of one account's plans."""
        return open_plan_reads(self._pages, account_id)

    async def write_plans(
        self, account_id: int, work: Callable[[WriteTransaction, PlanTransaction], Awaitable[T]]
    ) -> T:
        """Run ``work`` in a transaction of one account, whatever becomes of the caller."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(PostgresTransaction(connection, account_id), open_plans(connection, account_id))

        return await self._writer.run(run, account_id)

    def read_webhooks(self, account_id: int) -> WebhookReader:
        """Give a reader of one account's webhooks."""
        return open_reads(self._pages, account_id)

    async def write_webhooks(self, account_id: int, work: Callable[[WebhookTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, whatever becomes of the caller."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(open_work(connection, account_id))

        return await self._writer.run(run, account_id)

    async def write_keys(self, account_id: int, work: Callable[[KeyTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, whatever becomes of the caller."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(open_keys(connection, account_id))

        return await self._own_writer.run(run, account_id)

    def read_imports(self, account_id: int) -> ImportReader:
        """Give a reader of one account's imports."""
        return read_imports(self._pages, account_id)

    async def write_imports(self, account_id: int, work: Callable[[ImportTransaction], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction of one account, whatever becomes of the caller."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(open_imports(connection, account_id))

        return await self._writer.run(run, account_id)

    def hold_key(self, held: HeldKey) -> "PostgresStore":
        """Give the same store for the work of one request under a key."""
        store = copy.copy(self)
        store.write_by(KeyedWriter(self._own_writer, held))
        return store

    def write_by(self, writer: KeyedWriter) -> None:
        """Commit what requests write in another way from now on."""
        self._writer = writer
        self.operations = PostgresOperationStore(writer, self._points, self._pages)

    async def load_last_changes(self, account_ids: Sequence[int]) -> dict[int, int]:
        """Give the numbers of several accounts' last changes."""
        rows = await self._points.fetch(SQL["load_last_changes"], (list(account_ids),))
        return dict(map(tuple, rows))

    async def read_time(self) -> datetime:
        """Give the instant of the server's clock: of the statement, not of its snapshot."""
        ((now,),) = await self._points.fetch(_READ_TIME, (), CHECK_S_MAX)
        return cast("datetime", now)

    async def check(self) -> None:
        """Return when the database answers within a second. Raises ``schema_mismatch`` for another schema."""
        try:
            rows = await self._points.fetch(_READ_SCHEMA, (), CHECK_S_MAX)
        except asyncpg.UndefinedTableError:
            check_schema(0)
        else:
            check_schema(rows[0][0] or 0)

    async def prepare(self) -> None:
        """Learn what the server and the register are, and begin to watch the replica, if there is one."""
        self._is_distributed = bool(await self._points.fetch(_FIND_CITUS, ()))
        ((self.epoch,),) = await self._points.fetch(SQL["find_epoch"], ())
        if self._replica is not None:
            await self._replica.start()

    async def close(self) -> None:
        """Finish what is under way and close."""
        if self._replica is not None:
            await self._replica.close()
        await asyncio.gather(self._own_writer.close(), self._together_writer.close())
        pools = (self._writes, self._together, self._points, self._pages)
        await asyncio.gather(*(connections.close() for connections in pools))


async def open_store(url: str, read_url: str | None = None, stale_s_max: float = STALE_S_MAX) -> PostgresStore:
    """Open a database whose schema is up to date. Raises ``schema_mismatch`` and ``store_unavailable``.

    With the URL of a replica, reads that may be so many seconds behind are sent there; a replica that cannot be
    reached now is used as soon as it can.
    """
    store = PostgresStore(url, read_url, stale_s_max)
    try:
        await store.check()
        await store.prepare()
    except BaseException as error:
        await store.close()
        explained = explain(url, error) if isinstance(error, Exception) else None
        if explained is None:
            raise
        raise explained from error
    return store


async def migrate(url: str, *, dry_run: bool = False) -> list[Migration]:
    """Apply what is pending, all or nothing, and give it; with ``dry_run`` only give it.

    Waits for a migration that another process runs. Raises ``schema_mismatch``, ``store_unavailable``.
    """
    try:
        return await _migrate(url, dry_run=dry_run)
    except Exception as error:
        explained = explain(url, error)
        if explained is None:
            raise
        raise explained from error


async def _migrate(url: str, *, dry_run: bool) -> list[Migration]:
    connection = await open_connection(url, patient=True)
    try:
        with translate_errors():
            await connection.execute("BEGIN")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
            await connection.execute(_MAKE_RECORD)
            applied = await connection.fetchval(_READ_SCHEMA) or 0
            pending = list_pending(MIGRATIONS, applied)
            for migration in pending:
                await connection.execute(migration.sql)
                if migration.name == _SORT_KEYS:
                    await rewrite_texts(connection)
                await connection.execute(_RECORD, migration.number, migration.name)
            await connection.execute("ROLLBACK" if dry_run else "COMMIT")
    finally:
        connection.terminate()  # an open transaction is rolled back
    return pending


def check_schema(applied: int) -> None:
    """Raise ``schema_mismatch`` unless exactly this program's migrations are applied."""
    if list_pending(MIGRATIONS, applied):
        raise PadronError(
            Code.SCHEMA_MISMATCH,
            f"The database's schema is number {applied}, and this program needs {len(MIGRATIONS)}: "
            "run `padron migrate`.",
        )
