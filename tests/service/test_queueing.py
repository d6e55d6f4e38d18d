"""Runs with many vehicles: queued in chunks, taken up where they were left, and never twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.change import StatusRequest
from padron.domain.errors import Code, PadronError
from padron.domain.limits import Limits
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
from padron.service.operations import queueing, runs
from padron.service.operations.claims import claim_work
from padron.service.operations.declaring import put_operation
from padron.service.operations.queueing import Portion
from padron.service.operations.runs import RunReport, get_run, start_run
from padron.service.runtime import Runtime, build_runtime
from padron.service.statuses.single import set_status
from padron.store.base import WriteTransaction
from tests.cast import NOON, Cast, make_vin, registered, save, trust, wait_until
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
        run = (await runtime.queueing.add_chunk(cast.acme.account.account_id, run)).run
    return run


@pytest.mark.long("postgres")
async def test_the_rest_is_queued_in_the_background(runtime: Runtime, fleet: Cast) -> None:
    first = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion())
    assert give_run_state(first.run, first.counts) is RunState.QUEUEING
    assert first.counts == {WorkState.QUEUED: 8}
    report = await finish(runtime, fleet, first.run)
    assert report.counts == {WorkState.QUEUED: 20}
    assert report.run.refused_count == len(report.refusals) == 5
    assert [refusal.vin for refusal in report.refusals] == [make_vin(n) for n in range(0, FLEET, 5)]


@pytest.mark.long("postgres")
async def test_vins_are_all_dealt_with_before_the_answer(runtime: Runtime, fleet: Cast) -> None:
    vins = tuple(make_vin(n) for n in range(FLEET))
    report = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion(vins=vins))
    assert not report.run.is_queueing
    assert (report.counts[WorkState.QUEUED], len(report.refusals)) == (20, 5)


@pytest.mark.long("postgres")
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


@pytest.mark.long("postgres")
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


@pytest.mark.long("postgres")
async def test_a_chunk_that_fails_leaves_nothing_behind_and_can_be_tried_again(
    runtime: Runtime, fleet: Cast, select: Select
) -> None:
    run = await leave_behind(runtime, fleet, 1)

    async def fail(transaction: WriteTransaction) -> None:
        operations = transaction.operations
        present = await operations.lock_run(run.run_id)
        assert present is not None
        await operations.queue_vehicles(present, await operations.hold_vehicles([make_vin(11)]))
        await operations.save_run(replace(present, position=99), [])
        raise LookupError

    with pytest.raises(LookupError):
        await runtime.store.write(fleet.acme.account.account_id, fail)
    assert await select("SELECT count(*) FROM work") == [(8,)]
    assert (await look(runtime, fleet, run)).run.position == run.position


@pytest.mark.long("postgres")
async def test_all_refusals_are_counted_and_the_first_thousand_kept(runtime: Runtime, fleet: Cast) -> None:
    vins = tuple(make_vin(n) for n in range(1_000, 1_000 + REFUSALS_KEPT_MAX + 500))
    report = await start_run(runtime, fleet.acme.principal, NAME, RunQuestion(vins=vins))
    assert report.run.refused_count == len(report.refusals) == len(vins)
    kept = (await look(runtime, fleet, report.run)).refusals
    assert [refusal.vin for refusal in kept] == list(vins[:REFUSALS_KEPT_MAX])


class Watch:
    """Notes which accounts' portions are under way, and in what order they came."""

    def __init__(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        self.order: list[tuple[int, int]] = []
        self.under_way: set[int] = set()
        self.most = 0
        add_chunk = runtime.queueing.add_chunk

        async def watched(account_id: int, run: Run) -> Portion:
            assert account_id not in self.under_way, "an account has two portions at once"
            self.under_way.add(account_id)
            self.most = max(self.most, len(self.under_way))
            self.order.append((account_id, run.run_id))
            try:
                return await add_chunk(account_id, run)
            finally:
                self.under_way.discard(account_id)

        monkeypatch.setattr(runtime.queueing, "add_chunk", watched)


@pytest.mark.long("postgres")
async def test_accounts_take_turns_and_few_portions_are_under_way(
    runtime: Runtime, fleet: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [fleet.acme.account.account_id, fleet.beta.account.account_id]
    accounts += [(await runtime.store.directory.add_account(name, NOON)).account_id for name in ("Gate", "Hub")]
    everybody = {one: replace(fleet.acme.principal, account_id=one) for one in accounts}
    for one in accounts[1:]:
        await save(runtime.store, one, *(registered(make_vin(n)) for n in range(FLEET)))
        await put_operation(runtime, everybody[one], NAME, description="", lease_s=60, attempts=2)
    monkeypatch.setattr(queueing, "RUN_CHUNK_SIZE", 1)
    watch = Watch(runtime, monkeypatch)
    started = [await start_run(runtime, everybody[accounts[0]], NAME, RunQuestion()) for _ in range(5)]
    started += [await start_run(runtime, everybody[one], NAME, RunQuestion()) for one in accounts[1:]]
    watch.order.clear()
    async with asyncio.timeout(60):
        while runtime.queueing._tasks:
            await asyncio.wait(runtime.queueing._tasks)
    assert watch.most == queueing.TASKS_MAX == len({*watch.order[:1], *watch.order[1:2]})
    for one in accounts[1:]:  # whoever has one run is done while the first account's second is not
        last = max(place for place, (account_id, _) in enumerate(watch.order) if account_id == one)
        assert sum(account_id == accounts[0] for account_id, _ in watch.order[:last]) <= 2 * FLEET
    own = [run_id for account_id, run_id in watch.order if account_id == accounts[0]]
    assert own == sorted(own, key=[report.run.run_id for report in started].index), "one run after the other"
    for report, one in zip(started[-3:], accounts[1:], strict=True):
        assert not (await get_run(runtime, everybody[one], NAME, format_run_id(report.run.run_id))).run.is_queueing


@pytest.mark.long("postgres")
async def test_a_few_vins_do_not_wait_behind_a_fleet(
    runtime: Runtime, fleet: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "RUN_CHUNK_SIZE", 1)
    acme = fleet.acme.principal
    whole = await start_run(runtime, acme, NAME, RunQuestion())
    few = await start_run(runtime, acme, NAME, RunQuestion(vins=(make_vin(1), make_vin(2))))
    assert few.counts == {WorkState.QUEUED: 2}
    assert (await look(runtime, fleet, whole.run)).run.is_queueing


@pytest.mark.long("postgres")
async def test_a_server_that_stops_lets_those_who_wait_for_their_turn_go(runtime: Runtime, fleet: Cast) -> None:
    acme = fleet.acme.principal
    waiting = [asyncio.create_task(start_run(runtime, acme, NAME, RunQuestion())) for _ in range(5)]
    while not runtime.queueing._lines:  # noqa: ASYNC110 - no event for us
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await runtime.queueing.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, PadronError)]
    assert {one.code for one in refused} == {Code.STORE_UNAVAILABLE}
    assert not runtime.queueing._tasks


@pytest.mark.parametrize("limits", [Limits(runs=2)], ids=["two"])
@pytest.mark.long("postgres")
async def test_runs_that_lost_their_process_do_not_hold_the_places_for_ever(
    runtime: Runtime, fleet: Cast, clock: SteppedClock
) -> None:
    acme = fleet.acme.principal
    for _ in range(2):
        await leave_behind(runtime, fleet, 1)
    for _ in range(2):
        with pytest.raises(PadronError) as refusal:
            await start_run(runtime, acme, NAME, RunQuestion())
        assert refusal.value.code is Code.RUN_LIMIT_REACHED
        assert not runtime.queueing._tasks
    clock.now += timedelta(seconds=11)
    with pytest.raises(PadronError):
        await start_run(runtime, acme, NAME, RunQuestion())
    while runtime.queueing._tasks:
        await asyncio.wait(runtime.queueing._tasks)
    assert (await start_run(runtime, acme, NAME, RunQuestion())).run.is_queueing
