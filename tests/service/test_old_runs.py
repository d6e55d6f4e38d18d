"""Finished runs and old results go when they are too old, in portions; what is open or recent stays."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code
from padron.domain.keeping import DEFAULT_AGES
from padron.domain.operation import Outcome, RunQuestion, format_claim_id, format_run_id
from padron.service.clearing import clear_register
from padron.service.operations import old_runs
from padron.service.operations.claims import GivenResult, claim_work, give_results
from padron.service.operations.declaring import put_operation
from padron.service.operations.runs import get_run, start_run
from padron.service.runtime import Runtime
from tests.cast import Cast, make_vin, registered, save, trust
from tests.conftest import Select, SteppedClock
from tests.service.old_records import refuses

VINS = tuple(make_vin(number) for number in range(5))


async def start(runtime: Runtime, cast: Cast) -> str:
    report = await start_run(runtime, cast.acme.principal, "poll", RunQuestion(vins=VINS))
    return format_run_id(report.run.run_id)


async def answer(runtime: Runtime, cast: Cast, count: int) -> None:
    gone = asyncio.get_running_loop().create_future()
    acme = cast.acme.principal
    works = await claim_work(runtime, acme, "poll", limit=count, wait_s=0, gone=gone, confirm=trust)
    given = [GivenResult(claim_id=format_claim_id(work.key), outcome=Outcome.SUCCEEDED, text="{}") for work in works]
    assert len(await give_results(runtime, acme, "poll", given)) == count


async def test_old_runs_and_results_go_and_the_others_stay(
    runtime: Runtime, cast: Cast, clock: SteppedClock, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_runs, "PORTION_ROWS", 2)
    monkeypatch.setattr(old_runs, "PORTION_RUNS", 1)
    acme = cast.acme.principal
    await save(runtime.store, acme.account_id, *(registered(vin) for vin in VINS))
    await put_operation(runtime, acme, "poll", description="", lease_s=60, attempts=2)
    finished = await start(runtime, cast)
    await answer(runtime, cast, 5)
    clock.now += timedelta(days=8)
    half = await start(runtime, cast)
    await answer(runtime, cast, 3)
    clock.now += timedelta(days=4)
    aged = replace(runtime, ages=replace(DEFAULT_AGES, runs=timedelta(days=10)))
    await clear_register(replace(runtime, ages=DEFAULT_AGES))
    assert (await get_run(runtime, acme, "poll", finished)).run.queued_count == 5
    await clear_register(aged)
    assert await refuses(Code.RUN_NOT_FOUND, get_run(runtime, acme, "poll", finished))
    assert len(await select("SELECT 1 FROM work")) == 5
    assert len(await select("SELECT 1 FROM results")) == 3
    clock.now += timedelta(days=90)
    await clear_register(aged)
    assert (await get_run(runtime, acme, "poll", half)).run.queued_count == 5  # two vehicles are still queued
    await clear_register(replace(runtime, ages=replace(DEFAULT_AGES, results=timedelta(days=91))))
    assert await select("SELECT 1 FROM results") == []
    assert len(await select("SELECT 1 FROM work")) == 5


@pytest.mark.long("postgres")
async def test_a_run_in_which_something_happened_lately_stays(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    acme = cast.acme.principal
    await save(runtime.store, acme.account_id, *(registered(vin) for vin in VINS))
    await put_operation(runtime, acme, "poll", description="", lease_s=60, attempts=2)
    run = await start(runtime, cast)
    clock.now += timedelta(days=50)
    await answer(runtime, cast, 5)
    aged = replace(runtime, ages=replace(DEFAULT_AGES, runs=timedelta(days=10)))
    await clear_register(aged)
    assert (await get_run(runtime, acme, "poll", run)).run.queued_count == 5
    clock.now += timedelta(days=11)
    await clear_register(aged)
    assert await refuses(Code.RUN_NOT_FOUND, get_run(runtime, acme, "poll", run))
