"""PostgreSQL's port for the shared classes. The driver gives instants and takes arrays as they are.

For many rows, COPY replaces a statement that only inserts its parameters. COPY takes a third of the time for a row.
Nothing else differs: constraints, triggers and the transaction are the same.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import asyncpg

from padron.domain.query import VehicleQuery
from padron.store.plans import add_descending
from padron.store.port import Row, RowNamedError, Values, WritePort
from padron.store.postgres.connection import PAGE_S_MAX
from padron.store.postgres.writes import WriteTasks
from padron.store.sql.listing import BuiltStatement, Dialect
from padron.store.sql.searching import Proposal, look_by_blocks, propose_by_blocks
from padron.store.sql.statements import FOLDER, load_engine, load_statements

T = TypeVar("T")

PACKAGE = "padron.store.postgres"
SQL = add_descending(load_engine(PACKAGE))

PORTION_ROWS = 3_000  # of one step, which must finish within ANSWER_S_MAX
COPIED_ROWS_MIN = 50  # with fewer rows the round trips of COPY cost more than COPY saves
_COPIED_NOUNS = ("vehicles", "changes", "search")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_match_insert = re.compile(r"INSERT INTO (\w+) \(([\w\s,]+)\)\s+VALUES \([$\d\s,]+\);?").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyTarget:
    """The target of COPY for a statement that inserts."""

    table: str
    columns: list[str]


def find_copied(statements: Mapping[str, str]) -> dict[str, CopyTarget]:
    """Give the COPY target of each statement that only inserts its parameters in order, by statement name."""
    copied = {}
    for name, statement in statements.items():
        match = _match_insert(statement.strip())
        if match is not None:
            copied[name] = CopyTarget(table=match[1], columns=[column.strip() for column in match[2].split(",")])
    return copied


COPIED = find_copied(
    {name: text for noun in _COPIED_NOUNS for name, text in load_statements(PACKAGE, f"{FOLDER}/{noun}.sql").items()}
)


_COPIED_STATEMENTS = {SQL[name]: target for name, target in COPIED.items()}


def leave_instant(at: datetime) -> datetime:
    """Give an instant unchanged: the driver already gives a datetime."""
    return at


def _from_key(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


DIALECT = Dialect(
    mark="${}".format,
    store_instant=_from_key,
    use_index=lambda _: "",
    is_among="{} = ANY({}::bigint[])".format,
    # A hashed set. IS TRUE keeps the planner from turning it into a join, which would lose the order of the rows.
    is_one_of="({} IN (SELECT unnest({}::bigint[]))) IS TRUE".format,
    contains="strpos({}, {}::text) > 0".format,
    has_time_orders=True,
)


class FetchPort(Protocol):
    """A connection, as a batch of status calls uses it."""

    async def fetch(self, statement: str, /, *parameters: object) -> Sequence[Any]:
        """Give the rows of a statement."""
        ...


class DriverPort(FetchPort, Protocol):
    """A connection, as the statements of one account use it: the driver's own, or one that writes for a shard."""

    async def fetch(self, statement: str, /, *parameters: object) -> list[asyncpg.Record]:
        """Give the rows of a statement."""
        ...

    async def fetchval(self, statement: str, /, *parameters: object) -> Any:  # noqa: ANN401 - whatever the column holds
        """Give the first value of the first row."""
        ...

    async def execute(self, statement: str, /, *parameters: object) -> str:
        """Run a statement."""
        ...

    async def executemany(self, statement: str, rows: Iterable[Sequence[object]], /) -> None:
        """Run a statement for each row."""
        ...

    async def copy_records_to_table(self, table: str, /, *, records: Iterable[Any], columns: Sequence[str]) -> str:
        """Insert rows by COPY."""
        ...


class Source(Protocol):
    """A source of rows: one set of connections, or a choice between two."""

    async def fetch(
        self, statement: str, parameters: tuple[object, ...], answer_s_max: float | None = None
    ) -> list[asyncpg.Record]:
        """Give the rows of one statement. Raises ``store_unavailable``."""
        ...


class HeldSource(Protocol):
    """A source of connections whose statements see one instant."""

    def hold_instant(self) -> AbstractAsyncContextManager[DriverPort]:
        """Give a connection for some statements that see the same instant. Raises ``store_unavailable``."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Connections for point reads and others for pages, so that no scan can take what a point read needs.

    What needs one instant for several statements has others again.
    """

    points: Source
    pages: Source
    held: HeldSource


