"""``padron restore``: makes a register of a backup, checked before it takes the name of the database."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from padron.cli.backup import (
    TERMINATED,
    TerminatedError,
    describe_summary,
    heed_termination,
    show_progress,
    word_summary,
)
from padron.cli.holding import check_name, hold_file
from padron.cli.options import CommonOptions, Json, parse_instant
from padron.cli.outputs import InputFileError, UsageError, print_error, print_json, word_trouble
from padron.config import Settings
from padron.domain.errors import Code, PadronError
from padron.domain.instants import format_instant
from padron.domain.quoting import quote_path
from padron.service.backups import RestoredRegister
from padron.wiring import check_place, restore_backup, try_backup

_DEFAULTS = CommonOptions()
_SQLITE_MAGIC = b"SQLite format 3\0"
_DUMP_MAGIC = b"PGDMP"


def restore(
    source: Annotated[Path, Parameter(name="FROM", allow_leading_hyphen=True)],
    /,
    *,
    at: str | None = None,
    check: Annotated[bool, Parameter(negative="")] = False,
    replace: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Restore a backup into the database that PADRON_DATABASE_URL names. Stop its servers first.

    The restored register is checked: its pages, its schema, and its numbers against those of the backup. Earlier
    cursors are then gone, so clients that follow the feed load again and miss nothing.

    Parameters
    ----------
    source
        A file that padron backup wrote, or the folder of a continuous backup.

    at
        With a folder: restore the state at this instant, such as 2026-11-01T08:00:00Z, instead of the newest one.
    check
        With a folder: restore into a temporary file, check it and delete it. The database is not touched.
    replace
        Replace a register that has accounts. A SQLite file is kept under another name.
    """
    settings = options.read()
    until = None if at is None else parse_instant("--at", at, datetime.now(UTC))
    is_folder = source.is_dir()
    if (at is not None or check) and not is_folder:
        raise UsageError("--at and --check need the folder of a continuous backup.")
    if not is_folder or not settings.is_sqlite:
        _check_source(source, settings, is_folder=is_folder)
    try:
        with heed_termination(), show_progress("Restoring") as show:
            if check:
                restored = try_backup(source, until, show)
            else:
                check_name(settings)
                with _hold(settings):
                    check_place(settings, replace=replace)
                    restored = restore_backup(settings, source, until, show)
    except KeyboardInterrupt as end:
        print_error("The restore was interrupted. Nothing was replaced.")
        if isinstance(end, TerminatedError):
            return TERMINATED
        raise
    _report(None if check else settings, source, restored, json=json)
    return 0


def _check_source(source: Path, settings: Settings, *, is_folder: bool) -> None:
    """Raise ``InputFileError`` for what cannot be read, and ``bad_parameters`` for a backup of the other engine."""
    if is_folder:
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{quote_path(source)} is a folder, as a continuous backup of a SQLite file, but the database is "
            "PostgreSQL. Name a SQLite file with --database-url.",
        )
    try:
        with source.open("rb") as file:
            head = file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise InputFileError(
            f"The backup {quote_path(source)} cannot be read: {word_trouble(source, error)}."
        ) from error
    if head.startswith(_SQLITE_MAGIC):
        engine = "SQLite"
    elif head.startswith(_DUMP_MAGIC):
        engine = "PostgreSQL"
    else:
        raise PadronError(Code.BAD_PARAMETERS, f"The file {quote_path(source)} is not a backup of Padrón.")
    if (engine == "SQLite") != settings.is_sqlite:
        wanted = "a SQLite file" if settings.is_sqlite else "PostgreSQL"
        raise PadronError(
            Code.BAD_PARAMETERS,
            f"{quote_path(source)} is a backup of {engine}, but the database is {wanted}. "
            "Name a database of the same kind with --database-url.",
        )
    if settings.is_sqlite and Path(settings.sqlite_path).exists() and source.samefile(settings.sqlite_path):
        raise PadronError(Code.BAD_PARAMETERS, f"{quote_path(source)} is the database itself, and not a backup of it.")


@contextmanager
def _hold(settings: Settings) -> Iterator[None]:
    """Keep servers away from a SQLite file. If the block fails, leave no empty file that was not there before."""
    path = Path(settings.sqlite_path) if settings.is_sqlite else None
    is_new = path is not None and not path.exists()
    try:
        with hold_file(settings, is_checked=False):
            yield
    except BaseException:
        if path is not None and is_new:
            with suppress(OSError):
                if path.stat().st_size == 0:
                    path.unlink()
        raise


def _report(settings: Settings | None, source: Path, restored: RestoredRegister, *, json: bool) -> None:
    """Print what was restored. Without settings it was restored on trial."""
    if json:
        print_json(
            {
                "from": str(source),
                "isTrial": settings is None,
                "reachedAt": None if restored.reached_at is None else format_instant(restored.reached_at),
                "epoch": restored.new_epoch,
                "compared": restored.is_compared,
                "kept": restored.kept or None,
                "remarks": list(restored.remarks),
                **describe_summary(restored.summary),
            }
        )
        return
    what = word_summary(restored.summary)
    if settings is None:
        print(f"{source} can be restored: {what}. The temporary file was deleted.")
    else:
        place = settings.sqlite_path if settings.is_sqlite else "the database"
        print(f"Restored {source} into {place}: {what}.")
    if restored.reached_at is not None:
        print(f"This is the state of {format_instant(restored.reached_at)}.")
    if restored.kept:
        print(f"The former register is kept as {restored.kept}.")
    if not restored.is_compared:
        print("There was no note beside the backup, so its numbers were not compared.")
    for remark in restored.remarks:
        print(remark)
    if settings is not None:
        print(f"The register has the new epoch {restored.new_epoch}, and earlier cursors get 410.")
