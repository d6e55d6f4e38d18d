"""Puts a backup in the place of a register's file: checked before, and whole or not at all."""

import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import apsw

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote_path
from padron.store.backups import (
    RegisterSummary,
    RestoredRegister,
    ShowProgress,
    check_bytes,
    check_same,
    find_note,
    show_nothing,
)
from padron.store.sqlite.backup.copying import copy_pages
from padron.store.sqlite.backup.summaries import check_pages, check_register_file, open_whole, summarize
from padron.store.sqlite.connection import open_connection, translate_errors
from padron.store.sqlite.engine import migrate
from padron.store.sqlite.recognition import create_file

SIDES = ("-wal", "-shm", "-journal")


def check_target(path: Path, *, replace: bool) -> None:
    """Raise ``store_unavailable`` for a file that a restore would destroy, unless ``replace``."""
    if not replace and holds_register(path):
        raise PadronError(
            Code.STORE_UNAVAILABLE,
            f"The database file {quote_path(path)} already holds a register. Use --replace to put the backup in its "
            "place, or name a new file with --database-url.",
        )


def holds_register(path: Path) -> bool:
    """Say whether a file holds something that a restore would destroy: anything but a register without accounts."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        connection = open_connection(str(path), read_only=True)
        try:
            return bool(connection.execute("SELECT count(*) FROM accounts").fetchall()[0][0])
        finally:
            connection.close()
    except (apsw.Error, PadronError):
        return True


def restore_file(source: Path, target: Path, epoch: str, show: ShowProgress = show_nothing) -> RestoredRegister:
    """Replace the file of a register by a copy of a backup. Nobody may have the register open.

    Raises ``store_unavailable``. Then the present file is as it was.
    """
    note = find_note(source)
    if note is not None:
        check_bytes(source, note)
    wanted = check_register_file(source)
    if note is not None:
        check_same(note.summary, wanted, f"The backup {quote_path(source)}")
    part = make_part(target)
    try:
        reader = open_whole(source)
        try:
            with translate_errors():
                reader.execute("BEGIN")
                copy_pages(reader, part, show)
        finally:
            reader.close()
        summary = finish_part(part, wanted, epoch)
        kept = put_in_place(part, target)
    finally:
        remove_part(part)
    return RestoredRegister(summary=summary, new_epoch=epoch, is_compared=note is not None, kept=kept)


def make_part(target: Path) -> Path:
    """Make an empty file beside the target that only its owner may read. Raises ``store_unavailable``."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    create_file(str(part))
    return part


def finish_part(part: Path, wanted: RegisterSummary | None, epoch: str, advice: str = "") -> RegisterSummary:
    """Check a restored file, bring its schema up to date, begin its new life, and sync it. Give its numbers.

    Raises ``store_unavailable`` for a damaged file or one with other numbers than the backup, and
    ``schema_mismatch``. ``advice`` says what to do about damage.
    """
    connection = open_connection(str(part))
    try:
        with translate_errors():
            check_pages(connection, "The restored register", advice)
            found = summarize(connection)
    finally:
        connection.close()
    if wanted is not None:
        check_same(wanted, found, "The restored register")
    migrate(str(part), may_create=False)
    connection = open_connection(str(part))
    try:
        with translate_errors():
            connection.execute("UPDATE register SET epoch = ?", (epoch,))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            summary = summarize(connection)
    finally:
        connection.close()
    _sync(part)
    return summary


def put_in_place(part: Path, target: Path) -> str:
    """Give the target's name to a finished file. A former file is kept under another name, which is given.

    The log of the former file must not stay beside the new one, because SQLite would read it into the new one.
    """
    kept = _set_aside(target)
    for side in SIDES:
        with suppress(FileNotFoundError):
            _give_side(target, side).unlink()
    part.replace(target)
    _sync(target.parent)
    return kept


def remove_part(part: Path) -> None:
    """Remove an unfinished file and everything beside it. Without one, do nothing."""
    for path in (part, *(_give_side(part, side) for side in SIDES)):
        with suppress(OSError):
            path.unlink()


def _set_aside(target: Path) -> str:
    if not holds_register(target):
        return ""
    with suppress(apsw.Error, PadronError):  # a damaged file keeps its log
        connection = open_connection(str(target))
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept = target.with_name(f"{target.name}.before-{at}-{secrets.token_hex(2)}")
    if (log := _give_side(target, "-wal")).exists():
        log.rename(_give_side(kept, "-wal"))
    if target.exists():
        target.rename(kept)
    return str(kept)


def _give_side(path: Path, side: str) -> Path:
    return path.with_name(f"{path.name}{side}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise PadronError(
            Code.STORE_UNAVAILABLE, f"{quote_path(path)} could not be written to the disk: {error.strerror}."
        ) from error
    finally:
        os.close(descriptor)
