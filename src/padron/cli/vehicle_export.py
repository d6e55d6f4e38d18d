"""``padron vehicles export``: writes a file to edit and import again. The import changes only the edited values.

The file is written under a temporary name and renamed when it is complete, so a file with the final name is whole.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_error, print_json
from padron.cli.vehicles import give_principal
from padron.cli.whole_files import AS_USUAL, Advice, write_whole
from padron.domain.language import Language
from padron.domain.query import VehicleQuery
from padron.domain.quoting import quote, quote_path
from padron.domain.status import VehicleStatus, parse_status_text
from padron.files.export_rows import Wording
from padron.files.writers import Form, open_writer
from padron.service.accounts import get_account
from padron.service.runtime import Runtime
from padron.service.vehicles.export import export_vehicles, find_last_vehicle
from padron.service.vehicles.questions import (
    FILTERS,
    OPERATIONAL_FILTER,
    SEVERAL_FILTERS,
    SORT,
    STATUS_FILTER,
    parse_question,
)

TERMINATED = 128 + 15  # the status of SIGTERM in a shell

_FORMS = {".csv": Form.CSV, ".xlsx": Form.XLSX, ".jsonl": Form.JSONL, ".ndjson": Form.JSONL}
_DELIMITERS = {",": ",", ";": ";", "tab": "\t", "\t": "\t"}
_DEFAULTS = CommonOptions()
_ADVICE = Advice(replace="--force", instead="name a file, or - for standard output")

Show = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """What to write, and where. A target of None is standard output."""

    account: str
    query: VehicleQuery
    target: Path | None
    form: Form
    delimiter: str
    wording: Wording
    force: bool


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """The options for CSV and XLSX."""

    delimiter: str = ","
    """The separator between the cells of CSV: , or ; or tab."""

    lang: Literal["en", "es"] = "en"
    """The language of the column names: en for the names of the API, or es."""

    status_names: Annotated[bool, Parameter(negative="")] = False
    """Write statuses as names, in the language of the columns, instead of ids."""

    def check(self, form: Form) -> Wording:
        """Give the wording of a table. Raises ``UsageError`` for a wrong value of an option."""
        if self.delimiter not in _DELIMITERS:
            raise UsageError(f"--delimiter is {quote(self.delimiter)}: use , or ; or tab.")
        wording = Wording(language=Language(self.lang), names_statuses=self.status_names)
        if form is Form.JSONL and wording != Wording():
            raise UsageError("--lang and --status-names work only for CSV and XLSX: JSON Lines have the API's names.")
        return wording


_TABLE_DEFAULTS = TableOptions()


def export_file(  # noqa: PLR0913 - the options of a command
    file: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    account: str,
    form: Form | None = None,
    status: str | None = None,
    operational: bool | None = None,
    filter: Annotated[list[str] | None, Parameter(negative="")] = None,  # noqa: A002 - the option's name
    force: Annotated[bool, Parameter(negative="")] = False,
    table: TableOptions = _TABLE_DEFAULTS,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> int:
    """Write an account's vehicles into a file: CSV, XLSX or JSON Lines, all with the same columns.

    You can edit the file and import it again: only the edited values change, the status included. Its last column, the
    revision, prevents an import from undoing later changes by others.

    Parameters
    ----------
    file
        The file. Its suffix (.csv, .xlsx, .jsonl) decides the form. Without a file, or with -, standard output.
    account
        The name of the account that owns the vehicles.

    form
        csv, xlsx or jsonl, instead of the form of the suffix.
    status
        Only vehicles with this status, by its id or its name. 2 means former versions instead.
    operational
        Only vehicles that operations may touch. With --no-operational: only the others.
    filter
        NAME=VALUE: only vehicles with this value, as in the list of the API. You can repeat this option.
    force
        Replace the file if it exists.
    """
    target = None if file is None or str(file) == "-" else file
    chosen = form or _find_form(target)
    if target is None and json:
        raise UsageError("--json uses standard output for its document: name a file for the vehicles.")
    if target is None and chosen is Form.XLSX and sys.stdout.isatty():
        raise UsageError("XLSX cannot be shown in a terminal: name a file, or redirect standard output.")

    wanted = _Wanted(
        account=account,
        query=parse_query(status, operational, filter or []),
        target=target,
        form=chosen,
        delimiter=_DELIMITERS.get(table.delimiter, ""),
        wording=table.check(chosen),
        force=force,
    )
    try:
        count = run_with_runtime(options, lambda runtime: _heed_termination(_write_file(runtime, wanted)))
    except asyncio.CancelledError:
        print_error("The export was interrupted. No file was written.")
        return TERMINATED
    _report(wanted, count, json=json)
    return 0


async def _write_file(runtime: Runtime, wanted: _Wanted) -> int:
    """Write the file and give the number of vehicles in it."""
    principal = give_principal((await get_account(runtime, wanted.account)).account_id)
    last = await find_last_vehicle(runtime, principal)
    count = 0
    with _open_target(wanted.target, force=wanted.force) as raw, _show_progress(last) as show:
        with open_writer(
            wanted.form,
            raw,
            delimiter=wanted.delimiter,
            mark=wanted.target is not None,
            wording=wanted.wording,
        ) as writer:
            async for page in export_vehicles(runtime, principal, wanted.query):
                writer.write(page)
                count += len(page)
                show(count, page[-1].vehicle.vehicle_id)
        await asyncio.sleep(0)  # so that an interrupt during the packing still prevents the renaming of the file
    return count


def _report(wanted: _Wanted, count: int, *, json: bool) -> None:
    if json:
        print_json({"file": str(wanted.target), "form": wanted.form.value, "vehicles": count})
    elif wanted.target is not None:
        print(f"Wrote {count} vehicle{'' if count == 1 else 's'} to {wanted.target}.")


async def _heed_termination(work: Awaitable[int]) -> int:
    """Let SIGTERM cancel the work, as Ctrl-C does, so that the work can remove its temporary file."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def parse_query(
    status: str | None,
    operational: bool | None,  # noqa: FBT001 - as the options come
    filters: list[str],
    sort: str | None = None,
) -> VehicleQuery:
    """Give the query for the list that the options mean. Raises ``UsageError`` and ``bad_parameters``."""
    given: dict[str, list[str]] = {} if sort is None else {SORT: [sort]}
    for one in filters:
        name, sign, value = one.partition("=")
        if not sign or not value:
            raise UsageError(f"--filter is {quote(one)}: use NAME=VALUE, for example --filter brandName=Hummer.")
        if name not in FILTERS:
            raise UsageError(f"There is no filter {quote(name)}. Use one of {', '.join(sorted(FILTERS))}.")
        if name in given and name not in SEVERAL_FILTERS:
            raise UsageError(f"The filter {name} is given twice: use it once.")
        given.setdefault(name, []).append(value)
    if status is not None:
        is_former = status.strip() == str(VehicleStatus.INFO_CHANGED.value)
        wanted = VehicleStatus.INFO_CHANGED if is_former else parse_status_text(status)
        given[STATUS_FILTER] = [str(wanted.value)]
    if operational is not None:
        given[OPERATIONAL_FILTER] = [str(operational).lower()]
    return parse_question(given)


