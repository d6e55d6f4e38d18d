"""Taking a repair back, and that undo in turn: what comes back, what is left, and why."""

import pytest

from padron.domain.errors import Code
from padron.domain.status import VehicleStatus
from padron.domain.undo import LeftReason
from padron.service.runtime import Runtime
from tests.cast import HUMMER, JEEP, Cast, get_one, make_vin
from tests.service.repairs import Acme, check_refusal, make_acme

SHOP, SOLD = VehicleStatus.IN_THE_SHOP, VehicleStatus.SOLD
FORMER = VehicleStatus.INFO_CHANGED


@pytest.fixture
async def acme(runtime: Runtime, cast: Cast) -> Acme:
    return await make_acme(runtime, cast)


@pytest.mark.long("postgres")
async def test_a_vin_with_former_vehicles_can_be_given_up_and_registered_anew(acme: Acme) -> None:
    first = acme.ids[0]
    await acme.repair(first)
    await acme.rename("AAA111", make_vin(1))
    await acme.put(HUMMER, plate="NEW111")
    seen = await acme.look()
    assert sorted(one.vin for one in seen.values()) == sorted([HUMMER, JEEP, make_vin(1)])
    done = {one.left for one in await acme.undo()}
    assert done == {None}
    assert len([one for one in (await acme.look()).values() if one.vin == HUMMER]) == 3


async def test_an_undo_brings_the_duplicates_back_and_calls_by_the_vin_are_409_again(acme: Acme) -> None:
    before = await acme.look()
    await acme.repair(acme.ids[2], take={"plate": acme.ids[0]}, status=SOLD, edits={"doors": 3})
    resolved = await acme.look()
    done = await acme.undo()
    assert [one.left for one in done] == [None] * 3
    assert await acme.look() == before
    await check_refusal(acme.set_status(SOLD), Code.MULTIPLE_VEHICLES_FOUND, "3 current")
    entry, *_ = await acme.runtime.store.read(acme.account_id).list_history(acme.ids[1], None, 5)
    assert (entry.from_status, entry.to_status, entry.reason) == (FORMER, SHOP, "Undo of request r-repair")
    assert [one.left for one in await acme.undo("r-undo", "r-again")] == [None] * 3
    assert await acme.look() == resolved
    assert (await get_one(acme.runtime.store, acme.account_id)).slot == 0
    await acme.set_status(SHOP)


@pytest.mark.long("postgres")
async def test_an_undo_gives_the_kept_a_plate_back_that_it_shared_with_another_vehicle(acme: Acme) -> None:
    second = acme.ids[1]
    before = await acme.look()
    await acme.repair(second, edits={"plate": "NEW222"})
    assert [one.left for one in await acme.undo()] == [None] * 3
    assert await acme.look() == before
    await check_refusal(acme.repair(second), Code.PLATE_IN_USE, JEEP)
    assert [one.left for one in await acme.undo("r-undo", "r-again")] == [None] * 3
    assert (await get_one(acme.runtime.store, acme.account_id)).slot == 0
    await acme.undo("r-again", "r-once-more")
    assert await acme.look() == before


@pytest.mark.long("postgres")
async def test_what_was_kept_and_changed_since_is_left_and_the_others_come_back_beside_it(acme: Acme) -> None:
    first, second, third = acme.ids
    await acme.repair(first, take={"doors": second})
    await acme.set_status(SOLD)
    done = await acme.undo()
    assert [(one.left, one.detail is None) for one in done] == [
        (None, True),
        (None, True),
        (LeftReason.CHANGED_SINCE, False),
    ]
    seen = await acme.look()
    assert (seen[first].status, seen[first].details["doors"]) == (SOLD, 4)
    assert {second, third} <= seen.keys()


@pytest.mark.long("postgres")
async def test_the_last_vehicle_with_a_vin_never_becomes_former(acme: Acme) -> None:
    first, second, third = acme.ids
    await acme.repair(first)
    await acme.undo()
    await acme.repair(third, request_id="r-third")
    done = await acme.undo("r-undo", "r-again")
    assert sorted(str(one.left) for one in done) == ["changedSince", "onlyVehicle"]
    assert (await get_one(acme.runtime.store, acme.account_id)).vehicle_id == third
    assert second not in await acme.look()


@pytest.mark.parametrize("is_free", [True, False])
@pytest.mark.long("postgres")
async def test_what_comes_back_as_the_only_one_with_its_vin_needs_a_plate_of_its_own(
    acme: Acme, *, is_free: bool
) -> None:
    first, second, third = acme.ids
    await acme.repair(third, edits={"plate": "CCC333"})
    await acme.rename("CCC333", make_vin(1))
    if not is_free:
        await acme.put(make_vin(2), plate="AAA111")
    left = {one.left for one in await acme.undo()}
    seen = await acme.look()
    assert left == {None, LeftReason.PLATE_IN_USE, LeftReason.CHANGED_SINCE} - ({None} if not is_free else set())
    assert (first in seen, second in seen) == (is_free, False)
    if is_free:
        assert (await get_one(acme.runtime.store, acme.account_id)).slot == 0


@pytest.mark.long("postgres")
async def test_what_stays_as_the_only_one_with_its_vin_needs_a_plate_of_its_own(acme: Acme) -> None:
    first, second, third = acme.ids
    await acme.repair(second, edits={"plate": "NEW222"})
    await acme.undo()
    await acme.put(make_vin(2), plate="NEW222")
    done = await acme.undo("r-undo", "r-again")
    assert sorted(str(one.left) for one in done) == ["None", "plateInUse", "plateInUse"]
    seen = await acme.look()
    assert seen[second].details["plate"] == "JEEP01"
    assert [vehicle_id for vehicle_id in (first, third) if vehicle_id in seen] == [third]


@pytest.mark.long("postgres")
async def test_an_undo_of_an_undo_lets_the_kept_take_no_plate_that_is_anothers_by_now(acme: Acme) -> None:
    first, second, third = acme.ids
    await acme.repair(third, edits={"plate": "CCC333"})
    await acme.undo()
    await acme.put(make_vin(2), plate="CCC333")
    done = await acme.undo("r-undo", "r-again")
    assert sorted(str(one.left) for one in done) == ["None", "None", "plateInUse"]
    seen = await acme.look()
    assert "plate" not in seen[third].details
    assert not {first, second} & seen.keys()
    await acme.set_status(SOLD)
