"""Deleting a vehicle while another server executes its plan or sets its status: one of the two is first."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import ChangeType, PlanRequest, StatusRequest
from padron.domain.deletion import Deletion
from padron.domain.erasure import Selection
from padron.domain.errors import Code, PadronError
from padron.domain.finding import CheckName
from padron.domain.plan import PlanQuery, PlanState
from padron.domain.status import VehicleStatus
from padron.service.plans.execution import execute_chunk
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.service.vehicles.deletion import delete_vehicle
from padron.service.vehicles.erasure import Erasure, erase_values
from padron.store.base import Store
from tests.cast import NOON, after, make_vin, registered, save
from tests.service.stores import FaultyStore
from tests.service.test_doctor import find_faults

ROUNDS = 8
SOLD = VehicleStatus.SOLD


@pytest.fixture
async def acme(store: Store) -> Principal:
    account = await store.directory.add_account("Acme", NOON)
    return Principal(account_id=account.account_id, actor="Acme", scopes=frozenset(scope.value for scope in Scope))


@pytest.fixture
async def other(open_store: Callable[[], Awaitable[Store]]) -> Runtime:
    """A second server of the database."""
    return build_runtime(await open_store(), lambda: after(61))


async def test_a_plan_that_is_due_at_that_moment_is_executed_before_or_never(
    store: Store, acme: Principal, other: Runtime
) -> None:
    runtime = build_runtime(store, lambda: after(61))
    before = build_runtime(store, lambda: NOON)
    for number in range(ROUNDS):
        vin = make_vin(number)
        await save(store, acme.account_id, registered(vin))
        request = PlanRequest(
            vin=vin, status=SOLD, reason=None, revisions=None, by="Acme", request_id="r-plan", effective_at=after(60)
        )
        await plan_status(before, acme, request)
        deletion = Deletion(vin=vin, by="Acme", request_id=f"r-{number}")
        gone, _ = await asyncio.gather(delete_vehicle(runtime, acme, deletion), execute_chunk(other, acme.account_id))
        (plan,) = await store.read(acme.account_id).plans.list_plans(PlanQuery(vin=vin))
        history = await store.read(acme.account_id).list_history(gone.vehicle.vehicle_id, None, 9)
        assert history[0].type is ChangeType.DELETED
        is_executed = len(history) == 3
        assert plan.state in ({PlanState.EXECUTED} if is_executed else {PlanState.CANCELLED, PlanState.REFUSED})


async def test_a_status_is_set_before_or_is_refused(
    store: Store, acme: Principal, other: Runtime, engine: str, database: str
) -> None:
    runtime = build_runtime(store, lambda: NOON)
    for number in range(ROUNDS):
        vin = make_vin(number)
        await save(store, acme.account_id, registered(vin))
        request = StatusRequest(vin=vin, status=SOLD, reason=None, revisions=None, by="Acme", request_id="r-status")
        deletion = Deletion(vin=vin, by="Acme", request_id=f"r-{number}")
        gone, answer = await asyncio.gather(
            delete_vehicle(runtime, acme, deletion), set_status(other, acme, request), return_exceptions=True
        )
        assert not isinstance(gone, BaseException), gone
        history = await store.read(acme.account_id).list_history(gone.vehicle.vehicle_id, None, 9)
        assert history[0].type is ChangeType.DELETED
        if isinstance(answer, PadronError):
            assert answer.code is Code.VEHICLE_NOT_FOUND
            assert len(history) == 2
        else:
            assert len(history) == 3
    assert (await find_faults(engine, database)).keys() <= {CheckName.CLOCK}  # the two servers differ


async def test_a_failure_at_the_last_write_leaves_vehicle_and_plan_as_they_were(store: Store, acme: Principal) -> None:
    vin = make_vin(1)
    await save(store, acme.account_id, registered(vin))
    request = PlanRequest(
        vin=vin, status=SOLD, reason=None, revisions=None, by="Acme", request_id="r-plan", effective_at=after(60)
    )
    faults = FaultyStore(store)
    runtime = build_runtime(faults, lambda: NOON)
    await plan_status(runtime, acme, request)
    faults.fails_before_change = 0
    with pytest.raises(RuntimeError):
        await delete_vehicle(runtime, acme, Deletion(vin=vin, by="Acme", request_id="r-1"))
    assert len(await store.read(acme.account_id).list_by_vin(vin)) == 1
    (plan,) = await store.read(acme.account_id).plans.list_plans(PlanQuery(vin=vin))
    assert plan.state is PlanState.PENDING


async def test_a_failure_at_the_last_write_of_an_erasure_leaves_all_values(store: Store, acme: Principal) -> None:
    vin = make_vin(1)
    await save(store, acme.account_id, registered(vin, ownerName="Ana"))
    faults = FaultyStore(store)
    faults.fails_before_change = 0
    selection = Selection(fields=frozenset({"ownerName"}))
    erasure = Erasure(vin=vin, selection=selection, by="Acme", request_id="r-1")
    with pytest.raises(RuntimeError):
        await erase_values(build_runtime(faults, lambda: NOON), acme, erasure)
    (version,) = await store.read(acme.account_id).list_versions_by_vin(vin)
    assert version.details == {"ownerName": "Ana"}
    faults.fails_before_change = None
    (done,) = (await erase_values(build_runtime(faults, lambda: NOON), acme, erasure)).vehicles
    assert (done.erased.removed, done.erased.numbers) == (["ownerName"], [1])
