"""SQLite's log is copied into the file beside the writer, and begins anew however busy that is."""

import asyncio
import resource
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.log_copies import LogCopier
from tests import effort
from tests.cast import NOON, make_vin, registered, save, wait_until
from tests.conftest import Select

LOG_PAGES = 100
PAGE_BYTES = 4_096
HEAD_BYTES = 24  # of each page in the log
WRITERS = 4
WRITE_AND_TELL = """
import asyncio, sys
from padron.store.sqlite import SqliteStore
from tests.cast import make_vin, registered, save

async def write(store, first):
    for number in range(first, first + 100_000):
        await save(store, 1, registered(make_vin(number), ownerName="x" * 2_000))
        print(number, flush=True)

async def main():
    store = SqliteStore(sys.argv[1], log_pages=20)
    await asyncio.gather(*(write(store, int(first)) for first in sys.argv[2:]))

asyncio.run(main())
"""


@pytest.fixture
def engine() -> str:
    return "sqlite"


@asynccontextmanager
async def open_register(path: str, log_pages: int = LOG_PAGES) -> AsyncIterator[tuple[SqliteStore, int]]:
    """Open a new register of one account with a short log."""
    sqlite.migrate(path)
    store = SqliteStore(path, log_pages=log_pages)
    try:
        yield store, (await store.directory.add_account("Acme", NOON)).account_id
    finally:
        await store.close()


async def register_many(store: SqliteStore, account_id: int, first: int, count: int) -> None:
    for number in range(first, first + count):
        await save(store, account_id, registered(make_vin(number), ownerName="x" * 2_000))


