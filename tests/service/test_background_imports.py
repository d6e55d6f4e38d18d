"""Imports in the background: begun once, continued exactly, and ended with a word to whoever asks."""

import asyncio
import io
import zipfile

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.file_import import LEASE, ImportState, format_import_id
from padron.files.writers import Form, open_writer
from padron.service.imports import file_imports, steps, uploads
from padron.service.imports.importing import ImportStep
from padron.service.imports.steps import end_import, import_file, renew_lease, take_import
from padron.service.runtime import Runtime, build_runtime
from padron.store.base import WriteTransaction
from tests.cast import HUMMER, Cast, make_vin, registered, save
from tests.conftest import OpenStore, Select, SteppedClock
from tests.files.test_writers import make_version
from tests.service.stores import FaultyStore
from tests.service.uploading import (
    ROWS,
    look,
    make_csv,
    report,
    run_worker,
    stop_after,
    take,
    upload,
    wait_for_end,
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "CHUNK_ROWS", 5)


async def list_vins(runtime: Runtime, account_id: int) -> list[str]:
    found = await runtime.store.read(account_id).list_changes(0, 1_000)
    return [entry.vin for entry in found]


async def test_a_worker_imports_what_is_queued_as_whoever_sent_it(runtime: Runtime, cast: Cast, select: Select) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv(bad_every=10))
    assert (queued.state, queued.part_count, queued.byte_count) == (ImportState.QUEUED, 1, len(make_csv(bad_every=10)))
    async with run_worker(runtime):
        done = await wait_for_end(runtime, cast, queued)
    assert done.state is ImportState.DONE
    assert (done.counts.read, done.counts.registered, done.counts.refused) == (ROWS, 18, 2)
    assert (done.progress, done.lease_holder) == (1.0, None)
    assert await report(runtime, cast, done) == [(1, 2, "vin"), (2, 12, "vin")]
    changes = await runtime.store.read(cast.acme.account.account_id).list_changes(0, 100)
    assert {(entry.change.by, entry.change.request_id) for entry in changes} == {
        (cast.acme.principal.actor, "the-request")
    }
    assert await select("SELECT count(*) FROM import_parts") == [(0,)]
    assert await list_vins(runtime, cast.beta.account.account_id) == []


