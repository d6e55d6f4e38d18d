"""``padron vehicles import``."""

import gc
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.actors import give_actor
from padron.cli.holding import may_be_served
from padron.cli.import_results import ImportResult, print_result
from padron.cli.imports import count_interrupts, open_input, open_report, read_mapping, show_progress
from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.config import Settings
from padron.domain.account import Account, Principal, Scope
from padron.domain.file_reading import ReadingOptions, check_header_row
from padron.files.ahead import BlockingRows
from padron.service.accounts import get_account
from padron.service.imports.importing import ImportStep, import_vehicles
from padron.service.runtime import Runtime

# Rows of one transaction. On SQLite all calls of a server wait for it. On PostgreSQL only those for its vehicles do.
CHUNK_ROWS = 5_000
BESIDE_CHUNK_ROWS = 500
ALONE_CHUNK_ROWS = 20_000  # without a server, index pages are written less often
GARBAGE_MIN = 200_000  # new objects before Python searches for cycles; rows have none, and the search is slow

vehicles = App(name="vehicles", help="Work on an account's vehicles.")

_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How a file is imported."""

    mapping: Path | None = None
    """A file that maps names in the header to columns, or to - to ignore them: JSON, or CSV with two cells."""

    sheet: str | None = None
    """The sheet of a workbook to read, when several have content."""

    header_row: int | None = None
    """The row with the column names, from 1 [default: the first of the top 20 rows that names the VIN]."""

    ignore_unknown: Annotated[bool, Parameter(negative="")] = False
    """Ignore columns with an unknown name, and list them."""

    normalize: Annotated[bool, Parameter(negative="")] = False
    """Remove spaces, hyphens, dots and slashes from plates and VINs: XYZ-00-00 becomes XYZ0000."""

    keep_duplicates: Annotated[bool, Parameter(negative="")] = False
    """Register one more vehicle for a VIN that is in use (for legacy data), instead of refusing or updating."""

    dry_run: Annotated[bool, Parameter(negative="")] = False
    """Show what would be done, without doing it."""

    report: Path | None = None
    """The file for the faults of refused lines, with their columns [default: FILE.report.csv, if there are any]."""


_IMPORT_DEFAULTS = ImportOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class _ImportPace:
    """How an import writes. One that gives way rests after each transaction, so that a server gets the lock."""

    chunk_rows: int
    is_alone: bool = False
    gives_way: bool = False


def _choose_pace(settings: Settings) -> _ImportPace:
    if not may_be_served(settings):
        return _ImportPace(chunk_rows=ALONE_CHUNK_ROWS, is_alone=True)
    if settings.is_sqlite:
        return _ImportPace(chunk_rows=BESIDE_CHUNK_ROWS, gives_way=True)
    return _ImportPace(chunk_rows=CHUNK_ROWS)


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
    """Register and update vehicles from a CSV or Excel (XLSX) file. It is safe to import the same file again.

    A row at the top names the columns, in English or Spanish: vin, vehicleStatusId and any field of a vehicle. An empty
    cell keeps the value. A wrong line is refused, the other lines are imported, and the exit status is 1.

    Parameters
    ----------
    file
        A CSV or XLSX file; - reads standard input.

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

        pace = _choose_pace(options.read())

        async def work(runtime: Runtime) -> None:
            owner = await get_account(runtime, account)
            await _import_rows(runtime, owner, rows, chosen, result, pace)

        run_with_runtime(options, work, is_alone=pace.is_alone)
        result.header = rows.header
    return print_result(result, json=json)


async def _import_rows(
    runtime: Runtime,
    owner: Account,
    rows: BlockingRows,
    chosen: ImportOptions,
    result: ImportResult,
    pace: _ImportPace,
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
            chunk_rows=pace.chunk_rows,
            takes_turns=pace.gives_way,
        )
        if not chosen.dry_run:
            await runtime.leases.confirm_change(owner.account_id, None)


def give_principal(account_id: int) -> Principal:
    """Give the operator's principal for an account. It has all scopes, and names the system user in the history."""
    return Principal(account_id=account_id, actor=give_actor(), scopes=frozenset(scope.value for scope in Scope))
