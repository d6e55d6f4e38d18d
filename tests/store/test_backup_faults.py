"""Whatever happens to the folder of a continuous backup or to the program, nobody waits and little is lost."""

import asyncio
import errno
import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.store.sqlite.backup import bases
from padron.store.sqlite.backup.choosing import ChainReader, choose_base
from padron.store.sqlite.backup.folders import list_chains
from tests import effort
from tests.cast import make_vin, wait_until
from tests.store.kept_backups import keep, list_vins, restore

pytestmark = pytest.mark.slow_callback  # the tests themselves restore on the event loop

LOST_S_MAX = 1.0
WORKS_AGAIN = "works again"
DOES_NOT_WORK = "does not work"


@contextmanager
def full_folder(patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let the file system of the folder take half of each write and then no more, until the block ends."""
    refused: list[int] = []
    pwrite, write = os.pwrite, os.write

    def pwrite_half(descriptor: int, data: memoryview, place: int) -> int:
        refused.append(len(data))
        if len(refused) % 2:
            return pwrite(descriptor, data[: len(data) // 2], place)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_nothing(descriptor: int, data: bytes) -> int:
        if os.fstat(descriptor).st_size == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    with patch.context() as inner:
        inner.setattr(os, "pwrite", pwrite_half)
        inner.setattr(bases, "write_all", write_nothing)
        yield refused


async def test_a_full_folder_holds_nobody_up_and_then_the_chain_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "padron.backup")
    async with keep(tmp_path) as kept:
        await kept.write(20)
        await kept.wait_until_copied()
        with full_folder(monkeypatch) as refused:
            await kept.write(30)
            await kept.wait_until_trouble()
            await kept.write(30)

            async def is_tried_again() -> bool:
                return len(refused) >= 4

            await wait_until(is_tried_again)
            assert kept.backup.state.trouble == "No space left on device"
            assert kept.backup.state.copied_at is not None
            assert kept.backup.state.copied_at < datetime.now(UTC)
        await kept.wait_until_copied()
        assert kept.backup.state.trouble == ""
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)
        assert len(list_chains(kept.folder)) == 1
    said = [record.getMessage() for record in caplog.records if record.name == "padron.backup"]
    said = [one for one in said if str(tmp_path) in one]  # another test's keeper may still delete old backups
    assert [DOES_NOT_WORK in said[0], WORKS_AGAIN in said[1], len(said)] == [True, True, 2]


@contextmanager
def hanging_folder(patch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let every sync of the folder hang until the block ends, as on a network disk whose server is gone."""
    released, entered = threading.Event(), threading.Event()
    fdatasync = os.fdatasync

    def hang(descriptor: int) -> None:
        entered.set()
        released.wait()
        fdatasync(descriptor)

    with patch.context() as inner:
        inner.setattr(os, "fdatasync", hang)
        try:
            yield entered
        finally:
            released.set()


async def test_a_folder_that_hangs_holds_nobody_up_the_log_is_bounded_and_then_a_new_chain_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("padron.store.sqlite.backup.waiting.HELD_PAGES_MAX", 400)
    monkeypatch.setattr("padron.store.sqlite.backup.waiting.QUEUE_BYTES_MAX", 200_000)
    async with keep(tmp_path) as kept:
        await kept.write(20)
        await kept.wait_until_copied()
        with hanging_folder(monkeypatch) as entered:
            await kept.write(1)
            assert await asyncio.to_thread(entered.wait, 10)
            slowest_s = 0.0
            for _ in range(400):
                began_s = time.perf_counter()
                await kept.write()
                slowest_s = max(slowest_s, time.perf_counter() - began_s)
            assert slowest_s < 1.0
            assert Path(f"{kept.path}-wal").stat().st_size < 1_200 * 4_120  # it was given up and started again
            assert "gap" in caplog.text
        await kept.wait_until_copied()
        await kept.write(20)
        await kept.wait_until_copied()
        assert len(list_chains(kept.folder)) >= 2  # on a slow machine, the short log of this test is given up once more
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)


async def test_a_server_ends_in_time_while_its_folder_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("padron.store.sqlite.backup.keeper.CLOSE_S_MAX", 0.3)
    with hanging_folder(monkeypatch) as entered:
        async with keep(tmp_path) as kept:
            await kept.write(5)
            assert await asyncio.to_thread(entered.wait, 10)
            began_s = time.perf_counter()
        assert time.perf_counter() - began_s < 5
    assert len(list_vins(kept.path)) == 5