async def write_restlessly(store: SqliteStore, account_id: int, first: int, count: int) -> None:
    await asyncio.gather(
        *(register_many(store, account_id, first + 1_000 * way, count // WRITERS) for way in range(WRITERS))
    )


def give_log_pages(path: str) -> float:
    """Give how long the log has ever been: it is written anew from its beginning, and its file is not made shorter."""
    return Path(f"{path}-wal").stat().st_size / (PAGE_BYTES + HEAD_BYTES)


async def test_the_log_begins_anew_beside_writers_that_never_rest(database: str, select: Select) -> None:
    async with open_register(database) as (store, acme):
        await write_restlessly(store, acme, 0, 160)
        assert LOG_PAGES <= give_log_pages(database) < 5 * LOG_PAGES  # of more than 1,200 written
        assert await select("SELECT count(*), max(number) FROM changes") == [(160, 160)]
    assert await select("PRAGMA integrity_check") == [("ok",)]


async def test_a_register_that_is_closed_is_one_file(database: str, select: Select) -> None:
    async with open_register(database) as (store, acme):
        await register_many(store, acme, 0, 5)
        assert await store.read(acme).list_by_vin(make_vin(3))
        assert Path(f"{database}-wal").exists()
    assert not Path(f"{database}-wal").exists()
    assert await select("SELECT count(*) FROM changes") == [(5,)]


async def test_a_reader_of_an_earlier_state_holds_the_log_and_nothing_else_up(database: str, select: Select) -> None:
    async with open_register(database) as (store, acme):
        await register_many(store, acme, 0, 1)
        reader = open_connection(database, read_only=True)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM changes").fetchall() == [(1,)]
        await write_restlessly(store, acme, 10_000, 160)
        held = give_log_pages(database)
        assert held > 10 * LOG_PAGES
        assert reader.execute("SELECT count(*) FROM changes").fetchall() == [(1,)]
        reader.execute("COMMIT")
        reader.close()
        await write_restlessly(store, acme, 20_000, 100)
        assert give_log_pages(database) < 1.4 * held
        assert await select("SELECT count(*) FROM changes") == [(261,)]


async def test_readers_who_always_overlap_do_not_let_the_log_grow_for_ever(database: str) -> None:
    async with open_register(database, log_pages=20) as (store, acme):
        readers = [open_connection(database, read_only=True) for _ in range(2)]

        async def read() -> None:
            """Begin to read before the one who read before has ended, over and over."""
            while True:
                for reader in readers:
                    reader.execute("BEGIN")
                    reader.execute("SELECT count(*) FROM changes").fetchall()
                    await asyncio.sleep(0.02)
                    other = readers[reader is readers[0]]
                    if other.in_transaction:
                        other.execute("COMMIT")

        reading = asyncio.create_task(read())
        await write_restlessly(store, acme, 0, 180)
        reading.cancel()
        for reader in readers:
            reader.close()
        assert give_log_pages(database) < 1_000  # of more than 1,500 written


@contextmanager
def open_writer(path: str) -> Iterator[tuple[apsw.Connection, LogCopier]]:
    """Open a file with a copier and no store around it."""
    writer = open_connection(path, busy_timeout_ms=0)
    copier = LogCopier(path, writer, LOG_PAGES)
    writer.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    try:
        yield writer, copier
    finally:
        copier.close()
        writer.close()


@contextmanager
def hold_reader(path: str) -> Iterator[None]:
    """Read the state of now until the block ends."""
    reader = open_connection(path, read_only=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM notes").fetchall()
    yield
    reader.execute("COMMIT")
    reader.close()


@contextmanager
def hold_copying(copier: LogCopier) -> Iterator[Callable[[], None]]:
    """Keep the copier's thread busy until what is given is called, or the block ends."""
    event = threading.Event()
    copier._thread.submit(event.wait)
    try:
        yield event.set
    finally:
        event.set()


def is_at_rest(copier: LogCopier) -> bool:
    """Say whether it sees no reason to copy."""
    return not copier.advance() and copier._copying is None


async def wait_for_rest(copier: LogCopier) -> None:
    """Return once the copier has done its part."""

    async def is_left() -> bool:
        return copier.advance()

    await wait_until(is_left)


def write_pages(writer: apsw.Connection, pages: int) -> None:
    """Commit once, with about this many pages."""
    with writer:
        writer.executemany("INSERT INTO notes (text) VALUES (?)", [("x" * (PAGE_BYTES - 100),)] * pages)


async def test_the_writer_is_left_the_rest_alone(database: str) -> None:
    with open_writer(database) as (writer, copier):

        def give_missing_pages() -> int:
            ((pages,),) = writer.execute("PRAGMA page_count")
            return int(pages) - Path(database).stat().st_size // PAGE_BYTES

        write_pages(writer, LOG_PAGES // 2)
        assert is_at_rest(copier)
        write_pages(writer, LOG_PAGES)
        writer.execute("BEGIN IMMEDIATE")  # what is written by a transaction that is open when the rest is copied...
        writer.execute("INSERT INTO notes (text) VALUES ('x')")
        await wait_for_rest(copier)
        writer.executemany("INSERT INTO notes (text) VALUES (?)", [("x" * PAGE_BYTES,)] * 9)
        writer.execute("COMMIT")  # ...comes after that, in the log
        assert 0 < give_missing_pages() < 30
        copier.finish()
        assert give_missing_pages() == 0
        length = give_log_pages(database)
        write_pages(writer, LOG_PAGES // 2)
        assert give_log_pages(database) == length
        assert is_at_rest(copier)


async def test_a_log_that_began_anew_before_the_rest_was_due_may_grow_to_its_full_length(database: str) -> None:
    with open_writer(database) as (writer, copier):
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        write_pages(writer, 1)  # all was copied: this begins the log anew
        copier.finish()
        write_pages(writer, LOG_PAGES // 2)
        assert is_at_rest(copier)


async def test_a_writer_who_is_faster_than_the_disk_waits_for_it(database: str) -> None:
    with open_writer(database) as (writer, copier):
        with hold_copying(copier) as let_go:
            write_pages(writer, LOG_PAGES)
            assert not copier.advance()
            write_pages(writer, LOG_PAGES + 1)
            assert copier.advance()
            finishing = asyncio.get_running_loop().run_in_executor(None, copier.finish)
            assert not (await asyncio.wait([finishing], timeout=0.05))[0]
            let_go()
            await finishing
        length = give_log_pages(database)
        write_pages(writer, LOG_PAGES)
        assert give_log_pages(database) == length


async def test_a_copier_that_cannot_work_does_not_end_the_writing(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, select: Select
) -> None:
    def refuse(_: LogCopier, mode: str) -> None:
        raise RuntimeError(f"can't start new thread: {mode}")

    monkeypatch.setattr(LogCopier, "_copy", refuse)
    async with open_register(database) as (store, acme):
        await register_many(store, acme, 0, 50)
        assert await select("SELECT count(*) FROM changes") == [(50,)]
    assert "can't start new thread" in caplog.text


async def test_a_log_that_is_held_up_is_tried_again_when_it_has_grown_by_a_quarter(database: str) -> None:
    with open_writer(database) as (writer, copier), hold_reader(database):
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        copier.finish()
        for _ in range(5):
            write_pages(writer, 2)
            assert is_at_rest(copier)
        write_pages(writer, LOG_PAGES // 4)
        await wait_for_rest(copier)


async def test_a_file_that_takes_no_more_leaves_it_in_the_log(database: str, caplog: pytest.LogCaptureFixture) -> None:
    with open_writer(database) as (writer, copier):
        write_pages(writer, 3 * LOG_PAGES)
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(database).stat().st_size, limits[1]))
        try:
            write_pages(writer, LOG_PAGES)
            await wait_for_rest(copier)
            copier.finish()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        said = {record.getMessage() for record in caplog.records if record.name == "padron.store"}
        assert len(said) == 1
        assert said.pop().startswith("The database's log could not be copied into its file: ")
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        copier.finish()
        assert writer.execute("SELECT count(*) FROM notes").fetchall() == [(5 * LOG_PAGES,)]
        assert writer.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((pages,),) = writer.execute("PRAGMA page_count")
        assert Path(database).stat().st_size == pages * PAGE_BYTES


async def test_the_copier_syncs_what_it_copies(database: str) -> None:
    with open_writer(database) as (_, copier):
        assert list(copier._connection.execute("PRAGMA synchronous")) == [(2,)]


@pytest.mark.campaign
@pytest.mark.long
@pytest.mark.usefixtures("disk_folder")
@pytest.mark.timeout(180)
async def test_what_was_answered_is_there_after_a_kill_while_the_log_is_copied(database: str, select: Select) -> None:
    async with open_register(database):
        pass
    told: set[int] = set()
    for turn in range(effort.LOG_KILLS):
        before = Path(database).stat().st_size
        firsts = [str(1_000_000 * (WRITERS * turn + way)) for way in range(WRITERS)]
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITE_AND_TELL, database, *firsts, stdout=asyncio.subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(100 + 17 * turn):  # the log of 20 pages is copied some dozen times by then
            line = await writer.stdout.readline()
            assert line.endswith(b"\n"), "The writer has ended."
            told.add(int(line))
        writer.kill()
        told.update(int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1])
        await writer.wait()
        assert Path(database).stat().st_size > before + 20 * PAGE_BYTES  # beside the log
        assert await select("PRAGMA integrity_check") == [("ok",)]
        rows = await select("SELECT number, vin FROM changes ORDER BY number")
        assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
        assert {make_vin(number) for number in told} <= {vin for _, vin in rows}