@pytest.mark.long("postgres")
async def test_a_file_of_many_parts_is_put_together_again(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch, select: Select
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 7)
    monkeypatch.setattr(file_imports, "DELETED_PARTS", 10)
    queued = await upload(runtime, cast.acme.principal, make_csv())
    assert queued.part_count == -(-len(make_csv()) // 7)
    assert len(await select("SELECT number FROM import_parts")) == queued.part_count
    async with run_worker(runtime):
        done = await wait_for_end(runtime, cast, queued)
    assert done.counts.registered == ROWS
    assert await select("SELECT count(*) FROM import_parts") == [(0,)]


@pytest.mark.parametrize(
    "done_before", [pytest.param(1, marks=pytest.mark.long("postgres")), 2, pytest.param(3, marks=pytest.mark.long)]
)
async def test_what_a_dead_worker_left_is_continued_exactly(
    runtime: Runtime, cast: Cast, clock: SteppedClock, done_before: int
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv(bad_every=3))
    dead = await take(runtime, cast, "dead")
    await import_file(runtime, dead, stop_after(done_before))  # and nothing is given back
    left = await look(runtime, cast, queued)
    assert left.state is ImportState.RUNNING
    assert left.counts.read == 5 * done_before
    assert await take_import(runtime, cast.acme.account.account_id, "me") is None
    clock.now += LEASE
    again = await take(runtime, cast)
    await import_file(runtime, again, lambda: False)
    await end_import(runtime, again, ImportState.DONE)
    done = await look(runtime, cast, queued)
    assert (done.counts.read, done.counts.registered, done.counts.refused) == (ROWS, 13, 7)
    assert done.counts.unchanged == done.counts.updated == 0
    assert [place for place, _, _ in await report(runtime, cast, done)] == list(range(1, 8))
    assert len(await list_vins(runtime, cast.acme.account.account_id)) == 13


@pytest.mark.long("postgres")
async def test_a_duplicate_of_a_row_before_the_interruption_is_still_one(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    data = make_csv(10) + f"{make_vin(0)},9\n".encode()
    queued = await upload(runtime, cast.acme.principal, data)
    await import_file(runtime, await take(runtime, cast, "dead"), stop_after(2))
    clock.now += LEASE
    await import_file(runtime, await take(runtime, cast), lambda: False)
    found = await look(runtime, cast, queued)
    assert (found.counts.registered, found.counts.refused) == (10, 1)
    assert await report(runtime, cast, found) == [(1, 12, "vin")]


async def test_a_worker_that_lost_its_lease_writes_nothing_more(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv())
    slow = await take(runtime, cast, "slow")
    clock.now += LEASE
    fast = await take(runtime, cast, "fast")
    await import_file(runtime, slow, lambda: False)
    assert slow.is_lost
    assert await list_vins(runtime, cast.acme.account.account_id) == []
    await end_import(runtime, slow, ImportState.DONE)
    await renew_lease(runtime, slow)
    assert (await look(runtime, cast, queued)).attempt == fast.taken.attempt
    await import_file(runtime, fast, lambda: False)
    await end_import(runtime, fast, ImportState.DONE)
    assert not fast.is_lost
    assert (await look(runtime, cast, queued)).counts.registered == ROWS


async def test_a_checkpoint_that_fails_undoes_its_rows(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv())
    run = await take(runtime, cast)
    saved = steps.Checkpoint.save
    count = iter(range(100))

    async def save_twice(self: steps.Checkpoint, transaction: WriteTransaction, step: ImportStep) -> None:
        await saved(self, transaction, step)
        if next(count) == 2:
            raise PadronError(Code.STORE_UNAVAILABLE, "The disk is full.")

    monkeypatch.setattr(steps.Checkpoint, "save", save_twice)
    summary = await import_file(runtime, run, lambda: False)
    assert str(summary.stopped) == "The disk is full."
    assert (await look(runtime, cast, queued)).counts.read == 10
    assert len(await list_vins(runtime, cast.acme.account.account_id)) == 10


@pytest.mark.long("postgres")
async def test_cancelling_ends_it_at_the_next_transaction_and_keeps_what_was_done(
    runtime: Runtime, cast: Cast, select: Select
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv())
    run = await take(runtime, cast)
    await import_file(runtime, run, stop_after(1))
    await file_imports.cancel_import(runtime, cast.acme.principal, format_import_id(queued.import_id))
    await import_file(runtime, run, lambda: False)
    found = await look(runtime, cast, queued)
    assert (found.state, found.counts.read) == (ImportState.CANCELLED, 5)
    assert len(await list_vins(runtime, cast.acme.account.account_id)) == 5
    assert run.is_lost
    await file_imports.cancel_import(runtime, cast.acme.principal, format_import_id(queued.import_id))
    await file_imports.clear_account(runtime, cast.acme.account.account_id)
    assert await select("SELECT count(*) FROM import_parts") == [(0,)]


@pytest.mark.long("postgres")
async def test_a_running_worker_clears_up_behind_what_was_cancelled(
    runtime: Runtime, cast: Cast, select: Select
) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv(2_000))
    async with run_worker(runtime):
        async with asyncio.timeout(10):
            while (await look(runtime, cast, queued)).counts.read == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await file_imports.cancel_import(runtime, cast.acme.principal, format_import_id(queued.import_id))
        async with asyncio.timeout(10):
            while await select("SELECT number FROM import_parts"):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    found = await look(runtime, cast, queued)
    assert found.state is ImportState.CANCELLED
    assert len(await list_vins(runtime, cast.acme.account.account_id)) == found.counts.read < 2_000


@pytest.mark.long("postgres")
async def test_a_queued_import_that_is_cancelled_never_begins(runtime: Runtime, cast: Cast, select: Select) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv())
    await file_imports.cancel_import(runtime, cast.acme.principal, format_import_id(queued.import_id))
    assert await take_import(runtime, cast.acme.account.account_id, "me") is None
    assert await select("SELECT count(*) FROM import_parts") == [(0,)]


