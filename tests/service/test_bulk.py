"""The bulk call: what became of each vehicle, and that all of it rests on one look at them."""

from datetime import datetime

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import ChangeType, PlanRequest, StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.plan import PlanQuery
from padron.domain.status import VehicleStatus
from padron.domain.vin import Vin
from padron.service.runtime import build_runtime
from padron.service.statuses.bulk import BulkMode, BulkRequest, set_statuses
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, after, make_vin, registered, save
from tests.service.stores import FaultyStore

EVERYTHING = frozenset(scope.value for scope in Scope)
THIRD = make_vin(3)


@pytest.fixture
async def acme(store: Store) -> Principal:
    account = await store.directory.add_account("Acme", NOON)
    await save(store, account.account_id, registered(HUMMER), registered(JEEP), registered(THIRD))
    return Principal(account_id=account.account_id, actor="Acme", scopes=EVERYTHING)


def ask(vin: str, status: VehicleStatus, request_id: str = "r-bulk") -> StatusRequest:
    return StatusRequest(vin=Vin(vin), status=status, reason=None, revisions=None, by="Acme", request_id=request_id)


def plan(
    vin: str, status: VehicleStatus, begins: datetime | None, ends: datetime | None, request_id: str = "r-bulk"
) -> PlanRequest:
    return PlanRequest(
        vin=Vin(vin), status=status, reason="Brakes", revisions=None, by="Acme", request_id=request_id,
        effective_at=begins, until=ends,
    )  # fmt: skip


MIXED: list[StatusRequest | PadronError] = [
    ask(HUMMER, VehicleStatus.STOLEN, "r-0"),
    PadronError(Code.BAD_PARAMETERS, "not understood"),
    ask(JEEP, VehicleStatus.ACTIVE, "r-2"),  # as it is
    ask(HUMMER, VehicleStatus.STOLEN, "r-3"),  # as the first one made it
    ask(UNKNOWN_VIN, VehicleStatus.SOLD, "r-4"),
    ask(HUMMER, VehicleStatus.SOLD, "r-5"),
]
PLANNED: list[StatusRequest | PadronError] = [
    plan(JEEP, VehicleStatus.SOLD, after(60), None, "r-6"),
    plan(JEEP, VehicleStatus.IN_THE_SHOP, None, after(90), "r-7"),
    ask(THIRD, VehicleStatus.STOLEN, "r-8"),
    plan(THIRD, VehicleStatus.STOLEN, None, after(90), "r-9"),  # nothing to bring back
    plan(THIRD, VehicleStatus.IN_THE_SHOP, None, after(120), "r-10"),
]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.long("postgres")
async def test_each_vehicle_says_whether_it_was_changed_or_is_planned_for_later(
    store: Store, acme: Principal, *, dry_run: bool
) -> None:
    request = BulkRequest(asked=[*MIXED, *PLANNED], dry_run=dry_run)
    done = await set_statuses(build_runtime(store, lambda: NOON), acme, request)
    assert [one.code if isinstance(one, PadronError) else one.vin for one in done.outcomes] == [
        HUMMER, Code.BAD_PARAMETERS, JEEP, HUMMER, Code.VEHICLE_NOT_FOUND, HUMMER,
        JEEP, JEEP, THIRD, Code.NOTHING_TO_BRING_BACK, THIRD,
    ]  # fmt: skip
    assert [place for place, one in enumerate(done.changed) if one] == [0, 5, 7, 8, 10]
    assert [place for place, one in enumerate(done.planned) if one] == [6]
    assert [place for place, one in enumerate(done.plans) if one] == ([] if dry_run else [6, 7, 10])
    entries = await store.read(acme.account_id).list_changes(3, 100)
    assert [entry.change.request_id for entry in entries] == ([] if dry_run else ["r-0", "r-5", "r-7", "r-8", "r-10"])


async def test_the_return_of_each_vehicle_takes_back_the_change_that_its_own_request_made(
    store: Store, acme: Principal
) -> None:
    done = await set_statuses(build_runtime(store, lambda: NOON), acme, BulkRequest(asked=[*MIXED, *PLANNED]))
    numbers = {
        entry.change.request_id: entry.change.number
        for entry in await store.read(acme.account_id).list_changes(0, 100)
        if entry.change.type is ChangeType.STATUS_CHANGED
    }
    found = await store.read(acme.account_id).plans.list_plans(PlanQuery())
    assert {one.plan_id: one for one in found} == {one.plan_id: one for one in done.plans if one is not None}
    assert {one.request_id: one.reverts for one in found} == {
        "r-6": None,
        "r-7": numbers["r-7"],
        "r-10": numbers["r-10"],
    }
    brings_back = {one.request_id: one.status for one in found if one.reverts is not None}
    assert brings_back == {"r-7": VehicleStatus.ACTIVE, "r-10": VehicleStatus.STOLEN}


@pytest.mark.parametrize("asked", [MIXED, [*MIXED, *PLANNED]], ids=["now", "planned"])
@pytest.mark.parametrize(
    "mode",
    [
        BulkMode.ALL,
        *(pytest.param(one, marks=pytest.mark.long("postgres")) for one in BulkMode if one is not BulkMode.ALL),
    ],
)
async def test_a_bulk_call_locks_its_vehicles_once(
    store: Store, acme: Principal, asked: list[StatusRequest | PadronError], mode: BulkMode
) -> None:
    faulty = FaultyStore(store)
    done = await set_statuses(build_runtime(faulty, lambda: NOON), acme, BulkRequest(asked=asked, mode=mode))
    assert done.is_refused is (mode is BulkMode.ALL)
    assert faulty.lock_count == 1
    last_change = await store.read(acme.account_id).find_last_change()
    assert (last_change == 3) is done.is_refused
