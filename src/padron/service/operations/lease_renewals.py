"""Renewals of leases. Each also acknowledges what its holder has applied, so after a change many come at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from padron.domain.change import Place
from padron.domain.errors import Code, PadronError
from padron.domain.gate_leases import GrantedLease
from padron.service.operations.lease_watch import LeaseWatch
from padron.store.base import Store, WriteTransaction
from padron.store.settling import fail, fail_all, settle
from padron.traces import leave_trace

GATHER_S_MAX = 0.02


@dataclass(slots=True, eq=False)
class _Gathered:
    numbers: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[asyncio.Future[GrantedLease]]] = field(default_factory=dict)
    is_writing: bool = False


class LeaseRenewals:
    """The renewals of one process. Those of an account that come while others are being written share a transaction.

    What a holder has applied counts at once for answers that wait in this process. It is a fact, stored or not. The
    renewal itself must be stored before it is answered, because any process may remove a lease that is not renewed.
    """

    def __init__(self, store: Store, leases: LeaseWatch) -> None:
        self._store = store
        self._leases = leases
        self._gathered: dict[int, _Gathered] = {}
        self._checked: dict[int, Place] = {}  # of strict accounts: the last place that an account certainly has
        self._checking: dict[int, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def check(self, account_id: int, place: Place, look: Callable[[], Awaitable[None]]) -> None:
        """Raise what ``look`` raises, unless it found this very place a moment ago.

        After a change all holders acknowledge the same place, at once, so one of them looks for all.
        """
        if self._checked.get(account_id) == place:
            return
        async with self._checking.setdefault(account_id, asyncio.Lock()):
            if self._checked.get(account_id) != place:
                await look()
                self._checked[account_id] = place

    async def renew(self, account_id: int, lease_id: str, number: int) -> GrantedLease:
        """Renew a lease whose holder has applied a change. Raises ``gate_lease_not_found``, ``store_unavailable``."""
        self._leases.hear(account_id, {lease_id: number})
        gathered = self._gathered.setdefault(account_id, _Gathered())
        answer: asyncio.Future[GrantedLease] = asyncio.get_running_loop().create_future()
        gathered.numbers[lease_id] = max(number, gathered.numbers.get(lease_id, 0))
        gathered.answers.setdefault(lease_id, []).append(answer)
        if not gathered.is_writing:
            gathered.is_writing = True
            task = asyncio.create_task(self._write(account_id, gathered), name="padron-lease-renewals")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def close(self) -> None:
        """Wait for renewals whose callers may all have gone."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _write(self, account_id: int, gathered: _Gathered) -> None:
        leave_trace()  # it belongs to several requests
        loop = asyncio.get_running_loop()
        while gathered.numbers:
            numbers, answers = gathered.numbers, gathered.answers
            gathered.numbers, gathered.answers = {}, {}
            began_s = loop.time()
            try:
                granted = await self._store.write(account_id, partial(_renew, numbers))
            except Exception as error:  # noqa: BLE001 - each caller words it
                for lease_id in answers:
                    fail_all(answers[lease_id], error)
                continue
            self._leases.hear(account_id, numbers)  # again, because somebody may wait now who did not before
            for lease_id, waiting in answers.items():
                for answer in waiting:
                    if lease_id in granted:
                        settle(answer, granted[lease_id])
                    else:
                        fail(answer, refuse_ended())
            # After a change all holders send a renewal, some milliseconds apart. So half of the time they gather.
            await asyncio.sleep(min(loop.time() - began_s, GATHER_S_MAX))
        del self._gathered[account_id]


async def _renew(numbers: Mapping[str, int], transaction: WriteTransaction) -> dict[str, GrantedLease]:
    leases = transaction.gate_leases
    renewed = await leases.renew(numbers)
    head = await leases.find_head()
    return {
        lease_id: GrantedLease(lease_id=lease_id, seconds=seconds, head=head) for lease_id, seconds in renewed.items()
    }


def refuse_ended() -> PadronError:
    """Give the refusal for a lease that has ended or never was."""
    return PadronError(
        Code.GATE_LEASE_NOT_FOUND, "The account has no such lease, or it has ended. Take a new one with POST."
    )
