"""Moves old changes into archive files, account by account and portion by portion, while the servers run.

A portion goes through four steps, and each is durable before the next begins:

1. The database notes the portion's end. So whoever continues after a kill writes the same portion.
2. The file is written, read again, and gets its name.
3. The database notes that the portion is archived. From now on no question reads across it.
4. What later questions do not need is deleted.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from padron.domain.archives import ArchiveMark
from padron.files.archives import (
    ArchivedPart,
    ArchiveError,
    ArchiveTrailer,
    ArchiveWriter,
    list_parts,
    name_part,
    verify_file,
)
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction
from padron.store.reader import Reader

PORTION_CHANGES = 10_000
GATHERED_FOR_MAX = timedelta(days=1)  # a portion that is not full is written when its oldest change waited so long
PAGE = 500
CLEARED_NUMBERS = 200  # in one transaction: a few milliseconds, in which nobody else writes on SQLite
REST_S_MAX = 0.5


class ArchiveStep(StrEnum):
    """What has just become durable."""

    BEGUN = "begun"
    WRITTEN = "written"
    SETTLED = "settled"
    CLEARED = "cleared"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePlan:
    """Where the archive is, and how old a change must be to go there."""

    folder: Path
    age: timedelta
    portion: int = PORTION_CHANGES
    note: Callable[[ArchiveStep], None] = lambda _: None
    is_stopping: Callable[[], bool] = lambda: False


async def archive_register(runtime: Runtime, plan: ArchivePlan) -> int:
    """Archive the old changes of all accounts, and give their number.

    An account whose files are not as they should be does not hold up the others. Raises ArchiveError for the first
    one, in the end, and ``store_unavailable``.
    """
    if not await asyncio.to_thread(plan.folder.is_dir):
        raise ArchiveError(plan.folder, "is not a folder. Create it, or mount it")
    count = 0
    fault: ArchiveError | None = None
    for account in await runtime.store.directory.list_accounts():
        try:
            count += await archive_account(runtime, account.account_id, plan)
        except ArchiveError as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return count


async def archive_account(runtime: Runtime, account_id: int, plan: ArchivePlan) -> int:
    """Archive the old changes of one account, and give their number. Raises ArchiveError and ``store_unavailable``."""
    reader = runtime.store.read(account_id)
    before = runtime.clock() - plan.age
    count = 0
    while not plan.is_stopping():
        mark = await reader.archives.load_mark()
        if mark.cleared_to < mark.archived_to:
            await _clear(runtime, account_id, mark, plan)
        elif mark.archiving_to > mark.archived_to:
            count += await _write(runtime, account_id, mark, plan)
        elif not await _begin(runtime, account_id, mark, before, plan):
            break
    return count


async def _begin(runtime: Runtime, account_id: int, mark: ArchiveMark, before: datetime, plan: ArchivePlan) -> bool:
    """Note the end of the next portion. Give False if it must wait."""
    after = mark.archived_to
    # After a backup was restored, the next portion may be in a file already. It must end there again.
    written = await asyncio.to_thread(_find_part, plan.folder, account_id, after + 1)
    size = plan.portion if written is None else written.last - after
    portion = await runtime.store.read(account_id).archives.find_portion(after, before, size)
    if portion is None or (written is not None and portion.last < written.last):
        return False
    if portion.count < size and portion.earliest_at > before - min(plan.age / 10, GATHERED_FOR_MAX):
        return False  # a file for every few changes would make very many files

    async def work(transaction: WriteTransaction) -> bool:
        archives = transaction.archives
        await archives.lock_mark()
        needed = await archives.find_needed()
        last = portion.last if needed is None else min(portion.last, needed)
        if written is not None and last < written.last:
            return False
        return last > after and await archives.begin_portion(after, last)

    if not await runtime.store.write(account_id, work):
        return False
    plan.note(ArchiveStep.BEGUN)
    return True


async def _write(runtime: Runtime, account_id: int, mark: ArchiveMark, plan: ArchivePlan) -> int:
    """Write the portion's file, and note that its changes are archived. Give their number."""
    after, last = mark.archived_to, mark.archiving_to
    trailer = await _write_file(runtime.store.read(account_id), runtime.store.epoch, account_id, mark, plan)
    plan.note(ArchiveStep.WRITTEN)

    async def work(transaction: WriteTransaction) -> bool:
        return await transaction.archives.settle_portion(after, last, trailer.latest_at)

    is_settled = await runtime.store.write(account_id, work)
    plan.note(ArchiveStep.SETTLED)
    return trailer.count if is_settled else 0  # another server may have settled the same portion


async def _write_file(
    reader: Reader, epoch: str, account_id: int, mark: ArchiveMark, plan: ArchivePlan
) -> ArchiveTrailer:
    part = name_part(plan.folder, account_id, mark.archived_to + 1, mark.archiving_to)
    writer = await asyncio.to_thread(ArchiveWriter, part, epoch)
    try:
        after = mark.archived_to
        while page := await reader.archives.list_changes(after, mark.archiving_to, PAGE):
            await asyncio.to_thread(writer.add, page)
            after = page[-1].change.number
        return await asyncio.to_thread(writer.publish)
    finally:
        await asyncio.to_thread(writer.close)


async def _clear(runtime: Runtime, account_id: int, mark: ArchiveMark, plan: ArchivePlan) -> None:
    """Delete what is archived and no longer needed, once the newest file has been read again."""
    await asyncio.to_thread(_verify_newest, plan.folder, account_id, mark.archived_to)
    clock = asyncio.get_running_loop().time
    first = mark.cleared_to
    while first < mark.archived_to and not plan.is_stopping():
        last = min(first + CLEARED_NUMBERS, mark.archived_to)

        async def work(transaction: WriteTransaction, first: int = first, last: int = last) -> int:
            return await transaction.archives.clear_changes(first, last, mark.archived_to)

        began_s = clock()
        await runtime.store.write(account_id, work)
        await asyncio.sleep(min(clock() - began_s, REST_S_MAX))  # at least half of the time belongs to the others
        plan.note(ArchiveStep.CLEARED)
        first = last


def _find_part(folder: Path, account_id: int, first: int) -> ArchivedPart | None:
    return next((part for part in list_parts(folder, account_id) if part.first == first), None)


def _verify_newest(folder: Path, account_id: int, last: int) -> None:
    """Raise ArchiveError unless the file that ends with this change is there and whole."""
    part = next((part for part in list_parts(folder, account_id) if part.last == last), None)
    if part is None:
        raise ArchiveError(
            folder, f"has no file of account {account_id} that ends with change {last:,}. Nothing more is deleted"
        )
    verify_file(part.path, part)
