"""What the tests of selections share: a fleet, its present tags, and a worker that does everything at once."""

from collections.abc import Sequence

from padron.domain.account import Principal
from padron.domain.change import StatusRequest
from padron.domain.selection import SelectedVehicle, VehicleSelection, WantedStatus, format_selection_id
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.runtime import Runtime
from padron.service.selections import steps
from padron.service.selections.making import select_matching
from padron.service.statuses.single import set_status
from padron.service.vehicles.questions import parse_question
from padron.service.vehicles.registration import Registration, put_vehicle
from tests.cast import make_vin

SOLD = WantedStatus(status=VehicleStatus.SOLD, reason="Sold to Flota Sur")


async def register(runtime: Runtime, principal: Principal, count: int, first: int = 0) -> list[Vin]:
    vins = [make_vin(number) for number in range(first, first + count)]
    for number, vin in enumerate(vins, start=first):
        edits = {"plate": f"PL{number}", "customId": f"unit {number}"}
        await put_vehicle(runtime, principal, Registration(vin=vin, edits=edits, request_id="r-new"))
    return vins


async def set_one(runtime: Runtime, principal: Principal, vin: Vin, status: VehicleStatus) -> None:
    asked = StatusRequest(
        vin=vin, status=status, reason=None, revisions=None, by=principal.actor, request_id="r-somebody"
    )  # fmt: skip
    await set_status(runtime, principal, asked)


async def select_all(runtime: Runtime, principal: Principal, **filters: str) -> VehicleSelection:
    return await select_matching(runtime, principal, parse_question({name: [text] for name, text in filters.items()}))


async def work_off(runtime: Runtime, holder: str = "w") -> None:
    """Apply everything that was confirmed."""
    while waiting := await steps.list_waiting(runtime, holder, 10):
        for one in waiting:
            run = await steps.take_selection(runtime, one, holder)
            while run is not None and await steps.apply_portion(runtime, run):
                pass


async def list_rows(runtime: Runtime, principal: Principal, selection: VehicleSelection) -> list[SelectedVehicle]:
    reader = runtime.store.read(principal.account_id).selections
    return await reader.list_vehicles(selection.selection_id, 0, 10_000)


async def list_statuses(runtime: Runtime, principal: Principal, vins: Sequence[Vin]) -> list[VehicleStatus]:
    reader = runtime.store.read(principal.account_id)
    return [one.status for vin in vins for one in await reader.list_by_vin(vin)]


def give_id(selection: VehicleSelection) -> str:
    return format_selection_id(selection.selection_id)
