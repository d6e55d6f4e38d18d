"""Distinguishes a register from every other file before the first write, and makes a new one for its owner alone.

Only SQLite reads the file. On POSIX, closing a file releases all locks of the process on it, SQLite's locks included.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote, quote_path

APPLICATION_ID = 0x50616472  # "Padr"
FILE_MODE = 0o600  # SQLite gives the same mode to the files that it keeps beside the database

_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_MARKS = {"schema_migrations", "accounts", "vehicles"}  # tables of every register since the first
_SIDE_FILES = ("-wal", "-shm")
_LIST_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY 1"
_IS_FIRST_OURS = "SELECT 1 FROM schema_migrations WHERE number = 1 AND name = 'initial'"


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The first bytes of a file, and its size; None while there is a log, which may have the file's last part."""

    header: bytes
    size_bytes: int | None


def check_file(path: str, *, may_create: bool) -> None:
    """Raise ``store_unavailable`` unless the file is a register, or may become one. Writes nothing to it."""
    shown = quote_path(path)
    try:
        found = os.stat(path)  # noqa: PTH116 - the path as the user wrote it: Path would make "a/b" of "a//b"
    except FileNotFoundError:
        _check_place(path, may_create=may_create)
        return
    except OSError as error:
        raise _refuse(f"The database file {shown} cannot be used: {error.strerror}.") from error
    if stat.S_ISDIR(found.st_mode):
        raise _refuse(f"The database file {shown} is a folder. Name a file in it, as in sqlite:///FOLDER/padron.db.")
    if not stat.S_ISREG(found.st_mode):
        raise _refuse(f"The database file {shown} is not a regular file. Name another one with --database-url.")
    _check_permissions(path)
    if found.st_size:
        _check_header(path)
        _check_content(path)
    elif not may_create:
        raise _refuse(f"The database file {shown} is empty. Name the register with --database-url, {_MAKE_ONE}.")


def create_file(path: str) -> None:
    """Make the file, unless it exists, so that nobody but its owner may read it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        return
    except OSError as error:
        raise _refuse(f"The database file {quote_path(path)} cannot be made: {error.strerror}.") from error


def claim(connection: apsw.Connection, path: str) -> None:
    """Mark the file as Padrón's, in an open transaction. Raises ``store_unavailable`` when another program owns it."""
    _check_owner(connection, path)
    if _read(connection, "PRAGMA application_id") != APPLICATION_ID:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


_MAKE_ONE = "or make a new one with `padron accounts add NAME`"


def _check_place(path: str, *, may_create: bool) -> None:
    """Raise for a missing file, unless it can be made."""
    shown, place = quote_path(path), Path(path)
    folder = place.parent
    if place.is_symlink():
        target = quote_path(place.readlink())
        raise _refuse(f"The database file {shown} is a link to {target}, which does not exist. Correct the link.")
    if not folder.is_dir():
        detail = f"The folder {quote_path(folder)} of the database file does not exist. Make it, or name another file."
        if not place.is_absolute() and Path("/", folder).is_dir():
            detail = (
                f"The folder {quote_path(folder)} of the database file does not exist here. "
                f"An absolute path takes four slashes: sqlite:////{path}."
            )
        raise _refuse(detail)
    if not may_create:
        raise _refuse(
            f"There is no database file {shown} in the folder {quote_path(folder.resolve())}. "
            f"Name the register with --database-url or PADRON_DATABASE_URL, {_MAKE_ONE}."
        )
    _check_folder(folder)


def _check_permissions(path: str) -> None:
    what = f"The database file {quote_path(path)}"
    if not _may(path, os.R_OK):
        raise _refuse(f"{what} may not be read by this user. Run the command as the user that owns the file.")
    if not _may(path, os.W_OK):
        raise _refuse(f"{what} may not be written by this user. Run the command as the user that owns the file.")
    target = os.path.realpath(path)
    for suffix in _SIDE_FILES:
        side = f"{target}{suffix}"
        if Path(side).exists() and not _may(side, os.R_OK | os.W_OK):
            raise _refuse(
                f"The file {quote_path(side)} belongs to the database and may not be written by this user. "
                "Give it the owner of the database file."
            )
    _check_folder(Path(target).parent)


