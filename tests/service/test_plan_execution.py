"""Each plan is executed once or not at all: whatever fails, whoever else is at it, and whichever way the clock goes."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.plan import Plan, PlanQuery, PlanState
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.plans.execution import execute_chunk
from padron.service.plans.listing import cancel_plan
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.bulk import BulkRequest, set_statuses
from padron.store.base import Store
from padron.workers.base import run_workers
from padron.workers.plans import PlanWorker
from tests.cast import HUMMER, JEEP, NOON, after, get_one, make_vin, registered, save, wait_until
from tests.conftest import OpenStore, Select
from tests.service.stores import FaultyStore

FLEET = 40
EVERYTHING = frozenset(scope.value for scope in Scope)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def acme(store: Store) -> Principal:
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered(HUMMER), registered(JEEP))
    return Principal(account_id=account.account_id, actor="Acme", scopes=EVERYTHING)


@pytest.fixture
def time() -> Clock:
    return Clock()


def ask(
    vin: str = HUMMER,
    begins: datetime | None = None,
    ends: datetime | None = None,
    status: VehicleStatus = VehicleStatus.IN_THE_SHOP,
    request_id: str = "r-planned",
) -> PlanRequest:
    return PlanRequest(
        vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id,
        effective_at=begins, until=ends,
    )  # fmt: skip


async def list_plans(store: Store, acme: Principal) -> list[Plan]:
    return await store.read(acme.account_id).plans.list_plans(PlanQuery(limit=10_000))


async def count_changes(store: Store, acme: Principal) -> int:
    return await store.read(acme.account_id).find_last_change()


@pytest.mark.parametrize("step", ["change", "plan"])
async def test_a_change_and_its_planned_return_are_written_together_or_not_at_all(
    store: Store, acme: Principal, time: Clock, step: str
) -> None:
    faulty = FaultyStore(store)
    if step == "change":
        faulty.fails_before_change = 1
    else:
        faulty.fails_at_plan_write = 1
    with pytest.raises(RuntimeError, match="the store broke"):
        await plan_status(build_runtime(faulty, time), acme, ask(ends=after(60)))
    assert await list_plans(store, acme) == []
    assert (await get_one(store, acme.account_id)).status is VehicleStatus.ACTIVE
    assert await count_changes(store, acme) == 2


@pytest.mark.parametrize("step", ["first change", "second change", "end", "return", "after the commit"])
@pytest.mark.long("postgres")
async def test_what_an_execution_writes_is_written_together_or_not_at_all_and_once(
    store: Store, acme: Principal, time: Clock, step: str
) -> None:
    runtime = build_runtime(store, time)
    for vin in (HUMMER, JEEP):
        await plan_status(runtime, acme, ask(vin, after(60), after(90)))
    before = await list_plans(store, acme)
    time.now = after(60)
    faulty = FaultyStore(store)
    match step:
        case "first change":
            faulty.fails_before_change = 0
        case "second change":
            faulty.fails_before_change = 1
        case "end":
            faulty.fails_at_plan_write = 1
        case "return":
            faulty.fails_at_plan_write = 2
        case _:
            faulty.fails_after_commit = True
    with pytest.raises(RuntimeError, match="the store broke"):
        await execute_chunk(build_runtime(faulty, time), acme.account_id)
    if step != "after the commit":
        assert await list_plans(store, acme) == before
        assert await count_changes(store, acme) == 2
    await PlanWorker(runtime).execute_due()
    states = Counter((plan.kind, plan.state) for plan in await list_plans(store, acme))
    assert states == {("change", "executed"): 2, ("return", "pending"): 2}
    assert await count_changes(store, acme) == 4


async def test_each_executed_plan_names_the_change_that_it_made_and_its_return_takes_back_that_one(
    store: Store, acme: Principal, time: Clock
) -> None:
    vins = [make_vin(number) for number in range(5)]
    await save(store, acme.account_id, *(registered(vin) for vin in vins))
    runtime = build_runtime(store, time)
    for place, vin in enumerate(vins):
        status = VehicleStatus.ACTIVE if place == 2 else VehicleStatus.SOLD  # the third one has it already
        await plan_status(runtime, acme, ask(vin, after(60), after(90), status, f"r-{place}"))
    time.now = after(60)
    assert await execute_chunk(runtime, acme.account_id) == 5
    made = {
        entry.change.request_id: entry.change.number for entry in await store.read(acme.account_id).list_changes(7, 10)
    }
    assert sorted(made.values()) == [8, 9, 10, 11]
    plans = await list_plans(store, acme)
    done = {plan.request_id: plan.number for plan in plans if plan.state is PlanState.EXECUTED}
    assert done == {**made, "r-2": None}
    assert {plan.request_id: plan.reverts for plan in plans if plan.state is PlanState.PENDING} == made


@pytest.mark.long("postgres")
async def test_nothing_runs_twice_or_early_when_the_clock_jumps_back(
    store: Store, acme: Principal, time: Clock
) -> None:
    runtime = build_runtime(store, time)
    await plan_status(runtime, acme, ask(HUMMER, after(60), after(90)))
    await plan_status(runtime, acme, ask(JEEP, after(70)))
    for seconds, changes in (
        (60, 3),
        (0, 3),
        (60, 3),
        (-3_600, 3),
        (69.9, 3),
        (70, 4),
        (80, 4),
        (90, 5),
        (60, 5),
        (900, 5),
    ):
        time.now = after(seconds)
        await execute_chunk(runtime, acme.account_id)
        await PlanWorker(runtime).execute_due()
        assert await count_changes(store, acme) == changes, seconds


async def test_a_plan_is_executed_by_one_of_many_executors_and_in_order_for_each_vehicle(
    open_store: OpenStore, store: Store, acme: Principal, time: Clock, engine: str, select: Select
) -> None:
    vins = [make_vin(number) for number in range(FLEET)]
    await save(store, acme.account_id, *(registered(vin) for vin in vins))
    stores = [store, *([await open_store() for _ in range(2)] if engine == "postgres" else [])]
    runtimes = [build_runtime(one, time) for one in stores for _ in range(2)]
    asked = [
        ask(
            vin,
            after(place + 1),
            after(place + 2.5),
            [VehicleStatus.SOLD, VehicleStatus.STOLEN][place % 2],
            f"r-{place}",
        )
        for place in range(4)
        for vin in vins
    ]
    await set_statuses(runtimes[0], acme, BulkRequest(asked=asked))
    time.now = after(3_600)
    async with asyncio.timeout(30):
        await asyncio.gather(*(work_through(runtime, acme) for runtime in runtimes))
    plans = await list_plans(store, acme)
    assert {plan.state for plan in plans} <= {PlanState.EXECUTED, PlanState.LAPSED}
    made = [plan.number for plan in plans if plan.number is not None]
    assert len(made) == len(set(made)) == await count_changes(store, acme) - 2 - FLEET
    rows = await select("SELECT vehicle_id, to_status FROM changes WHERE type = 'statusChanged' ORDER BY number")
    # The return to Active at 2.5 s after the change at 1 s lies behind the change at 2 s, which voids it; and so on.
    for vehicle_id in {row[0] for row in rows}:
        assert [status for owner, status in rows if owner == vehicle_id] == [8, 3, 8, 3, 8]


async def work_through(runtime: Runtime, acme: Principal) -> None:
    """Execute in chunks as small as may be, so that executors meet in the middle of everything."""
    idle = 0
    while idle < 5:
        idle = 0 if await execute_chunk(runtime, acme.account_id, random.randint(1, 7)) else idle + 1
        await asyncio.sleep(random.uniform(0, 0.002))


async def test_of_a_cancellation_and_an_execution_exactly_one_wins(
    open_store: OpenStore, store: Store, acme: Principal, time: Clock, engine: str
) -> None:
    vins = [make_vin(number) for number in range(FLEET)]
    await save(store, acme.account_id, *(registered(vin) for vin in vins))
    other = build_runtime(store if engine == "sqlite" else await open_store(), time)
    runtime = build_runtime(store, time)
    await set_statuses(runtime, acme, BulkRequest(asked=[ask(vin, after(60)) for vin in vins]))
    time.now = after(60)
    plans = {plan.vin: plan for plan in await list_plans(store, acme)}

    async def cancel(vin: str) -> bool:
        await asyncio.sleep(random.uniform(0, 0.03))
        try:
            await cancel_plan(other, acme, plans[Vin(vin)].plan_id, "r-cancel")
        except PadronError as refusal:
            if refusal.code is not Code.PLAN_ENDED:
                raise
            return False
        return True

    async with asyncio.timeout(30):
        *won, _ = await asyncio.gather(*(cancel(vin) for vin in vins), work_through(runtime, acme))
    after_all = {plan.vin: plan.state for plan in await list_plans(store, acme)}
    for vin, is_cancelled in zip(vins, won, strict=True):
        vehicle = await get_one(store, acme.account_id, vin)
        expected = (
            (PlanState.CANCELLED, VehicleStatus.ACTIVE)
            if is_cancelled
            else (PlanState.EXECUTED, VehicleStatus.IN_THE_SHOP)
        )
        assert (after_all[vin], vehicle.status) == expected


async def test_executions_calls_and_new_plans_on_the_same_vehicles_never_wait_in_a_circle(
    open_store: OpenStore, store: Store, acme: Principal, time: Clock, engine: str
) -> None:
    vins = [make_vin(number) for number in range(6)]
    await save(store, acme.account_id, *(registered(vin) for vin in vins))
    other = store if engine == "sqlite" else await open_store()
    runtimes = [build_runtime(store, time), build_runtime(other, time)]
    ended = asyncio.Event()

    async def keep_executing(runtime: Runtime) -> None:
        while not ended.is_set():
            time.now += timedelta(seconds=1)
            await execute_chunk(runtime, acme.account_id, 4)
            await asyncio.sleep(0)

    async def keep_asking(runtime: Runtime, seed: int) -> None:
        dice = random.Random(seed)
        for turn in range(25):
            many = dice.sample(vins, k=4)
            statuses = [VehicleStatus.SOLD, VehicleStatus.STOLEN, VehicleStatus.ACTIVE]
            asked: list[StatusRequest | PadronError] = []
            for vin in many:
                begins, ends = (time.now + timedelta(seconds=dice.randint(3, 20)) for _ in range(2))
                status = dice.choice(statuses)
                plain = StatusRequest(
                    vin=vin, status=status, reason=None, revisions=None, by="Acme", request_id=f"r{seed}-{turn}"
                )
                asked.append(dice.choice([plain, ask(vin, begins, None, status), ask(vin, None, ends, status)]))
            outcome = await set_statuses(runtime, acme, BulkRequest(asked=asked))
            codes = {refusal.code for refusal in outcome.refusals}
            assert codes <= {Code.NOTHING_TO_BRING_BACK, Code.BAD_PARAMETERS}

    executing = [asyncio.create_task(keep_executing(runtime)) for runtime in runtimes]
    async with asyncio.timeout(40):
        await asyncio.gather(*(keep_asking(runtimes[seed % 2], seed) for seed in range(4)))
        ended.set()
        await asyncio.gather(*executing)
    numbers = [plan.number for plan in await list_plans(store, acme) if plan.number is not None]
    assert len(numbers) == len(set(numbers)) > 0
    for vin in vins:  # no change was decided on what another had changed meanwhile
        vehicle = await get_one(store, acme.account_id, vin)
        history = await store.read(acme.account_id).list_history(vehicle.vehicle_id, None, 10_000)
        assert all(newer.from_status is older.to_status for newer, older in pairwise(history))
        assert vehicle.revision == len(history)


@pytest.mark.long("postgres")
async def test_an_account_whose_plans_meet_an_error_rests_and_stops_no_other(
    store: Store, acme: Principal, time: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    beta_id = (await store.directory.add_account("Beta", NOON)).account_id
    beta = Principal(account_id=beta_id, actor="Beta", scopes=EVERYTHING)
    await save(store, beta_id, registered(HUMMER))
    runtime = build_runtime(store, time)
    for principal in (acme, beta):
        await plan_status(runtime, principal, ask(begins=after(60)))
    time.now = after(60)

    class Spoilt(FaultyStore):
        async def write(self, account_id, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            if account_id == acme.account_id:
                raise self.error
            return await super().write(account_id, work)

    executor = PlanWorker(build_runtime(Spoilt(store), time))
    for _ in range(3):
        await executor.execute_due()
    assert (await get_one(store, beta_id)).status is VehicleStatus.IN_THE_SHOP
    assert (await get_one(store, acme.account_id)).status is VehicleStatus.ACTIVE
    assert caplog.text.count("the planned changes of account") == 1
    await PlanWorker(runtime).execute_due()
    assert (await get_one(store, acme.account_id)).status is VehicleStatus.IN_THE_SHOP


@pytest.mark.long("postgres")
async def test_a_server_does_by_itself_what_is_due_and_what_comes_due_meanwhile(store: Store, acme: Principal) -> None:
    runtime = build_runtime(store, lambda: datetime.now(UTC))
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    await plan_status(runtime, acme, ask(HUMMER, soon, soon + timedelta(seconds=0.4)))

    async def is_done() -> bool:
        return [plan.state for plan in await list_plans(store, acme)] == [PlanState.EXECUTED] * 3

    async with run_workers([PlanWorker(runtime)]):
        await plan_status(runtime, acme, ask(JEEP, datetime.now(UTC) + timedelta(seconds=0.1)))
        await wait_until(is_done)
    for plan in await list_plans(store, acme):
        assert plan.ended_at is not None
        assert timedelta(0) <= plan.ended_at - plan.effective_at < timedelta(seconds=1)
