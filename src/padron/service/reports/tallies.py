"""The counts of vehicles by status that one process keeps, for the accounts that were asked about last."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from padron.domain.status_counts import StatusTally

ACCOUNTS_MAX = 1_000


@dataclass(kw_only=True, slots=True)
class AccountTally:
    """One account's counts, once they are there, and the task that brings them up to date."""

    tally: StatusTally | None = None
    task: asyncio.Task[None] | None = None


class StatusTallies:
    """The counts of one process. Another life of the register, after a restored backup, begins again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], AccountTally] = OrderedDict()

    def find(self, epoch: str, account_id: int) -> AccountTally:
        """Give an account's counts, perhaps not counted yet. The account that was not asked about longest goes."""
        key = (epoch, account_id)
        kept = self._kept.setdefault(key, AccountTally())
        self._kept.move_to_end(key)
        while len(self._kept) > ACCOUNTS_MAX:
            self._kept.popitem(last=False)
        return kept

    async def close(self) -> None:
        """Stop counting."""
        tasks = [kept.task for kept in self._kept.values() if kept.task is not None and not kept.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
