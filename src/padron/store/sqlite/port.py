"""SQLite's port for the shared classes. Instants are microseconds since 1970, and arrays are JSON texts."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import apsw

from padron.domain.query import VehicleQuery
from padron.store.plans import add_descending
from padron.store.port import Row, RowNamedError, Values, WritePort
from padron.store.sql.listing import BuiltStatement, Dialect, build_list
from padron.store.sql.searching import Proposal, look_by_tokens, propose_by_tokens
from padron.store.sql.statements import load_engine
from padron.store.sqlite.commits import GroupCommitter
from padron.store.sqlite.connection import find_extended
from padron.store.sqlite.connections import ReadConnections
from padron.store.sqlite.held_reads import ReadHeld

T = TypeVar("T")
FindPage = Callable[[apsw.Connection, int, VehicleQuery], Sequence[int] | None]

SQL = add_descending(load_engine("padron.store.sqlite"))
DIALECT = Dialect(
    mark="?{}".format,
    store_instant=int,
    use_index="INDEXED BY {}".format,
    is_among="{} IN (SELECT value FROM json_each({}))".format,
    is_one_of="{} IN (SELECT value FROM json_each({}))".format,
    contains="instr({}, {}) > 0".format,
    has_time_orders=False,
)

POINT_ASKED_MAX = 20  # vehicles; a thread looks up more

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_instant(microseconds: int) -> datetime:
    """Give the instant of a stored number."""
    return _EPOCH + microseconds * _MICROSECOND  # to make a timedelta from a number of microseconds takes twice as long


def from_instant(at: datetime) -> int:
    """Give the number to store for an instant."""
    return (at - _EPOCH) // _MICROSECOND


class SqliteReads:
    """Reads of one account (``ReadPort``): points run on the event loop, pages on threads."""

    dialect = DIALECT
    statements: Mapping[str, str] = SQL
    to_instant = staticmethod(to_instant)

    def __init__(self, connections: ReadConnections, account_id: int, find_page: FindPage) -> None:
        self._connections = connections
        self._account_id = account_id
        self._find_page = find_page

    async def read_point(self, name: str, *parameters: object, asked_count: int = 1) -> Sequence[Row]:
        """Give the rows of a statement that an index answers in microseconds."""
        read = self._connections.read_point if asked_count <= POINT_ASKED_MAX else self._connections.read_page
        return await read(SQL[name], bind((self._account_id, *parameters)))

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that may take a while."""
        return await self._connections.read_page(SQL[name], bind((self._account_id, *parameters)))

    def build_proposal(self, proposal: Proposal) -> BuiltStatement:
        """Give the statement that asks the index of grams."""
        return propose_by_tokens(SQL["propose_vehicles"], proposal, DIALECT)

    def build_look(self, grams: Sequence[int], limit: int) -> BuiltStatement:
        """Give the statement that counts what the index proposes."""
        return look_by_tokens(SQL["propose_more"], self._account_id, grams, limit)

    async def read_built(self, built: BuiltStatement) -> Sequence[Row]:
        """Give the rows of a page."""
        return await self._connections.read_page(built.text, bind(built.parameters))

    async def read_by_instant(self, template: str, query: VehicleQuery) -> Sequence[Row] | None:
        """Give the rows of a page that follows the record of changes, or None."""

        def read(connection: apsw.Connection) -> Sequence[Row] | None:
            ids = self._find_page(connection, self._account_id, query)
            if ids is None:
                return None
            built = build_list(template, self._account_id, replace(query, among=ids), DIALECT)
            return connection.execute(built.text, bind(built.parameters)).fetchall()

        return await self._connections.read_together(read)

    @asynccontextmanager
    async def hold_instant(self) -> AsyncIterator["SqliteInstant"]:
        """Let all statements of the block see the same instant."""
        async with self._connections.held.take() as read:
            yield SqliteInstant(read, self._account_id)


class SqliteInstant:
    """Reads of one account as of one instant (``InstantPort``), on a thread."""

    to_instant = staticmethod(to_instant)

    def __init__(self, read: ReadHeld, account_id: int) -> None:
        self._read = read
        self._account_id = account_id

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return await self._read(SQL[name], bind((self._account_id, *parameters)))


class SqliteWrites:
    """The open transaction of the one write connection (``WritePort``), bound to an account or to none.

    Statements run at once, on the event loop: they take microseconds.
    """

    to_instant = staticmethod(to_instant)

    def __init__(self, connection: apsw.Connection, account_id: int | None) -> None:
        self._connection = connection
        self._first: tuple[object, ...] = () if account_id is None else (account_id,)

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return self._connection.execute(SQL[name], bind((*self._first, *parameters))).fetchall()

    async def fetch_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Run a statement once for each row. Without round trips this is as fast as one statement for all."""
        return self._connection.executemany(SQL[name], [bind((*self._first, *row)) for row in rows]).fetchall()

    async def remove(self, name: str, *parameters: object) -> int:
        """Run a statement that removes rows, and give their number. Raises ``RowNamedError``."""
        try:
            return len(await self.fetch(name, *parameters))
        except apsw.ConstraintError as error:
            if find_extended(error) != apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
                raise
            raise RowNamedError from error

    async def write_rows(self, name: str, rows: Sequence[Values]) -> None:
        """Run a statement once for each row."""
        self._connection.executemany(SQL[name], [bind((*self._first, *row)) for row in rows])


class SqliteBoard:
    """Reads and writes across accounts (``BoardPort``)."""

    to_instant = staticmethod(to_instant)

    def __init__(self, committer: GroupCommitter, connections: ReadConnections) -> None:
        self._committer = committer
        self._connections = connections

    async def read_point(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that an index answers in microseconds."""
        return await self._connections.read_point(SQL[name], bind(parameters))

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that may take a while."""
        return await self._connections.read_page(SQL[name], bind(parameters))

    async def read_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Give the result of a statement whose rows are one parameter: an array of arrays."""
        return await self._connections.read_point(SQL[name], (json.dumps(rows),))

    async def write(self, work: Callable[[WritePort], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction."""

        async def run(connection: apsw.Connection) -> T:
            return await work(SqliteWrites(connection, None))

        return await self._committer.run(run)


def bind(parameters: Sequence[object]) -> tuple[object, ...]:
    """Give parameters in the forms that SQLite stores."""
    if _BINDERS.keys().isdisjoint(map(type, parameters)):
        return tuple(parameters)
    return tuple(_BINDERS.get(type(value), _leave)(value) for value in parameters)


def _leave(value: object) -> object:
    return value


_BINDERS: dict[type, Callable[..., object]] = {datetime: from_instant, list: json.dumps}
