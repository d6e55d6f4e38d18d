"""padron register: a new epoch after a backup was restored."""

import asyncio
import re
from pathlib import Path

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
