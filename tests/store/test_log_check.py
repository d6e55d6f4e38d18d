"""Which logs have lost commits: damaged ones, and not those that a killed process left or another is writing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from padron.store import sqlite
from padron.store.sqlite.connection import open_connection
from padron.store.sqlite.soundness.log_check import has_lost_commits, keep_log

HEAD, PAGE_HEAD, PAGE = 32, 24, 4_096
LARGE = 60_000  # characters of a text, which takes many pages


@pytest.fixture
def live(tmp_path: Path) -> Iterator[apsw.Connection]:
    """A process that has the file open, so that nobody reads the log anew."""
    path = str(tmp_path / "padron.db")
    sqlite.migrate(path)
    connection = open_connection(path)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    write(connection, "first")
    yield connection
    connection.close()


def write(connection: apsw.Connection, text: str) -> None:
    connection.execute("UPDATE register SET epoch = ?", (text,))


def give_log(connection: apsw.Connection) -> Path:
    return Path(f"{connection.filename}-wal")


def leave_torn_commit(live: apsw.Connection, folder: Path, text: str) -> None:
    """Leave in the log what another process writes that is killed before it tells the index of its commit."""
    folder.mkdir()
    copy = str(shutil.copy(live.filename, folder / "padron.db"))
    shutil.copy(give_log(live), f"{copy}-wal")
    with closing(open_connection(copy)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        keep_log(other)
        write(other, text)
        written = Path(f"{copy}-wal").read_bytes()
    with give_log(live).open("r+b") as log:
        log.write(written)


def has_lost(live: apsw.Connection) -> bool:
    with closing(open_connection(live.filename)) as newcomer:
        return has_lost_commits(newcomer, os.path.realpath(live.filename))


def test_what_a_killed_process_left_is_not_lost(live: apsw.Connection, tmp_path: Path) -> None:
    leave_torn_commit(live, tmp_path / "killed", "x" * LARGE)
    assert not has_lost(live)


def test_a_commit_that_is_under_way_over_what_a_killed_process_left_is_not_lost(
    live: apsw.Connection, tmp_path: Path
) -> None:
    leave_torn_commit(live, tmp_path / "killed", "x" * LARGE)
    write(live, "a little, over the beginning of it")
    leave_torn_commit(live, tmp_path / "under way", "and a little more")
    assert not has_lost(live)
    write(live, "so it goes on")
    assert not has_lost(live)


@pytest.mark.parametrize("cut", [1, PAGE_HEAD + 1, PAGE_HEAD + PAGE + 3])
def test_a_page_of_which_a_part_is_missing_is_not_lost(live: apsw.Connection, tmp_path: Path, cut: int) -> None:
    leave_torn_commit(live, tmp_path / "killed", "x" * LARGE)
    os.truncate(give_log(live), give_log(live).stat().st_size - cut)
    assert not has_lost(live)


@pytest.mark.parametrize("place", [PAGE_HEAD + 1_000, 17], ids=["content", "sums"])
def test_commits_behind_a_damaged_page_are_lost(live: apsw.Connection, tmp_path: Path, place: int) -> None:
    for number in range(4):
        write(live, f"answered {number}")
    path = str(shutil.copy(live.filename, tmp_path / "left.db"))
    content = bytearray(give_log(live).read_bytes())
    second = HEAD + PAGE_HEAD + PAGE + place  # a page of the second commit, or of the first one's end
    content[second] ^= 1
    Path(f"{path}-wal").write_bytes(content)
    with closing(open_connection(path)) as newcomer:
        keep_log(newcomer)
        assert has_lost_commits(newcomer, os.path.realpath(path))
