"""Bounds the queued work of each account, so that nobody fills the register by starting run after run."""

import asyncio
from dataclasses import dataclass

from padron.domain.errors import Code, PadronError
from padron.store.base import Store

COUNTED_S = 10.0  # how long a count is believed; what this process queues meanwhile is added
FULL_S = 1.0  # the same for an account that has no room left
ACCOUNTS_MAX = 1_000  # whose counts are remembered


@dataclass(slots=True)
class _Count:
    vehicles: int
    at_s: float


class QueuedWork:
    """How many vehicles are in the runs of each account that still have queued work.

    The register is asked every ten seconds at most, because an account may have many runs. So the limit can be exceeded
    by what other processes queue in this time.
    """

    def __init__(self, store: Store, vehicles_max: int) -> None:
        self._store = store
        self._vehicles_max = vehicles_max
        self._counts: dict[int, _Count] = {}  # by account, the one that was used last at the end

    async def take(self, account_id: int, vehicles: int) -> None:
        """Count so many more vehicles. Raises ``run_limit_reached`` when an account may not have so many.

        For a run by filter ``vehicles`` is 1, because nobody knows yet how many it finds.
        """
        count = await self._give_count(account_id, COUNTED_S)
        if count.vehicles + vehicles > self._vehicles_max:
            count = await self._give_count(account_id, FULL_S)
        if count.vehicles + vehicles > self._vehicles_max:
            raise PadronError(
                Code.RUN_LIMIT_REACHED,
                f"The account's runs with queued work have {count.vehicles:,} vehicles, and {self._vehicles_max:,} is "
                "the maximum. Let workers claim some of them first.",
            )
        count.vehicles += vehicles

    async def _give_count(self, account_id: int, seconds_max: float) -> _Count:
        now_s = asyncio.get_running_loop().time()
        count = before = self._counts.get(account_id)
        if count is None or now_s - count.at_s > seconds_max:
            vehicles = await self._store.read(account_id).operations.count_queued_runs()
            count = self._counts.get(account_id)
            if count is None or count is before:  # otherwise another run of the account has counted meanwhile
                count = _Count(vehicles, now_s)
        self._counts.pop(account_id, None)
        self._counts[account_id] = count
        if len(self._counts) > ACCOUNTS_MAX:
            del self._counts[next(iter(self._counts))]
        return count
