"""The server restores its newest backup on trial, and says how it ended."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from padron.domain.trouble import TroubleCode
from padron.service.backups import find_backup_state, note_backup_check
from padron.service.register import find_readiness
from padron.service.runtime import Runtime, build_runtime
from padron.store.backups import BackupPlan
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.backup.folders import list_chains
from padron.store.sqlite.backup.keeper import LogBackup
from padron.workers import backups
from padron.workers.backups import BackupCheckWorker
from tests.cast import wait_until
from tests.conftest import SteppedClock
from tests.starting import write_command

CHECK_AGE = "padron_backup_check_age_seconds"
GOOD = "padron_backup_check_good"
WORKING = "padron_backup_working"


def give_figures(runtime: Runtime) -> dict[str, Any]:
    """Give the values of the families without labels."""
    return {one.name: one.samples[()] for one in runtime.store.give_families() if () in one.samples}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder


@pytest.fixture
async def runtime(template: Path, folder: Path, tmp_path: Path, clock: SteppedClock) -> AsyncIterator[Runtime]:
    path = tmp_path / "padron.db"
    path.write_bytes(template.read_bytes())
    backup = LogBackup(str(path), BackupPlan(folder=str(folder), keep=timedelta(days=7), base_bytes=1 << 30))
    runtime = build_runtime(SqliteStore(str(path), keeper=backup), clock)
    yield runtime
    await runtime.close()


async def check(runtime: Runtime, folder: Path) -> str:
    """Let the worker check once, and give what it found."""
    worker = BackupCheckWorker(runtime, str(folder), first_s=0.0, every_s=3_600.0)
    before = find_backup_state(runtime)
    assert before is not None

    async def is_checked() -> bool:
        state = find_backup_state(runtime)
        return state is not None and state.checked_at != before.checked_at

    worker.start()
    try:
        await wait_until(is_checked, seconds_max=40)
    finally:
        await worker.stop()
    state = find_backup_state(runtime)
    assert state is not None
    return state.check_trouble


async def wait_for_base(folder: Path) -> None:
    async def is_there() -> bool:
        return any(chain.list_bases() for chain in list_chains(folder))

    await wait_until(is_there)


@pytest.fixture
def _forked_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the command that restores. Others do not go first, or each trial would wait for other tests."""
    command, python = tmp_path / "bin" / "padron", tmp_path / "bin" / "python"
    write_command(command)
    python.write_text(f'#!/bin/sh\n[ "$1 $2" = "-m padron" ] && shift 2 && exec {command} "$@"\n', "utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(backups, "_NICE", 0)
    monkeypatch.setattr(backups, "WAIT_S", 0.05)  # the base may be there a moment before it is noted


@pytest.mark.usefixtures("_forked_restore")
async def test_a_sound_backup_is_found_right_and_a_damaged_one_wrong(
    runtime: Runtime, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "padron.backup")
    await wait_for_base(folder)
    assert CHECK_AGE not in give_figures(runtime)
    assert await check(runtime, folder) == ""
    assert (await find_readiness(runtime)).troubles == ()
    assert give_figures(runtime)[GOOD] == 1
    note_backup_check(runtime, datetime.now(UTC) - timedelta(hours=1), "")
    assert 3_600 <= give_figures(runtime)[CHECK_AGE] < 4_000
    assert "was restored on trial and is right" in caplog.text
    assert not list(folder.glob(".trial*"))
    (chain,) = list_chains(folder)
    base = chain.give_base(1)
    base.write_bytes(base.read_bytes()[:-1])
    trouble = await check(runtime, folder)
    assert "is damaged" in trouble
    assert "could not be restored on trial" in caplog.text
    found = await find_readiness(runtime)
    assert (found.is_ready, [one.code for one in found.troubles]) == (True, [TroubleCode.BACKUP_FAILING])
    assert give_figures(runtime)[GOOD] == 0


async def test_a_folder_that_is_gone_is_a_warning_until_it_is_back(runtime: Runtime, folder: Path) -> None:
    await wait_for_base(folder)

    async def warns(*, wanted: bool) -> bool:
        found = await find_readiness(runtime)
        assert found.is_ready
        return bool(found.troubles) is wanted and give_figures(runtime)[WORKING] == int(not wanted)

    await wait_until(partial(warns, wanted=False))
    folder.rename(folder.with_name("away"))
    await wait_until(partial(warns, wanted=True))
    folder.with_name("away").rename(folder)
    await wait_until(partial(warns, wanted=False))


async def test_a_folder_that_hangs_is_a_warning(runtime: Runtime, folder: Path, clock: SteppedClock) -> None:
    await wait_for_base(folder)

    async def is_copied() -> bool:
        state = find_backup_state(runtime)
        return state is not None and state.copied_at is not None

    await wait_until(is_copied)
    clock.now = datetime.now(UTC) + timedelta(seconds=20)
    assert (await find_readiness(runtime)).troubles == ()
    clock.now += timedelta(seconds=20)  # as if nothing had been copied in the meantime
    assert [one.code for one in (await find_readiness(runtime)).troubles] == [TroubleCode.BACKUP_FAILING]


async def test_a_stopping_server_does_not_wait_for_the_trial(runtime: Runtime, folder: Path) -> None:
    await wait_for_base(folder)
    worker = BackupCheckWorker(runtime, str(folder), first_s=0.0)
    worker.start()
    await asyncio.sleep(0.2)
    async with asyncio.timeout(3):
        await worker.stop()


async def test_a_server_without_a_backup_has_no_state(template: Path, tmp_path: Path, clock: SteppedClock) -> None:
    path = tmp_path / "padron.db"
    path.write_bytes(template.read_bytes())
    runtime = build_runtime(SqliteStore(str(path)), clock)
    assert find_backup_state(runtime) is None
    await runtime.close()
