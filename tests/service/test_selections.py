"""Selections: made in three ways, shown, confirmed, and applied to exactly the vehicles that were shown."""

from dataclasses import replace

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.naming_list import FaultReason
from padron.domain.selection import LEASE, SELECTED_MAX, SelectedOutcome, SelectionState, WantedStatus, check_size
from padron.domain.status import VehicleStatus
from padron.service.runtime import Runtime
from padron.service.selections import steps
from padron.service.selections.applying import SelectionChangedError, apply_selection
from padron.service.selections.making import ChosenVehicle, select_named, select_vehicles
from padron.service.selections.previewing import preview_selection
from padron.service.selections.reading import clear_selections, delete_selection, get_selection, view_selection
from padron.service.statuses.undo import undo_request
from padron.service.vehicles.reading import get_status
from tests.cast import Cast, make_vin
from tests.conftest import SteppedClock
from tests.service.selecting import (
    SOLD,
    give_id,
    list_rows,
    list_statuses,
    register,
    select_all,
    set_one,
    work_off,
)

ACTIVE, STOLEN, SOLD_STATUS = VehicleStatus.ACTIVE, VehicleStatus.STOLEN, VehicleStatus.SOLD


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PORTION", 20)


async def test_all_that_match_are_changed_by_one_request_that_can_be_undone(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 46)
    await set_one(runtime, acme, vins[7], STOLEN)
    selection = await select_all(runtime, acme, assetStatusId="1")
    assert (selection.count, selection.state) == (45, SelectionState.READY)
    preview = await preview_selection(runtime, acme, give_id(selection), SOLD)
    assert (preview.digest, preview.counts.changed, preview.leaving) == (selection.digest, 45, 45)
    await apply_selection(runtime, acme, give_id(selection), preview.digest, SOLD, "r-many")
    await work_off(runtime)
    done = await get_selection(runtime, acme, give_id(selection))
    assert (done.state, done.counts.changed, done.counts.total) == (SelectionState.DONE, 45, 45)
    statuses = await list_statuses(runtime, acme, vins)
    assert statuses == [STOLEN if place == 7 else SOLD_STATUS for place in range(46)]
    undone = await undo_request(runtime, acme, "r-many", "r-undo", None)
    assert sum(one.after is not None for one in undone) == 45
    assert await list_statuses(runtime, acme, vins) == [STOLEN if place == 7 else ACTIVE for place in range(46)]


@pytest.mark.long("postgres")
async def test_a_vehicle_that_matches_later_is_not_in_the_set(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 3)
    selection = await select_all(runtime, acme)
    late = await register(runtime, acme, 2, first=10)
    preview = await preview_selection(runtime, acme, give_id(selection), SOLD)
    await apply_selection(runtime, acme, give_id(selection), preview.digest, SOLD, "r-many")
    await work_off(runtime)
    assert await list_statuses(runtime, acme, [*vins, *late]) == [SOLD_STATUS] * 3 + [ACTIVE] * 2


async def test_what_changed_since_the_preview_is_named_and_nothing_is_changed(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 4)
    selection = await select_all(runtime, acme)
    preview = await preview_selection(runtime, acme, give_id(selection), SOLD)
    await set_one(runtime, acme, vins[2], STOLEN)
    with pytest.raises(SelectionChangedError) as refused:
        await apply_selection(runtime, acme, give_id(selection), preview.digest, SOLD, "r-many")
    assert [one.now.vin for one in refused.value.changed] == [vins[2]]
    await work_off(runtime)
    assert await list_statuses(runtime, acme, vins) == [ACTIVE, ACTIVE, STOLEN, ACTIVE]
    with pytest.raises(PadronError) as again:
        await apply_selection(runtime, acme, give_id(selection), preview.digest, SOLD, "r-many")
    assert again.value.code is Code.SELECTION_CHANGED
    shown = await preview_selection(runtime, acme, give_id(selection), SOLD)
    assert shown.digest == refused.value.digest
    await apply_selection(runtime, acme, give_id(selection), shown.digest, SOLD, "r-many")
    await work_off(runtime)
    assert await list_statuses(runtime, acme, vins) == [SOLD_STATUS] * 4


