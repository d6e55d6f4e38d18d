"""``padron backup``: copies the whole register into a file while servers use it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from padron.cli.holding import check_name
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import give_instant, print_error, print_json
from padron.cli.whole_files import check_free, write_whole
from padron.service.backups import BackupNote, RegisterSummary, ShowProgress, encode_note, give_note_path
from padron.wiring import back_up

TERMINATED = 128 + 15  # the status of SIGTERM in a shell

_DEFAULTS = CommonOptions()


def backup(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    replace: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Copy the whole register into a file, while servers use it. PostgreSQL needs its program pg_dump.

    The copy is checked. A second file, FILE.json, says what the copy holds, and padron restore compares it. Both may
    be read by their owner alone, because they hold everything that the register holds.

    Parameters
    ----------
    file
        The file to write.
    replace
        Replace the file if it exists.
    """
    settings = options.read()
    check_name(settings)
    note_path = give_note_path(file)
    check_free(note_path, note_path, replace=replace)
    try:
        # Both files are on the disk before one of them gets its name: a full disk leaves none, or the former two.
        with (
            heed_termination(),
            write_whole(note_path, replace=True) as note_part,
            write_whole(file, replace=replace) as part,
            show_progress("Copying") as show,
        ):
            note = back_up(settings, part, show)
            with note_part.open("wb") as stream:
                stream.write(encode_note(note))
                stream.flush()
                os.fsync(stream.fileno())
            note_path.unlink(missing_ok=True)  # of the file that is replaced now
    except KeyboardInterrupt as end:
        print_error("The backup was interrupted. No file was written.")
        if isinstance(end, TerminatedError):
            return TERMINATED
        raise
    _report(file, note, json=json)
    return 0


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came. Only this kind of error passes through an event loop at any moment."""


@contextmanager
def heed_termination() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does, so that the block removes its temporary files."""

    def end(*_: object) -> NoReturn:
        raise TerminatedError

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def show_progress(what: str) -> Iterator[ShowProgress]:
    """Draw a bar on stderr, if it is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None)

        yield show


def describe_summary(summary: RegisterSummary) -> dict[str, object]:
    """Give the numbers of a register for JSON."""
    return {
        "schema": summary.schema_number,
        "vehicles": summary.vehicle_count,
        "accounts": [
            {"name": account.name, "vehicles": account.vehicle_count, "lastChange": account.last_change}
            for account in summary.accounts
        ],
    }


def word_summary(summary: RegisterSummary) -> str:
    """Give the numbers of a register for people."""
    accounts, vehicles = len(summary.accounts), summary.vehicle_count
    changes = sum(account.last_change for account in summary.accounts)
    return (
        f"{accounts} account{'' if accounts == 1 else 's'}, {vehicles:,} vehicle{'' if vehicles == 1 else 's'}, "
        f"{changes:,} change{'' if changes == 1 else 's'}"
    )


def _report(file: Path, note: BackupNote, *, json: bool) -> None:
    if json:
        print_json(
            {
                "file": str(file),
                "madeAt": give_instant(note.made_at),
                "bytes": note.size_bytes,
                "sha256": note.sha256,
                **describe_summary(note.summary),
            }
        )
        return
    sys.stdout.write(f"Wrote {file}, checked: {word_summary(note.summary)}, {note.size_bytes:,} bytes.\n")
