"""Calls that come together share a transaction, and whatever happens, nobody is left waiting."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count

import pytest

from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.statuses import coalescer as module
from padron.service.statuses.coalescer import Coalescer
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, get_one, make_vin, registered, save
from tests.service.stores import FaultyStore

SETTABLE = [status for status in VehicleStatus if status is not VehicleStatus.INFO_CHANGED]


@pytest.fixture
async def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture
async def coalescer(faulty: FaultyStore) -> AsyncIterator[Coalescer]:
    coalescer = Coalescer(faulty, lambda: NOON)
    yield coalescer
    faulty.open.set()
    await coalescer.close()
    assert (coalescer._waiting, coalescer._busy, coalescer._is_running) == ({}, set(), False)


@pytest.fixture
async def acme(store: Store) -> int:
    account = (await store.directory.add_account("Acme", NOON)).account_id
    await save(store, account, registered(HUMMER), registered(JEEP))
    return account


@pytest.fixture
async def beta(store: Store, acme: int) -> int:
    """An account whose calls may be joined with Acme's: where there are shards, it is in the same one."""
    for number in count():
        account = (await store.directory.add_account(f"Beta {number}", NOON)).account_id
        if store.give_lane(account) == store.give_lane(acme):
            await save(store, account, registered(HUMMER))
            return account
    raise AssertionError


def ask(
    vin: str = HUMMER, status: VehicleStatus = VehicleStatus.STOLEN, request_id: str = "r", reason: str | None = None
) -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=reason, revisions=None, by="Acme", request_id=request_id)


async def submit(coalescer: Coalescer, account_id: int, request: StatusRequest) -> Vehicle:
    return await coalescer.submit(account_id, request)


async def gather(coalescer: Coalescer, account_id: int, *requests: StatusRequest) -> list[Vehicle | BaseException]:
    return await asyncio.gather(
        *(submit(coalescer, account_id, request) for request in requests), return_exceptions=True
    )


def get_code(outcome: Vehicle | BaseException) -> Code:
    assert isinstance(outcome, PadronError), outcome
    return outcome.code


@pytest.mark.long("postgres")
async def test_alone_a_call_goes_at_once(coalescer: Coalescer, faulty: FaultyStore, acme: int) -> None:
    vehicle = await coalescer.submit(acme, ask())
    assert vehicle.status is VehicleStatus.STOLEN
    assert faulty.write_count == 1
    assert await get_one(faulty, acme) == vehicle


async def test_calls_that_come_while_a_transaction_is_under_way_share_the_next_one(
    coalescer: Coalescer, faulty: FaultyStore, acme: int
) -> None:
    faulty.open.clear()
    first = asyncio.ensure_future(coalescer.submit(acme, ask()))
    await faulty.entered.wait()
    rest = [coalescer.submit(acme, ask(JEEP, status)) for status in SETTABLE]
    faulty.open.set()
    await asyncio.gather(first, *rest)
    assert faulty.write_count == 2


