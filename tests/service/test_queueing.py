"""Runs with many vehicles: queued in chunks, taken up where they were left, and never twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.change import StatusRequest
from padron.domain.operation import (
    REFUSALS_KEPT_MAX,
    Run,
    RunQuestion,
    RunState,
    WorkState,
    format_run_id,
    give_run_state,
)
from padron.domain.status import VehicleStatus
from padron.service import queueing, runs
from padron.service.claims import claim_work
from padron.service.operations import put_operation
from padron.service.runs import RunReport, get_run, start_run
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses import set_status
from padron.store.operations import OperationTransaction
from tests.cast import Cast, make_vin, registered, save, trust, wait_until
from tests.conftest import OpenStore, Select, SteppedClock

NAME = "poll-tracker"
FLEET = 25
CHUNK = 10


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "RUN_CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(runs, "RUN_FIRST_CHUNKS", 1)


@pytest.fixture
async def fleet(runtime: Runtime, cast: Cast) -> Cast:
    """Acme with 25 vehicles, every fifth of which is stolen."""
    changes = [
        registered(make_vin(n), status=VehicleStatus.STOLEN if n % 5 == 0 else VehicleStatus.ACTIVE)
        for n in range(FLEET)
    ]
    await save(runtime.store, cast.acme.account.account_id, *changes)
    await put_operation(runtime, cast.acme.principal, NAME, description="", lease_s=60, attempts=2)
    return cast


async def look(runtime: Runtime, cast: Cast, run: Run) -> RunReport:
    return await get_run(runtime, cast.acme.principal, NAME, format_run_id(run.run_id))


async def finish(runtime: Runtime, cast: Cast, run: Run) -> RunReport:
    """Give the run once it is queued."""

    async def is_queued() -> bool:
        return not (await look(runtime, cast, run)).run.is_queueing

    await wait_until(is_queued)
    return await look(runtime, cast, run)


async def leave_behind(runtime: Runtime, cast: Cast, chunks: int) -> Run:
    """Start a run and stop after some chunks, as a process that is killed does."""
    runtime.queueing._closing = True
    run = (await start_run(runtime, cast.acme.principal, NAME, RunQuestion())).run
    runtime.queueing._closing = False
    for _ in range(chunks - 1):
        run, _ = await runtime.queueing.add_chunk(cast.acme.account.account_id, run)
    return run


async def test_the_rest_is_queued_in_the_background(runtime: Runtime, fleet: Cast) -> None:
    first = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion())
    assert give_run_state(first.run, first.counts) is RunState.QUEUEING
    assert first.counts == {WorkState.QUEUED: 8}
    report = await finish(runtime, fleet, first.run)
    assert report.counts == {WorkState.QUEUED: 20}
    assert report.run.refused_count == len(report.refusals) == 5
    assert [refusal.vin for refusal in report.refusals] == [make_vin(n) for n in range(0, FLEET, 5)]


async def test_vins_are_all_dealt_with_before_the_answer(runtime: Runtime, fleet: Cast) -> None:
    vins = tuple(make_vin(n) for n in range(FLEET))
    report = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion(vins=vins))
    assert not report.run.is_queueing
    assert (report.counts[WorkState.QUEUED], len(report.refusals)) == (20, 5)


async def test_what_is_registered_later_is_not_in_the_run(runtime: Runtime, fleet: Cast) -> None:
    run = await leave_behind(runtime, fleet, 1)
    await save(runtime.store, fleet.acme.account.account_id, *(registered(make_vin(n)) for n in range(50, 90)))
    runtime.queueing.go_on(fleet.acme.account.account_id, run)
    assert (await finish(runtime, fleet, run)).counts == {WorkState.QUEUED: 20}


@pytest.mark.parametrize("chunks", [1, 2])
async def test_a_run_that_lost_its_process_is_taken_up_by_whoever_looks_at_it(
    runtime: Runtime, fleet: Cast, clock: SteppedClock, open_store: OpenStore, engine: str, chunks: int
) -> None:
    run = await leave_behind(runtime, fleet, chunks)
    other = runtime if engine == "sqlite" else build_runtime(await open_store(), clock)
    assert (await look(other, fleet, run)).run.is_queueing
    await asyncio.sleep(0.05)
    assert (await look(other, fleet, run)).run.position == run.position  # it may still be under way elsewhere
    clock.now += timedelta(seconds=11)
    assert (await finish(other, fleet, run)).counts == {WorkState.QUEUED: 20}


async def test_a_run_that_lost_its_process_is_taken_up_by_a_claim_that_finds_nothing(
    runtime: Runtime, fleet: Cast, clock: SteppedClock
) -> None:
    await leave_behind(runtime, fleet, 1)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    principal = fleet.acme.principal
    first = await claim_work(runtime, principal, NAME, limit=100, wait_s=0, gone=gone, confirm=trust)
    clock.now += timedelta(seconds=11)
    rest = await claim_work(runtime, principal, NAME, limit=100, wait_s=5, gone=gone, confirm=trust)
    await runtime.queueing.close()
    gone.cancel()
    assert len(first) == 8
    assert rest


async def test_two_that_take_a_run_up_at_once_queue_nothing_twice(
    runtime: Runtime, fleet: Cast, select: Select
) -> None:
    run = await leave_behind(runtime, fleet, 1)
    account_id = fleet.acme.account.account_id
    await asyncio.gather(*(runtime.queueing.add_chunk(account_id, run) for _ in range(4)))
    assert (await look(runtime, fleet, run)).run.queued_count == 16
    runtime.queueing.go_on(account_id, (await look(runtime, fleet, run)).run)
    await finish(runtime, fleet, run)
    assert await select("SELECT count(*) FROM work") == [(20,)]


async def test_a_vehicle_deactivated_before_its_chunk_is_refused(runtime: Runtime, fleet: Cast) -> None:
    run = await leave_behind(runtime, fleet, 1)
    request = StatusRequest(
        vin=make_vin(21), status=VehicleStatus.SOLD, reason=None, revisions=None, by="Acme", request_id="r-1"
    )
    await set_status(runtime, fleet.acme.principal, request)
    runtime.queueing.go_on(fleet.acme.account.account_id, run)
    report = await finish(runtime, fleet, run)
    assert report.counts == {WorkState.QUEUED: 19}
    assert make_vin(21) in [refusal.vin for refusal in report.refusals]


async def test_a_chunk_that_fails_leaves_nothing_behind_and_can_be_tried_again(
    runtime: Runtime, fleet: Cast, select: Select
) -> None:
    run = await leave_behind(runtime, fleet, 1)

    async def fail(transaction: OperationTransaction) -> None:
        present = await transaction.lock_run(run.run_id)
        assert present is not None
        await transaction.queue_vehicles(present, await transaction.hold_vehicles([make_vin(11)]))
        await transaction.save_run(replace(present, position=99), [])
        raise LookupError

    with pytest.raises(LookupError):
        await runtime.store.operations.write(fleet.acme.account.account_id, fail)
    assert await select("SELECT count(*) FROM work") == [(8,)]
    assert (await look(runtime, fleet, run)).run.position == run.position


async def test_all_refusals_are_counted_and_the_first_thousand_kept(runtime: Runtime, fleet: Cast) -> None:
    vins = tuple(make_vin(n) for n in range(1_000, 1_000 + REFUSALS_KEPT_MAX + 500))
    report = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion(vins=vins))
    assert report.run.refused_count == len(report.refusals) == len(vins)
    kept = (await look(runtime, fleet, report.run)).refusals
    assert [refusal.vin for refusal in kept] == list(vins[:REFUSALS_KEPT_MAX])
