"""Lets status calls wait in lanes. The calls of one lane are joined, and no lane waits for another.

One database has one lane. In a cluster each node has its own, so a node that hangs holds up its own accounts only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from padron.domain.change import StatusRequest
from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.vehicle import Vehicle
from padron.meters import SIZES, Histogram
from padron.service.operations.lease_watch import LeaseWatch
from padron.service.statuses.coalescer import Coalescer
from padron.store.base import Store
from padron.store.settling import Waiting
from padron.traces import Tracer


class StatusLanes:
    """The lanes of one process: each is a ``Coalescer``. There are as many as the store says."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        waiting_max: int = DEFAULT_LIMITS.queued_changes,
        tracer: Tracer | None = None,
        leases: LeaseWatch | None = None,
    ) -> None:
        self._store = store
        self._make_lane = partial(Coalescer, store, clock, waiting_max, tracer, leases or LeaseWatch(store))
        self._lanes: dict[int, Coalescer] = {}
        self.batch_sizes = Histogram(SIZES)

    @property
    def waiting_count(self) -> int:
        """How many calls wait for a batch."""
        return sum(lane.waiting_count for lane in self._lanes.values())

    def submit(self, account_id: int, request: StatusRequest) -> Awaitable[Vehicle]:
        """Give the outcome of this request, with the promises of ``Coalescer.submit``."""
        return self._find(account_id).submit(account_id, request)

    def enqueue(self, account_id: int, request: StatusRequest, done: Waiting[Vehicle]) -> None:
        """Let ``done`` get the outcome of this request, once it is durable. Raises ``overloaded`` at once."""
        self._find(account_id).enqueue(account_id, request, done)

    async def close(self) -> None:
        """Wait until no call is waiting."""
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    def _find(self, account_id: int) -> Coalescer:
        number = self._store.give_lane(account_id)
        lane = self._lanes.get(number)
        if lane is None:
            lane = self._make_lane()
            lane.batch_sizes = self.batch_sizes
            self._lanes[number] = lane
        return lane
