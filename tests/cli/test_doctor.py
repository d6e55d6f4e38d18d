"""padron doctor and padron register checksums, on a SQLite file: exit status, both forms, and what is about files."""

import json
from pathlib import Path

import apsw
import pytest

from padron.cli.holding import hold_file
from padron.config import read_settings
from padron.store import sqlite
from tests.cli.conftest import Answer, Cli

PATH = Path("padron.db")


@pytest.fixture
def made(cli: Cli, acme: None) -> Cli:
    """The commands, beside a register."""
    del acme
    return cli


def find_severity(answer: Answer, check: str) -> str:
    return next(str(one["severity"]) for one in answer.document["findings"] if one["check"] == check)


def find_detail(answer: Answer, check: str) -> str:
    return next(str(one["detail"]) for one in answer.document["findings"] if one["check"] == check)


def test_a_sound_register_is_said_to_be_sound_in_both_forms(made: Cli) -> None:
    text = made("doctor")
    assert (text.status, text.err) == (0, "")
    assert text.out.splitlines()[-1] == "Nothing is wrong."
    assert all(line.startswith("ok ") for line in text.out.splitlines()[:-1])
    answer = made("doctor", "--json")
    assert answer.status == 0
    assert answer.document["ok"] is True
    assert len(answer.document["findings"]) == len(text.out.splitlines()) - 1


def test_what_is_wrong_makes_the_exit_status_1(made: Cli) -> None:
    with apsw.Connection(str(PATH)) as file:
        file.execute("UPDATE counters SET last_change = 3")
    text = made("doctor")
    assert text.status == 1
    assert "fault  counters" in text.out
    assert "read the lines that begin with fault" in text.out
    answer = made("doctor", "--json")
    assert (answer.status, answer.document["ok"]) == (1, False)


def test_a_file_that_others_may_read_is_reported(made: Cli) -> None:
    PATH.chmod(0o644)
    answer = made("doctor", "--json")
    assert answer.status == 1
    assert "chmod 600" in find_detail(answer, "permissions")
    PATH.chmod(0o640)
    answer = made("doctor", "--json")
    assert (answer.status, find_severity(answer, "permissions")) == (0, "notice")


def test_a_missing_and_a_foreign_file_are_refused_and_stay_as_they_are(cli: Cli) -> None:
    answer = cli("doctor", "--json")
    assert answer.status == 1
    assert find_severity(answer, "file") == "fault"
    assert not PATH.exists()
    with apsw.Connection(str(PATH)) as file:
        file.execute("CREATE TABLE photos (name TEXT)")
    before = PATH.read_bytes()
    answer = cli("doctor", "--json")
    assert answer.status == 1
    assert "belongs to another program" in find_detail(answer, "file")
    assert PATH.read_bytes() == before


def test_a_damaged_file_is_reported_and_not_read_on(made: Cli) -> None:
    content = bytearray(PATH.read_bytes())
    content[-100] ^= 1
    PATH.write_bytes(content)
    answer = made("doctor", "--json")
    assert answer.status == 1
    assert find_severity(answer, "pages") == "fault"
    assert PATH.read_bytes() == content


def test_a_part_of_the_schema_that_was_changed_by_hand_is_named(made: Cli) -> None:
    with apsw.Connection(str(PATH)) as file:
        file.execute("DROP INDEX vehicles_by_plate")
    answer = made("doctor", "--json")
    assert answer.status == 1
    assert "vehicles_by_plate" in find_detail(answer, "schema")


def test_nothing_is_left_beside_the_file(made: Cli) -> None:
    before = PATH.read_bytes()
    assert made("doctor").status == 0
    assert PATH.read_bytes() == before
    assert made("accounts", "list").status == 0
    assert sorted(path.name for path in Path().iterdir()) == ["padron.db"]


def test_a_file_of_an_earlier_version_gets_checksums(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("padron.store.sqlite.connection.reserve_bytes", lambda _: None)
        sqlite.migrate(str(PATH))
    answer = cli("doctor", "--json")
    assert (answer.status, find_severity(answer, "checksums")) == (0, "notice")
    assert "padron register checksums" in find_detail(answer, "checksums")
    assert json.loads(cli("register", "checksums", "--json").out) == {"written": True}
    answer = cli("doctor", "--json")
    assert (answer.status, find_severity(answer, "checksums")) == (0, "ok")
    assert json.loads(cli("register", "checksums", "--json").out) == {"written": False}


def test_checksums_are_not_written_under_a_server(made: Cli) -> None:
    with hold_file(read_settings({})):
        answer = made("register", "checksums", "--renew")
    assert answer.status == 1
    assert "server" in answer.err


def test_checksums_of_a_missing_file_are_refused_and_make_none(cli: Cli) -> None:
    answer = cli("register", "checksums")
    assert answer.status == 1
    assert "There is no database file" in answer.err
    assert list(Path().iterdir()) == []


def test_checksums_are_no_matter_of_postgresql(cli: Cli) -> None:
    answer = cli("register", "checksums", "--database-url", "postgresql://nobody@localhost/none")
    assert answer.status == 2
    assert "data_checksums" in answer.err
