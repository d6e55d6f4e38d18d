"""Writers that meet: on one vehicle, one VIN, one plate, one counter. Two stores stand for two server processes."""

import asyncio
import random
from collections.abc import Callable
from itertools import count, pairwise

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import Change
from padron.domain.status import SETTABLE_STATUSES
from padron.domain.trouble import TroubledError
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.runtime import build_runtime
from padron.service.vehicles.registration import Registration, put_vehicle
from padron.store import postgres
from padron.store.base import Store, WriteTransaction
from tests.cast import HUMMER, JEEP, get_one, info_changed, make_vin, registered, retired, save, status_changed
from tests.conftest import Select, SteppedClock
from tests.postgres import Postgres

WRITERS = 16
WRITES_EACH = 8


@pytest.fixture
async def accounts(stores: list[Store]) -> list[int]:
    return [(await stores[0].directory.add_account(name, registered().at)).account_id for name in ("Acme", "Beta")]


async def register_unless_there(transaction: WriteTransaction, vin: str, plate: str) -> str:
    """Do as the use case does: look first, then register."""
    if await transaction.lock_vehicles([vin]):
        return "known vin"
    if await transaction.lock_plates([plate]):
        return "known plate"
    await transaction.save_changes([registered(vin, plate=plate)])
    return "registered"


async def test_of_two_who_register_the_same_vin_at_once_the_second_finds_it(
    stores: list[Store], accounts: list[int]
) -> None:
    plates = count()
    for turn in range(6):
        vin = make_vin(turn)

        async def work(transaction: WriteTransaction, vin: str = vin) -> str:
            return await register_unless_there(transaction, vin, f"P{next(plates):04d}")

        outcomes = await asyncio.gather(*(stores[n % 2].write(accounts[0], work) for n in range(4)))
        assert sorted(outcomes) == ["known vin"] * 3 + ["registered"]
        assert len(await stores[0].read(accounts[0]).list_by_vin(vin)) == 1


async def test_of_two_who_register_the_same_plate_at_once_the_second_finds_it(
    stores: list[Store], accounts: list[int], select: Select
) -> None:
    for turn in range(6):

        async def work(transaction: WriteTransaction, vin: str, plate: str = f"P{turn:04d}") -> str:
            return await register_unless_there(transaction, vin, plate)

        outcomes = await asyncio.gather(
            *(
                stores[n % 2].write(accounts[0], lambda transaction, n=n: work(transaction, make_vin(turn * 9 + n)))  # type: ignore[misc]  # noqa: B023
                for n in range(4)
            )
        )
        assert sorted(outcomes) == ["known plate"] * 3 + ["registered"]
    numbers = await select("SELECT number FROM changes WHERE account_id = $1 ORDER BY number", accounts[0])
    assert numbers == [(number,) for number in range(1, 7)]


async def test_the_same_put_sent_many_times_at_once_registers_once_and_refuses_none(
    stores: list[Store], accounts: list[int], select: Select
) -> None:
    runtimes = [build_runtime(store, SteppedClock()) for store in stores]
    scopes = frozenset(scope.value for scope in Scope)
    principal = Principal(account_id=accounts[0], actor="Acme", scopes=scopes)
    for turn in range(8):
        registration = Registration(vin=make_vin(turn), edits={"plate": f"P{turn:04d}"}, request_id="r-put")
        done = await asyncio.gather(*(put_vehicle(runtimes[n % 2], principal, registration) for n in range(6)))
        assert [one.created for one in done].count(True) == 1
    assert len(await select("SELECT 1 FROM changes")) == 8


async def test_a_plate_given_up_while_another_waits_for_it_is_free(stores: list[Store], accounts: list[int]) -> None:
    await save(stores[0], accounts[0], registered(HUMMER, plate="AAA111"))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def give_up(transaction: WriteTransaction) -> None:
        (vehicle,) = await transaction.lock_vehicles([HUMMER])
        await transaction.save_changes([info_changed(vehicle, {"plate": "AAA111"}, {"plate": None})])
        reached.set()
        await go_on.wait()

    async def look(transaction: WriteTransaction) -> list[Vehicle]:
        return await transaction.lock_plates(["AAA111"])

    giving = asyncio.create_task(stores[0].write(accounts[0], give_up))
    await reached.wait()
    looking = asyncio.create_task(stores[1].write(accounts[0], look))
    await asyncio.sleep(0.05)  # long enough to be waiting for the lock; if it is not yet, the test still holds
    go_on.set()
    await giving
    assert await looking == []


def give_up_vin(vehicle: Vehicle) -> Change:
    return info_changed(vehicle, {}, {}, vin=JEEP)


@pytest.mark.parametrize("give_up", [give_up_vin, retired])
@pytest.mark.parametrize("way", ["lock", "hold"])
async def test_a_vin_given_up_while_another_waits_for_its_vehicle_is_not_found(
    stores: list[Store], accounts: list[int], give_up: Callable[[Vehicle], Change], way: str
) -> None:
    await save(stores[0], accounts[0], registered(HUMMER))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def change(transaction: WriteTransaction) -> None:
        (vehicle,) = await transaction.lock_vehicles([HUMMER])
        await transaction.save_changes([give_up(vehicle)])
        reached.set()
        await go_on.wait()

    async def look() -> list[Vehicle]:
        if way == "lock":
            return await stores[1].write(accounts[0], lambda transaction: transaction.lock_vehicles([HUMMER]))
        return await stores[1].write(accounts[0], lambda transaction: transaction.operations.hold_vehicles([HUMMER]))

    changing = asyncio.create_task(stores[0].write(accounts[0], change))
    await reached.wait()
    looking = asyncio.create_task(look())
    await asyncio.sleep(0.05)  # long enough to be waiting for the lock; if it is not yet, the test still holds
    go_on.set()
    await changing
    assert await looking == []