def _find_form(target: Path | None) -> Form:
    if target is None:
        return Form.CSV
    form = _FORMS.get(target.suffix.lower())
    if form is None:
        raise UsageError(
            f"The suffix of {quote_path(target)} is not a known form. "
            f"Use {', '.join(_FORMS)}, or --form csv, xlsx or jsonl."
        )
    return form


@contextmanager
def _open_target(target: Path | None, *, force: bool) -> Iterator[BinaryIO]:
    """Give the file to write. At the end of the block the file is complete; after an error nothing has changed."""
    if target is None:
        yield sys.stdout.buffer
        return
    with (
        write_whole(target, replace=force, mode=AS_USUAL, advice=_ADVICE) as part,
        part.open("wb") as raw,
    ):
        yield raw


@contextmanager
def _show_progress(last: int) -> Iterator[Show]:
    """Draw a bar on stderr, if it is a terminal. Vehicles come in the order of their ids, up to the last id."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.fields[rows]:,} vehicles, {task.fields[rate]:,.0f}/s"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=last or None, rows=0, rate=0.0)

        def show(count: int, vehicle_id: int) -> None:
            elapsed = progress.tasks[task].elapsed
            progress.update(task, completed=min(vehicle_id, last), rows=count, rate=count / elapsed if elapsed else 0)

        yield show
