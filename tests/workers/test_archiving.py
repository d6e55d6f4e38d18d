"""The worker archives by itself, one process at a time in a folder, and says once why it cannot."""

import asyncio
import fcntl
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from padron.files.archives import list_parts
from padron.service.runtime import Runtime
from padron.workers.archiving import LOCK_NAME, ArchivingWorker
from padron.workers.base import run_workers
from tests.cast import Cast, make_vin, registered, save, wait_until
from tests.conftest import SteppedClock

AGE = timedelta(days=30)


async def test_old_changes_are_archived_once_no_other_process_does_it(
    runtime: Runtime, cast: Cast, clock: SteppedClock, tmp_path: Path
) -> None:
    account_id = cast.acme.principal.account_id
    await save(runtime.store, account_id, *(registered(make_vin(n)) for n in range(5)))
    clock.now += timedelta(days=40)
    worker = ArchivingWorker(runtime, str(tmp_path), AGE, every_s=0.01)
    with (tmp_path / LOCK_NAME).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        async with run_workers([worker]):
            await asyncio.sleep(0.2)
            assert list_parts(tmp_path) == []
            fcntl.flock(other, fcntl.LOCK_UN)

            async def is_archived() -> bool:
                return (await runtime.store.read(account_id).find_record_start()).number == 5

            await wait_until(is_archived)
    assert [(part.first, part.last) for part in list_parts(tmp_path)] == [(1, 5)]


async def test_a_missing_folder_is_said_once_and_its_return_too(
    runtime: Runtime, cast: Cast, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "archives"

    def list_lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "padron.archiving"]

    async def is_over() -> bool:
        return any("this is over" in line for line in list_lines())

    async with run_workers([ArchivingWorker(runtime, str(folder), AGE, every_s=0.01)]):
        await asyncio.sleep(0.3)
        assert len(list_lines()) == 1
        assert "cannot be written: No such file or directory" in list_lines()[0]
        assert not folder.exists()
        folder.mkdir()
        await wait_until(is_over)
    del cast
