"""Imports vehicles from the rows of a file, in transactions of some hundred rows with one write each.

Running the same file again is safe: an empty cell keeps the value, and what does not differ is not written. Memory
does not grow with the file: what must be remembered of its rows is on disk, and refusals are handed on as they come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice

from padron.domain.account import Principal, Scope
from padron.domain.errors import PadronError
from padron.domain.language import Language
from padron.files.ahead import AheadRows
from padron.files.columns import ParsedRow, Refusal, RefusedRow, Row
from padron.files.parsing import RowParser, open_parser
from padron.service.imports.chunks import Chunk, ChunkTransaction, Outcome
from padron.service.imports.rehearsal import Rehearsal, open_rehearsal
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

# Of one transaction. On SQLite a server's other calls wait for it; a command, which holds up no event loop, takes more.
CHUNK_ROWS = 500


@dataclass(kw_only=True, slots=True)
class ImportSummary:
    """What became of the rows so far. ``stopped`` says why the import ended before the file did."""

    read: int = 0
    registered: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_duplicates: int = 0
    refused: int = 0
    stopped: str | None = None
    interrupted: bool = False

    def add(self, outcome: Outcome, refused: int, rows_count: int) -> "ImportSummary":
        """Give the summary with what became of one transaction's rows."""
        return replace(
            self,
            read=self.read + rows_count,
            registered=self.registered + outcome.registered,
            updated=self.updated + outcome.updated,
            unchanged=self.unchanged + outcome.unchanged,
            kept_duplicates=self.kept_duplicates + outcome.kept_duplicates,
            refused=self.refused + refused,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportStep:
    """One transaction of an import: the summary as it is once that is committed, and what was wrong in its own rows."""

    summary: ImportSummary
    refusals: Sequence[Refusal]  # by line, one for each fault: the summary counts a line once


Checkpoint = Callable[[WriteTransaction, ImportStep], Awaitable[None]]


async def _check_nothing(transaction: WriteTransaction, step: ImportStep) -> None:
    """Keep no state of the import beside what it writes."""


async def import_vehicles(  # noqa: PLR0913 - all but the first three have defaults and are named at the call
    runtime: Runtime,
    principal: Principal,
    rows: AheadRows | Iterable[Row],
    *,
    request_id: str,
    keep_duplicates: bool = False,
    dry_run: bool = False,
    normalize: bool = False,
    language: Language = Language.ENGLISH,
    start: ImportSummary | None = None,
    checkpoint: Checkpoint | None = None,
    on_step: Callable[[ImportStep], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    chunk_rows: int = CHUNK_ROWS,
) -> ImportSummary:
    """Register and update the vehicles of the rows, and give what became of them. Raises ``forbidden``.

    A row that cannot be used is refused by itself, with all its faults. ``keep_duplicates`` keeps a row whose VIN is
    taken as a further current vehicle, unless the register holds it already. ``dry_run`` decides in the same way and
    writes nothing. ``normalize`` and ``language`` are as for ``open_parser``. ``start`` is the summary of an earlier
    run that came so far: its rows are not written again. ``checkpoint`` is awaited inside each transaction after its
    rows are written, again if the transaction is; ``on_step`` is called after the commit. When the database fails, or
    ``should_stop`` says so between two transactions, the summary so far is given.
    """
    principal.check_scope(Scope.VEHICLES_WRITE)
    principal.check_scope(Scope.VEHICLES_STATUS)
    writer = _Writer(runtime, principal, request_id=request_id, keep_duplicates=keep_duplicates)
    writer.checkpoint = checkpoint or _check_nothing
    summary = replace(start, stopped=None, interrupted=False) if start is not None else ImportSummary()
    with ExitStack() as opened:
        parser = opened.enter_context(
            open_parser(keep_duplicates=keep_duplicates, normalize=normalize, language=language)
        )
        if dry_run:
            writer.rehearsal = opened.enter_context(open_rehearsal())
        source = rows if isinstance(rows, AheadRows) else _GivenRows(rows)
        await _pass_over(parser, source, summary.read)
        while summary.stopped is None:
            chunk, error = await _take(source, chunk_rows)
            if (chunk or not source.is_ended) and should_stop():
                summary.interrupted = True
                break
            try:
                if chunk:
                    step = await writer.write(summary, *parser.parse_rows(chunk), len(chunk))
                    summary = step.summary
                    on_step(step)
            except PadronError as stopped:
                error = stopped
            if error is not None:
                summary.stopped = error.detail
            elif not chunk and source.is_ended:
                break
    return summary


@dataclass(slots=True, eq=False)
class _Writer:
    """Writes parsed rows, a transaction at a time."""

    runtime: Runtime
    principal: Principal
    request_id: str = field(kw_only=True)
    keep_duplicates: bool = field(kw_only=True)
    checkpoint: Checkpoint = _check_nothing
    rehearsal: Rehearsal | None = None

    async def write(
        self, before: ImportSummary, parsed: list[ParsedRow], refused: list[RefusedRow], rows_count: int
    ) -> ImportStep:
        at = self.runtime.clock()

        async def work(transaction: WriteTransaction) -> ImportStep:
            register: ChunkTransaction = transaction
            if self.rehearsal is not None:
                register = self.rehearsal.begin(transaction)
            chunk = Chunk(
                keep_duplicates=self.keep_duplicates, by=self.principal.actor, request_id=self.request_id, at=at
            )
            outcome = await chunk.write(register, parsed, refused)
            faults = [*(fault for row in refused for fault in row.faults), *outcome.refusals]
            faults.sort(key=lambda fault: fault.line)
            lines_count = len({fault.line for fault in faults})
            step = ImportStep(summary=before.add(outcome, lines_count, rows_count), refusals=faults)
            await self.checkpoint(transaction, step)
            return step

        step = await self.runtime.store.write(self.principal.account_id, work)
        if self.rehearsal is not None:
            self.rehearsal.keep()
        return step


class _GivenRows:
    """Rows that are there already, taken as those of a file are."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rest = iter(rows)
        self._broken: PadronError | None = None
        self.is_ended = False

    async def take(self, count: int) -> list[Row]:
        """Give the next rows. Raises what their iteration raises, after the rows before it."""
        taken: list[Row] = []
        if self._broken is None:
            try:
                taken.extend(islice(self._rest, count))
                self.is_ended = len(taken) < count
            except PadronError as error:
                self._broken = error
        if self._broken is not None and not taken:
            raise self._broken
        return taken


async def _take(source: AheadRows | _GivenRows, count: int) -> tuple[list[Row], PadronError | None]:
    """Give the next rows, and what keeps the file from being read on."""
    try:
        return await source.take(count), None
    except PadronError as error:
        return [], error


async def _pass_over(parser: RowParser, source: AheadRows | _GivenRows, count: int) -> None:
    """Read rows that an earlier run wrote, only to remember their VINs."""
    while count > 0 and not source.is_ended:
        passed = await source.take(min(count, CHUNK_ROWS))
        parser.parse_rows(passed)
        count -= len(passed)
        await asyncio.sleep(0)  # others of this process want their turn
