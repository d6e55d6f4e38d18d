"""Status changes that are read without a lock: who is overtaken between reading and saving begins anew, with locks.

Two stores stand for two server processes; SQLite allows one, where nobody can be overtaken.
"""

import asyncio
import random
from itertools import pairwise

import pytest

from padron.domain.change import Change, StatusRequest
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.vin import Vin
from padron.service.coalescer import Coalescer
from padron.service.status_changes import change_statuses
from padron.store.base import StatusTransaction, Store
from tests.cast import (
    HUMMER,
    JEEP,
    NOON,
    UNKNOWN_VIN,
    after,
    get_one,
    info_changed,
    make_vin,
    registered,
    retired,
    save,
    status_changed,
)
from tests.conftest import Select

FLEET = [make_vin(number) for number in range(6)]


@pytest.fixture
async def acme(stores: list[Store]) -> int:
    account_id = (await stores[0].directory.add_account("Acme", NOON)).account_id
    await save(stores[0], account_id, registered(HUMMER), registered(JEEP))
    return account_id


def ask(vin: str, status: VehicleStatus, request_id: str = "r-asked") -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id)


async def overtake(stores: list[Store], account_id: int, change: Change) -> tuple[list[list[Vehicle]], Vehicle]:
    """Change both vehicles' statuses, while another server makes a change of one; give what each run of it read."""
    read: list[list[Vehicle]] = []

    async def work(transaction: StatusTransaction) -> None:
        found = await transaction.lock_vehicles([HUMMER, JEEP])
        read.append(found)
        if len(read) == 1:
            await save(stores[1], account_id, change)
        changes = [status_changed(vehicle, VehicleStatus.SOLD, at=after(2)) for vehicle in found]
        await transaction.save_changes(changes)

    await stores[0].write_statuses(account_id, work)
    return read, await get_one(stores[0], account_id, JEEP)


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("kind", ["status", "core data", "former"])
async def test_who_is_overtaken_reads_again_and_saves_all_once(
    stores: list[Store], acme: int, kind: str, select: Select
) -> None:
    hummer = await get_one(stores[0], acme, HUMMER)
    change = {
        "status": status_changed(hummer, VehicleStatus.STOLEN, at=after(1)),
        "core data": info_changed(hummer, {}, {"plate": "ABC123"}, at=after(1)),
        "former": retired(hummer, at=after(1)),
    }[kind]
    read, jeep = await overtake(stores, acme, change)
    assert [[(one.vin, one.revision) for one in found] for found in read] == [
        [(HUMMER, 1), (JEEP, 1)],
        [(JEEP, 1)] if kind == "former" else [(HUMMER, 2), (JEEP, 1)],
    ]
    assert (jeep.status, jeep.revision) == (VehicleStatus.SOLD, 2)
    rows = await select("SELECT number, vehicle_id, from_status, to_status FROM changes ORDER BY number")
    other, ours = change.vehicle.status.value, VehicleStatus.SOLD.value
    assert rows[2] == (3, 1, 1, other)
    assert rows[3:] == ([(4, 2, 1, ours)] if kind == "former" else [(4, 1, other, ours), (5, 2, 1, ours)])
    assert await select("SELECT last_change FROM counters") == [(len(rows),)]


async def test_several_changes_of_one_vehicle_in_one_batch(stores: list[Store], acme: int, select: Select) -> None:
    asked = [
        ask(HUMMER, VehicleStatus.STOLEN),
        ask(JEEP, VehicleStatus.SOLD),
        ask(HUMMER, VehicleStatus.STOLEN),
        ask(UNKNOWN_VIN, VehicleStatus.SOLD),
        ask(HUMMER, VehicleStatus.ACTIVE),
    ]

    async def work(transaction: StatusTransaction) -> int:
        return len(await change_statuses(transaction, asked, after(1)))

    assert await stores[0].write_statuses(acme, work) == 5
    rows = await select("SELECT number, vehicle_id, from_status, to_status FROM changes WHERE number > 2 ORDER BY 1")
    stolen, sold = VehicleStatus.STOLEN.value, VehicleStatus.SOLD.value
    assert rows == [(3, 1, 1, stolen), (4, 2, 1, sold), (5, 1, stolen, 1)]
    hummer = await get_one(stores[0], acme, HUMMER)
    assert (hummer.status, hummer.revision, hummer.updated_at) == (VehicleStatus.ACTIVE, 3, after(1))


async def test_calls_on_two_servers_for_the_same_vehicles_all_happen_in_one_order(
    stores: list[Store], acme: int, select: Select
) -> None:
    await save(stores[0], acme, *(registered(vin) for vin in FLEET))
    coalescers = [Coalescer(store, lambda: after(1)) for store in stores]
    dice = random.Random(7)

    async def call(turn: int) -> Vehicle:
        status = dice.choice(list(SETTABLE_STATUSES.values()))
        return await coalescers[turn % 2].submit(acme, ask(dice.choice(FLEET), status, f"r-{turn}"))

    answers = [await asyncio.gather(*(call(turn * 40 + place) for place in range(40))) for turn in range(15)]
    assert sum(map(len, answers)) == 600
    await asyncio.gather(*(coalescer.close() for coalescer in coalescers))
    numbers = await select("SELECT number FROM changes ORDER BY number")
    assert numbers == [(number,) for number in range(1, len(numbers) + 1)]
    assert await select("SELECT last_change FROM counters") == [(len(numbers),)]
    for vin in FLEET:
        vehicle = await get_one(stores[0], acme, vin)
        history = await stores[0].read(acme).list_history(vehicle.vehicle_id, None, 1000)
        assert len(history) == vehicle.revision
        assert history[0].to_status is vehicle.status
        assert all(new.from_status is old.to_status for new, old in pairwise(history))
