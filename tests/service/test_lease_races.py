"""No local gate answers from before a deactivation after somebody was told of it, whatever happens at once.

The holders below are written from the protocol alone: each loads the set, applies the feed late, and answers while its
lease counts. Two servers share the register where the engine allows it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from padron.domain.account import Principal
from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.gate_leases import GrantedLease
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.changes.feed import find_last, format_cursor
from padron.service.operations.gate_leases import renew_lease, switch, take_lease
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.store.base import Store
from tests.cast import NOON, Cast, make_cast, make_vin, registered, save

VINS = [make_vin(number) for number in range(5)]
SECONDS = 0.5
RUN_S = 3.0

T = TypeVar("T")
OpenStore = Callable[[], Awaitable[Store]]


@dataclass
class Told:
    """When a deactivation of each vehicle was answered last, and how often its status was set since the beginning."""

    answered_s: dict[Vin, float] = field(default_factory=dict)
    active: set[Vin] = field(default_factory=lambda: {*VINS})


class Holder:
    """A local gate of the test."""

    def __init__(self, runtime: Runtime, principal: Principal, chance: random.Random, late_s: float) -> None:
        self.runtime, self.principal, self.chance, self.late_s = runtime, principal, chance, late_s
        self.applied = 0
        self.allowed: set[str] = set()
        self.until_s = 0.0
        self.promised: tuple[int, float] | None = None  # a head that is not applied yet, and the end that comes with it
        self.answers = 0

    def may_answer(self, now_s: float) -> bool:
        if self.promised is not None and self.applied >= self.promised[0]:
            self.until_s, self.promised = max(self.until_s, self.promised[1]), None
        return now_s < self.until_s

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        lease_id: str | None = None
        while True:
            try:
                await self.apply_some()
                began_s = loop.time()
                granted = await self.ask(lease_id)
            except PadronError as error:
                if error.code is Code.GATE_LEASE_NOT_FOUND:
                    lease_id = None
                elif error.code is not Code.STORE_UNAVAILABLE:  # which a client tries again
                    raise
                continue
            lease_id = granted.lease_id
            # An answer before that was not applied yet promises no more than this one.
            self.promised = (granted.head.number, began_s + granted.seconds)
            self.may_answer(loop.time())
            await asyncio.sleep(self.chance.uniform(0, SECONDS / 3))

    async def ask(self, lease_id: str | None) -> GrantedLease:
        if lease_id is None:
            return await take_lease(self.runtime, self.principal, SECONDS, None)
        place = await self.runtime.store.read(self.principal.account_id).find_place(self.applied)
        assert place is not None
        return await renew_lease(self.runtime, self.principal, lease_id, format_cursor(self.runtime, place))

    async def apply_some(self) -> None:
        entries = await self.runtime.store.read(self.principal.account_id).list_changes(self.applied, 100)
        await asyncio.sleep(self.chance.uniform(0, self.late_s))
        for entry in entries:
            assert entry.change.number == self.applied + 1
            self.applied = entry.change.number
            (self.allowed.add if entry.is_allowed else self.allowed.discard)(entry.vin)


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """Call again and again while the answer is 503, as clients do."""
    while True:
        try:
            return await call()
        except PadronError as error:
            if error.code is not Code.STORE_UNAVAILABLE:
                raise


async def deactivate(runtime: Runtime, principal: Principal, vin: Vin, told: Told, number: int) -> None:
    """Deactivate a vehicle, and activate it again some time after the answer."""

    async def ask(status: VehicleStatus) -> None:
        request = StatusRequest(
            vin=vin, status=status, reason=None, revisions=None, by=principal.actor, request_id=f"r-{number}"
        )
        await persist(lambda: set_status(runtime, principal, request))

    await ask(VehicleStatus.STOLEN)
    told.active.discard(vin)
    await asyncio.sleep(random.Random(number).uniform(0, 0.3))
    told.active.add(vin)
    await ask(VehicleStatus.ACTIVE)


@asynccontextmanager
async def open_servers(open_store: OpenStore) -> AsyncIterator[tuple[list[Runtime], Cast]]:
    first = build_runtime(await open_store(), lambda: NOON)
    cast = await make_cast(first)
    runtimes = [first]
    if not first.store.reads_at_once:  # several servers share a database of PostgreSQL
        runtimes.append(build_runtime(await open_store(), lambda: NOON))
    try:
        yield runtimes, cast
    finally:
        for runtime in runtimes:
            await runtime.close()


async def race(
    runtimes: Sequence[Runtime], cast: Cast, late_s: float, *, seconds: float = RUN_S, answers_min: int = 1
) -> None:
    """Let Acme's local gates answer while its vehicles are deactivated again and again."""
    chance = random.Random(7)
    loop = asyncio.get_running_loop()
    acme = cast.acme
    await save(runtimes[0].store, acme.account.account_id, *map(registered, VINS))
    await switch(runtimes[0], acme.account, is_on=True)
    told = Told()
    holders = [Holder(chance.choice(runtimes), acme.principal, chance, late_s) for _ in range(6)]
    tasks = [asyncio.create_task(holder.run()) for holder in holders]
    end_s = loop.time() + seconds
    changing: set[asyncio.Task[None]] = set()
    count = answered = 0
    free = {*VINS}

    async def change(vin: Vin, number: int) -> None:
        await deactivate(chance.choice(runtimes), acme.principal, vin, told, number)
        free.add(vin)

    while loop.time() < end_s:
        for task in tasks:
            assert not task.done(), task.exception()
        if free and chance.random() < 0.3:
            vin = chance.choice(sorted(free))
            free.discard(vin)
            count += 1
            changing.add(asyncio.create_task(change(vin, count)))
        if chance.random() < 0.02:  # a holder dies, and another one begins
            place = chance.randrange(len(tasks))
            tasks[place].cancel()
            holders.append(Holder(chance.choice(runtimes), acme.principal, chance, late_s))
            tasks[place] = asyncio.create_task(holders[-1].run())
        for holder in holders:  # also the dead ones: their leases may still count
            if holder.may_answer(loop.time()):
                answered += 1
                wrong = holder.allowed & {*VINS} - told.active
                assert not wrong, (count, wrong)
        await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    await asyncio.gather(*changing)
    assert count > 3
    assert answered >= answers_min
    last = await persist(lambda: find_last(runtimes[0], acme.principal))
    assert last.number >= 2 * count


@pytest.mark.parametrize("late_s, answers_min", [(0.02, 100), (1.2, 1)], ids=["in time", "too late"])
async def test_no_lease_contradicts_an_answer(open_store: OpenStore, late_s: float, answers_min: int) -> None:
    async with open_servers(open_store) as (runtimes, cast):
        await race(runtimes, cast, late_s, answers_min=answers_min)