async def test_a_folder_that_vanishes_and_comes_back_gets_a_new_chain(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "padron.backup")
    async with keep(tmp_path) as kept:
        await kept.write(20)
        await kept.wait_until_copied()
        shutil.rmtree(kept.folder)
        await kept.write(20)
        await kept.wait_until_trouble()
        await kept.write(20)
        kept.folder.mkdir()
        await kept.wait_until_copied()
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)
        assert len(list_chains(kept.folder)) == 1
    assert WORKS_AGAIN in caplog.text


async def test_a_chain_that_was_deleted_under_the_server_is_begun_anew(tmp_path: Path) -> None:
    """Writing to a deleted file succeeds, so the writer must look for the name."""
    async with keep(tmp_path) as kept:
        await kept.write(5)
        await kept.wait_until_copied()
        shutil.rmtree(list_chains(kept.folder)[-1].path)
        await kept.write(5)

        async def has_new_chain() -> bool:
            return bool(list_chains(kept.folder)) and bool(list_chains(kept.folder)[-1].list_bases())

        await wait_until(has_new_chain)
        await kept.wait_until_copied()
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)


async def test_an_unmounted_folder_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with keep(tmp_path) as kept:
        await kept.wait_until_copied()
        # The folder below the mount point: empty, and on another file system.
        monkeypatch.setattr(kept.backup._place, "_device", -1)
        kept.folder.rename(tmp_path / "mounted")
        kept.folder.mkdir()
        await kept.write(5)
        await kept.wait_until_trouble()
        assert "not mounted" in kept.backup.state.trouble
        assert list(kept.folder.iterdir()) == []
        kept.folder.rmdir()
        (tmp_path / "mounted").rename(kept.folder)
        await kept.wait_until_copied()
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)
        assert len(list_chains(kept.folder)) == 1


WRITE_AND_TELL = """
import asyncio, sys, time
from datetime import timedelta
from padron.store.backups import BackupPlan
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.backup.keeper import LogBackup
from tests.cast import make_vin, registered, save

async def write(store, first):
    for number in range(first, first + 100_000):
        await save(store, 1, registered(make_vin(number), ownerName="x" * 2_000))
        print(number, time.monotonic(), flush=True)

async def main(path, folder, *firsts):
    backup = LogBackup(path, BackupPlan(folder=folder, keep=timedelta(days=1), base_bytes=1 << 30))
    store = SqliteStore(path, log_pages=20, keeper=backup)
    while backup.state.copied_at is None:
        await asyncio.sleep(0.01)
    await asyncio.gather(*(write(store, int(first)) for first in firsts))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_kill_while_the_log_starts_again_all_the_time_loses_no_more_than_a_second(
    disk_folder: Path, tmp_path: Path
) -> None:
    """Kill the writer and delete the database. The log of 20 pages is copied some dozen times until then."""
    path, folder = disk_folder / "padron.db", tmp_path / "backup"
    folder.mkdir()
    async with keep(disk_folder) as kept:
        await kept.write(1)
    told: dict[int, float] = {}
    for turn in range(effort.LOG_KILLS):
        firsts = [str(1_000_000 * (1 + 3 * turn + way)) for way in range(3)]
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITE_AND_TELL, str(path), str(folder), *firsts, stdout=asyncio.subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(200 + 37 * turn):
            number, at_s = (await writer.stdout.readline()).split()
            told[int(number)] = float(at_s)
        killed_s = time.monotonic()
        writer.kill()
        rest = (await writer.stdout.read()).split(b"\n")[:-1]
        told |= {int(line.split()[0]): float(line.split()[1]) for line in rest if len(line.split()) == 2}
        await writer.wait()
        for side in ("", "-wal", "-shm"):
            Path(f"{path}{side}").unlink()
        restored = restore(folder, path)
        vins = list_vins(path)
        told = {
            number: at_s for number, at_s in told.items() if at_s < killed_s - LOST_S_MAX or make_vin(number) in vins
        }
        assert {make_vin(number) for number in told} <= {*vins}
        assert restored.summary.accounts[0].last_change == len(vins)
    logs = max(record.log for record in ChainReader(choose_base(folder, None)).read(None))
    assert logs > 5


async def test_the_log_is_copied_while_the_folder_takes_its_time_for_a_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with keep(tmp_path, base_every=timedelta(seconds=0.05)) as kept:
        await kept.wait_until_copied()
        fsync, entered, released = os.fsync, threading.Event(), threading.Event()

        def hang(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):  # after a note got its name
                entered.set()
                released.wait()
            fsync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", hang)
            try:
                assert await asyncio.to_thread(entered.wait, 10)
                for _ in range(3):
                    await kept.write()
                    await kept.wait_until_copied()  # fails after some seconds
            finally:
                released.set()
        restore(kept.folder, tmp_path / "restored.db")
        assert list_vins(tmp_path / "restored.db") == list_vins(kept.path)
