"""``padron vehicles import``."""

import gc
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.holding import may_be_served
from padron.cli.import_results import ImportResult, print_result
from padron.cli.imports import count_interrupts, open_input, open_report, read_mapping, show_progress
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.domain.account import Account, Principal, Scope
from padron.domain.file_reading import ReadingOptions, check_header_row
from padron.files.ahead import BlockingRows
from padron.service.accounts import get_account
from padron.service.imports.importing import ImportStep, import_vehicles
from padron.service.runtime import Runtime

ACTOR = "cli"  # how history names what a command did
CHUNK_ROWS = 5_000  # of one transaction, for which a server's calls may wait
ALONE_CHUNK_ROWS = 20_000  # of one while no server has the SQLite file: pages of indexes are written less often
GARBAGE_MIN = 200_000  # new objects before Python looks for cycles; rows have none, and it took a tenth of the time

vehicles = App(name="vehicles", help="Work on an account's vehicles.")

_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How a file is imported."""

    mapping: Path | None = None
    """A file that says which column a name in the first line is, or - to ignore it: JSON, or CSV with two cells."""

    sheet: str | None = None
    """Which sheet of a workbook, when several have content."""

    header_row: int | None = None
    """Which row, from 1, names the columns [default: the first of the top 20 that names the VIN]."""

    ignore_unknown: Annotated[bool, Parameter(negative="")] = False
    """Ignore columns with an unknown name, and say which."""

    normalize: Annotated[bool, Parameter(negative="")] = False
    """Take plates and VINs without the spaces, hyphens, dots and slashes in them: XYZ-00-00 as XYZ0000."""

    keep_duplicates: Annotated[bool, Parameter(negative="")] = False
    """Keep a further vehicle with a VIN that is taken, from legacy data, instead of refusing or updating."""

    dry_run: Annotated[bool, Parameter(negative="")] = False
    """Only say what would be done."""

    report: Path | None = None
    """Where each fault of a refused line is written, with its column [default: FILE.report.csv, if there are any]."""


_IMPORT_DEFAULTS = ImportOptions()


@vehicles.command(name="import")
def import_file(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    account: str,
    chosen: ImportOptions = _IMPORT_DEFAULTS,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Register and update vehicles from a CSV or Excel (XLSX) file. Running the same file again is safe.

    A row at the top names the columns, in English or Spanish: vin, vehicleStatusId and any field of a vehicle. An empty
    cell keeps the value. A line that cannot be used is refused by itself, and then the exit status is 1.

    Parameters
    ----------
    file
        A CSV or XLSX file; - reads from standard input.
    account
        The name of the account that owns the vehicles.
    """
    gc.set_threshold(GARBAGE_MIN)
    reading = ReadingOptions(
        mapping=read_mapping(chosen.mapping),
        sheet=chosen.sheet,
        header_row=None if chosen.header_row is None else check_header_row(chosen.header_row),
        ignore_unknown=chosen.ignore_unknown,
        normalize=chosen.normalize,
    )
    with (
        open_report(chosen.report, file) as report,
        open_input(file, reading, keep_duplicates=chosen.keep_duplicates) as rows,
    ):
        result = ImportResult(request_id=f"import-{secrets.token_hex(8)}", dry_run=chosen.dry_run, report=report)

        is_alone = not may_be_served(options.read())
        chunk_rows = ALONE_CHUNK_ROWS if is_alone else CHUNK_ROWS

        async def work(runtime: Runtime) -> None:
            owner = await get_account(runtime, account)
            await _import_rows(runtime, owner, rows, chosen, result, chunk_rows=chunk_rows)

        run_with_runtime(options, work, is_alone=is_alone)
        result.header = rows.header
    return print_result(result, json=json)


async def _import_rows(
    runtime: Runtime,
    owner: Account,
    rows: BlockingRows,
    chosen: ImportOptions,
    result: ImportResult,
    *,
    chunk_rows: int,
) -> None:
    with count_interrupts() as result.interrupts, show_progress(rows) as show:

        def note(step: ImportStep) -> None:
            result.add(step)
            show(step)

        result.summary = await import_vehicles(
            runtime,
            give_principal(owner.account_id),
            rows,
            request_id=result.request_id,
            keep_duplicates=chosen.keep_duplicates,
            dry_run=chosen.dry_run,
            normalize=chosen.normalize,
            language=rows.header.language,
            on_step=note,
            should_stop=lambda: bool(result.interrupts),
            chunk_rows=chunk_rows,
        )


def give_principal(account_id: int) -> Principal:
    """Give the operator's principal for an account: all scopes, known to history as ``cli``."""
    return Principal(account_id=account_id, actor=ACTOR, scopes=frozenset(scope.value for scope in Scope))
