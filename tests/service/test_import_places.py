"""The places of imports: shared by the accounts in turn, and free as soon as an import is over, whatever its file."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from padron.domain.errors import PadronError
from padron.domain.file_import import FileImport, ImportState, format_import_id
from padron.service.imports import file_imports, steps
from padron.service.imports.steps import import_file, renew_lease
from padron.service.runtime import Runtime
from padron.workers import imports
from tests.cast import Cast
from tests.conftest import Select
from tests.files.workbooks import build_workbook, give_row
from tests.processes import list_readers
from tests.readers import started_readers
from tests.service.uploading import look, make_csv, report, run_worker, take, upload, wait_for_end

EMPTY_ROWS = 7_000_000  # in a workbook of 60 kB, for which a process takes twenty seconds


pytestmark = pytest.mark.timeout(180)  # a busy machine gives a process little time
looks_for_the_reader = pytest.mark.usefixtures("started")


@pytest.fixture(autouse=True)
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "RUNS_MAX", 1)


@pytest.fixture
def started() -> Iterator[None]:
    """Start the processes that read files: the forked ones cannot be told from others."""
    with started_readers():
        yield


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("slow") / "fleet.xlsx"
    return build_workbook(path, give_row(1, "vin") + "<row/>" * EMPTY_ROWS).read_bytes()


async def wait_for_reader() -> psutil.Process:
    async with asyncio.timeout(20):
        while not (found := list_readers()):  # noqa: ASYNC110 - nothing of ours tells that a process began
            await asyncio.sleep(0.01)
    return found[0]


async def wait_until_gone(reader: psutil.Process) -> None:
    async with asyncio.timeout(5):
        while reader.is_running():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def cancel(runtime: Runtime, cast: Cast, queued: FileImport) -> None:
    await file_imports.cancel_import(runtime, cast.acme.principal, format_import_id(queued.import_id))


@looks_for_the_reader
@pytest.mark.long("postgres")
async def test_an_import_that_is_cancelled_frees_its_place_at_once(runtime: Runtime, cast: Cast, slow: bytes) -> None:
    queued = await upload(runtime, cast.acme.principal, slow)
    async with run_worker(runtime):
        reader = await wait_for_reader()
        await upload(runtime, cast.beta.principal, make_csv())
        await cancel(runtime, cast, queued)
        await wait_until_gone(reader)
        async with asyncio.timeout(15):
            while not await runtime.store.read(cast.beta.account.account_id).find_last_change():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    cancelled = await look(runtime, cast, queued)
    assert (cancelled.state, cancelled.part_count) == (ImportState.CANCELLED, 0)


@looks_for_the_reader
@pytest.mark.long("postgres")
async def test_a_worker_that_ends_does_not_wait_for_the_file(runtime: Runtime, cast: Cast, slow: bytes) -> None:
    queued = await upload(runtime, cast.acme.principal, slow)
    async with run_worker(runtime):
        reader = await wait_for_reader()
    assert not reader.is_running()
    left = await look(runtime, cast, queued)
    assert (left.state, left.lease_holder, left.detail) == (ImportState.RUNNING, None, None)


@looks_for_the_reader
@pytest.mark.long("postgres")
async def test_a_file_that_ends_its_process_is_refused_once(
    runtime: Runtime, cast: Cast, slow: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    queued = await upload(runtime, cast.acme.principal, slow)
    async with run_worker(runtime):
        reader = await wait_for_reader()
        reader.kill()
        failed = await wait_for_end(runtime, cast, queued)
    assert (failed.state, failed.attempt) == (ImportState.FAILED, 1)
    assert failed.detail is not None
    assert "ended by SIGKILL" in failed.detail
    assert await steps.list_waiting(runtime, "another", 10) == []
    assert "Traceback" not in caplog.text


@pytest.mark.slow_callback("writes a large file")
@pytest.mark.long
async def test_a_file_beyond_its_limits_keeps_what_was_read_and_is_refused_once(
    runtime: Runtime, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.files.child.CPU_S_MIN", 1)
    monkeypatch.setattr("padron.files.child.WALL_FACTOR", 50)
    rows = "".join(give_row(place, "x") for place in range(2, 2_502))
    path = build_workbook(tmp_path / "fleet", give_row(1, "vin") + rows + "<row/>" * (EMPTY_ROWS // 4))
    queued = await upload(runtime, cast.acme.principal, path.read_bytes())
    async with run_worker(runtime):
        async with asyncio.timeout(120):
            while (failed := await look(runtime, cast, queued)).is_open:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert (failed.state, failed.attempt, failed.counts.refused) == (ImportState.FAILED, 1, 2_000)
    assert failed.detail is not None
    assert failed.detail.startswith("Reading the file took more than 1 seconds of processor time")
    assert len(await report(runtime, cast, failed)) == 2_000  # the others wait for a whole batch


@pytest.mark.long("postgres")
async def test_how_far_the_reading_is_is_told_although_no_row_comes(runtime: Runtime, cast: Cast, slow: bytes) -> None:
    queued = await upload(runtime, cast.acme.principal, slow)
    run = await take(runtime, cast)
    importing = asyncio.create_task(import_file(runtime, run, lambda: False))
    async with asyncio.timeout(30):
        while (found := await look(runtime, cast, queued)).bytes_read == 0:
            await asyncio.sleep(0.2)
            await renew_lease(runtime, run)
    assert 0 < found.progress < 1
    await cancel(runtime, cast, queued)
    await steps.check_hold(runtime, run)
    try:
        assert (await importing).is_interrupted
    except PadronError as lost:
        pytest.fail(lost.detail)


@pytest.mark.long("postgres")
async def test_accounts_take_turns_however_many_imports_each_has(runtime: Runtime, cast: Cast, select: Select) -> None:
    for _ in range(4):
        await upload(runtime, cast.acme.principal, make_csv(5))
    for _ in range(2):
        await upload(runtime, cast.beta.principal, make_csv(5))
    async with run_worker(runtime), asyncio.timeout(40):
        while await select("SELECT 1 FROM imports WHERE state <> 'done'"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    began = await select("SELECT account_id FROM imports ORDER BY started_at")
    acme, beta = cast.acme.account.account_id, cast.beta.account.account_id
    assert [account_id for (account_id,) in began] == [acme, beta, acme, beta, acme, acme]
