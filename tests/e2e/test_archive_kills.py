"""Processes that archive are killed at any moment: each change is in the database or in one file, never in neither."""

import asyncio
import random
import signal
import subprocess
import sys
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

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(effort.TORTURE_TIMEOUT_S)]

BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
VEHICLES = 40
PORTION = 23
AGE = timedelta(days=30)
SCRIPT = f"""
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from padron.config import read_settings
from padron.service.retention import archiving
from padron.wiring import use_runtime

archiving.CLEARED_NUMBERS = 5

async def main():
    async with use_runtime(read_settings({{"PADRON_DATABASE_URL": sys.argv[1]}})) as runtime:
        print("ready", flush=True)
        plan = archiving.ArchivePlan(folder=Path(sys.argv[2]), age=timedelta(days=30), portion={PORTION})
        await archiving.archive_register(runtime, plan)
    print("done", flush=True)

asyncio.run(main())
"""


async def fill(runtime: Runtime, cast: Cast) -> list[FeedEntry]:
    store, account_id = runtime.store, cast.acme.principal.account_id
    await save(store, account_id, *(registered(make_vin(n), at=BEGAN) for n in range(VEHICLES)))
    for hour in range(1, 12):
        vehicles = [await get_one(store, account_id, make_vin(n)) for n in range(VEHICLES)]
        at = BEGAN + timedelta(hours=hour)
        await save(store, account_id, *(status_changed(one, at=at, request_id=f"r{hour}") for one in vehicles))
    return await read_feed(runtime, cast.acme.principal, START)


def archive_until_killed(url: str, folder: Path, after_s: float) -> bool:
    """Run the archiving in a process, kill it after some seconds, and say whether it had come to its end."""
    command = [sys.executable, "-c", SCRIPT, url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.stdout.read() == "done\n"


async def test_a_killed_process_loses_and_doubles_no_change(
    runtime: Runtime, cast: Cast, engine: str, database: str, select: Select, tmp_path: Path
) -> None:
    feed = await fill(runtime, cast)
    account_id = cast.acme.principal.account_id
    folder = tmp_path / "archives"
    folder.mkdir()
    url = f"sqlite:///{database}" if engine == "sqlite" else database
    dice: random.Random = effort.roll(7)
    for _ in range(effort.ARCHIVE_KILLS):
        await asyncio.to_thread(archive_until_killed, url, folder, dice.uniform(0, 0.5))
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
