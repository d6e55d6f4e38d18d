"""The promise of operations: whoever asks after a deactivation was answered is not handed the vehicle.

Workers claim and answer, runs are started, and vehicles are deactivated and reactivated at random, on two server
processes where the engine allows it. A claim that *began* after the answer to a deactivation *arrived* must not hold
the vehicle; no work of the vehicle may be open then; and a result for what was claimed before must be refused.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from padron.domain.change import StatusRequest
from padron.domain.errors import Code
from padron.domain.operation import Outcome, RunQuestion, Work, format_claim_id
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.vin import Vin
from padron.service.operations.claims import GivenResult, claim_work, give_results
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import start_run
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from tests import effort
from tests.cast import NOON, Cast, make_cast, make_vin, registered, save, trust
from tests.conftest import OpenStore, Select

VEHICLES = 12
CHANGERS = 6
WORKERS = 6
NAME = "poll-tracker"
COUNT_OPEN = """
    SELECT count(*) FROM work AS w JOIN vehicles AS h ON h.account_id = w.account_id AND h.vehicle_id = w.vehicle_id
    WHERE w.account_id = $1 AND h.vin = $2 AND w.state IN ('queued', 'claimed')
"""


@dataclass
class Observer:
    """What is known for certain, in the order of this process's own steps."""

    step: int = 0
    off_since: dict[Vin, int | None] = field(default_factory=dict)  # the step at which a deactivation's answer arrived
    handed: int = 0
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    done: bool = False

    def count_step(self) -> int:
        self.step += 1
        return self.step


@pytest.fixture
async def runtimes(engine: str, open_store: OpenStore) -> AsyncIterator[list[Runtime]]:
    """Two server processes on PostgreSQL; SQLite allows one."""
    first = build_runtime(await open_store(), lambda: NOON)
    both = [first, first if engine == "sqlite" else build_runtime(await open_store(), lambda: NOON)]
    yield both
    for runtime in both:
        await runtime.queueing.close()
        await runtime.lanes.close()
        await runtime.authenticator.close()


@pytest.mark.campaign
async def test_nothing_that_begins_after_a_deactivation_was_answered_is_handed_the_vehicle(
    runtimes: list[Runtime], select: Select
) -> None:
    cast = await make_cast(runtimes[0])
    vins = [make_vin(number) for number in range(VEHICLES)]
    await save(runtimes[0].store, cast.acme.account.account_id, *(registered(vin) for vin in vins))
    await put_operation(runtimes[0], cast.acme.principal, NAME, description="", lease_s=3_600, attempts=100)
    observer = Observer(off_since=dict.fromkeys(vins))
    others = [
        *(asyncio.create_task(work_on(runtimes[n % 2], cast, observer, n)) for n in range(WORKERS)),
        *(asyncio.create_task(start_runs(runtimes[n % 2], cast, observer, vins)) for n in range(2)),
    ]

    async def count_open(vin: Vin) -> int:
        return int((await select(COUNT_OPEN, cast.acme.account.account_id, vin))[0][0])

    await asyncio.gather(
        *(
            change(runtimes[n % 2], cast, observer, vins[n::CHANGERS], effort.roll(n), count_open)
            for n in range(CHANGERS)
        )
    )
    observer.done = True
    await asyncio.gather(*others)
    assert observer.wrong == []
    assert observer.handed > effort.WITHDRAWAL_CHANGES / 10  # else nothing was tried
    assert observer.refused > effort.WITHDRAWAL_CHANGES / 100


async def change(
    runtime: Runtime,
    cast: Cast,
    observer: Observer,
    vins: list[Vin],
    dice: random.Random,
    count_open: Callable[[Vin], Awaitable[int]],
) -> None:
    """Set the statuses of vehicles that nobody else changes, one after the other."""
    for number in range(effort.WITHDRAWAL_CHANGES // CHANGERS):
        vin = dice.choice(vins)
        status = VehicleStatus.ACTIVE if observer.off_since[vin] is not None else VehicleStatus.STOLEN
        if is_operational(status):
            if dice.random() < 0.1 and await count_open(vin):
                observer.wrong.append(f"{vin} has open work though it is {VehicleStatus.STOLEN.name}")
            observer.off_since[vin] = None  # from here on it may be handed out again
        request = StatusRequest(
            vin=vin, status=status, reason=None, revisions=None, by="Acme", request_id=f"r-{number}"
        )
        await set_status(runtime, cast.acme.principal, request)
        if not is_operational(status):
            observer.off_since[vin] = observer.count_step()
        await asyncio.sleep(dice.random() * 0.004)


async def work_on(runtime: Runtime, cast: Cast, observer: Observer, seed: int) -> None:
    dice = effort.roll(seed)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    while not observer.done:
        began = observer.count_step()
        claimed = await claim_work(
            runtime, cast.acme.principal, NAME, limit=dice.randint(1, 6), wait_s=0, gone=gone, confirm=trust
        )
        for work in claimed:
            observer.handed += 1
            off_since = observer.off_since[work.vin]
            if off_since is not None and off_since < began:
                observer.wrong.append(f"{work.vin} was handed out at {began}, deactivated at {off_since}")
        await asyncio.sleep(dice.random() * 0.006)
        for work in claimed:
            await answer(runtime, cast, observer, work)
    gone.cancel()


async def answer(runtime: Runtime, cast: Cast, observer: Observer, work: Work) -> None:
    off_since, began = observer.off_since[work.vin], observer.count_step()
    given = GivenResult(claim_id=format_claim_id(work.key), outcome=Outcome.SUCCEEDED, text="1")
    (answered,) = await give_results(runtime, cast.acme.principal, NAME, [given])
    if answered.refusal is not None:
        assert answered.refusal.code is Code.CLAIM_WITHDRAWN
        observer.refused += 1
    elif off_since is not None:
        observer.wrong.append(f"the result for {work.vin} was stored at {began}, deactivated at {off_since}")


async def start_runs(runtime: Runtime, cast: Cast, observer: Observer, vins: list[Vin]) -> None:
    while not observer.done:
        for question in (RunQuestion(), RunQuestion(vins=tuple(vins))):
            await start_run(runtime, cast.acme.principal, NAME, question)
            await asyncio.sleep(0.02)
