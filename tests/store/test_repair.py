"""What both engines promise of former vehicles: nothing finds them by VIN or plate, and the record knows them."""

from dataclasses import replace

import pytest

from padron.domain.change import FeedEntry, Span
from padron.domain.duplicates import DuplicateQuery
from padron.domain.query import VehicleQuery
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Vehicle
from padron.domain.webhook import Delivery, DeliveryState, Endpoint, EventType, Filter
from padron.store.base import Store, WriteTransaction
from tests.cast import (
    HUMMER,
    JEEP,
    NOON,
    after,
    get_one,
    info_changed,
    registered,
    restored,
    retired,
    save,
    status_changed,
)
from tests.conftest import Select

SLOTS = "SELECT vehicle_id, slot FROM vehicles WHERE account_id = $1 ORDER BY vehicle_id"


@pytest.fixture
async def former(store: Store, acme: int) -> Vehicle:
    """Give a vehicle that is former, beside another one with its VIN."""
    await save(store, acme, registered(HUMMER, plate="AAA111"), registered(HUMMER, slot=1, plate="BBB222"))
    first, _ = await store.read(acme).list_by_vin(HUMMER)
    change = retired(first, at=after(1))
    await save(store, acme, change)
    return change.vehicle


async def test_no_look_up_gives_a_former_vehicle(store: Store, acme: int, former: Vehicle) -> None:
    reader = store.read(acme)
    (kept,) = await reader.list_by_vin(HUMMER)
    assert kept.vehicle_id == 2
    assert [version.vehicle for version in await reader.list_versions_by_vin(HUMMER)] == [kept]
    assert (await reader.gate.load_gate([HUMMER])).vehicles == [kept]
    assert [version.vehicle for version, _ in await reader.list_vehicles(VehicleQuery(filters={}))] == [kept]
    assert await reader.load_details(former.vehicle_id) == {}
    assert await reader.list_duplicates(DuplicateQuery(vins_max=9, rows_max=9)) == []

    async def look(transaction: WriteTransaction) -> None:
        assert await transaction.lock_vehicles([HUMMER]) == [kept]
        assert await transaction.lock_plates(["AAA111"]) == []
        assert await transaction.load_details([former.vehicle_id]) == {}
        assert await transaction.load_former_details([1, 2]) == {1: {"plate": "AAA111"}, 2: {"plate": "BBB222"}}
        assert await transaction.lock_former([1, 2, 3]) == [former]

    async def hold(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        assert await operations.hold_vehicles([HUMMER]) == [kept]

    await store.write(acme, look)
    await store.write(acme, hold)


async def test_another_account_reaches_no_former_vehicle(store: Store, acme: int, beta: int, former: Vehicle) -> None:
    async def look(transaction: WriteTransaction) -> None:
        assert await transaction.lock_former([former.vehicle_id]) == []
        assert await transaction.load_former_details([former.vehicle_id]) == {}
        await transaction.move_vehicles({2: 7})

    await store.write(beta, look)
    assert (await get_one(store, acme)).slot == 1
    assert await store.read(acme).has_vehicle(former.vehicle_id, HUMMER)
    assert not await store.read(acme).has_vehicle(former.vehicle_id, JEEP)
    assert not await store.read(beta).has_vehicle(former.vehicle_id, HUMMER)


async def test_former_vehicles_with_one_vin_have_slots_of_their_own_and_leave_them(
    store: Store, acme: int, former: Vehicle, select: Select
) -> None:
    await save(store, acme, retired(await get_one(store, acme)))
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    await save(store, acme, retired(await get_one(store, acme)))
    assert await select(SLOTS, acme) == [(1, -1), (2, -2), (5, -3)]
    await save(store, acme, restored(former, {"plate": "AAA111"}, VehicleStatus.SOLD, at=after(5)))
    back = await get_one(store, acme)
    assert (back.vehicle_id, back.slot, back.status, back.status_since, back.revision) == (
        1, 0, VehicleStatus.SOLD, after(5), former.revision + 1,
    )  # fmt: skip
    assert await store.read(acme).load_details(1) == {"plate": "AAA111"}
    await save(store, acme, retired(back))
    assert await select(SLOTS, acme) == [(1, -4), (2, -2), (5, -3)]


async def test_a_move_to_a_slot_that_is_taken_is_refused(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER), registered(HUMMER, slot=1))

    async def move(transaction: WriteTransaction) -> None:
        await transaction.move_vehicles({2: 0})

    with pytest.raises(Exception, match=r"(?i)unique|conflicted with other transactions"):
        await store.write(acme, move)


