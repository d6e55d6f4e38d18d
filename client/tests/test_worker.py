"""A function as a worker, against a real server."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from client.tests.conftest import Register
from client.tests.scripted import CUT, Answer, give, refuse, run_scripted
from padron_client import AsyncClient, Retries, VehicleStatusId, models, problems
from padron_client.worker import Job, Settings, Worker, cut_batch
from tests.cast import wait_until

OPERATION = "query-fines"
QUICK = Settings(concurrency=4, wait_s=2, pause_s=0.05, stop_s=5)
NONE = Retries(count=0)
SOURCE = Path(__file__).parents[1] / "src"
PROGRAM = """
import sys, time
from padron_client import run_worker

def work(job):
    sys.stdout.write(job.vin + "\\n")
    sys.stdout.flush()
    time.sleep(1)
    return {"done": True}

run_worker(sys.argv[1], sys.argv[2], sys.argv[3], work)
print("ended", flush=True)
"""


@pytest.fixture
async def operation(async_client: AsyncClient, request: pytest.FixtureRequest) -> str:
    """An operation of the test's own."""
    name = f"work-{abs(hash(request.node.name))}"
    await async_client.put_operation(name, models.OperationBody(description="", lease_seconds=60, attempts=3))
    return name


@asynccontextmanager
async def working(
    client: AsyncClient, operation: str, work: Callable[[Job], object], settings: Settings = QUICK
) -> AsyncIterator[tuple[Worker, list[models.ResultAnswerShape]]]:
    answers: list[models.ResultAnswerShape] = []

    def note(_: Job, answer: models.ResultAnswerShape) -> None:
        answers.append(answer)
        raise LookupError  # which must not matter

    worker = Worker(client, operation, work, settings=settings, on_answer=note)
    running = asyncio.create_task(worker.run())
    try:
        yield worker, answers
    finally:
        worker.stop()
        await asyncio.wait_for(running, 20)


async def wait_for_end(client: AsyncClient, run: models.RunShape, operation: str) -> models.RunShape:
    async def has_ended() -> bool:
        return (await client.get_run(operation, run.run_id)).state is models.RunState.FINISHED

    await wait_until(has_ended, every_s=0.05)
    return await client.get_run(operation, run.run_id)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_function_works_through_a_run(
    is_async: bool,  # noqa: FBT001
    async_client: AsyncClient,
    operation: str,
    register: Register,
) -> None:
    vins = [*register.fleet.vins[:30]]
    busy, busiest = 0, 0
    lock = threading.Lock()

    def note(step: int) -> None:
        nonlocal busy, busiest
        with lock:
            busy += step
            busiest = max(busiest, busy)

    def work(job: Job) -> object:
        note(1)
        time.sleep(0.02)
        note(-1)
        return {"asked": job.vin}

    async def work_async(job: Job) -> object:
        note(1)
        await asyncio.sleep(0.02)
        note(-1)
        return {"asked": job.vin}

    run = await async_client.start_run(operation, models.RunBody(vins=vins))
    async with working(async_client, operation, work_async if is_async else work):
        ended = await wait_for_end(async_client, run, operation)
    assert ended.counts is not None
    assert ended.counts.succeeded == 30
    assert 1 < busiest <= 4
    results = [each async for each in async_client.iterate_run_results(operation, run.run_id)]
    assert {each.vin: each.result for each in results} == {vin: {"asked": vin} for vin in vins}