class PostgresReads:
    """Reads of one account (``ReadPort``)."""

    dialect = DIALECT
    statements: Mapping[str, str] = SQL
    to_instant = staticmethod(leave_instant)

    def __init__(self, sources: Sources, account_id: int) -> None:
        self.sources = sources
        self._account_id = account_id

    async def read_point(self, name: str, *parameters: object, asked_count: int = 1) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once, for any number of vehicles."""
        del asked_count
        return await self.sources.points.fetch(SQL[name], (self._account_id, *parameters))

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that may take a while."""
        return await self.sources.pages.fetch(SQL[name], (self._account_id, *parameters), PAGE_S_MAX)

    def build_proposal(self, proposal: Proposal) -> BuiltStatement:
        """Give the statement that asks the index of grams."""
        return propose_by_blocks(SQL["propose_vehicles"], proposal, DIALECT)

    def build_look(self, grams: Sequence[int], limit: int) -> BuiltStatement:
        """Give the statement that looks at a part of the index."""
        return look_by_blocks(SQL["propose_more"], self._account_id, grams, limit)

    async def read_built(self, built: BuiltStatement) -> Sequence[Row]:
        """Give the rows of a page."""
        return await self.sources.pages.fetch(built.text, tuple(built.parameters), PAGE_S_MAX)

    async def read_by_instant(self, template: str, query: VehicleQuery) -> None:
        """Give None, because on this engine the list itself follows an index."""
        del template, query

    @asynccontextmanager
    async def hold_instant(self) -> AsyncIterator["PostgresInstant"]:
        """Let all statements of the block see the same instant."""
        async with self.sources.held.hold_instant() as connection:
            yield PostgresInstant(connection, self._account_id)


class PostgresInstant:
    """Reads of one account as of one instant (``InstantPort``)."""

    to_instant = staticmethod(leave_instant)

    def __init__(self, connection: DriverPort, account_id: int) -> None:
        self._connection = connection
        self._account_id = account_id

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return await self._connection.fetch(SQL[name], self._account_id, *parameters)


class PostgresWrites:
    """An open transaction (``WritePort``), bound to an account or to none."""

    to_instant = staticmethod(leave_instant)

    def __init__(self, connection: DriverPort, account_id: int | None) -> None:
        self._connection = connection
        self._first: tuple[object, ...] = () if account_id is None else (account_id,)

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return await self._connection.fetch(SQL[name], *self._first, *parameters)

    async def fetch_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Run a statement in one round trip, with one array for each column of the rows."""
        if not rows:
            return []
        return await self._connection.fetch(SQL[name], *self._first, *map(list, zip(*rows, strict=True)))

    async def remove(self, name: str, *parameters: object) -> int:
        """Run a statement that removes rows, and give their number. Raises ``RowNamedError``."""
        try:
            return len(await self.fetch(name, *parameters))
        except asyncpg.ForeignKeyViolationError as error:
            raise RowNamedError from error

    async def write_rows(self, name: str, rows: Sequence[Values]) -> None:
        """Run a statement for each row, in portions. The limit of time is for each portion."""
        await run_portions(self._connection, SQL[name], [(*self._first, *row) for row in rows])


async def run_portions(connection: DriverPort, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Run a statement for each row, in portions, with COPY where it is faster. The rows have all parameters."""
    for start in range(0, len(rows), PORTION_ROWS):
        portion = rows[start : start + PORTION_ROWS]
        target = _COPIED_STATEMENTS.get(statement) if len(portion) >= COPIED_ROWS_MIN else None
        if target is None:
            await connection.executemany(statement, portion)
        else:
            await connection.copy_records_to_table(target.table, records=portion, columns=target.columns)


class PostgresBoard:
    """Reads and writes across accounts (``BoardPort``)."""

    to_instant = staticmethod(leave_instant)

    def __init__(self, tasks: WriteTasks, points: Source) -> None:
        self._tasks = tasks
        self._points = points

    async def read_point(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once."""
        return await self._points.fetch(SQL[name], parameters)

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement. On this engine all statements of boards are short."""
        return await self._points.fetch(SQL[name], parameters)

    async def read_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Give the result of a statement for many rows, with one array for each column."""
        return await self._points.fetch(SQL[name], tuple(map(list, zip(*rows, strict=True)))) if rows else []

    async def write(self, work: Callable[[WritePort], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction."""

        async def run(connection: asyncpg.Connection) -> T:
            return await work(PostgresWrites(connection, None))

        return await self._tasks.run(run)
