"""Runs commands in this process, in a folder of their own with the default database."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from padron.cli import run


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


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    for name in list(os.environ):
        if name.startswith("PADRON_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Answer:
        status = run(arguments)
        captured = capsys.readouterr()
        return Answer(status=status, out=captured.out, err=captured.err)

    return call


def check_sentence(answer: Answer, status: int, said: str) -> None:
    """Expect one clear line on stderr, no traceback, nothing on stdout."""
    assert answer.status == status
    assert answer.out == ""
    assert answer.err.startswith("padron: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert said in answer.err