@pytest.mark.long("postgres")
async def test_a_vehicle_that_changes_after_the_confirmation_is_left(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 3)
    selection = await select_all(runtime, acme)
    await apply_selection(runtime, acme, give_id(selection), selection.digest, SOLD, "r-many")
    await set_one(runtime, acme, vins[1], STOLEN)
    await work_off(runtime)
    done = await get_selection(runtime, acme, give_id(selection))
    assert (done.counts.changed, done.counts.changed_since) == (2, 1)
    assert await list_statuses(runtime, acme, vins) == [SOLD_STATUS, STOLEN, SOLD_STATUS]
    rows = await list_rows(runtime, acme, selection)
    assert [one.outcome for one in rows if one.vin == vins[1]] == [SelectedOutcome.CHANGED_SINCE]


@pytest.mark.long("postgres")
async def test_a_chosen_vehicle_keeps_the_revision_that_was_seen(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 2)
    rows = await list_rows(runtime, acme, await select_all(runtime, acme))
    await set_one(runtime, acme, vins[0], STOLEN)
    chosen = [ChosenVehicle(vin=one.vin, tag=one.tag) for one in rows]
    selection = await select_vehicles(runtime, acme, [*chosen, ChosenVehicle(vin=make_vin(99))])
    assert (selection.count, selection.fault_count) == (2, 1)
    preview = await preview_selection(runtime, acme, give_id(selection), SOLD)
    assert [one.now.vin for one in preview.changed] == [vins[0]]


async def test_a_list_names_vehicles_by_vin_plate_and_unit(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 4)
    text = f"{vins[0].lower()}\nPL1\nUNIT 2\nPL1\nnobody\n"
    selection = await select_named(runtime, acme, text)
    view = await view_selection(runtime, acme, give_id(selection), limit=10, cursor=None)
    assert [one.vin for one in view.page.rows] == vins[:3]
    assert [(one.line, one.reason) for one in view.faults] == [(4, FaultReason.DUPLICATE), (5, FaultReason.UNKNOWN)]


@pytest.mark.long("postgres")
async def test_refused_vehicles_are_named_with_the_reason(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 3)
    await set_one(runtime, acme, vins[0], SOLD_STATUS)
    later = replace(SOLD, until=runtime.clock().replace(year=2027))
    selection = await select_all(runtime, acme)
    preview = await preview_selection(runtime, acme, give_id(selection), later)
    assert preview.refused_by_code == {Code.NOTHING_TO_BRING_BACK: 1}
    assert [one.vehicle.vin for one in preview.refused] == [vins[0]]
    await apply_selection(runtime, acme, give_id(selection), preview.digest, later, "r-many")
    await work_off(runtime)
    done = await get_selection(runtime, acme, give_id(selection))
    assert (done.counts.changed, done.counts.refused) == (preview.counts.changed, preview.counts.refused) == (2, 1)
    refused = [one for one in await list_rows(runtime, acme, selection) if one.outcome is SelectedOutcome.REFUSED]
    assert [(one.vin, "no earlier status" in (one.detail or "")) for one in refused] == [(vins[0], True)]


@pytest.mark.long("postgres")
async def test_a_planned_change_is_planned_for_each(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 2)
    later = WantedStatus(status=STOLEN, effective_at=runtime.clock().replace(year=2027))
    selection = await select_all(runtime, acme)
    preview = await preview_selection(runtime, acme, give_id(selection), later)
    await apply_selection(runtime, acme, give_id(selection), preview.digest, later, "r-many")
    await work_off(runtime)
    done = await get_selection(runtime, acme, give_id(selection))
    assert done.counts.planned == preview.counts.planned == 2
    assert await list_statuses(runtime, acme, vins) == [ACTIVE, ACTIVE]


