"""Reads imports, cancels them, and deletes the data of old ones."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from padron.domain import file_import
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.file_import import FileImport, ImportState, KeptRefusal, list_over, parse_import_id
from padron.domain.keeping import find_end
from padron.domain.quoting import quote
from padron.service.changes import cursors
from padron.service.pages import Page, cut_page, look_beyond
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

DELETED_PARTS = 32  # in one transaction: 8 MB
DELETED_ROWS = 2_000
REPORT_PAGE = 1_000

_NEWEST = 2**63 - 1
_log = logging.getLogger("padron.imports")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Over:
    """What to delete: the bytes of ended imports, and whole imports."""

    with_parts: list[int]
    whole: list[int]


async def list_imports(runtime: Runtime, principal: Principal, *, limit: int, cursor: str | None) -> Page[FileImport]:
    """Give a page of the account's imports. Raises ``forbidden``, and ``bad_parameters`` for a bad cursor."""
    principal.check_scope(Scope.VEHICLES_WRITE)
    epoch = runtime.store.epoch
    place = cursors.parse_import_cursor(epoch, cursor)
    before = _NEWEST if place is None else place
    found = await runtime.store.read(principal.account_id).imports.list_imports(before, look_beyond(limit))
    await _await_leases(runtime, principal, found)
    return cut_page(found, limit, lambda last: cursors.format_import_cursor(epoch, last.import_id))


async def get_import(runtime: Runtime, principal: Principal, import_id: str) -> FileImport:
    """Give one import. Raises ``forbidden`` and ``import_not_found``."""
    found = await _find_import(runtime, principal, import_id)
    await _await_leases(runtime, principal, [found])
    return found


async def _await_leases(runtime: Runtime, principal: Principal, told: Sequence[FileImport]) -> None:
    """Return once no local gate answers from before what these imports have done so far."""
    if any(one.counts.read and not one.dry_run for one in told):
        await runtime.leases.confirm_change(principal.account_id, None)


async def _find_import(runtime: Runtime, principal: Principal, import_id: str) -> FileImport:
    principal.check_scope(Scope.VEHICLES_WRITE)
    number = parse_import_id(import_id)
    found = None
    if number is not None:
        found = await runtime.store.read(principal.account_id).imports.find_import(number)
    if found is None:
        raise _refuse_unknown(import_id)
    return found


async def cancel_import(runtime: Runtime, principal: Principal, import_id: str) -> None:
    """Cancel an import. Its changes so far remain. Cancelling again does nothing.

    Raises ``forbidden``, ``import_not_found``, and ``import_ended`` for a finished or failed
    import.
    """
    principal.check_scope(Scope.VEHICLES_BULK)
    found = await _find_import(runtime, principal, import_id)
    now = runtime.clock()

    async def work(transaction: WriteTransaction) -> bool:
        imports = transaction.imports
        present = await imports.lock_import(found.import_id)
        if present is None:
            raise _refuse_unknown(import_id)
        after = file_import.cancel(present, now)
        if after is not present:
            await imports.save_import(after)
        return present.state is ImportState.QUEUED

    if await runtime.store.write(principal.account_id, work):
        await clear_parts(runtime, principal.account_id, found.import_id)


async def list_refusals(
    runtime: Runtime, principal: Principal, found: FileImport
) -> AsyncIterator[list[KeptRefusal]]:  # fmt: skip
    """Give the kept refused lines, a thousand at a time. Raises ``forbidden``."""
    principal.check_scope(Scope.VEHICLES_WRITE)
    reader = runtime.store.read(principal.account_id).imports
    after = 0
    while page := await reader.list_refusals(found.import_id, after, REPORT_PAGE):
        yield page
        after = page[-1].place


async def clear_parts(runtime: Runtime, account_id: int, import_id: int) -> None:
    """Delete the bytes of an ended import, in small transactions."""

    async def work(transaction: WriteTransaction) -> bool:
        imports = transaction.imports
        present = await imports.lock_import(import_id)
        if present is None or present.is_open:
            return False
        if await imports.delete_parts(import_id, DELETED_PARTS) == DELETED_PARTS:
            return True
        await imports.save_import(replace(present, part_count=0))
        return False

    while await runtime.store.write(account_id, work):
        pass


async def clear_import(runtime: Runtime, account_id: int, import_id: int) -> None:
    """Delete an upload or an ended import, with all its data, in small transactions."""

    async def work(transaction: WriteTransaction) -> bool:
        imports = transaction.imports
        present = await imports.lock_import(import_id)
        if present is None or present.state in {ImportState.QUEUED, ImportState.RUNNING}:
            return False
        if await imports.delete_parts(import_id, DELETED_PARTS) == DELETED_PARTS:
            return True
        if await imports.delete_refusals(import_id, DELETED_ROWS) == DELETED_ROWS:
            return True
        await imports.delete_import(import_id)
        return False

    while await runtime.store.write(account_id, work):
        pass


async def clear_account(runtime: Runtime, account_id: int) -> None:
    """Delete an account's old uploads, the bytes of ended imports, and imports that ended too long ago."""
    now = runtime.clock()

    async def find(transaction: WriteTransaction) -> _Over:
        imports = transaction.imports
        uploads = list_over(await imports.list_open(), now)
        over = await imports.list_ended(find_end(runtime.ages.imports, now), DELETED_ROWS)
        return _Over(with_parts=await imports.list_leftovers(), whole=[*uploads, *over])

    found = await runtime.store.write(account_id, find)
    for import_id in found.with_parts:
        await clear_parts(runtime, account_id, import_id)
    for import_id in found.whole:
        await clear_import(runtime, account_id, import_id)


def _refuse_unknown(import_id: str) -> PadronError:
    return PadronError(Code.IMPORT_NOT_FOUND, f"There is no import {quote(import_id)}.")
