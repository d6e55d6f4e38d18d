"""A copy of a register in use: of one instant, with a checksum in each page, and never made to begin again."""

import asyncio
import threading
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite.backup import copying
from padron.store.sqlite.backup.copying import copy_checked
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.soundness.checksums import has_checksums
from tests.store.kept_backups import dump, keep

pytestmark = pytest.mark.slow_callback  # the tests themselves copy on the event loop

PAGES = 2_000
STEPS_MAX = 300


def make_target(path: Path) -> Path:
    path.touch(0o600)
    return path


def test_pages_that_are_only_in_the_log_get_checksums_in_the_copy(tmp_path: Path) -> None:
    """The copy is larger than SQLite's cache, so pages are written before the copy is complete."""
    source = tmp_path / "padron.db"
    sqlite.migrate(str(source))
    file = open_connection(str(source))
    file.execute("PRAGMA wal_autocheckpoint = 0")
    file.execute("PRAGMA synchronous = OFF")
    file.execute("CREATE TABLE ballast (bytes BLOB)")
    for _ in range(PAGES):
        file.execute("INSERT INTO ballast VALUES (randomblob(3000))")
    assert has_checksums(file)
    assert source.stat().st_size < 1_000_000
    summary = copy_checked(str(source), make_target(tmp_path / "copy.db"))
    file.close()
    assert summary.row_counts["ballast"] == PAGES
    copy = apsw.Connection(str(tmp_path / "copy.db"), flags=apsw.SQLITE_OPEN_READONLY)
    assert has_checksums(copy)
    copy.close()
    assert dump(tmp_path / "copy.db") == dump(source)


async def test_a_writer_does_not_make_a_copy_begin_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes after each step, from another connection. Without the one read transaction the copy would not end."""
    monkeypatch.setattr(copying, "STEP_PAGES", 5)
    async with keep(tmp_path) as kept:
        await kept.write(100)
        done_steps: list[int] = []
        steps, written = threading.Semaphore(0), threading.Semaphore(0)

        def show(done: int, total: int) -> None:
            assert 0 < done <= total
            done_steps.append(done)
            assert len(done_steps) < STEPS_MAX, "The copy begins again and again."
            steps.release()
            assert written.acquire(timeout=10)

        copied = asyncio.create_task(
            asyncio.to_thread(copy_checked, str(kept.path), make_target(tmp_path / "copy.db"), show)
        )
        count = 0
        while not copied.done():
            if steps.acquire(blocking=False):
                await kept.write(1)
                count += 1
                written.release()
            await asyncio.sleep(0)
        summary = await copied
        assert count > 10
        assert summary.accounts[0].last_change == 100
        assert kept.count == 100 + count
