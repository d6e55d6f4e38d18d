"""Deletes finished runs and old results, in small transactions, while servers run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from padron.domain.keeping import find_end
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction

PORTION_RUNS = 100
PORTION_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    """The instants before which runs and results are too old."""

    of_runs: datetime
    of_results: datetime


async def clear_runs(runtime: Runtime, account_id: int) -> None:
    """Delete an account's results that are too old, and finished runs in which nothing happened for too long."""
    ages, now = runtime.ages, runtime.clock()
    if ages.runs is None and ages.results is None:
        return
    limits = _Limits(of_runs=find_end(ages.runs, now), of_results=find_end(ages.results, now))
    created_before = max(limits.of_runs, limits.of_results)
    after = 0
    while True:

        async def find(transaction: WriteTransaction, after: int = after) -> Sequence[int]:
            return await transaction.old_runs.list_created(after, created_before, PORTION_RUNS)

        found = await runtime.store.write(account_id, find)
        for run_id in found:
            await _clear_run(runtime, account_id, run_id, limits)
        if len(found) < PORTION_RUNS:
            return
        after = found[-1]


async def _clear_run(runtime: Runtime, account_id: int, run_id: int, limits: _Limits) -> None:
    now = runtime.clock()

    async def delete_some(transaction: WriteTransaction) -> bool:
        """Delete one portion, and say whether more may be left."""
        old = transaction.old_runs
        is_over = await old.is_over(run_id, limits.of_runs)
        if await old.delete_results(run_id, now if is_over else limits.of_results, PORTION_ROWS):
            return True
        if not is_over:
            return False
        if await old.delete_parts(run_id, PORTION_ROWS):
            return True
        await old.delete(run_id)
        return False

    while await runtime.store.write(account_id, delete_some):  # others write in between
        pass
