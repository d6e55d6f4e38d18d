"""Opens connections to the file with the settings that durability needs, and translates the engine's errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.searching import give_search_text
from padron.domain.trouble import TroubleCode, TroubledError
from padron.store.sql.searching import write_tokens
from padron.store.sqlite.soundness.checksums import check_extension, reserve_bytes
from padron.store.vehicles import to_details

BUSY_TIMEOUT_MS = 5_000
WRITE_CACHE_KIB = 64_000  # the status call finds its pages in this cache instead of asking the system
READ_CACHE_KIB = 8_000
COUNT_TRIES_MAX = 500
COUNT_PAUSE_S = 0.002
_WRONG_CHECKSUM = (
    "The database file is damaged: the checksum of a page is wrong. Restore it. Only if another program has opened the "
    "file, run `padron register checksums --renew`."
)
_FULL = "The disk of the database is full. Make room on it."

# The reasons of the pragmas:
# - FULL, because with NORMAL a power cut can undo changes that were already answered.
# - No memory map, because with one a bad page crashes the process.
# - wal_autocheckpoint makes a connection without a LogCopier copy the log at 16 MB. A page that changed often is then
#   copied once.
# - secure_delete overwrites what is deleted, so that hardly any erased value is left in a free part of the file.
# - The others detect a damaged file early.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "wal_autocheckpoint = 4000",
    "secure_delete = ON",
)


def check_sqlite_version(version: str) -> None:
    """Raise ``store_unavailable`` for a SQLite that can lose committed data (the WAL-reset race, fixed in 3.51.3)."""
    numbers = tuple(int(part) for part in version.split("."))
    if numbers >= (3, 51, 3) or (3, 50, 7) <= numbers < (3, 51) or (3, 44, 6) <= numbers < (3, 45):
        return
    raise PadronError(
        Code.STORE_UNAVAILABLE,
        f"SQLite {version} can lose committed data in WAL mode. Install a current apsw, with SQLite 3.51.3 or newer.",
    )


def open_connection(path: str, *, read_only: bool = False, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> apsw.Connection:
    """Open the file, and create it unless read-only. Raises ``store_unavailable`` when it is not a database."""
    with translate_errors():
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        connection = apsw.Connection(path, flags=flags)
        connection.set_busy_timeout(busy_timeout_ms)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        # QPSG makes plans independent of the values. Without it SQLite prepares a statement again when a value changes
        # that could matter to a partial index. A look-up by VIN then costs 8 us instead of 2.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        if not read_only and connection.pragma("page_count") == 0:
            reserve_bytes(connection)  # a new file; an earlier one gets checksums when its operator wants them
        for pragma in _PRAGMAS:
            if read_only and pragma.startswith("journal_mode"):
                continue
            connection.execute(f"PRAGMA {pragma}")
        check_extension(connection)
        if not read_only:
            add_functions(connection)
        connection.execute(f"PRAGMA cache_size = -{READ_CACHE_KIB if read_only else WRITE_CACHE_KIB}")
        return connection


def add_functions(connection: apsw.Connection) -> None:
    """Add the functions that the schema's triggers call. Every connection that writes texts of vehicles needs them."""
    # Innocuous, because trusted_schema is off.
    flags = apsw.SQLITE_DETERMINISTIC | apsw.SQLITE_INNOCUOUS
    connection.create_scalar_function("search_grams", _write_tokens, 2, flags=flags)
    connection.create_scalar_function("search_text", _give_search_text, 2, flags=flags)  # a migration calls it


def _give_search_text(*columns: object) -> str:
    vin, details = columns
    return give_search_text(str(vin), to_details(str(details)))


def _write_tokens(*texts: object) -> str:
    text, without = texts
    return write_tokens(str(text), str(without))


def count_log_pages(connection: apsw.Connection) -> int:
    """Give how many pages of the log are committed. Raises apsw's ``BusyError`` if that cannot be seen for a while.

    While another process writes or repairs the index of the log, SQLite answers "busy" and no number. That is not an
    empty log: whoever takes it for one overlooks what was committed.
    """
    for _ in range(COUNT_TRIES_MAX):
        ((is_busy, pages, _),) = connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchall()
        if not is_busy:
            return max(int(str(pages)), 0)
        time.sleep(COUNT_PAUSE_S)
    message = "the index of the log is being written"
    raise apsw.BusyError(message)


def find_extended(error: apsw.Error) -> int | None:
    """Give SQLite's extended code of an error, which apsw's types do not know."""
    return getattr(error, "extendedresult", None)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise ``store_unavailable`` with a sentence when the file or the disk fails."""
    try:
        yield
    except apsw.FullError as error:
        raise TroubledError(TroubleCode.DISK_FULL, _FULL) from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise PadronError(Code.STORE_UNAVAILABLE, "Another program holds the write lock of the database.") from error
    except apsw.ReadOnlyError as error:
        raise TroubledError(TroubleCode.READ_ONLY, f"The database file cannot be used: {error}.") from error
    except (apsw.CantOpenError, apsw.PermissionsError) as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The database file cannot be used: {error}.") from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise TroubledError(TroubleCode.DAMAGED, f"The database file is damaged: {error}. Restore it.") from error
    except apsw.IOError as error:
        extended = find_extended(error)
        if extended == apsw.SQLITE_IOERR_SHMSIZE:  # there is no room for the index of the log: the first that is made
            raise TroubledError(TroubleCode.DISK_FULL, _FULL) from error
        if extended == apsw.SQLITE_IOERR_DATA:
            raise TroubledError(TroubleCode.DAMAGED, _WRONG_CHECKSUM) from error
        raise TroubledError(
            TroubleCode.DISK_FAILING, f"The disk of the database fails: {error}. Check it."
        ) from error  # fmt: skip
