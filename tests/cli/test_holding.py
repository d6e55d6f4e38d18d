"""Whether a server has the SQLite file, whatever it is called."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from padron.cli.holding import check_name, hold_file, may_be_served
from padron.config import Settings, read_settings
from padron.domain.errors import Code, PadronError
from padron.store import sqlite
from tests.cli.conftest import Cli, check_sentence
from tests.starting import run_program, start_program

START_S_MAX = 20


def give_settings(path: Path) -> Settings:
    return read_settings({"PADRON_DATABASE_URL": f"sqlite:///{path}"})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return give_settings(tmp_path / "padron.db")


@contextmanager
def held_elsewhere(path: Path) -> Iterator[None]:
    """Hold the file in another process: that of a server."""
    log = path.parent / "server.log"
    with log.open("wb") as stderr, Path(os.devnull).open("wb") as stdout:
        server = start_program("serve", "--port", "0", *give_words(path), stdout=stdout, stderr=stderr)
    try:
        until = time.monotonic() + START_S_MAX
        while "Listening on" not in log.read_text("utf-8"):
            assert time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.005)
        yield
    finally:
        server.kill()
        server.wait(START_S_MAX)


def give_words(path: Path) -> tuple[str, str]:
    return "--database-url", f"sqlite:///{path}"


def test_a_file_that_is_held_takes_no_other_server_and_is_told_from_one_that_is_free(settings: Settings) -> None:
    assert not may_be_served(settings)
    with hold_file(settings):
        assert may_be_served(settings)
        with pytest.raises(PadronError, match="a SQLite file can have only one server") as caught, hold_file(settings):
            pass
        assert caught.value.code is Code.STORE_UNAVAILABLE
        assert may_be_served(settings)
    assert not may_be_served(settings)


def test_asking_makes_no_file_and_is_in_no_servers_way(settings: Settings, tmp_path: Path) -> None:
    assert not may_be_served(settings)
    assert list(tmp_path.iterdir()) == []
    with hold_file(settings):
        pass
    assert not may_be_served(settings)
    with hold_file(settings):
        pass


def test_what_is_made_is_its_owners_alone(settings: Settings, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with hold_file(settings):
            assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
                "padron.db": 0o600,
                "padron.db.lock": 0o600,
            }
    finally:
        os.umask(before)


def give_other_names(path: Path) -> Iterator[Path]:
    """Give a file that a server has other names, one after the other, and take the lock file away at last."""
    yield path
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.db").hardlink_to(path)
    yield elsewhere / "other.db"
    (elsewhere / "other.db").unlink()
    (path.parent / "link.db").symlink_to(path)
    yield path.parent / "link.db"
    (path.parent / "folder").symlink_to(path.parent)
    yield path.parent / "folder" / "padron.db"
    renamed = path.rename(path.parent / "renamed.db")
    yield renamed
    renamed.rename(path)
    (path.parent / "padron.db.lock").unlink()
    yield path


def test_no_other_name_and_no_removed_lock_lets_in_a_second_server(settings: Settings, tmp_path: Path) -> None:
    with hold_file(settings):
        pass
    others: list[Path] = []
    with held_elsewhere(tmp_path / "padron.db"):
        for other in give_other_names(tmp_path / "padron.db"):
            others.append(other)
            assert may_be_served(give_settings(other)), other
            with (
                pytest.raises(PadronError, match="a SQLite file can have only one server"),
                hold_file(give_settings(other)),
            ):
                pass
    assert len(others) == 6
    for other in (one for one in others if one.exists()):
        assert not may_be_served(give_settings(other)), other
        with hold_file(give_settings(other)):
            pass


def test_a_file_in_the_place_of_one_that_is_held_takes_no_second_server_either(
    settings: Settings, tmp_path: Path
) -> None:
    with hold_file(settings):
        pass
    with held_elsewhere(tmp_path / "padron.db"):
        (tmp_path / "padron.db").unlink()
        with pytest.raises(PadronError, match="a SQLite file can have only one server"), hold_file(settings):
            pass


def test_the_lock_outlives_what_sqlite_opens_and_closes_in_the_same_process(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "padron.db"
    sqlite.migrate(str(path))
    with hold_file(settings):
        for _ in range(3):
            file = apsw.Connection(str(path))
            file.execute("BEGIN IMMEDIATE; DELETE FROM accounts; COMMIT")
            file.close()
        (tmp_path / "padron.db.lock").unlink()
        ended = run_program("serve", "--port", "0", *give_words(path))
    assert ended.status == 1
    assert "Another server has the database" in ended.stderr


def test_sqlite_keeps_its_own_locks_when_the_hold_ends(settings: Settings, tmp_path: Path) -> None:
    with hold_file(settings):
        file = apsw.Connection(str(tmp_path / "padron.db"))
        file.execute("CREATE TABLE t (a); BEGIN IMMEDIATE")
    assert not may_be_served(settings)
    try_to_write = "import apsw, sys; apsw.Connection(sys.argv[1]).execute('BEGIN IMMEDIATE')"
    ended = subprocess.run(
        [sys.executable, "-c", try_to_write, str(tmp_path / "padron.db")], capture_output=True, text=True, check=False
    )
    file.close()
    assert "BusyError" in ended.stderr


def test_a_command_under_another_name_than_the_servers_is_refused(cli: Cli) -> None:
    cli("accounts", "add", "Acme")
    Path("other").mkdir()
    Path("other/padron.db").hardlink_to("padron.db")
    assert cli("accounts", "list", "--database-url", "sqlite:///other/padron.db").status == 0
    with held_elsewhere(Path.cwd() / "padron.db"):
        check_sentence(
            cli("accounts", "list", "--database-url", "sqlite:///other/padron.db"),
            1,
            "under another name (a hard link)",
        )
        assert cli("accounts", "list").status == 0
        check_name(read_settings({}))


def test_other_servers_of_a_postgresql_are_not_known() -> None:
    assert may_be_served(read_settings({"PADRON_DATABASE_URL": "postgresql://127.0.0.1/padron"}))