@pytest.mark.long("postgres")
async def test_no_transaction_carries_more_than_its_limit(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE_MAX", 3)
    await gather(coalescer, acme, *[ask(request_id=str(number)) for number in range(10)])
    assert faulty.write_count == 4


@pytest.mark.long("postgres")
async def test_an_unknown_vin_in_a_batch_fails_alone(coalescer: Coalescer, acme: int, faulty: FaultyStore) -> None:
    outcomes = await gather(coalescer, acme, ask(), ask(UNKNOWN_VIN), ask(JEEP, VehicleStatus.SOLD))
    assert faulty.write_count == 1
    assert get_code(outcomes[1]) is Code.VEHICLE_NOT_FOUND
    assert (await get_one(faulty, acme)).status is VehicleStatus.STOLEN
    assert (await get_one(faulty, acme, JEEP)).status is VehicleStatus.SOLD


async def test_two_changes_of_one_vehicle_in_a_batch_both_happen_in_order_and_are_both_in_the_history(
    coalescer: Coalescer, acme: int, faulty: FaultyStore
) -> None:
    await gather(
        coalescer,
        acme,
        ask(HUMMER, VehicleStatus.STOLEN, "r-1"),
        ask(HUMMER, VehicleStatus.STOLEN, "r-2"),
        ask(HUMMER, VehicleStatus.SOLD, "r-3"),
        ask(HUMMER, VehicleStatus.STOLEN, "r-4"),
    )
    assert faulty.write_count == 1
    vehicle = await get_one(faulty, acme)
    assert (vehicle.status, vehicle.revision) == (VehicleStatus.STOLEN, 4)
    history = await faulty.read(acme).list_history(vehicle.vehicle_id, None, 10)
    assert [(entry.request_id, entry.from_status, entry.to_status) for entry in history[:3]] == [
        ("r-4", VehicleStatus.SOLD, VehicleStatus.STOLEN),
        ("r-3", VehicleStatus.STOLEN, VehicleStatus.SOLD),
        ("r-1", VehicleStatus.ACTIVE, VehicleStatus.STOLEN),
    ]


@pytest.mark.long("postgres")
async def test_calls_of_several_accounts_share_a_transaction(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, beta: int
) -> None:
    both = [gather(coalescer, acme, ask(), ask(UNKNOWN_VIN)), gather(coalescer, beta, ask(JEEP), ask())]
    (stolen, unknown), (missing, also_stolen) = await asyncio.gather(*both)
    assert faulty.write_count == 1
    assert {get_code(unknown), get_code(missing)} == {Code.VEHICLE_NOT_FOUND}
    assert stolen == await get_one(faulty, acme)
    assert also_stolen == await get_one(faulty, beta)


@pytest.mark.long("postgres")
async def test_one_batch_is_under_way_and_the_next_gathers_of_all_accounts(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, beta: int
) -> None:
    faulty.open.clear()
    calls = [asyncio.ensure_future(coalescer.submit(acme, ask()))]
    await asyncio.wait_for(faulty.entered.wait(), 5)
    sold = ask(status=VehicleStatus.SOLD)
    calls += [asyncio.ensure_future(coalescer.submit(account, sold)) for account in (acme, beta)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert faulty.together == [{acme}]
    faulty.open.set()
    await asyncio.gather(*calls)
    assert faulty.together == [{acme}, {acme, beta}]
    assert [(await get_one(faulty, account)).status for account in (acme, beta)] == [VehicleStatus.SOLD] * 2


@pytest.mark.long("postgres")
async def test_a_busy_account_does_not_keep_another_from_its_turn(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, beta: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE_MAX", 3)
    many = [coalescer.submit(acme, ask(request_id=str(number))) for number in range(30)]
    await asyncio.gather(*many, coalescer.submit(beta, ask()))
    assert len(faulty.together) == 11
    assert any(beta in accounts for accounts in faulty.together[:2])


@pytest.mark.long("postgres")
async def test_an_account_whose_rows_are_spoilt_does_not_take_another_down(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, beta: int
) -> None:
    faulty.bad_vin = UNKNOWN_VIN
    spoilt, sound = await asyncio.gather(gather(coalescer, acme, ask(UNKNOWN_VIN)), gather(coalescer, beta, ask()))
    assert isinstance(spoilt[0], RuntimeError)
    assert sound == [await get_one(faulty, beta)]


@pytest.mark.timeout(50)
async def test_of_a_thousand_calls_cancelled_at_random_nobody_hangs_and_the_rest_are_answered_rightly(
    store: Store, acme: int
) -> None:
    randomness = random.Random(7)
    await save(store, acme, *(registered(make_vin(number)) for number in range(40)))
    coalescer = Coalescer(store, lambda: NOON)
    kept: list[tuple[StatusRequest, asyncio.Task[Vehicle]]] = []
    cancelled: list[asyncio.Task[Vehicle]] = []
    while len(cancelled) < 1_000:
        for _ in range(randomness.randrange(1, 60)):
            vin = UNKNOWN_VIN if randomness.random() < 0.1 else make_vin(randomness.randrange(40))
            request = ask(vin, randomness.choice(SETTABLE))
            task = asyncio.create_task(submit(coalescer, acme, request))
            if randomness.random() < 0.5:
                cancelled.append(task)
                asyncio.get_running_loop().call_later(randomness.random() * 0.004, task.cancel)
            else:
                kept.append((request, task))
        for _ in range(randomness.randrange(6)):
            await asyncio.sleep(0)
    await asyncio.wait([*cancelled, *(task for _, task in kept)], timeout=30)
    assert all(task.done() for task in cancelled)
    for request, task in kept:
        assert task.done()
        if request.vin == UNKNOWN_VIN:
            error = task.exception()
            assert isinstance(error, PadronError)
            assert error.code is Code.VEHICLE_NOT_FOUND
        else:
            assert (task.result().vin, task.result().status) == (request.vin, request.status)
    for task in cancelled:
        if not task.cancelled():
            task.exception()
    await coalescer.close()
    assert (coalescer._waiting, coalescer._busy, coalescer._is_running) == ({}, set(), False)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_call_that_comes_at_any_step_of_the_end_of_a_batch_is_answered(coalescer: Coalescer, acme: int) -> None:
    for step in [step for step in range(24) for _ in range(8)]:
        first = asyncio.ensure_future(coalescer.submit(acme, ask()))
        first.add_done_callback(lambda _: None)
        for _ in range(step):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await coalescer.submit(acme, ask(JEEP))
            await first


@pytest.mark.long("postgres")
async def test_a_call_made_right_after_an_answer_is_answered(coalescer: Coalescer, acme: int) -> None:
    for number in range(120):
        async with asyncio.timeout(5):
            await coalescer.submit(acme, ask(HUMMER, SETTABLE[number % 9]))
        for _ in range(number % 4):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "error", [PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached."), RuntimeError("broke")], ids=repr
)
@pytest.mark.long("postgres")
async def test_a_store_that_fails_leaves_nobody_hanging_and_nothing_behind(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, error: Exception
) -> None:
    before = await get_one(faulty, acme)
    faulty.error, faulty.fails = error, True
    async with asyncio.timeout(10):
        outcomes = await gather(coalescer, acme, *[ask(request_id=str(number)) for number in range(300)])
    if isinstance(error, PadronError):
        assert {get_code(outcome) for outcome in outcomes} == {Code.STORE_UNAVAILABLE}
        assert faulty.write_count == 1  # those that waited are told at once, without trying it again for each
    else:
        assert all(isinstance(outcome, RuntimeError) for outcome in outcomes)
    assert await get_one(faulty, acme) == before
    faulty.fails = False
    assert (await coalescer.submit(acme, ask())).status is VehicleStatus.STOLEN


@pytest.mark.long("postgres")
async def test_a_store_that_cannot_be_reached_is_not_tried_again_for_the_accounts_that_wait(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, beta: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE_MAX", 3)
    faulty.error, faulty.fails = PadronError(Code.STORE_UNAVAILABLE, "The database cannot be reached."), True
    calls = [ask(request_id=str(number)) for number in range(5)]
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*(gather(coalescer, account, *calls) for account in (acme, beta)))
    assert {get_code(outcome) for told in outcomes for outcome in told} == {Code.STORE_UNAVAILABLE}
    assert faulty.write_count == 1


@pytest.mark.parametrize("written", [0, 1, 2])
async def test_a_store_that_fails_between_two_writes_leaves_nothing_behind(
    coalescer: Coalescer, faulty: FaultyStore, acme: int, written: int
) -> None:
    hummer, jeep = await get_one(faulty, acme), await get_one(faulty, acme, JEEP)
    faulty.fails_before_change = written
    faulty.error = PadronError(Code.STORE_UNAVAILABLE, "The disk is full.")
    outcomes = await gather(coalescer, acme, ask(), ask(JEEP))
    assert {get_code(outcome) for outcome in outcomes} == {Code.STORE_UNAVAILABLE}
    assert await get_one(faulty, acme) == hummer
    assert await get_one(faulty, acme, JEEP) == jeep
    for vehicle in (hummer, jeep):
        assert len(await faulty.read(acme).list_history(vehicle.vehicle_id, None, 10)) == 1
    faulty.fails_before_change = None
    await coalescer.submit(acme, ask())
    numbers = [entry.number for entry in await faulty.read(acme).list_history(hummer.vehicle_id, None, 10)]
    assert numbers == [3, 1]  # without a gap: the second is the Jeep's registration


@pytest.mark.long("postgres")
async def test_one_call_that_breaks_the_batch_does_not_take_the_others_down(
    coalescer: Coalescer, faulty: FaultyStore, acme: int
) -> None:
    faulty.bad_vin = UNKNOWN_VIN
    outcomes = await gather(coalescer, acme, ask(), ask(UNKNOWN_VIN), ask(JEEP))
    assert isinstance(outcomes[0], Vehicle)
    assert isinstance(outcomes[1], RuntimeError)
    assert isinstance(outcomes[2], Vehicle)
    assert (await get_one(faulty, acme, JEEP)).status is VehicleStatus.STOLEN


@pytest.mark.long("postgres")
async def test_a_task_that_is_ended_leaves_nobody_hanging(coalescer: Coalescer, faulty: FaultyStore, acme: int) -> None:
    faulty.open.clear()
    under_way = asyncio.ensure_future(coalescer.submit(acme, ask()))
    await faulty.entered.wait()
    waiting = asyncio.ensure_future(coalescer.submit(acme, ask(JEEP)))
    (task,) = coalescer._tasks
    task.cancel()
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(under_way, waiting, return_exceptions=True)
    assert [get_code(outcome) for outcome in outcomes] == [Code.STORE_UNAVAILABLE] * 2
    faulty.open.set()
    assert (await coalescer.submit(acme, ask())).status is VehicleStatus.STOLEN


@pytest.mark.long("postgres")
async def test_more_calls_than_may_wait_are_refused_at_once_and_those_admitted_are_answered(
    faulty: FaultyStore, acme: int
) -> None:
    coalescer = Coalescer(faulty, lambda: NOON, waiting_max=5)
    faulty.open.clear()
    under_way = asyncio.ensure_future(coalescer.submit(acme, ask()))
    await faulty.entered.wait()
    admitted = [asyncio.ensure_future(coalescer.submit(acme, ask(JEEP))) for _ in range(5)]
    for _ in range(3):
        with pytest.raises(PadronError) as caught:
            coalescer.submit(acme, ask(JEEP))
        assert caught.value.code is Code.OVERLOADED
    faulty.open.set()
    assert all(vehicle.status is VehicleStatus.STOLEN for vehicle in await asyncio.gather(under_way, *admitted))
    assert (await coalescer.submit(acme, ask())).status is VehicleStatus.STOLEN


@pytest.mark.long("postgres")
async def test_a_cancelled_caller_does_not_take_its_change_back(
    coalescer: Coalescer, faulty: FaultyStore, acme: int
) -> None:
    faulty.open.clear()
    task = asyncio.create_task(submit(coalescer, acme, ask()))
    await faulty.entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    faulty.open.set()
    await coalescer.close()
    assert (await get_one(faulty, acme)).status is VehicleStatus.STOLEN


@pytest.mark.long("postgres")
async def test_closing_waits_until_everybody_has_been_answered(
    coalescer: Coalescer, faulty: FaultyStore, acme: int
) -> None:
    faulty.open.clear()
    calls = [asyncio.ensure_future(coalescer.submit(acme, ask(vin))) for vin in (HUMMER, JEEP)]
    closing = asyncio.ensure_future(coalescer.close())
    await faulty.entered.wait()
    assert not closing.done()
    faulty.open.set()
    await closing
    assert all(call.done() for call in calls)
    await asyncio.gather(*calls)