async def test_what_fails_is_handed_out_again(async_client: AsyncClient, operation: str, register: Register) -> None:
    bad, huge, odd = register.fleet.vins[30:33]

    async def work(job: Job) -> object:
        if job.vin == bad and job.attempt == 1:
            raise LookupError("no such fine")
        if job.vin == huge:
            return "x" * 70_000
        return object() if job.vin == odd else "done"

    run = await async_client.start_run(operation, models.RunBody(vins=[bad, huge, odd]))
    async with working(async_client, operation, work):
        await wait_for_end(async_client, run, operation)
    results = [each async for each in async_client.iterate_run_results(operation, run.run_id)]
    of_bad = [(each.outcome, each.result) for each in results if each.vin == bad]
    assert sorted(of_bad) == [(models.Outcome.FAILED, "LookupError: no such fine"), (models.Outcome.SUCCEEDED, "done")]
    assert {each.outcome for each in results if each.vin in {huge, odd}} == {models.Outcome.FAILED}
    assert "larger than 65536 bytes" in {str(each.result) for each in results if each.vin == huge}.pop()
    assert "no JSON" in {str(each.result) for each in results if each.vin == odd}.pop()


async def test_work_on_a_vehicle_that_is_deactivated_is_cancelled(
    async_client: AsyncClient, operation: str, register: Register
) -> None:
    stolen, other = register.fleet.vins[33:35]
    began: set[str] = set()
    cancelled: list[str] = []

    async def work(job: Job) -> object:
        began.add(job.vin)
        try:
            await asyncio.sleep(60 if job.vin == stolen else 0.5)
        except asyncio.CancelledError:
            cancelled.append(job.vin)
            assert job.is_withdrawn
            raise
        return "done"

    async def has_begun() -> bool:
        return began == {stolen, other}

    async def is_cancelled() -> bool:
        return bool(cancelled)

    run = await async_client.start_run(operation, models.RunBody(vins=[stolen, other]))
    async with working(async_client, operation, work) as (_, answers):
        await wait_until(has_begun)
        await async_client.set_vehicle_status(stolen, models.StatusBody(vehicle_status_id=VehicleStatusId.STOLEN))
        ended = await wait_for_end(async_client, run, operation)
        await wait_until(is_cancelled)  # and not only by the stop
    assert cancelled == [stolen]
    assert ended.counts is not None
    assert (ended.counts.withdrawn, ended.counts.succeeded) == (1, 1)
    assert len(answers) == 1  # nobody asked for the other one's


async def test_long_work_without_async_looks_between_its_steps(
    async_client: AsyncClient, operation: str, register: Register
) -> None:
    (vin,) = register.fleet.vins[35:36]
    began, ended = threading.Event(), threading.Event()

    def work(job: Job) -> object:
        began.set()
        try:
            for _ in range(1_000):
                time.sleep(0.01)
                job.check()
        except problems.ClaimWithdrawn:
            ended.set()
            raise
        return "too late"

    await async_client.start_run(operation, models.RunBody(vins=[vin]))
    async with working(async_client, operation, work) as (_, answers):
        assert await asyncio.to_thread(began.wait, 10)
        await async_client.set_vehicle_status(vin, models.StatusBody(vehicle_status_id=VehicleStatusId.SOLD))
        assert await asyncio.to_thread(ended.wait, 10)
    assert answers == []


async def test_a_key_that_may_not_read_the_feed_learns_it_from_the_answer(
    async_client: AsyncClient, operation: str, register: Register
) -> None:
    (vin,) = register.fleet.vins[36:37]
    key = await async_client.create_key(models.KeyBody(label="worker", scopes=["operations:run"]))
    began, go = asyncio.Event(), asyncio.Event()

    async def work(_: Job) -> object:
        began.set()
        await go.wait()
        return "done"

    await async_client.start_run(operation, models.RunBody(vins=[vin]))
    async with AsyncClient(register.url, key.secret or "") as own, working(own, operation, work) as (_, answers):
        await asyncio.wait_for(began.wait(), 10)
        await async_client.set_vehicle_status(vin, models.StatusBody(vehicle_status_id=VehicleStatusId.SOLD))
        go.set()
    assert [answer.error_detail for answer in answers] == ["ClaimWithdrawn"]


