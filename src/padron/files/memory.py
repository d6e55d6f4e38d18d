"""Keeps facts about the rows read so far on disk, so that the memory of an import does not grow with its file."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import NamedTuple

import apsw

from padron.domain.errors import Code, PadronError

CACHE_KIB = 32_000  # the part that is held in memory

# SQLite writes the pages of a database without a name to a file when the cache is full. Closing it removes the file.
_UNNAMED = ""
_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE vins (vin TEXT NOT NULL PRIMARY KEY, line INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE copies (row BLOB NOT NULL PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_ADD_VIN = "INSERT INTO vins (vin, line) VALUES (?, ?) ON CONFLICT DO NOTHING"
_FIND_VIN = "SELECT line FROM vins WHERE vin = ?"
_COUNT_COPY = """
    INSERT INTO copies (row, count) VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count
"""
_DIGEST_BYTES = 16  # no two of 2**40 rows are likely to share one


class VinLine(NamedTuple):
    """A VIN and the line of the file that it is on."""

    vin: str
    line: int


class RowMemory:
    """The VINs of a file, each with its first line, and the number of copies of each row."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add_vins(self, vins: Sequence[VinLine]) -> dict[int, int]:
        """Add VINs with their lines. Give the lines with a repeated VIN, each with the line of the VIN's first use."""
        connection = self._connection
        before = connection.total_changes()
        with translate_scratch_errors():
            connection.executemany(_ADD_VIN, vins)
        if connection.total_changes() - before == len(vins):
            return {}
        firsts = ((line, self._find_line(vin)) for vin, line in vins)
        return {line: first for line, first in firsts if first != line}

    def count_copy(self, row: object) -> int:
        """Count a row, and give the number of its copies so far."""
        digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        with translate_scratch_errors():
            ((count,),) = self._connection.execute(_COUNT_COPY, (digest,))
        return int(count)

    def _find_line(self, vin: str) -> int:
        ((line,),) = self._connection.execute(_FIND_VIN, (vin,))
        return int(line)


@contextmanager
def open_memory() -> Iterator[RowMemory]:
    """Give an empty memory, which is removed at the end."""
    connection = open_scratch(_SCHEMA)
    try:
        yield RowMemory(connection)
    finally:
        connection.close()


def open_scratch(schema: str, cache_kib: int = CACHE_KIB) -> apsw.Connection:
    """Give a private temporary database. Closing it removes it."""
    connection = apsw.Connection(_UNNAMED)
    for statement in _split(schema):
        connection.execute(statement)
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    connection.execute("BEGIN")  # never committed, because the data is temporary
    return connection


@contextmanager
def translate_scratch_errors() -> Iterator[None]:
    """Raise ``store_unavailable`` when the temporary folder is full or cannot be written."""
    try:
        yield
    except (apsw.FullError, apsw.IOError, apsw.CantOpenError) as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            "The system's temporary folder is full or cannot be written. An import needs space there.",
        ) from error


def _split(schema: str) -> Iterable[str]:
    return (statement for statement in schema.split(";") if statement.strip())
