"""How batches of status calls wait for other servers, and for transactions of any kind.

A batch of several accounts first waits for no lock and leaves out accounts that are locked. If several accounts are
locked at once, another server writes to the same accounts. Two servers that take turns then write more than two that
leave out each other's accounts. So for a while this server waits briefly for the other one.

When another transaction changed a vehicle before a batch could save it, the account uses locks for a while.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import monotonic

from padron.store.base import Decide
from padron.store.postgres.port import FetchPort
from padron.store.postgres.statuses import Patience, change_together
from padron.store.strict_accounts import StrictAccounts

CONTENDED_S = 1.0
CROWDED_S = 1.0

_Vins = Mapping[int, Sequence[str]]
BatchWork = Callable[[FetchPort], Awaitable[frozenset[int]]]
RunBatch = Callable[[BatchWork, Sequence[int]], Awaitable[frozenset[int]]]  # runs work that names some accounts


class StatusCalls:
    """Runs the batches of one process, and remembers the accounts with conflicts."""

    def __init__(self, together: RunBatch, apart: RunBatch, strict: StrictAccounts, confirm: str | None = None) -> None:
        """Take what runs a batch of several accounts, and what runs one of a single account, as one statement each.

        ``strict`` is where it is noted which accounts wait for leases. ``confirm`` is what ``change_together`` says.
        """
        self._strict = strict
        self._confirm = confirm
        self._together = together
        self._apart = apart
        self._crowded_until = 0.0
        self._left_out: set[int] = set()  # the accounts that were locked at the last try of their batch
        self._contended_until: dict[int, float] = {}  # by account, where another transaction came first

    async def write_together(self, vins: _Vins, decide: Decide) -> AsyncIterator[frozenset[int]]:
        """Give the accounts whose changes are all durable, after each try."""
        if monotonic() < self._crowded_until:
            saved = await self._try(vins, decide, Patience.BRIEF)
            yield saved
            if left := _leave_out(vins, saved):  # locked for longer than a wait is worth
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
        """Write a batch of one account without locks between reading and saving. Say whether it was saved.

        The method waits for other transactions. It does not try after a recent conflict. It writes all or nothing.
        """
        if account_id in self._left_out:
            self._left_out.discard(account_id)
            return False
        if monotonic() < self._contended_until.get(account_id, 0):
            return False
        work = partial(
            change_together, vins={account_id: asked}, decide=decide, patience=Patience.FULL, strict=self._strict,
            confirm=self._confirm,
        )  # fmt: skip
        saved = await self._apart(work, [account_id])
        if not saved:
            self._contended_until[account_id] = monotonic() + CONTENDED_S
        return bool(saved)

    async def _try(self, vins: _Vins, decide: Decide, patience: Patience) -> frozenset[int]:
        work = partial(
            change_together, vins=vins, decide=decide, patience=patience, strict=self._strict, confirm=self._confirm
        )
        return await self._together(work, list(vins))


def _leave_out(vins: _Vins, saved: frozenset[int]) -> dict[int, Sequence[str]]:
    return {account_id: asked for account_id, asked in vins.items() if account_id not in saved}