def _check_folder(folder: Path) -> None:
    if not _may(folder, os.W_OK | os.X_OK):
        raise _refuse(
            f"This user may not write to the folder {quote_path(folder)}. "
            "Give the user write access, because SQLite keeps further files beside the database."
        )


def _may(path: str | Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _check_header(path: str) -> None:
    """Raise for a file that is not a SQLite database, and for a database file with a missing part."""
    beginning = _read_beginning(path)
    header, size_bytes = beginning.header, beginning.size_bytes
    if header[: len(_MAGIC)] != _MAGIC:
        raise _refuse(
            f"The file {quote_path(path)} is not a SQLite database, or it is encrypted. "
            "Name another file with --database-url, or restore the database from a backup."
        )
    page_bytes = int.from_bytes(header[16:18]) or 1
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    # The number of pages is valid only when both counters agree.
    is_counted = len(header) == _HEADER_BYTES and header[24:28] == header[92:96]
    wanted = page_bytes * int.from_bytes(header[28:32])
    if is_counted and size_bytes is not None and size_bytes < wanted:
        raise _refuse(
            f"The database file {quote_path(path)} is damaged: it has {size_bytes:,} bytes of {wanted:,}. "
            "Restore it from a backup."
        )


def _read_beginning(path: str) -> _Beginning:
    """Read the beginning of a file, and whether its size counts.

    A server may copy its log into the file meanwhile, the beginning first, and delete the log at its end. So the size
    is read last, from the same file.
    """
    flags = [apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_MAIN_DB, 0]
    try:
        file = apsw.VFSFile("", os.path.realpath(path), flags)
        try:
            header = file.xRead(min(_HEADER_BYTES, file.xFileSize()), 0)
            return _Beginning(header, None if _has_log(path) else file.xFileSize())
        finally:
            file.xClose()
    except apsw.Error as error:
        raise _refuse(f"The database file {quote_path(path)} cannot be read: {error}.") from error


def _has_log(path: str) -> bool:
    try:
        return Path(f"{os.path.realpath(path)}-wal").stat().st_size > 0
    except OSError:
        return False


def _check_content(path: str) -> None:
    """Raise when the file belongs to another program. Opening it as immutable leaves no files beside it.

    This check does not see the log. While a server copies its log into the file, the file may look damaged, so errors
    are ignored. ``claim`` checks again.
    """
    name = f"{Path(os.path.realpath(path)).as_uri()}?immutable=1"
    try:
        connection = apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        try:
            _check_owner(connection, path)
        finally:
            connection.close()
    except apsw.Error:
        return


def _check_owner(connection: apsw.Connection, path: str) -> None:
    application_id = _read(connection, "PRAGMA application_id")
    if application_id == APPLICATION_ID:
        return
    tables = [str(row[0]) for row in connection.execute(_LIST_TABLES)]
    if application_id == 0 and (not tables or (set(tables) >= _MARKS and _is_register(connection))):
        return
    proof = f"it has the table {quote(tables[0])}" if tables else f"its application id is {application_id}"
    raise _refuse(
        f"The SQLite file {quote_path(path)} belongs to another program: {proof}. "
        "Nothing was changed. Name another file with --database-url."
    )


def _is_register(connection: apsw.Connection) -> bool:
    """Say whether Padrón made a file that has no mark yet. Other programs may have tables with the same names."""
    try:
        return bool(_read(connection, _IS_FIRST_OURS))
    except apsw.SQLError:
        return False


def _read(connection: apsw.Connection, statement: str) -> Any:  # noqa: ANN401 - a row of a database
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


def _refuse(detail: str) -> PadronError:
    return PadronError(Code.STORE_UNAVAILABLE, detail)
