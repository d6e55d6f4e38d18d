"""What a write transaction promises, on both engines."""

from dataclasses import replace

import pytest

from padron.domain.change import Change, ChangeType, NumberedChange
from padron.domain.errors import Code, PadronError
from padron.domain.status import VehicleStatus
from padron.domain.vehicle import Details, Vehicle
from padron.store.base import Store, WriteTransaction
from tests.cast import (
    HUMMER,
    JEEP,
    UNKNOWN_VIN,
    after,
    get_one,
    info_changed,
    make_vin,
    registered,
    save,
    status_changed,
)
from tests.conftest import Select

CHANGES = "SELECT number, vehicle_id, type, request_id FROM changes WHERE account_id = $1 ORDER BY number"

TABLES = (
    "SELECT * FROM vehicles",
    "SELECT * FROM versions",
    "SELECT * FROM changes",
    "SELECT * FROM counters",
)


class OperatorError(Exception):
    """Something that goes wrong outside the store."""


async def test_a_new_account_has_no_changes(store: Store, acme: int, select: Select) -> None:
    assert await select(CHANGES, acme) == []
    assert await store.read(acme).list_by_vin(HUMMER) == []


async def test_a_registration_can_be_read_back_as_it_was_given(store: Store, acme: int) -> None:
    details: Details = {"plate": "ABC1234", "ownerName": "Ñandú “Größe” 車", "doors": 0, "stateId": 2**31 - 1}
    await save(store, acme, registered(HUMMER, at=after(0.000001), details=details))
    (version,) = await store.read(acme).list_versions_by_vin(HUMMER)
    assert version.details == details
    assert version.vehicle == await get_one(store, acme)
    assert (version.began, version.valid_from, version.valid_to) == (1, after(0.000001), None)
    assert await store.read(acme).load_details(version.vehicle.vehicle_id) == details


async def test_the_details_of_an_unknown_vehicle_are_empty(store: Store, acme: int) -> None:
    assert await store.read(acme).load_details(99) == {}


async def test_numbers_count_up_by_one_for_each_account(store: Store, acme: int, beta: int, select: Select) -> None:
    for number in range(3):
        await save(store, acme, registered(make_vin(number)), registered(make_vin(number + 10)))
        await save(store, beta, registered(make_vin(number)))
    assert [row[0] for row in await select(CHANGES, acme)] == [1, 2, 3, 4, 5, 6]
    assert [row[0] for row in await select(CHANGES, beta)] == [1, 2, 3]


async def test_a_new_vehicles_id_is_the_number_of_its_change(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER), registered(JEEP))
    assert [row[:2] for row in await select(CHANGES, acme)] == [(1, 1), (2, 2)]
    assert (await get_one(store, acme, JEEP)).vehicle_id == 2


async def test_changes_are_numbered_in_the_order_given(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, *(registered(make_vin(number)) for number in range(20)))
    vehicles = [await get_one(store, acme, make_vin(number)) for number in (7, 3, 19, 0, 11)]
    changes = [
        status_changed(vehicle, request_id=f"r-{place}", at=after(place)) for place, vehicle in enumerate(vehicles)
    ]
    await save(store, acme, *changes)
    rows = (await select(CHANGES, acme))[20:]
    assert rows == [
        (21 + place, vehicle.vehicle_id, "statusChanged", f"r-{place}") for place, vehicle in enumerate(vehicles)
    ]


async def test_two_status_changes_of_one_vehicle_in_a_batch_both_happen(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER), registered(JEEP))
    vehicle = await get_one(store, acme)
    first = status_changed(vehicle, VehicleStatus.STOLEN, at=after(1), reason="seen on camera")
    second = status_changed(first.vehicle, VehicleStatus.SOLD, at=after(2))
    await save(store, acme, first, status_changed(await get_one(store, acme, JEEP), at=after(1)), second)
    assert await get_one(store, acme) == second.vehicle
    history = await store.read(acme).list_history(vehicle.vehicle_id, None, 10)
    assert [(entry.number, entry.from_status, entry.to_status, entry.reason) for entry in history] == [
        (5, VehicleStatus.STOLEN, VehicleStatus.SOLD, None),
        (3, VehicleStatus.ACTIVE, VehicleStatus.STOLEN, "seen on camera"),
        (1, None, VehicleStatus.ACTIVE, None),
    ]