@pytest.mark.long("postgres")
async def test_of_an_account_one_import_runs_at_a_time_and_the_others_wait_in_order(
    runtime: Runtime, cast: Cast
) -> None:
    first = await upload(runtime, cast.acme.principal, make_csv(5))
    second = await upload(runtime, cast.acme.principal, make_csv(6))
    await upload(runtime, cast.beta.principal, make_csv(7))
    run = await take(runtime, cast, "one")
    assert run.taken.import_id == first.import_id
    assert await take_import(runtime, cast.acme.account.account_id, "two") is None
    assert await steps.list_waiting(runtime, "two", 10) == [cast.beta.account.account_id]
    await end_import(runtime, run, ImportState.DONE)
    assert (await take(runtime, cast, "two")).taken.import_id == second.import_id


async def test_taken_by_many_at_once_it_is_taken_once(runtime: Runtime, cast: Cast) -> None:
    await upload(runtime, cast.acme.principal, make_csv(5))
    await upload(runtime, cast.acme.principal, make_csv(5))
    account_id = cast.acme.account.account_id
    runs = await asyncio.gather(*(take_import(runtime, account_id, f"worker {place}") for place in range(8)))
    assert len([run for run in runs if run is not None]) == 1


@pytest.mark.parametrize(
    "data, said",
    [(b"%PDF-1.4", "PDF"), (b"plate,doors\nABC123,4\n", "vin"), (b"\x00\x01\x02", "column"), (b"[1]", "column")],
)
@pytest.mark.long("postgres")
async def test_a_file_that_cannot_be_read_fails_with_a_sentence(
    runtime: Runtime, cast: Cast, data: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    queued = await upload(runtime, cast.acme.principal, data)
    async with run_worker(runtime):
        failed = await wait_for_end(runtime, cast, queued)
    assert failed.state is ImportState.FAILED
    assert said in (failed.detail or "")
    assert "padron-import" not in (failed.detail or "")
    # The operator hears of it once, without what the file may hold.
    told = [record.getMessage() for record in caplog.records if record.name == "padron.imports"]
    account_id = cast.acme.account.account_id
    assert told == [f"import {queued.import_id:x} of account {account_id} failed: the import itself says why"]
    assert runtime.counts.imports_ended == {ImportState.FAILED: 1}


@pytest.mark.slow_callback("writes a workbook")
@pytest.mark.long("postgres")
async def test_a_workbook_that_breaks_off_fails_and_keeps_what_was_read_before(runtime: Runtime, cast: Cast) -> None:
    whole = io.BytesIO()
    with open_writer(Form.XLSX, whole) as writer:
        writer.write([make_version(number, {"observations": "x" * 150}) for number in range(600)])
    broken = io.BytesIO()
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part[: len(part) // 2] if "sheet1" in name else part)
    queued = await upload(runtime, cast.acme.principal, broken.getvalue())
    async with run_worker(runtime):
        failed = await wait_for_end(runtime, cast, queued)
    assert failed.state is ImportState.FAILED
    assert failed.detail
    assert failed.attempt == 1
    assert 0 < failed.counts.read < 600
    # A revision says that the rows are edits of an export, and no vehicle of it is here.
    assert failed.counts.refused == failed.counts.read


@pytest.mark.long("postgres")
async def test_a_dry_run_counts_and_reports_and_changes_nothing(
    runtime: Runtime, cast: Cast, clock: SteppedClock
) -> None:
    account_id = cast.acme.account.account_id
    await save(runtime.store, account_id, registered(make_vin(1), doors=4), registered(HUMMER))
    queued = await upload(runtime, cast.acme.principal, make_csv(bad_every=10), dry_run=True)
    await import_file(runtime, await take(runtime, cast, "dead"), stop_after(3))
    clock.now += LEASE
    run = await take(runtime, cast)  # which begins anew
    await import_file(runtime, run, lambda: False)
    await end_import(runtime, run, ImportState.DONE)
    done = await look(runtime, cast, queued)
    assert (done.counts.read, done.counts.registered, done.counts.updated) == (ROWS, 17, 1)
    assert await report(runtime, cast, done) == [(1, 2, "vin"), (2, 12, "vin")]
    assert len(await list_vins(runtime, account_id)) == 2


@pytest.mark.long("postgres")
async def test_the_report_is_bounded_and_the_count_is_not(
    runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "REFUSALS_KEPT_MAX", 7)
    queued = await upload(runtime, cast.acme.principal, make_csv(bad_every=1))
    async with run_worker(runtime):
        done = await wait_for_end(runtime, cast, queued)
    assert (done.counts.refused, done.refusals_kept) == (ROWS, 7)
    assert len(await report(runtime, cast, done)) == 7


@pytest.mark.long("postgres")
async def test_a_server_that_ends_gives_its_import_back_at_once(runtime: Runtime, cast: Cast) -> None:
    queued = await upload(runtime, cast.acme.principal, make_csv(600))
    async with run_worker(runtime), asyncio.timeout(10):
        while (await look(runtime, cast, queued)).counts.read == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    left = await look(runtime, cast, queued)
    assert (left.state, left.lease_holder) == (ImportState.RUNNING, None)
    assert 0 < left.counts.read < 600
    async with run_worker(runtime):
        done = await wait_for_end(runtime, cast, queued)
    assert (done.counts.registered, done.counts.unchanged) == (600, 0)


@pytest.mark.long("postgres")
async def test_while_the_database_is_away_it_waits_and_then_goes_on(
    open_store: OpenStore, cast: Cast, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.workers.imports.TROUBLE_S", 0.05)
    faulty = FaultyStore(await open_store())
    runtime = build_runtime(faulty, clock)
    queued = await upload(runtime, cast.acme.principal, make_csv())
    faulty.error, faulty.fails = PadronError(Code.STORE_UNAVAILABLE, "Gone."), True
    async with run_worker(runtime):
        async with asyncio.timeout(40):
            while faulty.write_count < 7:  # noqa: ASYNC110 - more often than what comes no further is tried
                await asyncio.sleep(0.01)
        assert (await look(runtime, cast, queued)).state is ImportState.RUNNING
        faulty.fails = False
        done = await wait_for_end(runtime, cast, queued)
    assert (done.state, done.counts.registered) == (ImportState.DONE, ROWS)
    await runtime.refusals.close()


@pytest.mark.long("postgres")
async def test_a_row_at_which_the_program_breaks_ends_the_import_and_not_the_worker(
    open_store: OpenStore, cast: Cast, clock: SteppedClock
) -> None:
    faulty = FaultyStore(await open_store())
    runtime = build_runtime(faulty, clock)
    faulty.bad_vin = make_vin(12)
    queued = await upload(runtime, cast.acme.principal, make_csv())
    other = await upload(runtime, cast.acme.principal, make_csv(5))
    async with run_worker(runtime):
        failed = await wait_for_end(runtime, cast, queued)
        done = await wait_for_end(runtime, cast, other)
    assert (failed.state, failed.counts.read) == (ImportState.FAILED, 10)
    assert "read 10 rows and then made no progress in 5 attempts" in (failed.detail or "")
    assert (done.state, done.counts.unchanged) == (ImportState.DONE, 5)
    await runtime.refusals.close()
