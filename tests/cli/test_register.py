"""padron register: a new epoch after a backup was restored."""

import asyncio
import re
from pathlib import Path

import apsw
import pytest

from padron.config import read_settings
from padron.wiring import use_runtime
from tests.cli.conftest import Cli


def read_epoch() -> str:
    async def read() -> str:
        async with use_runtime(read_settings({})) as runtime:
            return runtime.store.epoch

    return asyncio.run(read())


def test_a_renewed_register_has_another_epoch_each_time(cli: Cli) -> None:
    epochs = [read_epoch()]
    for _ in range(2):
        answer = cli("register", "renew", "--json")
        assert (answer.status, answer.err) == (0, "")
        assert answer.document == {"epoch": read_epoch()}
        epochs.append(read_epoch())
    assert len(set(epochs)) == 3
    assert all(re.fullmatch("[0-9a-f]{8}", epoch) for epoch in epochs)


def test_the_command_says_what_becomes_of_cursors_and_running_servers(cli: Cli) -> None:
    assert cli("migrate").status == 0
    answer = cli("register", "renew")
    assert answer.status == 0
    assert f"the new epoch {read_epoch()}" in answer.out
    assert "410" in answer.out
    assert "Restart" in answer.out


def test_two_registers_do_not_share_an_epoch(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del cli
    first = read_epoch()
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert read_epoch() != first


def test_what_lists_by_an_instant_read_is_built_again_on_sqlite_alone(cli: Cli) -> None:
    assert cli("migrate").status == 0
    with apsw.Connection(read_settings({}).sqlite_path) as file:
        file.execute("INSERT INTO last_change_marks VALUES (1, 4096, 0, 1)")
    answer = cli("register", "orders", "--json")
    assert (answer.status, answer.err, answer.document) == (0, "", {"restarted": True})
    with apsw.Connection(read_settings({}).sqlite_path) as file:
        assert file.execute("SELECT count(*) FROM last_change_marks").fetchall() == [(0,)]
    assert "statusSince" in cli("register", "orders").out
    refused = cli("register", "orders", "--database-url", "postgresql://nobody@localhost/none")
    assert refused.status == 2
    assert "PostgreSQL" in refused.err
