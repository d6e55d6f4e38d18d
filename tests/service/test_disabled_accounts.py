"""Nothing is done for a disabled account, nothing of it is lost, and it continues when it is enabled."""

from datetime import timedelta

import pytest

from padron.domain.change import PlanRequest, StatusRequest
from padron.domain.status import VehicleStatus
from padron.domain.webhook import EndpointKey, EventType, Filter
from padron.service.accounts import disable_account, enable_account
from padron.service.imports import steps
from padron.service.plans.execution import execute_chunk, find_next_instant, list_due_accounts
from padron.service.plans.planning import plan_status
from padron.service.runtime import Runtime
from padron.service.statuses import single
from padron.service.webhooks import deliveries, endpoints
from tests.cast import HUMMER, Cast, get_one, registered, save
from tests.conftest import SteppedClock
from tests.service.uploading import look, make_csv, upload

HOLDER = "worker"


@pytest.fixture
async def account_id(runtime: Runtime, cast: Cast) -> int:
    await save(runtime.store, cast.acme.account.account_id, registered(HUMMER))
    return cast.acme.account.account_id


async def set_status(runtime: Runtime, cast: Cast, status: int) -> None:
    request = StatusRequest(
        vin=HUMMER, status=VehicleStatus(status), reason=None, revisions=None, by="Acme", request_id="r"
    )
    await single.set_status(runtime, cast.acme.principal, request)


async def add_endpoint(runtime: Runtime, cast: Cast) -> EndpointKey:
    endpoint = await endpoints.add_endpoint(
        runtime,
        cast.acme.principal,
        url="https://fleet.example/",
        description="",
        chosen=Filter(event_types=frozenset(EventType)),
    )
    return EndpointKey(cast.acme.account.account_id, endpoint.endpoint_id)


async def test_a_plan_that_becomes_due_waits_until_the_account_is_enabled(
    runtime: Runtime, cast: Cast, account_id: int, clock: SteppedClock
) -> None:
    await plan_status(
        runtime, cast.acme.principal,
        PlanRequest(
            vin=HUMMER, status=VehicleStatus.SOLD, reason=None, revisions=None, by="Acme", request_id="r",
            effective_at=clock.now + timedelta(minutes=1), until=None,
        ),
    )  # fmt: skip
    assert await find_next_instant(runtime) is not None
    await disable_account(runtime, cast.acme.account)
    clock.now += timedelta(hours=1)
    assert await find_next_instant(runtime) is None
    assert await list_due_accounts(runtime) == []
    assert await execute_chunk(runtime, account_id) == 0  # a worker that looked before
    assert (await get_one(runtime.store, account_id)).status is VehicleStatus.ACTIVE
    await enable_account(runtime, cast.acme.account)
    assert await list_due_accounts(runtime) == [account_id]
    assert await execute_chunk(runtime, account_id) == 1
    assert (await get_one(runtime.store, account_id)).status is VehicleStatus.SOLD


async def test_a_webhook_is_left_alone_and_taken_from_its_worker(runtime: Runtime, cast: Cast, account_id: int) -> None:
    key = await add_endpoint(runtime, cast)
    await set_status(runtime, cast, 3)
    assert await deliveries.list_ready(runtime, 10) == [key]
    assert await deliveries.claim_endpoint(runtime, key, HOLDER)
    work = await deliveries.advance_endpoint(runtime, key, HOLDER, [], frozenset(), 16)
    assert work is not None
    assert len(work.due) == 1
    await disable_account(runtime, cast.acme.account)
    assert await deliveries.advance_endpoint(runtime, key, HOLDER, [], frozenset(), 16) is None
    assert await deliveries.renew_leases(runtime, HOLDER) == set()
    assert await deliveries.list_ready(runtime, 10) == []
    assert not await deliveries.claim_endpoint(runtime, key, HOLDER)  # a worker that looked before
    await enable_account(runtime, cast.acme.account)
    assert await deliveries.list_ready(runtime, 10) == [key]
    assert await deliveries.claim_endpoint(runtime, key, HOLDER)
    again = await deliveries.advance_endpoint(runtime, key, HOLDER, [], frozenset(), 16)
    assert again is not None
    assert again.due == work.due
    assert account_id == key.account_id


@pytest.mark.long("postgres")
async def test_an_import_is_left_alone_and_taken_from_its_worker(runtime: Runtime, cast: Cast, account_id: int) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv())
    assert await steps.list_waiting(runtime, HOLDER, 10) == [account_id]
    run = await steps.take_import(runtime, account_id, HOLDER)
    assert run is not None
    await disable_account(runtime, cast.acme.account)
    await steps.check_hold(runtime, run)
    assert run.is_lost
    assert await steps.list_waiting(runtime, HOLDER, 10) == []
    assert await steps.take_import(runtime, account_id, HOLDER) is None  # a worker that looked before
    await enable_account(runtime, cast.acme.account)
    assert await steps.list_waiting(runtime, "another worker", 10) == [account_id]
    again = await steps.take_import(runtime, account_id, "another worker")
    assert again is not None
    assert again.taken.attempt > run.taken.attempt
    summary = await steps.import_file(runtime, again, lambda: False)
    assert summary.counts.registered == 20
    assert (await look(runtime, cast, queued)).counts.registered == 20


@pytest.mark.long("postgres")
async def test_the_other_accounts_go_on(runtime: Runtime, cast: Cast, account_id: int) -> None:
    await disable_account(runtime, cast.acme.account)
    await upload(runtime, cast.beta.principal, make_csv())
    assert await steps.list_waiting(runtime, HOLDER, 10) == [cast.beta.account.account_id]
    assert await steps.take_import(runtime, cast.beta.account.account_id, HOLDER) is not None
    assert account_id != cast.beta.account.account_id