async def test_a_worker_that_takes_over_does_nothing_twice(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 46)
    selection = await select_all(runtime, acme)
    await apply_selection(runtime, acme, give_id(selection), selection.digest, SOLD, "r-many")
    (waiting,) = await steps.list_waiting(runtime, "first", 10)
    first = await steps.take_selection(runtime, waiting, "first")
    assert first is not None
    assert await steps.apply_portion(runtime, first)
    assert await steps.list_waiting(runtime, "second", 10) == []
    clock.now += LEASE
    second = await steps.take_selection(runtime, waiting, "second")
    assert second is not None
    assert not await steps.apply_portion(runtime, first)
    assert first.is_lost
    while await steps.apply_portion(runtime, second):
        pass
    done = await get_selection(runtime, acme, give_id(selection))
    assert (done.state, done.counts.changed) == (SelectionState.DONE, 46)
    revisions = {(await get_status(runtime, acme, vin)).revision for vin in vins}
    assert revisions == {2}


@pytest.mark.long("postgres")
async def test_a_cancelled_selection_changes_nothing_more(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    vins = await register(runtime, acme, 30)
    selection = await select_all(runtime, acme)
    await apply_selection(runtime, acme, give_id(selection), selection.digest, SOLD, "r-many")
    (waiting,) = await steps.list_waiting(runtime, "w", 10)
    run = await steps.take_selection(runtime, waiting, "w")
    assert run is not None
    assert await steps.apply_portion(runtime, run)
    await delete_selection(runtime, acme, give_id(selection))
    assert not await steps.apply_portion(runtime, run)
    left = await get_selection(runtime, acme, give_id(selection))
    assert (left.state, left.counts.changed) == (SelectionState.CANCELLED, steps.PORTION)
    assert (await list_statuses(runtime, acme, vins)).count(SOLD_STATUS) == steps.PORTION


async def test_a_selection_is_applied_once(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    await register(runtime, acme, 1)
    selection = await select_all(runtime, acme)
    await apply_selection(runtime, acme, give_id(selection), selection.digest, SOLD, "r-many")
    for _ in range(2):
        with pytest.raises(PadronError) as refused:
            await apply_selection(runtime, acme, give_id(selection), selection.digest, SOLD, "r-again")
        assert refused.value.code is Code.SELECTION_ENDED
        await work_off(runtime)


@pytest.mark.long("postgres")
async def test_nobody_sees_the_selections_of_others(runtime: Runtime, cast: Cast) -> None:
    acme = cast.acme.principal
    await register(runtime, acme, 1)
    selection = await select_all(runtime, acme)
    for principal, code in ((cast.beta.principal, Code.SELECTION_NOT_FOUND), (cast.gamma.principal, Code.FORBIDDEN)):
        with pytest.raises(PadronError) as refused:
            await preview_selection(runtime, principal, give_id(selection), SOLD)
        assert refused.value.code is code


async def test_a_selection_expires_and_is_cleared(runtime: Runtime, cast: Cast, clock: SteppedClock) -> None:
    acme = cast.acme.principal
    await register(runtime, acme, 1)
    selection = await select_all(runtime, acme)
    clock.now = selection.expires_at
    with pytest.raises(PadronError) as refused:
        await get_selection(runtime, acme, give_id(selection))
    assert refused.value.code is Code.SELECTION_NOT_FOUND
    await clear_selections(runtime, acme.account_id)
    reader = runtime.store.read(acme.account_id).selections
    assert await reader.find_selection(selection.selection_id) is None
    assert await list_rows(runtime, acme, selection) == []


def test_a_selection_is_as_large_as_an_undo_can_take_back() -> None:
    check_size(SELECTED_MAX)
    with pytest.raises(PadronError) as refused:
        check_size(SELECTED_MAX + 1)
    assert refused.value.code is Code.SELECTION_LIMIT_REACHED