async def list_told(store: Store, account_id: int) -> list[FeedEntry]:
    """Give the first change, of what is former by now, as everything tells it that tells the outside."""
    reader = store.read(account_id)
    delivery = Delivery(
        endpoint_id="one", number=1, vehicle_id=1, state=DeliveryState.PENDING, tries=0, attempts=0, due_at=NOON,
        settled_at=None,
    )  # fmt: skip
    endpoint = Endpoint(
        endpoint_id="one", url="https://fleet.example/", description="", secret="", position=9, created_at=NOON,
        updated_at=NOON, filter=Filter(event_types=frozenset(EventType)),
    )  # fmt: skip

    async def cut(transaction: WriteTransaction) -> list[FeedEntry]:
        webhooks = transaction.webhooks
        await webhooks.add_endpoint(endpoint)
        await webhooks.put_deliveries([delivery])
        due = await webhooks.list_due(endpoint, after(9), 5)
        return [*(await webhooks.list_changes(0, 1)), *(sending.entry for sending in due)]

    async def look(transaction: WriteTransaction) -> list[FeedEntry]:
        return [*(await transaction.find_later_changes({1: Span(first=0, last=0)}, "none")).values()]

    told = [*await store.write(account_id, cut), *await store.write(account_id, look)]
    told += [*await reader.list_changes(0, 1), *await reader.list_request_changes("r-registered", 0, 1)]
    webhooks = store.read(account_id).webhooks
    for state in (None, DeliveryState.PENDING):
        told += [sending.entry for sending in await webhooks.list_deliveries("one", state, None, 5)]
    found = await webhooks.find_delivery("one", 1)
    assert found is not None

    async def clear(transaction: WriteTransaction) -> None:
        webhooks = transaction.webhooks
        await webhooks.delete_deliveries("one", 9)
        await webhooks.delete_endpoint("one")

    await store.write(account_id, clear)
    return [*told, found.entry]


@pytest.mark.usefixtures("former")
async def test_everything_that_tells_says_what_the_vehicle_is_that_has_the_vin(
    store: Store, acme: int, beta: int
) -> None:
    await save(store, beta, registered(HUMMER))

    async def check(*, is_operational: bool) -> None:
        told = await list_told(store, acme)
        assert len(told) == 8
        assert {entry.change.number for entry in told} == {1}
        assert {entry.is_operational for entry in told} == {is_operational}

    await check(is_operational=True)
    await save(store, acme, status_changed(await get_one(store, acme), VehicleStatus.SOLD))
    await check(is_operational=False)
    await save(store, acme, status_changed(await get_one(store, acme), VehicleStatus.ACTIVE))
    await check(is_operational=True)
    kept = await get_one(store, acme)
    await save(store, acme, info_changed(kept, {"plate": "BBB222"}, {}, vin=JEEP))
    await check(is_operational=False)  # none has the VIN, but in another account


async def test_the_record_says_what_a_vehicle_left_and_when_it_was_current(
    store: Store, acme: int, former: Vehicle, select: Select
) -> None:
    await save(store, acme, restored(former, {"plate": "AAA111"}, at=after(2), request_id="r-back"))
    newest, left, _ = await store.read(acme).list_history(1, None, 5)
    assert (left.from_status, left.to_status, left.is_repair) == (
        VehicleStatus.ACTIVE, VehicleStatus.INFO_CHANGED, True,
    )  # fmt: skip
    assert (newest.from_status, newest.to_status, newest.is_repair) == (
        VehicleStatus.INFO_CHANGED, VehicleStatus.ACTIVE, True,
    )  # fmt: skip
    spans = "SELECT began, ended, is_former FROM versions WHERE account_id = $1 AND vehicle_id = 1 ORDER BY began"
    assert await select(spans, acme) == [(1, 3, 1), (4, None, 0)]
    (version, _), *_ = await store.read(acme).list_vehicles(
        VehicleQuery(filters={"plate": "aaa111"}, status=VehicleStatus.INFO_CHANGED)
    )
    assert (version.valid_from, version.valid_to, version.details) == (NOON, after(1), {"plate": "AAA111"})


async def test_a_wrong_status_in_a_row_that_stays_current_is_still_refused(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER), registered(HUMMER, slot=1))
    first, _ = await store.read(acme).list_by_vin(HUMMER)
    change = retired(first)
    change.vehicle = replace(change.vehicle, slot=0)
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        await save(store, acme, change)
