"""Checksums of pages: SQLite's checksum extension writes one into each page of the file and checks it at each read.

It needs eight reserved bytes in each page, which a new register has. The checksum says nothing about the place of a
page, and pages in the log have none there: the log has checksums of its own.

Every process that writes the file must have loaded the extension. Otherwise the checksums become wrong, and the file
counts as damaged. So the extension is loaded when this module is imported, for all connections of the process.
"""

import apsw
import apsw.sqlite_extra

from padron.domain.errors import Code, PadronError

RESERVED_BYTES = 8

_EXTENSION = "cksumvfs"


def _load() -> bool:
    """Load the extension for the whole process, and say whether apsw has it on this system."""
    try:
        connection = apsw.Connection(":memory:")
        try:
            apsw.sqlite_extra.load(connection, _EXTENSION)
        finally:
            connection.close()
    except (apsw.Error, apsw.sqlite_extra.NotAvailable, LookupError, OSError):
        return False
    return True


_IS_LOADED = _load()


def reserve_bytes(connection: apsw.Connection) -> None:
    """Give the pages of a file room for checksums. It works for an empty file, or at the next VACUUM."""
    if _IS_LOADED:
        connection.reserve_bytes(reserve=RESERVED_BYTES)


def has_checksums(connection: apsw.Connection) -> bool:
    """Say whether each page of the file has a checksum that is checked."""
    return _IS_LOADED and str(connection.pragma("checksum_verification")) == "1"


def check_extension(connection: apsw.Connection) -> None:
    """Raise ``store_unavailable`` for a file with checksums when the extension is missing: we would spoil them."""
    if not _IS_LOADED and connection.reserve_bytes() == RESERVED_BYTES:
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            "The database file has checksums of its pages, and this apsw has no extension for them. "
            "Install apsw from a wheel of its project.",
        )


def rewrite_pages(connection: apsw.Connection) -> None:
    """Write the whole file again, with a checksum in each page. No other connection may use the file.

    Wrong checksums are ignored: check the content first. It needs as much room on the disk as the file has.
    """
    connection.pragma("checksum_verification", "OFF")
    connection.reserve_bytes(reserve=RESERVED_BYTES)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
