"""How batches of status calls wait for others: other servers, and transactions of any kind.

A batch of several accounts first waits for nobody. Where several accounts are in somebody's hands at once, another
server is at work on the same accounts: two servers that take turns get further than two that pass each other over, so
for a while this one waits briefly for the other. An account of which a batch was overtaken uses locks for a while.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from time import monotonic

from padron.store.base import Decide
from padron.store.postgres.statuses import Patience, change_together
from padron.store.postgres.writes import WriteTasks

CONTENDED_S = 1.0
CROWDED_S = 1.0

_Vins = Mapping[int, Sequence[str]]


class StatusCalls:
    """Runs the batches of one process, and remembers where others were in their way."""

    def __init__(self, together: WriteTasks, apart: WriteTasks) -> None:
        self._together = together
        self._apart = apart
        self._crowded_until = 0.0
        self._left_out: set[int] = set()  # the accounts that somebody held when their last batch was tried
        self._contended_until: dict[int, float] = {}  # by account, for those of which a batch was overtaken lately

    async def write_together(self, vins: _Vins, decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Give the accounts in which all is durable, those of each try as soon as it is done."""
        if monotonic() < self._crowded_until:
            saved = await self._try(vins, decide, Patience.BRIEF)
            yield saved
            if left := _leave_out(vins, saved):  # others hold these for longer than it is worth to wait for
                self._crowded_until = 0.0
                saved = await self._try(left, decide, Patience.NONE)
                self._left_out |= left.keys() - saved
                yield saved
            return
        saved = await self._try(vins, decide, Patience.NONE)
        left = _leave_out(vins, saved)
        if len(left) <= 1:
            self._left_out |= left.keys()
            yield saved
            return
        yield saved
        self._crowded_until = monotonic() + CROWDED_S
        saved = await self._try(left, decide, Patience.BRIEF)
        self._left_out |= left.keys() - saved
        yield saved

    async def try_apart(self, account_id: int, asked: Sequence[str], decide: Decide) -> bool:
        """Write a batch of one account without locks in between, waiting for others, and say whether it was saved.

        It is not tried when somebody was in the way a moment ago. Nothing is written unless all of it is.
        """
        if account_id in self._left_out:
            self._left_out.discard(account_id)
            return False
        if monotonic() < self._contended_until.get(account_id, 0):
            return False
        work = partial(change_together, vins={account_id: asked}, decide=decide, patience=Patience.FULL)
        saved = await self._apart.run_alone(work)
        if not saved:
            self._contended_until[account_id] = monotonic() + CONTENDED_S
        return bool(saved)

    async def _try(self, vins: _Vins, decide: Decide, patience: Patience) -> frozenset[int]:
        work = partial(change_together, vins=vins, decide=decide, patience=patience)
        return await self._together.run_alone(work)


def _leave_out(vins: _Vins, saved: frozenset[int]) -> dict[int, Sequence[str]]:
    return {account_id: asked for account_id, asked in vins.items() if account_id not in saved}
