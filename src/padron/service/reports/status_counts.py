"""How many vehicles had each status on each of the last days.

The vehicles are counted once in each process, by an index that has only those that are not Active. Afterwards the
counts follow the record of changes. So a later question costs only as much as has changed since the one before.
"""

import asyncio
from datetime import UTC, datetime, time

from padron.domain.account import Principal, Scope
from padron.domain.status_counts import StatusDay, StatusTally, find_first_day
from padron.service.reports.tallies import AccountTally
from padron.service.runtime import Runtime
from padron.store.reader import Reader

PORTION_CHANGES = 20_000  # of one statement, about 26 ms


async def report_status_counts(runtime: Runtime, principal: Principal, days: int) -> list[StatusDay]:
    """Give the vehicles by status at the end of each of the last days, oldest first. The last day ends now.

    Days end at midnight UTC. Days whose changes are archived are left out. ``days`` is at most ``DAYS_MAX``. Raises
    ``forbidden``.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    await asyncio.shield(_begin(runtime, principal))
    return _give_days(runtime, principal, days)


async def find_status_counts(
    runtime: Runtime, principal: Principal, days: int, wait_s: float
) -> list[StatusDay] | None:
    """Give the same, or None if the counting takes longer than ``wait_s``. The counting goes on."""
    principal.check_scope(Scope.VEHICLES_READ)
    counting = _begin(runtime, principal)
    done, _ = await asyncio.wait({counting}, timeout=wait_s)
    if not done:
        return None
    counting.result()
    return _give_days(runtime, principal, days)


def _begin(runtime: Runtime, principal: Principal) -> asyncio.Task[None]:
    """Give the task that brings the account's counts up to date. Those who ask at the same time share it."""
    kept = runtime.status_tallies.find(runtime.store.epoch, principal.account_id)
    if kept.task is None or kept.task.done():
        kept.task = asyncio.create_task(_count(runtime, principal, kept))
        kept.task.add_done_callback(_note_failure)
    return kept.task


def _note_failure(task: asyncio.Task[None]) -> None:
    """Take the task's error, for which nobody may wait any more. The next question counts again."""
    if not task.cancelled():
        task.exception()


def _give_days(runtime: Runtime, principal: Principal, days: int) -> list[StatusDay]:
    tally = runtime.status_tallies.find(runtime.store.epoch, principal.account_id).tally
    if tally is None:
        raise AssertionError(principal.account_id)
    return tally.list_days(runtime.clock().astimezone(UTC).date(), days)


async def _count(runtime: Runtime, principal: Principal, kept: AccountTally) -> None:
    account_id = principal.account_id
    reader = runtime.store.read(account_id)
    first_day = find_first_day(runtime.clock().astimezone(UTC))
    tally = kept.tally
    if tally is None:
        present = await reader.count_by_status()
        cut = await reader.find_cut(datetime.combine(first_day, time(), UTC))
        tally = StatusTally(number=present.last_change, first_day=first_day, counts=dict(present.counts))
        await _add(runtime, account_id, tally, cut, present.last_change, is_new=False)
    last = await reader.find_last_change()
    await _add(runtime, account_id, tally, tally.number, last, is_new=True)
    await _check_start(reader, tally)
    tally.forget_before(first_day)
    kept.tally = tally


async def _add(runtime: Runtime, account_id: int, tally: StatusTally, after: int, last: int, *, is_new: bool) -> None:
    """Count the changes after one number up to another, in portions between which others have their turn."""
    reader = runtime.store.read(account_id)
    for begin in range(after, last, PORTION_CHANGES):
        end = min(begin + PORTION_CHANGES, last)
        async with runtime.turns.take(account_id):
            moves = await reader.sum_moves(begin, end)
        tally.add(moves, is_new=is_new)
        tally.number = max(tally.number, end)


async def _check_start(reader: Reader, tally: StatusTally) -> None:
    """Leave out the days before the record's beginning, because some of their changes are archived."""
    start = await reader.find_record_start()
    if start.number:
        tally.first_day = max(tally.first_day, start.at.astimezone(UTC).date())
