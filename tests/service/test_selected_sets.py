"""A property: whatever happens meanwhile, only vehicles that were shown are changed, each at the revision shown."""

import asyncio
import random

import pytest

from padron.domain.errors import PadronError
from padron.domain.selection import SelectedOutcome, SelectionState
from padron.domain.status import VehicleStatus
from padron.domain.tags import format_tag
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.selections import steps
from padron.service.selections.applying import apply_selection
from padron.service.selections.previewing import preview_selection
from padron.service.selections.reading import get_selection
from padron.service.vehicles.registration import Registration, put_vehicle
from tests.cast import Cast, make_vin
from tests.service.selecting import SOLD, give_id, list_rows, register, select_all, set_one

STATUSES = (VehicleStatus.ACTIVE, VehicleStatus.STOLEN, VehicleStatus.SOLD, VehicleStatus.FOR_SALE)
FLEET = 30


async def disturb(runtime: Runtime, cast: Cast, chance: random.Random, vins: list[Vin]) -> None:
    """Do something that somebody else may do at any time."""
    acme, vin = cast.acme.principal, chance.choice(vins)
    match chance.randrange(3):
        case 0:
            await set_one(runtime, acme, vin, chance.choice(STATUSES))
        case 1:
            edits = {"ownerName": f"Owner {chance.randrange(1_000)}"}
            await put_vehicle(runtime, acme, Registration(vin=vin, edits=edits, request_id="r-somebody"))
        case _:
            new = make_vin(1_000 + chance.randrange(1_000_000))
            await put_vehicle(runtime, acme, Registration(vin=new, edits={}, request_id="r-somebody"))


@pytest.mark.parametrize(
    "seed",
    [
        0,
        pytest.param(1, marks=pytest.mark.long),
        pytest.param(2, marks=pytest.mark.long),
        pytest.param(3, marks=pytest.mark.long),
    ],
)
@pytest.mark.long("postgres")
async def test_only_what_was_shown_at_its_revision_is_changed(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(steps, "PORTION", 20)
    chance = random.Random(seed)
    acme = cast.acme.principal
    vins = await register(runtime, acme, FLEET)
    selection = await select_all(runtime, acme, assetStatusId="1")
    digest = ""
    shown: dict[int, str] = {}
    for _ in range(50):
        for _ in range(chance.randrange(3)):
            await disturb(runtime, cast, chance, vins)
        preview = await preview_selection(runtime, acme, give_id(selection), SOLD)
        shown = {row.vehicle_id: row.tag for row in await list_rows(runtime, acme, selection)}
        await disturb(runtime, cast, chance, vins) if chance.random() < 0.5 else None
        try:
            await apply_selection(runtime, acme, give_id(selection), preview.digest, SOLD, "r-many")
        except PadronError:
            continue
        digest = preview.digest
        break
    assert digest

    async def work() -> None:
        (waiting,) = await steps.list_waiting(runtime, "w", 10)
        run = await steps.take_selection(runtime, waiting, "w")
        assert run is not None
        while await steps.apply_portion(runtime, run):
            pass

    await asyncio.gather(work(), *(disturb(runtime, cast, chance, vins) for _ in range(40)))
    done = await get_selection(runtime, acme, give_id(selection))
    assert (done.state, done.counts.total) == (SelectionState.DONE, len(shown))
    reader = runtime.store.read(acme.account_id)
    changes = await reader.list_request_changes("r-many", 0, 10_000)
    rows = {row.vehicle_id: row for row in await list_rows(runtime, acme, selection)}
    changed = {one for one, row in rows.items() if row.outcome is SelectedOutcome.CHANGED}
    assert {one.vehicle_id for one in changes} == changed <= shown.keys()
    assert len(changes) == len(changed)
    # Each change follows directly on the revision that was shown.
    for vehicle_id in changed:
        history = await reader.list_history(vehicle_id, None, 1_000)
        mine = next(place for place, entry in enumerate(history) if entry.request_id == "r-many")
        revision = len(history) - mine
        seen = int(shown[vehicle_id].partition("r")[2].partition("t")[0])
        assert revision == seen + 1, shown[vehicle_id]
    # What was left has a reason: somebody else changed it.
    for vehicle_id, row in rows.items():
        if row.outcome is SelectedOutcome.CHANGED_SINCE:
            (vehicle,) = await reader.list_by_vin(row.vin)
            assert format_tag(vehicle) != shown[vehicle_id]
