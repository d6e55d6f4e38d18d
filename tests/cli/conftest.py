"""Runs commands in this process, in a folder of their own with the default database."""

import json
import os
import pwd
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from padron.cli.app import run
from tests.cli.signatures import kept_signatures

SYSTEM_USER = pwd.getpwuid(os.getuid()).pw_name
ACTOR = f"cli:{SYSTEM_USER}"  # the author of what a command changes
ACTOR_NAME = f"command line (user {SYSTEM_USER})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command gave."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - whatever JSON it is
        """The one JSON document of stdout; whatever else stood there would not parse."""
        return json.loads(self.out)


Cli = Callable[..., Answer]


def fill_register(folder: Path, file: str, *commands: Sequence[str]) -> Path:
    """Run commands beside a ``fleet.csv`` and give the register, of which each test takes a copy."""
    (folder / "fleet.csv").write_text(file, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        remove_settings(patch)
        patch.chdir(folder)
        for command in commands:
            assert run(command) == 0
    return folder / "padron.db"


@pytest.fixture(scope="module", autouse=True)  # for a package it would last until all tests are over
def _kept_signatures() -> Iterator[None]:
    with kept_signatures():
        yield


@pytest.fixture(scope="session")
def register_of_acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register with the account Acme: a copy is made faster than a new one."""
    return fill_register(tmp_path_factory.mktemp("acme"), "", ("accounts", "add", "Acme"))


def remove_settings(patch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PADRON_"):
            patch.delenv(name)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    remove_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Answer:
        status = run(arguments)
        captured = capsys.readouterr()
        return Answer(status=status, out=captured.out, err=captured.err)

    return call


@pytest.fixture
def acme(cli: Cli, register_of_acme: Path) -> None:
    """The account Acme, in the register that the test's commands use."""
    del cli
    shutil.copy(register_of_acme, Path.cwd())


def check_sentence(answer: Answer, status: int, said: str) -> None:
    """Expect one clear line on stderr, no traceback, nothing on stdout."""
    assert answer.status == status
    assert answer.out == ""
    assert answer.err.startswith("padron: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert said in answer.err
