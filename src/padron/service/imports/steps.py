"""The steps of one import, from taking it to its end. Each is a short transaction.

The transaction that writes rows also commits the progress, with the number of the attempt. So the
progress is exact after a process was killed. A process that lost its lease, or whose import was
cancelled, writes nothing more.
"""

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from padron.domain import file_import
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import (
    LEASE,
    REFUSALS_KEPT_MAX,
    FileImport,
    ImportCounts,
    ImportState,
    KeptRefusal,
    check_held,
    choose_next,
)
from padron.domain.file_reading import Header, UnreadableFileError
from padron.files.ahead import AheadRows, stream_rows_ahead
from padron.files.orders import Order
from padron.service.imports.file_imports import DELETED_ROWS, clear_parts
from padron.service.imports.importing import ImportStep, ImportSummary, import_vehicles
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

# Fewer rows than a command uses: between two transactions the calls of this process run.
CHUNK_ROWS = 50

_log = logging.getLogger("padron.imports")


@dataclass(slots=True, eq=False)
class ImportRun:
    """An import that this process has taken."""

    account_id: int
    taken: FileImport
    is_lost: bool = field(default=False, kw_only=True)  # cancelled, or taken over by another worker
    rows: AheadRows | None = field(default=None, kw_only=True)  # while the file is read

    def halt(self) -> None:
        """End the process that reads the file, so that nobody waits for its next rows."""
        if self.rows is not None:
            self.rows.kill()

    def lose(self) -> None:
        """Note that this worker no longer holds the import."""
        self.is_lost = True
        self.halt()


async def list_waiting(runtime: Runtime, holder: str, limit: int) -> list[int]:
    """Give the accounts in which an import waits for a worker."""
    return await runtime.store.imports.list_waiting(runtime.clock(), holder, limit)


async def take_import(runtime: Runtime, account_id: int, holder: str) -> ImportRun | None:
    """Take the account's next import. None when no import waits, or another worker has it."""
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> FileImport | None:
        imports = transaction.imports
        chosen = choose_next(await imports.list_open(), holder, now)
        present = None if chosen is None else await imports.lock_import(chosen.import_id)
        if present is None or choose_next([present], holder, now) is None or not await imports.is_account_enabled():
            return None  # no import waits, or it was cancelled or renewed at this moment, or nothing is done for it
        taken = file_import.claim(present, holder, now)
        if taken.dry_run:  # a dry run keeps nothing between attempts, so it reads all rows again
            taken = replace(taken, counts=ImportCounts(), refusals_kept=0, bytes_read=0)
            while await imports.delete_refusals(taken.import_id, DELETED_ROWS):
                pass
        await imports.save_import(taken)
        return taken

    taken = await runtime.store.write(account_id, work)
    if taken is not None and taken.state is ImportState.FAILED:
        _tell_end(runtime, account_id, taken.import_id, ImportState.FAILED)
        await clear_parts(runtime, account_id, taken.import_id)
        return None
    return None if taken is None else ImportRun(account_id, taken)


async def renew_lease(runtime: Runtime, run: ImportRun) -> None:
    """Prolong the lease of a run, or note that it is lost."""
    until = runtime.clock() + LEASE

    async def work(transaction: WriteTransaction) -> None:
        imports = transaction.imports
        present = check_held(await imports.lock_import(run.taken.import_id), run.taken.attempt)
        read, total = (run.rows.bytes_read, run.rows.bytes_total) if run.rows is not None else (0, 0)
        if read > present.bytes_read:  # lines without content: no transaction reports them
            present = replace(present, bytes_read=read, bytes_total=total)
        await imports.save_import(replace(present, lease_until=until))

    await _write_held(runtime, run, work)


async def check_hold(runtime: Runtime, run: ImportRun) -> None:
    """Note a lost run, wherever the import was cancelled or taken over."""
    present = await runtime.store.read(run.account_id).imports.find_import(run.taken.import_id)
    try:
        check_held(present, run.taken.attempt)
    except PadronError:
        run.lose()


async def release_import(runtime: Runtime, run: ImportRun) -> None:
    """Give a run back, so that another process can continue at once."""

    async def work(transaction: WriteTransaction) -> None:
        imports = transaction.imports
        present = check_held(await imports.lock_import(run.taken.import_id), run.taken.attempt)
        await imports.save_import(file_import.release(present))

    await _write_held(runtime, run, work)


async def save_header(runtime: Runtime, run: ImportRun, header: Header) -> None:
    """Save the place of the columns' names. From now on the import shows it."""

    async def work(transaction: WriteTransaction) -> None:
        imports = transaction.imports
        present = check_held(await imports.lock_import(run.taken.import_id), run.taken.attempt)
        await imports.save_import(replace(present, header=header))

    await _write_held(runtime, run, work)


