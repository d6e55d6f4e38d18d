"""The index of the log while another process writes it: SQLite then gives no number, which must not look like none."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite import connection as of_connections
from padron.store.sqlite.backup.records import RecordKind
from padron.store.sqlite.backup.tail import LogTail
from padron.store.sqlite.connection import count_log_pages, open_connection
from padron.store.sqlite.soundness.log_check import has_lost_commits

_SECOND_COPY = 48  # of the index's head: a reader believes it only while both copies are equal
_HEALED_AFTER_S = 0.1


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[apsw.Connection]:
    """Another program with a few commits in the log."""
    path = str(tmp_path / "padron.db")
    sqlite.migrate(path)
    connection = open_connection(path)
    commit(connection, 5)
    yield connection
    connection.close()


def commit(connection: apsw.Connection, count: int) -> None:
    for number in range(count):
        connection.execute("UPDATE register SET epoch = ?", (f"{number:08x}",))


@contextmanager
def writing_index(writer: apsw.Connection, healed_after_s: float) -> Iterator[None]:
    """Let the writer be in the middle of the head of the index, as when the system lets others run just then."""
    writer.execute("BEGIN IMMEDIATE")
    descriptor = os.open(f"{writer.filename}-shm", os.O_RDWR)
    (byte,) = os.pread(descriptor, 1, _SECOND_COPY + 16)
    os.pwrite(descriptor, bytes([byte ^ 1]), _SECOND_COPY + 16)
    timer = threading.Timer(healed_after_s, os.pwrite, (descriptor, bytes([byte]), _SECOND_COPY + 16))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        os.close(descriptor)
        writer.execute("ROLLBACK")


def test_a_log_whose_index_is_being_written_has_lost_nothing(writer: apsw.Connection) -> None:
    reader = open_connection(writer.filename)
    with writing_index(writer, _HEALED_AFTER_S):
        assert not has_lost_commits(reader, os.path.realpath(writer.filename))
    reader.close()


def test_the_backup_reads_what_was_committed_while_the_index_is_being_written(writer: apsw.Connection) -> None:
    tail = LogTail(writer.filename)
    tail.begin()
    before = sum(record.count for record in tail.advance(1, 1 << 20) if record.kind is RecordKind.FRAMES)
    commit(writer, 3)
    with writing_index(writer, _HEALED_AFTER_S):
        reading = tail._read(2, 1 << 20)  # advance() has begun a transaction before, which waits for the index
    assert reading is not None
    assert [(record.kind, record.first, len(record.commits)) for record in reading.found] == [
        (RecordKind.FRAMES, before + 1, 3)
    ]
    tail.close()


def test_an_index_that_is_never_finished_is_an_error(writer: apsw.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_connections, "COUNT_TRIES_MAX", 3)
    reader = open_connection(writer.filename)
    with writing_index(writer, _HEALED_AFTER_S), pytest.raises(apsw.BusyError):
        count_log_pages(reader)
    assert count_log_pages(reader) > 0
    reader.close()
