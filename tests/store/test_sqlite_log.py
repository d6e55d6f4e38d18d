"""SQLite's log is copied into the file beside the writer, and begins anew however busy that is."""

import asyncio
import logging
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite import SqliteStore
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.log_copies import LogCopier
from tests.cast import NOON, make_vin, registered, save, wait_until
from tests.conftest import Select

LOG_PAGES = 100
PAGE_BYTES = 4_096
HEAD_BYTES = 24  # of each page in the log
KILLS = 6
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
async def open_register(path: str) -> AsyncIterator[tuple[SqliteStore, int]]:
    """Open a new register of one account with a short log."""
    sqlite.migrate(path)
    store = SqliteStore(path, log_pages=LOG_PAGES)
    try:
        yield store, (await store.directory.add_account("Acme", NOON)).account_id
    finally:
        await store.close()


async def register_many(store: SqliteStore, account_id: int, first: int, count: int) -> None:
    for number in range(first, first + count):
        await save(store, account_id, registered(make_vin(number), ownerName="x" * 2_000))


async def write_restlessly(store: SqliteStore, account_id: int, first: int) -> None:
    await asyncio.gather(*(register_many(store, account_id, first + 1_000 * way, 200) for way in range(WRITERS)))


def give_log_pages(path: str) -> float:
    """Give how long the log has ever been: it is written anew from its beginning, and its file is not made shorter."""
    return Path(f"{path}-wal").stat().st_size / (PAGE_BYTES + HEAD_BYTES)


async def test_the_log_begins_anew_beside_writers_that_never_rest(database: str, select: Select) -> None:
    async with open_register(database) as (store, acme):
        await write_restlessly(store, acme, 0)
        assert LOG_PAGES <= give_log_pages(database) < 5 * LOG_PAGES  # of more than 6,000 written
        assert await select("SELECT count(*), max(number) FROM changes") == [(800, 800)]
    assert await select("PRAGMA integrity_check") == [("ok",)]


async def test_a_reader_of_an_earlier_state_holds_the_log_and_nothing_else_up(database: str, select: Select) -> None:
    async with open_register(database) as (store, acme):
        await register_many(store, acme, 0, 1)
        reader = open_connection(database, read_only=True)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM changes").fetchall() == [(1,)]
        await write_restlessly(store, acme, 10_000)
        held = give_log_pages(database)
        assert held > 20 * LOG_PAGES
        assert reader.execute("SELECT count(*) FROM changes").fetchall() == [(1,)]
        reader.execute("COMMIT")
        reader.close()
        await write_restlessly(store, acme, 20_000)
        assert give_log_pages(database) < held + 5 * LOG_PAGES
        assert await select("SELECT count(*) FROM changes") == [(1_601,)]


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
        write_pages(writer, LOG_PAGES // 2)
        assert not copier.advance()
        await asyncio.sleep(0.05)
        assert not copier.advance()
        before = Path(database).stat().st_size
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        ((pages,),) = writer.execute("PRAGMA page_count")
        assert before < Path(database).stat().st_size == pages * PAGE_BYTES
        copier.finish()
        assert not copier.advance()
        write_pages(writer, LOG_PAGES // 2)
        assert give_log_pages(database) < 2 * LOG_PAGES
        assert not copier.advance()


async def test_a_log_that_is_held_up_is_tried_again_when_it_has_grown_by_a_quarter(database: str) -> None:
    with open_writer(database) as (writer, copier):
        write_pages(writer, 1)
        reader = open_connection(database, read_only=True)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM notes").fetchall() == [(1,)]
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        copier.finish()
        for _ in range(5):
            write_pages(writer, 2)
            assert not copier.advance()
            await asyncio.sleep(0.01)
            assert not copier.advance()
        write_pages(writer, LOG_PAGES // 4)
        await wait_for_rest(copier)
        reader.execute("COMMIT")
        reader.close()


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
        said = {record.getMessage() for record in caplog.records if record.levelno == logging.WARNING}
        assert len(said) == 1
        assert said.pop().startswith("The database's log could not be copied into its file: ")
        write_pages(writer, LOG_PAGES)
        await wait_for_rest(copier)
        copier.finish()
        assert writer.execute("SELECT count(*) FROM notes").fetchall() == [(5 * LOG_PAGES,)]
        assert writer.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((pages,),) = writer.execute("PRAGMA page_count")
        assert Path(database).stat().st_size == pages * PAGE_BYTES


async def test_what_was_answered_is_there_after_a_kill_while_the_log_is_copied(database: str, select: Select) -> None:
    async with open_register(database):
        pass
    told: set[int] = set()
    for turn in range(KILLS):
        firsts = [str(1_000_000 * (WRITERS * turn + way)) for way in range(WRITERS)]
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITE_AND_TELL, database, *firsts, stdout=asyncio.subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(100 + 17 * turn):  # the log of 20 pages is copied some dozen times by then
            told.add(int(await writer.stdout.readline()))
        writer.kill()
        told.update(int(line) for line in (await writer.stdout.read()).split(b"\n")[:-1])
        await writer.wait()
        assert await select("PRAGMA integrity_check") == [("ok",)]
        rows = await select("SELECT number, vin FROM changes ORDER BY number")
        assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
        assert {make_vin(number) for number in told} <= {vin for _, vin in rows}
