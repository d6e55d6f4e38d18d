"""The small port of an engine. The shared classes of every noun use it.

An engine runs its own statements, by their names in its ``sql/`` folder, and says how it stores an instant. The shared
classes turn rows into records, in ``store/<noun>.py``, for both engines.

A port is bound to one account and puts that account before all other parameters. So a noun's class cannot reach
another account. Only a board's port is not bound: it serves the server itself, never a request.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar, overload

from padron.domain.query import VehicleQuery
from padron.store.sql.listing import BuiltStatement, Dialect
from padron.store.sql.searching import Proposal

T = TypeVar("T")

Values = Sequence[object]
ToInstant = Callable[[Any], datetime]


class Row(Protocol):
    """A row of the database: its values in the order of the statement's columns."""

    def __iter__(self) -> Iterator[Any]: ...

    @overload
    def __getitem__(self, place: int, /) -> Any: ...  # noqa: ANN401 - whatever the column holds

    @overload
    def __getitem__(self, places: slice, /) -> Sequence[Any]: ...


class Port(Protocol):
    """The method that every port has."""

    def to_instant(self, stored: Any, /) -> datetime:  # noqa: ANN401 - the form in which an engine stores an instant
        """Give the instant of a column that is not NULL."""
        ...


class ReadPort(Port, Protocol):
    """Reads committed rows. Each statement sees one instant. Raises ``store_unavailable``."""

    @property
    def dialect(self) -> Dialect:
        """How built statements are written for this engine."""
        ...

    @property
    def statements(self) -> Mapping[str, str]:
        """The engine's statements by name: a built statement begins with one of them."""
        ...

    async def read_point(self, name: str, *parameters: object, asked_count: int = 1) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once, for this number of vehicles."""
        ...

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that may take a while. No point read waits for it."""
        ...

    def build_proposal(self, proposal: Proposal) -> BuiltStatement:
        """Give the statement that asks the index of grams for vehicles."""
        ...

    def build_look(self, grams: Sequence[int], limit: int) -> BuiltStatement:
        """Give the statement that says whether the index surely proposes more vehicles than this."""
        ...

    async def read_built(self, built: BuiltStatement) -> Sequence[Row]:
        """Give the rows of a page from a built statement. Its parameters begin with the account."""
        ...

    async def read_by_instant(self, template: str, query: VehicleQuery) -> Sequence[Row] | None:
        """Give the rows of a page by an instant, found without a look at all vehicles, or None: then build the list.

        ``template`` is that of ``build_list``. All of it sees one instant.
        """
        ...

    def hold_instant(self) -> AbstractAsyncContextManager["InstantPort"]:
        """Let all statements of the block see the same instant, after everything that is committed by now.

        A process has few places for this, so keep the block short, and wait in it for nobody's network.
        """
        ...


class InstantPort(Port, Protocol):
    """Reads what was committed at one instant."""

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows. No point read and no page waits for it."""
        ...


class RowNamedError(Exception):
    """A row cannot be removed, because another row names it."""


class WritePort(Port, Protocol):
    """Runs statements in the open transaction."""

    async def fetch(self, name: str, *parameters: object) -> Sequence[Row]:
        """Run a statement and give its rows. A list becomes one parameter, in the engine's form of an array."""
        ...

    async def fetch_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Run a statement for many rows, in one round trip, and give all rows of its result."""
        ...

    async def remove(self, name: str, *parameters: object) -> int:
        """Run a statement that gives a row for each one that it removes, and give their number.

        Raises ``RowNamedError``. The transaction can do nothing more then.
        """
        ...

    async def write_rows(self, name: str, rows: Sequence[Values]) -> None:
        """Run a statement without a result for each of many rows, in portions."""
        ...


class BoardPort(Port, Protocol):
    """Reads and writes across accounts. It puts no account before the parameters."""

    async def read_point(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that an index answers at once."""
        ...

    async def read_page(self, name: str, *parameters: object) -> Sequence[Row]:
        """Give the rows of a statement that may take a while."""
        ...

    async def read_rows(self, name: str, rows: Sequence[Values]) -> Sequence[Row]:
        """Give the result of a statement for many rows at once."""
        ...

    async def write(self, work: Callable[[WritePort], Awaitable[T]]) -> T:
        """Run ``work`` in a transaction, with the promises of ``Store.write``."""
        ...


class Columns:
    """The columns of a record, in the order that every statement uses. A test compares them with the statements."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self._set = frozenset(names)

    def name(self, row: Row) -> dict[str, Any]:
        """Give the values of a row by column name. Raises ValueError when the row has another number of columns."""
        return dict(zip(self.names, row, strict=True))

    def order(self, values: Mapping[str, object]) -> Values:
        """Give the values in the order of the columns. Raises ValueError for a missing or an unknown column."""
        if values.keys() != self._set:
            message = f"These columns are missing or unknown: {', '.join(values.keys() ^ self._set)}."
            raise ValueError(message)
        return tuple(values[name] for name in self.names)


def give_or_none(to_instant: ToInstant, stored: Any) -> datetime | None:  # noqa: ANN401 - see to_instant
    """Give the instant of a column that may be NULL."""
    return None if stored is None else to_instant(stored)
