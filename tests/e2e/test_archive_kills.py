"""Processes that archive are killed at any moment: each change is in the database or in one file, never in neither."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padron.domain.change import START, FeedEntry
from padron.files.archives import list_parts
from padron.service.retention.archiving import ArchivePlan, archive_account
from padron.service.retention.past import read_archive
from padron.service.runtime import Runtime
from tests import effort
from tests.cast import Cast, get_one, make_vin, registered, save, status_changed
from tests.conftest import Select
from tests.service.old_records import read_feed

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.long,
    pytest.mark.timeout(effort.TORTURE_TIMEOUT_S),
]

BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
VEHICLES = 40
PORTION = 23
AGE = timedelta(days=30)
SCRIPT = f"""
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from padron.config import read_settings
from padron.service.retention import archiving
from padron.wiring import use_runtime

archiving.CLEARED_NUMBERS = 5

async def main():
    async with use_runtime(read_settings({{"PADRON_DATABASE_URL": sys.argv[1]}})) as runtime:
        print(os.getpid(), flush=True)
        plan = archiving.ArchivePlan(folder=Path(sys.argv[2]), age=timedelta(days=30), portion={PORTION})
        await archiving.archive_register(runtime, plan)

for _ in sys.stdin:
    pid = os.fork()
    if not pid:
        asyncio.run(main())
        os._exit(0)
    sys.stdin.readline()
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


class Archiver:
    """Forks a process that archives, as often as it is told to. Most of a start is imports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._orders = process.stdin
        self._answers = process.stdout

    def archive_until_killed(self, after_s: float) -> None:
        """Archive in a process, and kill it after some seconds, or when it has come to its end."""
        self._tell()
        pid = int(self._answers.readline())
        time.sleep(after_s)
        os.kill(pid, signal.SIGKILL)
        self._tell()
        assert self._answers.readline() == "ended\n"

    def _tell(self) -> None:
        self._orders.write("\n")
        self._orders.flush()


@contextmanager
def run_archiver(url: str, folder: Path) -> Iterator[Archiver]:
    command = [sys.executable, "-c", SCRIPT, url, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Archiver(process)


async def fill(runtime: Runtime, cast: Cast) -> list[FeedEntry]:
    store, account_id = runtime.store, cast.acme.principal.account_id
    await save(store, account_id, *(registered(make_vin(n), at=BEGAN) for n in range(VEHICLES)))
    for hour in range(1, 12):
        vehicles = [await get_one(store, account_id, make_vin(n)) for n in range(VEHICLES)]
        at = BEGAN + timedelta(hours=hour)
        await save(store, account_id, *(status_changed(one, at=at, request_id=f"r{hour}") for one in vehicles))
    return await read_feed(runtime, cast.acme.principal, START)


async def test_a_killed_process_loses_and_doubles_no_change(
    runtime: Runtime, cast: Cast, engine: str, database: str, select: Select, tmp_path: Path
) -> None:
    feed = await fill(runtime, cast)
    account_id = cast.acme.principal.account_id
    folder = tmp_path / "archives"
    folder.mkdir()
    url = f"sqlite:///{database}" if engine == "sqlite" else database
    dice: random.Random = effort.roll(7)
    with run_archiver(url, folder) as archiver:
        for _ in range(effort.ARCHIVE_KILLS):
            await asyncio.to_thread(archiver.archive_until_killed, dice.uniform(0, 0.5))
            rows = await select("SELECT account_id, number FROM changes")
            kept = {number for owner, number in rows if owner == account_id}
            start = (await runtime.store.read(account_id).find_record_start()).number
            assert set(range(start + 1, len(feed) + 1)) <= kept
            archived = [one.change for one in read_archive(folder, account_id)] if list_parts(folder) else []
            assert archived == [entry.change for entry in feed[: len(archived)]]
            assert len(archived) - PORTION <= start <= len(archived)
    await archive_account(runtime, account_id, ArchivePlan(folder=folder, age=AGE, portion=PORTION))
    assert [one.change for one in read_archive(folder, account_id)] == [entry.change for entry in feed]
    rows = await select("SELECT account_id, number FROM changes ORDER BY number")
    left = [number for owner, number in rows if owner == account_id]
    assert left == [*range(1, VEHICLES + 1), *range(len(feed) - VEHICLES + 1, len(feed) + 1)]
