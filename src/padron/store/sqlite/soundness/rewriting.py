"""Gives a file checksums that it does not have, or has wrong. It writes the whole file again, while nobody uses it."""

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.trouble import TroubleCode, TroubledError
from padron.store.sqlite.connection import translate_errors
from padron.store.sqlite.recognition import check_file
from padron.store.sqlite.soundness.background import check_pages
from padron.store.sqlite.soundness.checksums import has_checksums, rewrite_pages


def write_checksums(path: str, *, renew: bool = False) -> bool:
    """Write the file again with a checksum in each page, and say whether that was necessary.

    With ``renew`` wrong checksums are ignored: another program may have written the file. Raises ``store_unavailable``
    when the content is damaged, and when somebody uses the file.
    """
    check_file(path, may_create=False)
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        if not renew and has_checksums(connection):
            return False
        connection.pragma("checksum_verification", "OFF")
        faults = check_pages(connection, is_large=False, must_stop=lambda: False)
        if faults:
            raise TroubledError(
                TroubleCode.DAMAGED, f"The file is damaged, and nothing was changed. Restore a backup. {faults[0]}"
            )
        with translate_errors():
            rewrite_pages(connection)
    finally:
        connection.close()
    _check_result(path)
    return True


def _check_result(path: str) -> None:
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        if not has_checksums(connection):
            raise PadronError(
                Code.STORE_UNAVAILABLE,
                "This apsw has no extension for checksums, so the pages got none. Install apsw from a wheel of its "
                "project, and try again.",
            )
        if check_pages(connection, is_large=False, must_stop=lambda: False):
            raise TroubledError(TroubleCode.DAMAGED, "The disk does not keep what is written to it. Check the disk.")
    finally:
        connection.close()