async def test_a_stop_finishes_what_was_begun(async_client: AsyncClient, operation: str, register: Register) -> None:
    vins = [*register.fleet.vins[40:60]]
    began: list[str] = []

    async def work(job: Job) -> object:
        began.append(job.vin)
        await asyncio.sleep(0.3)
        return "done"

    async def has_begun() -> bool:
        return len(began) == 4

    run = await async_client.start_run(operation, models.RunBody(vins=vins))
    async with working(async_client, operation, work):
        await wait_until(has_begun)
    state = await async_client.get_run(operation, run.run_id)
    assert len(began) == 4
    assert state.counts is not None
    assert (state.counts.succeeded, state.counts.claimed) == (4, 0)


async def test_work_that_does_not_end_is_given_up(
    async_client: AsyncClient, operation: str, register: Register
) -> None:
    began = asyncio.Event()

    async def work(_: Job) -> object:
        began.set()
        await asyncio.sleep(60)
        return None

    await async_client.start_run(operation, models.RunBody(vins=[*register.fleet.vins[60:61]]))
    start = time.monotonic()
    async with working(async_client, operation, work, Settings(wait_s=2, stop_s=0.2)):
        await asyncio.wait_for(began.wait(), 10)
    assert time.monotonic() - start < 10


async def test_what_no_waiting_can_cure_ends_the_worker(async_client: AsyncClient) -> None:
    worker = Worker(async_client, "nobody-declared-this", print, settings=QUICK)
    with pytest.raises(problems.OperationNotFound):
        await asyncio.wait_for(worker.run(), 10)


async def test_a_server_that_is_away_is_waited_for() -> None:
    claim = {
        "id": "0000000000000001-1-1", "claimId": "0000000000000001-1-1", "runId": "r", "vin": "3LNHL2GC1BR262548",
        "attempt": 1, "leaseUntil": "2026-03-31T12:00:00Z",
    }  # fmt: skip
    done = {"results": [{"claimId": claim["id"], "status": 200, "state": "succeeded"}]}
    paths = {
        "claims": [
            CUT,
            refuse(503, "StoreUnavailable"),
            Answer(status=502, body=b"<p>"),
            give({"claims": [claim]}),
            give({"claims": []}),
        ],
        "results": [CUT, refuse(429, "TooManyRequests"), give(done)],
    }

    def answer(seen: object) -> object:
        name = str(getattr(seen, "path", "")).rpartition("/")[2]
        if name not in paths:
            return refuse(403, "Forbidden")
        answers = paths[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    with run_scripted() as scripted:
        scripted.script(answer)  # type: ignore[arg-type]
        async with (
            AsyncClient(scripted.url, "k", retries=NONE) as client,
            working(client, OPERATION, lambda job: job.vin) as (_, answers),
        ):

            async def has_come() -> bool:
                return bool(answers)

            await wait_until(has_come)
    assert [answer.status for answer in answers] == [200]


def test_a_request_with_results_is_bounded() -> None:
    results = [
        (Job(vin="v", claim_id=str(number), run_id="r", attempt=1, lease_until=None),  # type: ignore[arg-type]
         models.GivenResultBody(claim_id=str(number), outcome=models.Outcome.SUCCEEDED, result="x" * 60_000))
        for number in range(40)
    ]  # fmt: skip
    assert len(cut_batch(results)) == 14
    assert len(cut_batch(results[:1])) == 1
    small = [(job, models.GivenResultBody(claim_id="c", outcome=models.Outcome.SUCCEEDED)) for job, _ in results]
    assert len(cut_batch(small * 20)) == 500


async def test_a_worker_process_ends_on_sigterm_with_its_results_sent(
    async_client: AsyncClient, operation: str, register: Register
) -> None:
    run = await async_client.start_run(operation, models.RunBody(vins=[*register.fleet.vins[61:63]]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, register.url, register.key, operation,
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        lines = [await asyncio.wait_for(process.stdout.readline(), 20) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
    assert (process.returncode, out) == (0, b"ended\n")
    assert {line.decode().strip() for line in lines} == {*register.fleet.vins[61:63]}
    state = await async_client.get_run(operation, run.run_id)
    assert state.counts is not None
    assert state.counts.succeeded == 2
