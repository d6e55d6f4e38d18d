"""``padron vehicles import``."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from padron.cli.csv_rows import CsvRows, open_rows
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import print_error, print_json
from padron.domain.account import Principal, Scope
from padron.service.accounts import get_account
from padron.service.imports import ImportSummary, import_vehicles
from padron.service.runtime import Runtime

ACTOR = "cli"  # how history names what a command did
INTERRUPTED = 130

vehicles = App(name="vehicles", help="Work on an account's vehicles.")

_DEFAULTS = CommonOptions()


@vehicles.command(name="import")
def import_file(
    file: Path,
    /,
    *,
    account: str,
    keep_duplicates: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Register and update vehicles from a CSV file. Running the same file again is safe.

    The first line names the columns: vin, vehicleStatusId and any field of a vehicle. An empty cell keeps the value.
    A line that cannot be used is refused by itself, and then the exit status is 1.

    Parameters
    ----------
    file
        A CSV file in UTF-8, with commas or semicolons.
    account
        The name of the account that owns the vehicles.
    keep_duplicates
        Keep a further vehicle with a VIN that is taken, from legacy data, instead of refusing or updating.
    """
    with open_rows(file) as rows:

        async def work(runtime: Runtime) -> ImportSummary:
            owner = await get_account(runtime, account)
            with _count_interrupts() as is_interrupted, _show_progress(rows, file) as show:
                return await import_vehicles(
                    runtime,
                    give_principal(owner.account_id),
                    rows,
                    request_id=f"import-{secrets.token_hex(8)}",
                    keep_duplicates=keep_duplicates,
                    on_progress=show,
                    should_stop=is_interrupted,
                )

        summary = run_with_runtime(options, work)
    return _report(summary, json=json)


def give_principal(account_id: int) -> Principal:
    """Give the operator's principal for an account: all scopes, known to history as ``cli``."""
    return Principal(account_id=account_id, actor=ACTOR, scopes=frozenset(scope.value for scope in Scope))


def _report(summary: ImportSummary, *, json: bool) -> int:
    if json:
        print_json(_show_summary(summary))
    else:
        for refusal in summary.refusals:
            where = f"line {refusal.line}" + (f", {refusal.column}" if refusal.column else "")
            print_error(f"{where}: {refusal.detail}")
        if summary.refused > len(summary.refusals):
            print_error(f"{summary.refused - len(summary.refusals)} more lines were refused.")
        print(
            f"Read {summary.read}: registered {summary.registered}, updated {summary.updated}, "
            f"unchanged {summary.unchanged}, kept duplicates {summary.kept_duplicates}, refused {summary.refused}."
        )
    if summary.stopped is not None:
        print_error(f"The import stopped after {summary.read} rows: {summary.stopped} Run it again to go on.")
    if summary.interrupted:
        print_error(f"The import was interrupted after {summary.read} rows. Run it again to go on.")
        return INTERRUPTED
    return 0 if summary.refused == 0 and summary.stopped is None else 1


def _show_summary(summary: ImportSummary) -> dict[str, object]:
    return {
        "read": summary.read,
        "registered": summary.registered,
        "updated": summary.updated,
        "unchanged": summary.unchanged,
        "keptDuplicates": summary.kept_duplicates,
        "refused": summary.refused,
        "refusals": [
            {"line": refusal.line, "column": refusal.column, "detail": refusal.detail} for refusal in summary.refusals
        ],
        "stopped": summary.stopped,
        "interrupted": summary.interrupted,
    }


@contextmanager
def _count_interrupts() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C instead of being cut off by it, so that the transaction under way ends."""
    interrupts: list[int] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupts.append, signal.SIGINT)
    try:
        yield lambda: bool(interrupts)
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _show_progress(rows: CsvRows, file: Path) -> Iterator[Callable[[ImportSummary], None]]:
    """Draw a bar on stderr while rows are read, when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.fields[rows]} rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=file.stat().st_size or None, rows=0)

        def show(summary: ImportSummary) -> None:
            progress.update(task, completed=rows.bytes_read, rows=summary.read)

        yield show
