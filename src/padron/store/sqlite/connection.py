"""Opens connections to the file with the settings that durability rests on, and words the engine's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from padron.domain.errors import Code, PadronError

BUSY_TIMEOUT_MS = 5_000
WRITE_CACHE_KIB = 64_000  # the status call finds its pages here instead of asking the system for them
READ_CACHE_KIB = 8_000

# Pragmas and their reasons: FULL because with NORMAL a power cut takes back what was answered; no memory map,
# which turns a bad page into a crash; the rest lets a damaged file be noticed early. A connection without a LogCopier
# copies a log of 16 MB into the file, because a page that changed often is then copied once.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "wal_autocheckpoint = 4000",
)


def check_sqlite_version(version: str) -> None:
    """Raise ``store_unavailable`` for a SQLite that can lose committed data (the WAL-reset race, fixed in 3.51.3)."""
    numbers = tuple(int(part) for part in version.split("."))
    if numbers >= (3, 51, 3) or (3, 50, 7) <= numbers < (3, 51) or (3, 44, 6) <= numbers < (3, 45):
        return
    raise PadronError(
        Code.STORE_UNAVAILABLE,
        f"SQLite {version} can lose committed data in WAL mode: install a current apsw, which brings 3.51.3 or newer.",
    )


def open_connection(path: str, *, read_only: bool = False, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> apsw.Connection:
    """Open the file, creating it unless read-only. Raises ``store_unavailable`` when it is not a database."""
    with translate_errors():
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        connection = apsw.Connection(path, flags=flags)
        connection.set_busy_timeout(busy_timeout_ms)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        # Plans that do not depend on the values: else SQLite prepares a statement anew whenever a value changes that
        # could matter to a partial index, which made a look-up by VIN cost 8 us instead of 2.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        for pragma in _PRAGMAS:
            if read_only and pragma.startswith("journal_mode"):
                continue
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA cache_size = -{READ_CACHE_KIB if read_only else WRITE_CACHE_KIB}")
        return connection


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise ``store_unavailable`` with a sentence for what the file or the disk refuses."""
    try:
        yield
    except apsw.FullError as error:
        raise PadronError(Code.STORE_UNAVAILABLE, "The disk under the database is full.") from error
    except (apsw.BusyError, apsw.LockedError) as error:
        raise PadronError(Code.STORE_UNAVAILABLE, "Another program holds the database's write lock.") from error
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError) as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The database file cannot be used: {error}.") from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The database file is damaged: {error}.") from error
    except apsw.IOError as error:
        raise PadronError(Code.STORE_UNAVAILABLE, f"The disk under the database fails: {error}.") from error
