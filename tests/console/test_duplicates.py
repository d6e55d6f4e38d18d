"""Duplicates in the console: side by side, one is kept with the values that were chosen, and nothing happens unseen."""

import pytest

from padron.domain.duplicates import Repair
from padron.domain.people import Role
from padron.domain.status import VehicleStatus
from padron.service.vehicles.duplicates import list_duplicates, repair_duplicates
from padron.service.vehicles.reading import get_vehicle, list_history
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, JEEP, registered
from tests.console.browser import House, Shown
from tests.service.repairs import Record, keep_duplicates

EVIL = "<script>alert(1)</script>'\"&amp;"
PATH = f"/console/duplicates/{HUMMER}"


async def keep(house: House) -> list[int]:
    """Keep two vehicles with one VIN, and give their numbers."""
    return await keep_duplicates(
        house.runtime,
        house.cast.acme.account.account_id,
        (VehicleStatus.ACTIVE, {"plate": "AAA111", "ownerName": "Lin", "doors": 4}),
        (VehicleStatus.SOLD, {"plate": "BBB222", "ownerName": EVIL, "doors": 4}),
    )


async def add_a_third(house: House) -> None:
    async def work(transaction: WriteTransaction) -> None:
        await transaction.save_changes([registered(HUMMER, slot=2)])

    await house.runtime.store.write(house.cast.acme.account.account_id, work)


def read_form(shown: Shown) -> dict[str, str]:
    return shown.page.read_hidden()


async def test_what_differs_is_side_by_side(house: House) -> None:
    first, second = await keep(house)
    listed = await house.browsers[Role.MANAGER].get("/console/duplicates")
    assert HUMMER in listed.text
    assert "Plate" in listed.text
    shown = await house.browsers[Role.MANAGER].get(PATH)
    for text in ("AAA111", "BBB222", "Lin", EVIL):
        assert text in " ".join(shown.page.words), text
    assert len(shown.page.list_all("script")) == 1
    assert {one.attributes["value"] for one in shown.page.list_all("input", name="keep")} == {str(first), str(second)}
    assert not shown.page.list_all("input", name="take.doors")
    assert shown.page.list_all("input", name="take.plate")
    blocked = await house.owner.get(f"/console/vehicles/{HUMMER}")
    assert blocked.status == 409
    assert blocked.page.list_all("a", href="/console/duplicates")


@pytest.mark.both_engines
async def test_one_is_kept_with_the_chosen_values_after_a_look_at_what_will_be_left(house: House) -> None:
    first, second = await keep(house)
    form = read_form(await house.owner.get(PATH))
    taken = {"take.plate": str(second), "take.vehicleStatusId": str(second)}
    choice = {**form, **taken, "keep": str(first), "reason": "Twin"}
    preview = await house.owner.post(PATH, choice)
    assert preview.status == 200
    assert "BBB222" in preview.text
    assert "1 vehicle becomes a former version" in preview.text
    assert await list_groups(house) == [HUMMER]
    back = await house.owner.post(PATH, {**read_form(preview), "step": "edit"})
    assert "checked" in back.page.list_all("input", name="keep", value=str(first))[0].attributes
    done = await house.owner.post(PATH, {**read_form(preview), "step": "do"})
    assert done.location == f"/console/vehicles/{HUMMER}"
    assert (await house.owner.follow(done)).status == 200
    version = await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)
    assert version.vehicle.vehicle_id == first
    assert version.vehicle.status is VehicleStatus.SOLD
    assert (version.details["plate"], version.details["ownerName"]) == ("BBB222", "Lin")
    history = await list_history(house.runtime, house.cast.acme.principal, HUMMER, limit=10, cursor=None)
    assert house.people[Role.OWNER].user_id in {entry.by for entry in history.rows}
    assert (await house.owner.get(PATH)).status == 409


async def list_groups(house: House) -> list[str]:
    page = await list_duplicates(house.runtime, house.cast.acme.principal, None, 10, None)
    return [group.vin for group in page.rows]


@pytest.mark.parametrize("wrong", ["", "x", "9" * 40, "٣", "999999"])
async def test_a_choice_that_is_none_is_refused_and_the_rest_is_kept(house: House, wrong: str) -> None:
    _, second = await keep(house)
    form = {**read_form(await house.owner.get(PATH)), "keep": wrong, "take.plate": str(second), "reason": "Because"}
    for step in ("", "do"):
        shown = await house.owner.post(PATH, {**form, "step": step})
        assert shown.status == 400
        assert "Because" in shown.text
        boxes = shown.page.list_all("input", name="take.plate", value=str(second))
        assert "checked" in boxes[0].attributes
    assert await list_groups(house) == [HUMMER]


async def test_a_field_that_does_not_exist_is_refused(house: House) -> None:
    first, second = await keep(house)
    form = {**read_form(await house.owner.get(PATH)), "keep": str(first), f"take.{EVIL}": str(second)}
    shown = await house.owner.post(PATH, {**form, "step": "do"})
    assert shown.status == 400
    assert len(shown.page.list_all("script")) == 1
    assert await list_groups(house) == [HUMMER]


async def test_nothing_happens_when_one_of_them_changed_meanwhile(house: House) -> None:
    first, second = await keep(house)
    form = read_form(await house.owner.get(PATH))
    other = Repair(vin=HUMMER, keep=second, request_id="r-other", by=house.cast.acme.principal.actor)
    await add_a_third(house)
    late = await house.owner.post(PATH, {**form, "keep": str(first), "step": "do"})
    assert late.status == 400
    assert "Read them again" in late.text
    assert len(read_form(late)) == len(form) + 1
    await repair_duplicates(house.runtime, house.cast.acme.principal, other)
    gone = await house.owner.post(PATH, {**form, "keep": str(first), "step": "do"})
    assert gone.status == 409
    assert (await get_vehicle(house.runtime, house.cast.acme.principal, HUMMER)).vehicle.vehicle_id == second


async def test_a_plate_of_another_vehicle_is_explained(house: House) -> None:
    _, second = await keep(house)
    foreign: Record = (VehicleStatus.ACTIVE, {"plate": "BBB222"})
    await keep_duplicates(house.runtime, house.cast.acme.account.account_id, foreign, vin=JEEP)
    form = {**read_form(await house.owner.get(PATH)), "keep": str(second)}
    shown = await house.owner.post(PATH, form)
    assert shown.status == 400
    assert JEEP in shown.text


async def test_a_stranger_cannot_tell_anothers_duplicates_from_none(house: House) -> None:
    await keep(house)
    theirs, none = await house.stranger.get(PATH), await house.stranger.get(f"/console/duplicates/{JEEP}")
    assert theirs.status == none.status == 409
    assert "There are no duplicates" in (await house.stranger.get("/console/duplicates")).text
    assert (await house.stranger.get("/console/duplicates/x")).status == 404
