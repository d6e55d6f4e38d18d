"""Imports vehicles from the rows of a file. A transaction writes some hundred rows at once.

It is safe to run the same file again: an empty cell keeps the value, and equal values are not
written. Memory use does not grow with the file: the needed facts about its rows are on disk, and
refusals are handed on at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import ImportCounts
from padron.domain.file_reading import UnreadableFileError
from padron.domain.language import Language
from padron.files.columns import FileRow, ParsedRows, RowFault
from padron.files.parsing import RowParser, open_parser
from padron.service.imports.chunks import Chunk, ChunkTransaction
from padron.service.imports.rehearsal import Rehearsal, open_rehearsal
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

# Rows of one transaction. On SQLite a server's other calls wait for it. A command delays no event
# loop, so it uses more rows.
CHUNK_ROWS = 500

_FULL_TRIES = 5  # others may register vehicles after the count, and so take the room


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportSummary:
    """The outcome of the rows so far, and why the import ended before the file did.

    ``stopped`` is an ``UnreadableFileError`` when the file is the cause. After another error a
    retry may succeed. ``is_interrupted`` means that somebody asked the import to stop.
    """

    counts: ImportCounts = field(default_factory=ImportCounts)
    stopped: PadronError | None = None
    is_interrupted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportStep:
    """One transaction of an import: the counts after its commit, and the faults of its rows."""

    counts: ImportCounts
    refusals: Sequence[RowFault]  # by line, one for each fault; the counts include a line once


class RowSource(Protocol):
    """A source of rows, in order."""

    @property
    def is_ended(self) -> bool:
        """Say whether every row was taken."""
        ...

    async def take(self, count: int) -> Sequence[FileRow]:
        """Give the next rows, at most ``count``. The list is empty at the end, or while no row is ready.

        Raises ``UnreadableFileError`` where the file becomes unreadable, after the rows before.
        """
        ...


SaveStep = Callable[[WriteTransaction, ImportStep], Awaitable[None]]


async def _check_nothing(transaction: WriteTransaction, step: ImportStep) -> None:
    """Keep no state of the import."""


async def import_vehicles(  # noqa: PLR0913 - all but the first three have defaults and are named at the call
    runtime: Runtime,
    principal: Principal,
    rows: RowSource | Sequence[FileRow],
    *,
    request_id: str,
    keep_duplicates: bool = False,
    dry_run: bool = False,
    normalize: bool = False,
    language: Language = Language.ENGLISH,
    start: ImportCounts = ImportCounts(),  # noqa: B008 - it is frozen
    checkpoint: SaveStep = _check_nothing,
    on_step: Callable[[ImportStep], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    chunk_rows: int = CHUNK_ROWS,
    takes_turns: bool = False,
) -> ImportSummary:
    """Register and update the vehicles of the rows, and give the outcome. Raises ``forbidden``.

    A row that cannot be used is refused alone, with all its faults, and so is a vehicle beyond the
    account's limit. When the database fails, or ``should_stop`` says so between two transactions,
    the summary so far is given.

    - ``keep_duplicates`` keeps a row with a taken VIN as a further current vehicle, unless the
      register already holds it.
    - ``dry_run`` makes the same decisions and writes nothing. ``on_step`` is called after each commit.
    - ``normalize`` and ``language`` are as for ``open_parser``.
    - ``start`` is the progress of an earlier run: its rows are not written again.
    - ``checkpoint`` is awaited inside each attempt at a transaction, after its rows are written.
    - ``takes_turns`` is for a server, and for a command beside one: between two transactions, others have their turn.
    """
    principal.check_scope(Scope.VEHICLES_WRITE)
    principal.check_scope(Scope.VEHICLES_STATUS)
    writer = _Writer(runtime, principal, request_id=request_id, keep_duplicates=keep_duplicates, checkpoint=checkpoint)
    counts = start
    source = _GivenRows(rows) if isinstance(rows, Sequence) else rows
    with ExitStack() as opened:
        made = open_parser(keep_duplicates=keep_duplicates, normalize=normalize, language=language)
        parser = opened.enter_context(made)
        if dry_run:
            writer.rehearsal = opened.enter_context(open_rehearsal())
        try:
            await _pass_over(parser, source, counts.read)
            while True:
                chunk = await source.take(chunk_rows)
                if not chunk and source.is_ended:
                    return ImportSummary(counts=counts)
                if should_stop():
                    return ImportSummary(counts=counts, is_interrupted=True)
                if chunk:
                    async with runtime.turns.take(principal.account_id) if takes_turns else nullcontext():
                        step = await writer.write(counts, parser.parse_rows(chunk))
                    counts = step.counts
                    on_step(step)
        except UnreadableFileError as error:
            if should_stop():  # whoever stops the import may have ended the process that reads the file
                return ImportSummary(counts=counts, is_interrupted=True)
            return ImportSummary(counts=counts, stopped=error)
        except PadronError as error:
            return ImportSummary(counts=counts, stopped=error)


@dataclass(slots=True, eq=False)
class _Writer:
    """Writes parsed rows, one transaction at a time."""

    runtime: Runtime
    principal: Principal
    request_id: str = field(kw_only=True)
    keep_duplicates: bool = field(kw_only=True)
    checkpoint: SaveStep = field(kw_only=True)
    rehearsal: Rehearsal | None = None
    is_full: bool = False  # the account has reached its limit on vehicles, or is near it

    async def write(self, before: ImportCounts, parsed: ParsedRows) -> ImportStep:
        """Write the rows of one transaction.

        At the limit on vehicles it refuses the rows for which there is no room. Before, it need not count.
        """
        for _ in range(_FULL_TRIES):
            try:
                return await self._write(before, parsed)
            except PadronError as error:
                if error.code is not Code.VEHICLE_LIMIT_REACHED:
                    raise
                self.is_full, reached = True, error
        raise reached

    async def _write(self, before: ImportCounts, parsed: ParsedRows) -> ImportStep:
        at = self.runtime.clock()

        async def work(transaction: WriteTransaction) -> ImportStep:
            register: ChunkTransaction = transaction
            if self.rehearsal is not None:
                register = self.rehearsal.begin(transaction)
            chunk = Chunk(
                keep_duplicates=self.keep_duplicates,
                by=self.principal.actor,
                request_id=self.request_id,
                at=at,
                vehicles_max=self.runtime.limits.vehicles,
                counts_first=self.is_full or self.rehearsal is not None,
            )
            result = await chunk.write(register, parsed)
            step = ImportStep(counts=before.add(result.counts), refusals=result.refusals)
            await self.checkpoint(transaction, step)
            return step

        step = await self.runtime.store.write(self.principal.account_id, work)
        if self.rehearsal is not None:
            self.rehearsal.keep()
        return step


class _GivenRows:
    """Rows that are already in memory, with the form of a file's rows."""

    def __init__(self, rows: Sequence[FileRow]) -> None:
        self._rows = rows
        self._taken = 0

    @property
    def is_ended(self) -> bool:
        return self._taken >= len(self._rows)

    async def take(self, count: int) -> Sequence[FileRow]:
        taken = self._rows[self._taken : self._taken + count]
        self._taken += len(taken)
        return taken


async def _pass_over(parser: RowParser, source: RowSource, count: int) -> None:
    """Read the rows that an earlier run wrote, only to remember their VINs."""
    while count > 0 and not source.is_ended:
        passed = await source.take(min(count, CHUNK_ROWS))
        parser.parse_rows(passed)
        count -= len(passed)
        await asyncio.sleep(0)  # lets other tasks of this process run