async def test_a_batch_may_mix_all_kinds_of_change(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    start = await get_one(store, acme)
    edited = info_changed(start, {"plate": "AAA111"}, {"brandName": "Hummer"}, at=after(1))
    stolen = status_changed(edited.vehicle, VehicleStatus.STOLEN, at=after(2), reason="gone")
    moved = info_changed(stolen.vehicle, edited.details or {}, {"plate": "BBB222"}, vin=UNKNOWN_VIN, at=after(3))
    heir = registered(JEEP, plate="AAA111", at=after(4))
    await save(store, acme, edited, stolen, moved, heir)
    (version,) = await store.read(acme).list_versions_by_vin(UNKNOWN_VIN)
    assert version.vehicle == moved.vehicle
    assert version.vehicle.revision == 4
    assert version.details == {"plate": "BBB222", "brandName": "Hummer"}
    assert await store.read(acme).list_by_vin(HUMMER) == []
    assert (await get_one(store, acme, JEEP)).vehicle_id == 5
    spans = await select("SELECT began, ended, is_former, vin FROM versions WHERE account_id = $1 ORDER BY began", acme)
    assert spans == [(1, 2, 1, HUMMER), (2, 4, 1, HUMMER), (4, None, 0, UNKNOWN_VIN), (5, None, 0, JEEP)]


async def test_a_plate_goes_from_one_vehicle_to_another_within_a_batch(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"), registered(JEEP, plate="BBB222"))
    gives = info_changed(await get_one(store, acme), {"plate": "AAA111"}, {"plate": None})
    takes = info_changed(await get_one(store, acme, JEEP), {"plate": "BBB222"}, {"plate": "AAA111"})
    await save(store, acme, gives, takes)
    assert await store.read(acme).load_details(1) == {}
    assert await store.read(acme).load_details(2) == {"plate": "AAA111"}


async def test_differences_are_read_back_as_they_were_written(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER, doors=4, ownerName="Ana"))
    change = info_changed(await get_one(store, acme), {"doors": 4, "ownerName": "Ana"}, {"ownerName": None, "doors": 5})
    await save(store, acme, change)
    entry, _ = await store.read(acme).list_history(1, None, 10)
    assert entry.type is ChangeType.INFO_CHANGED
    assert entry.differences == {"ownerName": ("Ana", None), "doors": (4, 5)}
    assert list(entry.differences) == ["ownerName", "doors"]


@pytest.mark.slow_callback("on SQLite a transaction is one callback, and this one is as large as a call may be")
async def test_a_thousand_changes_fit_into_one_batch(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, *(registered(make_vin(n), plate=f"P{n:06d}") for n in range(1_000)))

    async def work(transaction: WriteTransaction) -> None:
        locked = await transaction.lock_vehicles([make_vin(n) for n in range(1_000)])
        details = await transaction.load_details([vehicle.vehicle_id for vehicle in locked])
        assert len(details) == 1_000
        mixed = [
            status_changed(vehicle)
            if vehicle.vehicle_id % 2
            else info_changed(vehicle, details[vehicle.vehicle_id], {"country": "México"})
            for vehicle in locked
        ]
        await transaction.save_changes(mixed)

    await store.write(acme, work)
    rows = await select(CHANGES, acme)
    assert [row[0] for row in rows] == list(range(1, 2_001))
    assert [row[2] for row in rows[1_000:]].count("infoChanged") == 500


async def save_and_number(store: Store, account_id: int, *batches: list[Change]) -> list[tuple[int, str, str]]:
    """Write batches in one transaction, and give what came back of each change: its number, request and kind."""

    async def work(transaction: WriteTransaction) -> list[NumberedChange]:
        return [one for changes in batches for one in await transaction.save_changes(changes)]

    written = await store.write(account_id, work)
    assert [one.change for one in written] == [change for changes in batches for change in changes]
    return [(one.number, one.change.request_id, one.change.type.value) for one in written]


async def test_what_is_saved_comes_back_with_the_numbers_that_the_record_has(
    store: Store, acme: int, beta: int, select: Select
) -> None:
    await save(store, beta, *(registered(make_vin(number)) for number in range(5)))  # another account's count
    new = [registered(make_vin(number), request_id=f"r-new-{number}") for number in range(4)]
    told = await save_and_number(store, acme, new)
    vehicles = [await get_one(store, acme, make_vin(number)) for number in range(4)]
    statuses = [status_changed(vehicle, request_id=f"r-{place}") for place, vehicle in enumerate(vehicles)]
    told += await save_and_number(store, acme, statuses[2:])
    edited = info_changed(vehicles[0], {}, {"doors": 4}, request_id="r-edit")
    again = status_changed(edited.vehicle, request_id="r-again")
    told += await save_and_number(store, acme, [edited, again, registered(JEEP, request_id="r-jeep")], [statuses[1]])
    rows = await select("SELECT number, request_id, type FROM changes WHERE account_id = $1 ORDER BY number", acme)
    assert [tuple(row) for row in rows] == told
    assert [number for number, _, _ in told] == list(range(1, 11))


async def test_saving_nothing_gives_nothing_back_and_takes_no_number(store: Store, acme: int) -> None:
    assert await save_and_number(store, acme, []) == []
    assert await save_and_number(store, acme, [], [registered(HUMMER)]) == [(1, "r-registered", "registered")]


async def test_what_work_raises_after_saving_undoes_everything(store: Store, acme: int, select: Select) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    before = await get_one(store, acme)
    dump = [await select(table) for table in TABLES]

    async def fail(transaction: WriteTransaction) -> None:
        (vehicle,) = await transaction.lock_vehicles([HUMMER])
        stolen = status_changed(vehicle)
        edited = info_changed(stolen.vehicle, {"plate": "AAA111"}, {"plate": "BBB222"})
        await transaction.save_changes([stolen, edited, registered(JEEP)])
        await transaction.save_changes([status_changed(edited.vehicle, VehicleStatus.SOLD)])
        raise OperatorError

    with pytest.raises(OperatorError):
        await store.write(acme, fail)
    assert [await select(table) for table in TABLES] == dump
    assert await get_one(store, acme) == before
    await save(store, acme, registered(JEEP))
    assert [row[0] for row in await select(CHANGES, acme)] == [1, 2]


async def test_a_batch_that_breaks_a_rule_of_the_database_leaves_nothing_behind(
    store: Store, acme: int, select: Select
) -> None:
    await save(store, acme, registered(HUMMER))
    twice = [registered(JEEP), registered(UNKNOWN_VIN), registered(JEEP)]
    with pytest.raises(Exception, match=r"(?i)unique|conflicted with other transactions"):
        await save(store, acme, *twice)
    assert len(await select(CHANGES, acme)) == 1
    assert await store.read(acme).list_by_vin(UNKNOWN_VIN) == []
    await save(store, acme, registered(JEEP))
    assert [row[0] for row in await select(CHANGES, acme)] == [1, 2]


async def test_nothing_to_save_writes_nothing(store: Store, acme: int, select: Select) -> None:
    await save(store, acme)
    assert await select("SELECT last_change FROM counters WHERE account_id = $1", acme) == [(0,)]
    assert await select(CHANGES, acme) == []


async def test_one_account_cannot_see_or_lock_what_another_has(store: Store, acme: int, beta: int) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    reader = store.read(beta)
    assert await reader.list_by_vin(HUMMER) == []
    assert await reader.list_versions_by_vin(HUMMER) == []
    assert await reader.load_details(1) == {}
    assert await reader.list_history(1, None, 10) == []

    async def look(transaction: WriteTransaction) -> list[object]:
        return [
            await transaction.lock_vehicles([HUMMER]),
            await transaction.lock_plates(["AAA111"]),
            await transaction.load_details([1]),
        ]

    assert await store.write(beta, look) == [[], [], {}]


async def test_two_accounts_may_have_the_same_vin_and_plate(store: Store, acme: int, beta: int) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"))
    await save(store, beta, registered(HUMMER, plate="AAA111"))
    await save(store, acme, status_changed(await get_one(store, acme)))
    assert (await get_one(store, acme)).status is VehicleStatus.STOLEN
    assert (await get_one(store, beta)).status is VehicleStatus.ACTIVE
    edit = info_changed(await get_one(store, acme), {"plate": "AAA111"}, {"plate": "BBB222"})
    await save(store, acme, edit)
    assert await store.read(beta).load_details(1) == {"plate": "AAA111"}


async def test_duplicates_kept_from_legacy_data_have_slots_of_their_own(store: Store, acme: int) -> None:
    slots = (2, 0, 1)
    await save(store, acme, *(registered(HUMMER, slot=slot, plate="AAA111") for slot in slots))
    assert [vehicle.slot for vehicle in await store.read(acme).list_by_vin(HUMMER)] == [0, 1, 2]
    assert [found.vehicle.slot for found in await store.read(acme).list_versions_by_vin(HUMMER)] == [0, 1, 2]

    async def look(transaction: WriteTransaction) -> list[Vehicle]:
        assert len(await transaction.lock_plates(["AAA111"])) == 3
        return await transaction.lock_vehicles([HUMMER])

    assert [vehicle.slot for vehicle in await store.write(acme, look)] == [0, 1, 2]


async def test_vehicles_are_locked_by_vin_and_slot_each_once(store: Store, acme: int) -> None:
    await save(store, acme, registered(JEEP), registered(HUMMER, slot=1), registered(HUMMER))

    async def look(transaction: WriteTransaction) -> list[Vehicle]:
        return await transaction.lock_vehicles([UNKNOWN_VIN, JEEP, HUMMER, JEEP])

    locked = await store.write(acme, look)
    assert [(vehicle.vin, vehicle.slot) for vehicle in locked] == [(HUMMER, 0), (HUMMER, 1), (JEEP, 0)]


async def test_a_plate_is_found_in_any_case_and_only_while_it_is_borne(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER, plate="AAA111"), registered(JEEP))

    async def look(transaction: WriteTransaction) -> list[Vehicle]:
        return await transaction.lock_plates(["aaa111", "AAA111", "NONE99"])

    assert [vehicle.vin for vehicle in await store.write(acme, look)] == [HUMMER]
    await save(store, acme, info_changed(await get_one(store, acme), {"plate": "AAA111"}, {"plate": None}))
    assert await store.write(acme, look) == []


