"""The file under SQLite: full, held by others, made by a SQLite that loses data."""

import asyncio
import sys
from pathlib import Path

import apsw
import pytest

from padron.domain.errors import Code, PadronError
from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import check_sqlite_version
from tests.cast import get_one, make_vin, registered, save, status_changed
from tests.conftest import Select
from tests.tables import each_row

HOLD_S = 0.3
HOLD_THE_WRITE_LOCK = """
import sys, time, apsw
file = apsw.Connection(sys.argv[1])
file.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
file.execute("ROLLBACK")
"""


@pytest.fixture
def engine() -> str:
    return "sqlite"


@each_row("version", ["3.51.3", "3.50.7", "3.44.6", "3.52.0", "3.54.1", "4.0.0"])
def test_a_sqlite_that_keeps_what_it_commits_is_accepted(version: str) -> None:
    check_sqlite_version(version)


@each_row("version", ["3.50.4", "3.51.2", "3.51.0", "3.50.6", "3.49.9", "3.45.0", "3.44.5", "3.7.0"])
def test_a_sqlite_that_can_lose_commits_is_refused(version: str) -> None:
    with pytest.raises(PadronError, match=version) as refusal:
        check_sqlite_version(version)
    assert refusal.value.code is Code.STORE_UNAVAILABLE


async def test_every_connection_syncs_each_commit(store: SqliteStore, acme: int, select: Select) -> None:
    await save(store, acme, registered())
    writer = store._committer._connection
    assert list(writer.execute("PRAGMA synchronous")) == [(2,)]
    assert list(writer.execute("PRAGMA journal_mode")) == [("wal",)]
    assert list(writer.execute("PRAGMA foreign_keys")) == [(1,)]
    assert await select("SELECT last_change FROM counters") == [(1,)]


async def test_a_full_disk_is_a_503_and_the_file_stays_sound(
    store: SqliteStore, acme: int, select: Select, database: str
) -> None:
    await save(store, acme, *(registered(make_vin(n)) for n in range(10)))
    writer = store._committer._connection
    ((pages,),) = writer.execute("PRAGMA page_count")
    writer.execute(f"PRAGMA max_page_count = {pages + 3}")  # the same error as a full disk, without one
    saved = 10

    async def fill() -> None:
        nonlocal saved
        while saved < 10_000:
            await save(store, acme, *(registered(make_vin(saved + n), ownerName="x" * 150) for n in range(10)))
            saved += 10

    with pytest.raises(PadronError) as refusal:
        await fill()
    assert refusal.value.code is Code.STORE_UNAVAILABLE
    assert [row[0] for row in await select("SELECT number FROM changes ORDER BY number")] == list(range(1, saved + 1))
    # Several at once, as a group: each is refused, none is half there, and a small one may fit.
    outcomes = await asyncio.gather(
        *(save(store, acme, registered(make_vin(20_000 + n), ownerName="x" * 5_000)) for n in range(8)),
        return_exceptions=True,
    )
    codes = {outcome.code if isinstance(outcome, PadronError) else outcome for outcome in outcomes}
    assert codes <= {Code.STORE_UNAVAILABLE, None}
    assert Code.STORE_UNAVAILABLE in codes
    assert (await get_one(store, acme, make_vin(0))).revision == 1
    saved += sum(outcome is None for outcome in outcomes)

    writer.execute("PRAGMA max_page_count = 1000000")
    await save(store, acme, registered(make_vin(30_000)))
    numbers = [row[0] for row in await select("SELECT number FROM changes ORDER BY number")]
    assert numbers == list(range(1, saved + 2))
    assert await select("PRAGMA integrity_check") == [("ok",)]
    assert Path(database).stat().st_size > 0


async def test_another_program_that_holds_the_write_lock_neither_blocks_the_loop_nor_fails_the_write(
    store: SqliteStore, acme: int, database: str
) -> None:
    await save(store, acme, registered(make_vin(1)))
    vehicle = await get_one(store, acme, make_vin(1))
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_THE_WRITE_LOCK, database, str(HOLD_S), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    loop = asyncio.get_running_loop()
    gaps: list[float] = []

    async def tick() -> None:
        last = loop.time()
        while True:
            await asyncio.sleep(0)
            gaps.append(loop.time() - last)
            last = loop.time()

    ticking = asyncio.create_task(tick())
    begun = loop.time()
    writing = asyncio.create_task(save(store, acme, status_changed(vehicle)))
    await asyncio.sleep(0)
    assert (await get_one(store, acme, make_vin(1))) == vehicle  # readers do not wait at all
    await writing
    waited = loop.time() - begun
    ticking.cancel()
    await holder.wait()
    assert waited > HOLD_S / 2
    assert max(gaps) < HOLD_S / 3
    assert (await get_one(store, acme, make_vin(1))).revision == 2


async def test_a_write_lock_that_is_never_given_back_is_a_503(
    store: SqliteStore, acme: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.store.sqlite.commits.LOCK_WAIT_S_MAX", 0.05)
    other = apsw.Connection(database)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(PadronError) as refusal:
        await save(store, acme, registered())
    assert refusal.value.code is Code.STORE_UNAVAILABLE
    other.execute("ROLLBACK")
    other.close()
    await save(store, acme, registered())


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("This is not a database. " * 100)
    with pytest.raises(PadronError) as refusal:
        await sqlite.open_store(str(path))
    assert refusal.value.code is Code.STORE_UNAVAILABLE


async def test_transactions_that_share_a_commit_fail_alone(store: SqliteStore, acme: int, beta: int) -> None:
    accounts = (acme, beta)
    changes = [registered(make_vin(n // 4), request_id=f"r-{n}") for n in range(24)]  # each VIN twice an account
    outcomes = await asyncio.gather(
        *(save(store, accounts[n % 2], change) for n, change in enumerate(changes)), return_exceptions=True
    )
    failed = [n for n, outcome in enumerate(outcomes) if outcome is not None]
    assert failed == [n for n in range(24) if n % 4 >= 2]
    for account_id in accounts:
        for n in range(6):
            history = await store.read(account_id).list_history(
                (await get_one(store, account_id, make_vin(n))).vehicle_id, None, 9
            )
            assert [entry.number for entry in history] == [n + 1]
