"""What a repair of duplicates means for what is planned for one of them."""

from datetime import datetime

import pytest

from padron.domain.account import Principal, Scope
from padron.domain.change import PlanRequest
from padron.domain.plan import Plan, PlanQuery, PlanState
from padron.domain.status import VehicleStatus
from padron.service.plans.execution import execute_chunk
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.undo import undo_request
from padron.store.base import Store
from tests.cast import HUMMER, NOON, after, registered, save
from tests.service.repairs import look, repair

SOLD = VehicleStatus.SOLD


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
async def acme(store: Store) -> Principal:
    account = await store.directory.add_account("Acme", NOON)
    return Principal(account_id=account.account_id, actor="Acme", scopes=frozenset(scope.value for scope in Scope))


async def plan_for_the_first_of_two(runtime: Runtime, acme: Principal) -> tuple[int, int]:
    """Plan for a vehicle, then let another have its VIN; give the ids of both."""
    await save(runtime.store, acme.account_id, registered(HUMMER))
    request = PlanRequest(
        vin=HUMMER, status=SOLD, reason=None, revisions=None, by="Acme", request_id="r-plan", effective_at=after(60)
    )
    await plan_status(runtime, acme, request)
    await save(runtime.store, acme.account_id, registered(HUMMER, slot=1))
    first, second = sorted(await look(runtime, acme.account_id))
    return first, second


async def execute(runtime: Runtime, time: Clock, acme: Principal) -> Plan:
    """Let the plan become due and give what became of it."""
    time.now = after(61)
    await execute_chunk(runtime, acme.account_id)
    (plan,) = await runtime.store.read(acme.account_id).plans.list_plans(PlanQuery())
    return plan


@pytest.mark.long("postgres")
async def test_a_plan_for_the_one_that_is_kept_is_executed(store: Store, acme: Principal, time: Clock) -> None:
    runtime = build_runtime(store, time)
    first, _ = await plan_for_the_first_of_two(runtime, acme)
    await repair(runtime, acme, first)
    assert (await execute(runtime, time, acme)).state is PlanState.EXECUTED
    assert {one: seen.status for one, seen in (await look(runtime, acme.account_id)).items()} == {first: SOLD}


async def test_a_plan_for_one_that_became_former_does_not_touch_the_one_that_is_kept(
    store: Store, acme: Principal, time: Clock
) -> None:
    runtime = build_runtime(store, time)
    _, second = await plan_for_the_first_of_two(runtime, acme)
    await repair(runtime, acme, second)
    before = await store.read(acme.account_id).find_last_change()
    plan = await execute(runtime, time, acme)
    assert (plan.state, plan.detail) == (PlanState.REFUSED, "The vehicle is no longer in the register.")
    assert list(await look(runtime, acme.account_id)) == [second]
    assert (await look(runtime, acme.account_id))[second].status is VehicleStatus.ACTIVE
    assert await store.read(acme.account_id).find_last_change() == before


@pytest.mark.long("postgres")
async def test_a_plan_is_refused_while_several_have_the_vin_again(store: Store, acme: Principal, time: Clock) -> None:
    runtime = build_runtime(store, time)
    _, second = await plan_for_the_first_of_two(runtime, acme)
    await repair(runtime, acme, second)
    await undo_request(runtime, acme, "r-repair", "r-undo", None)
    plan = await execute(runtime, time, acme)
    assert plan.state is PlanState.REFUSED
    assert "2 current vehicles" in str(plan.detail)