async def test_plates_that_differ_by_case_are_one_plate(store: Store, acme: int) -> None:
    with pytest.raises(Exception, match=r"(?i)unique|conflicted with other transactions"):
        await save(store, acme, registered(HUMMER, plate="AAA111"), registered(JEEP, plate="aaa111"))


async def test_a_transaction_sees_what_it_wrote_itself(store: Store, acme: int) -> None:
    async def work(transaction: WriteTransaction) -> tuple[list[Vehicle], dict[int, Details]]:
        await transaction.save_changes([registered(HUMMER, plate="AAA111")])
        locked = await transaction.lock_vehicles([HUMMER])
        return locked, await transaction.load_details([1])

    locked, details = await store.write(acme, work)
    assert [vehicle.vehicle_id for vehicle in locked] == [1]
    assert details == {1: {"plate": "AAA111"}}


async def test_a_refusal_of_the_work_is_raised_as_it_is(store: Store, acme: int) -> None:
    async def refuse(_: WriteTransaction) -> None:
        raise PadronError(Code.VEHICLE_NOT_FOUND, "None.")

    with pytest.raises(PadronError) as refusal:
        await store.write(acme, refuse)
    assert refusal.value.code is Code.VEHICLE_NOT_FOUND


async def test_a_status_that_nobody_may_set_is_refused_by_the_database(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER))
    change = status_changed(await get_one(store, acme))
    wrong: Change = replace(change, vehicle=replace(change.vehicle, status=VehicleStatus.INFO_CHANGED))
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        await save(store, acme, wrong)
    assert (await get_one(store, acme)).status is VehicleStatus.ACTIVE