async def test_what_is_locked_stays_so_until_the_end(stores: list[Store], accounts: list[int]) -> None:
    await save(stores[0], accounts[0], registered(HUMMER))

    async def flip(transaction: WriteTransaction) -> None:
        (vehicle,) = await transaction.lock_vehicles([HUMMER])
        other = SETTABLE_STATUSES[3 if vehicle.status is not SETTABLE_STATUSES[3] else 4]
        await transaction.save_changes([status_changed(vehicle, other)])

    await asyncio.gather(*(stores[n % 2].write(accounts[0], flip) for n in range(20)))
    assert (await get_one(stores[0], accounts[0])).revision == 21
    history = await stores[0].read(accounts[0]).list_history(1, None, 100)
    assert all(new.from_status is old.to_status for new, old in pairwise(history))


async def write_at_random(store: Store, account_id: int, seed: int, failed: set[str]) -> list[str]:
    """Make changes of all kinds on few vehicles and give the ids of the requests that were answered.

    On a machine that is too busy some are given up. Nobody knows whether these were written, so they go to ``failed``.
    """
    dice = random.Random(seed)
    answered = []
    for turn in range(WRITES_EACH):
        request_id = f"{seed}-{turn}"
        vins = dice.sample([make_vin(n) for n in range(8)], k=3)

        async def work(transaction: WriteTransaction, vins: list[Vin] = vins, request_id: str = request_id) -> None:
            found = {vehicle.vin: vehicle for vehicle in await transaction.lock_vehicles(vins)}
            changes = []
            for place, vin in enumerate(vins):
                if vin not in found:
                    changes.append(registered(vin, request_id=request_id))
                elif place == 1:
                    changes.append(info_changed(found[vin], {}, {"axes": request_id}, request_id=request_id))
                else:
                    status = SETTABLE_STATUSES[(3, 4, 5)[found[vin].revision % 3]]
                    changes.append(status_changed(found[vin], status, request_id=request_id))
            await transaction.save_changes(changes)

        try:
            await store.write(account_id, work)
        except TroubledError:
            failed.add(request_id)
        else:
            answered.append(request_id)
    assert len(answered) > WRITES_EACH // 2
    return answered


async def test_a_follower_finds_no_gap_under_sixteen_writers(
    stores: list[Store], accounts: list[int], select: Select
) -> None:
    done = asyncio.Event()

    async def follow(account_id: int) -> list[tuple[object, ...]]:
        seen: list[tuple[object, ...]] = []
        while True:
            was_done = done.is_set()
            rows = await select(
                "SELECT number, request_id, vehicle_id, type, to_status FROM changes"
                " WHERE account_id = $1 AND number > $2 ORDER BY number",
                account_id,
                len(seen),
            )
            seen += rows
            # What becomes visible later than a higher number would be missing here for ever.
            assert [row[0] for row in seen] == list(range(1, len(seen) + 1))
            if was_done:
                return seen
            await asyncio.sleep(0.002)

    followers = [asyncio.create_task(follow(account_id)) for account_id in accounts]
    failed: set[str] = set()
    answered = await asyncio.gather(*(
        write_at_random(stores[n % 2], accounts[n // 2 % 2], n, failed) for n in range(WRITERS)
    ))  # fmt: skip
    done.set()
    for place, seen in enumerate(await asyncio.gather(*followers)):
        asked = {request for n, ids in enumerate(answered) if n // 2 % 2 == place for request in ids}
        written = {row[1] for row in seen}
        assert asked <= written <= asked | failed
        assert len(seen) == len(written) * 3
        for vin in (make_vin(n) for n in range(8)):
            vehicle = await get_one(stores[0], accounts[place], vin)
            assert vehicle.revision == sum(row[2] == vehicle.vehicle_id for row in seen)


async def test_work_that_meets_a_deadlock_is_run_again(postgres_server: Postgres) -> None:
    url = await postgres_server.create_database()
    store = await postgres.open_store(url)
    account_id = (await store.directory.add_account("Acme", registered().at)).account_id
    await save(store, account_id, registered(HUMMER), registered(JEEP))
    both = asyncio.Barrier(2)
    runs = []

    async def work(transaction: WriteTransaction, first: str, second: str) -> None:
        runs.append(first)
        await transaction.lock_vehicles([first])
        if len(runs) <= 2:
            await both.wait()
        (vehicle,) = await transaction.lock_vehicles([second])
        await transaction.save_changes([status_changed(vehicle)])

    await asyncio.gather(
        store.write(account_id, lambda transaction: work(transaction, HUMMER, JEEP)),
        store.write(account_id, lambda transaction: work(transaction, JEEP, HUMMER)),
    )
    assert len(runs) == 3
    assert (await get_one(store, account_id)).revision == 2
    assert (await get_one(store, account_id, JEEP)).revision == 2
    await store.close()
    await postgres_server.drop_database(url)