async def end_import(runtime: Runtime, run: ImportRun, state: ImportState, detail: str | None = None) -> None:
    """End a run that this worker still holds, and delete the bytes of its file."""
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> None:
        imports = transaction.imports
        present = check_held(await imports.lock_import(run.taken.import_id), run.taken.attempt)
        await imports.save_import(file_import.end(present, state, now, detail))

    await _write_held(runtime, run, work)
    if not run.is_lost:
        _tell_end(runtime, run.account_id, run.taken.import_id, state)
    await clear_parts(runtime, run.account_id, run.taken.import_id)


async def import_file(runtime: Runtime, run: ImportRun, should_stop: Callable[[], bool]) -> ImportSummary:
    """Import the rows of the uploaded file, from the last commit on. Raises ``store_unavailable``."""
    taken = run.taken

    def must_stop() -> bool:
        return run.is_lost or should_stop()

    async with AsyncExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="padron-import-"))
        path = Path(folder, "file")
        if not await _fetch_file(runtime, run, path, must_stop):
            return ImportSummary(counts=taken.counts, is_interrupted=True)
        order = Order(
            path=str(path), is_path_told=False, options=taken.options, keep_duplicates=taken.keep_duplicates
        )  # fmt: skip
        run.rows = rows = await opened.enter_async_context(stream_rows_ahead(order))
        try:
            await rows.open()
        except UnreadableFileError as error:
            if must_stop():  # stopping also ended the reading process
                return ImportSummary(counts=taken.counts, is_interrupted=True)
            return ImportSummary(counts=taken.counts, stopped=error)
        await save_header(runtime, run, rows.header)
        principal = Principal(
            account_id=run.account_id,
            actor=taken.created_by,
            scopes=frozenset({Scope.VEHICLES_WRITE.value, Scope.VEHICLES_STATUS.value}),
        )
        return await import_vehicles(
            runtime,
            principal,
            rows,
            request_id=taken.request_id,
            keep_duplicates=taken.keep_duplicates,
            dry_run=taken.dry_run,
            normalize=taken.options.normalize,
            language=rows.header.language,
            start=taken.counts,
            checkpoint=Checkpoint(run, rows, runtime.clock).save,
            should_stop=must_stop,
            chunk_rows=CHUNK_ROWS,
            takes_turns=True,
        )


class Checkpoint:
    """Saves the progress of an import, in the transaction of its rows."""

    def __init__(self, run: ImportRun, rows: AheadRows, clock: Callable[[], datetime]) -> None:
        self._run = run
        self._rows = rows
        self._clock = clock

    async def save(self, transaction: WriteTransaction, step: ImportStep) -> None:
        """Save a step. If the run is lost, raises ``import_ended``, which undoes its rows."""
        imports, import_id = transaction.imports, self._run.taken.import_id
        try:
            present = check_held(await imports.lock_import(import_id), self._run.taken.attempt)
        except PadronError:
            self._run.lose()
            raise
        now = self._clock()
        kept = [
            KeptRefusal(place=place, line=one.line, column=one.column, detail=one.detail)
            for place, one in enumerate(step.refusals, start=present.refusals_kept + 1)
            if place <= REFUSALS_KEPT_MAX
        ]
        await imports.add_refusals(import_id, kept)
        after = replace(
            present,
            counts=step.counts,
            refusals_kept=present.refusals_kept + len(kept),
            bytes_read=self._rows.bytes_read,
            bytes_total=self._rows.bytes_total,
            header=self._rows.header,
            moved_at=now,
            lease_until=now + LEASE,
            tries=0,
        )
        await imports.save_import(after)


def _tell_end(runtime: Runtime, account_id: int, import_id: int, state: ImportState) -> None:
    """Count the end of an import, and log a failure. Its reason may quote the file, so the log does not have it."""
    runtime.counts.imports_ended[state] += 1
    if state is ImportState.FAILED:
        _log.warning("import %x of account %d failed: the import itself says why", import_id, account_id)


async def _write_held(runtime: Runtime, run: ImportRun, work: Callable[[WriteTransaction], Awaitable[None]]) -> None:
    try:
        await runtime.store.write(run.account_id, work)
    except PadronError as error:
        if error.code is not Code.IMPORT_ENDED:
            raise
        run.lose()


async def _fetch_file(runtime: Runtime, run: ImportRun, path: Path, must_stop: Callable[[], bool]) -> bool:
    """Join the parts in a temporary file, which reading a file needs. Give False when interrupted."""
    reader = runtime.store.read(run.account_id).imports
    source_id = run.taken.import_id if run.taken.source_id is None else run.taken.source_id
    with path.open("wb") as file:
        for number in range(run.taken.part_count):
            if must_stop():
                return False
            part = await reader.load_part(source_id, number)
            if part is None:
                run.lose()  # somebody ended the import meanwhile, and its bytes are gone
                return False
            await asyncio.to_thread(file.write, part)
    return True
