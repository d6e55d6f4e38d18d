"""Starts the program as processes of their own, and quickly: forked from one that has imported it (``forker.py``).

Most of a start is imports. The README of the tests names those that start the program in the usual way all the same.
"""

import atexit
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import IO, Any

from tests.orders import ADDRESS, send_order

_ROOT = Path(__file__).parent.parent
_BACKLOG = 64
_COMMAND_S_MAX = 20


class Program:
    """A program that was started."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile()
        self._status: int | None = None
        self._ended = threading.Event()
        self.pid = int(self._lines.readline())
        threading.Thread(target=self._hear, name=f"padron-{self.pid}", daemon=True).start()

    def _hear(self) -> None:
        with self._connection, self._lines:
            told = self._lines.readline()
        self._status = int(told) if told else -signal.SIGKILL  # the warm process takes all others with it
        self._ended.set()

    def poll(self) -> int | None:
        """Give the exit status, negative for a signal; None while it runs."""
        return self._status

    def has_ended(self, seconds_max: float) -> bool:
        """Wait for its end, and say whether it came in time."""
        return self._ended.wait(seconds_max)

    def wait(self, seconds_max: float) -> int:
        """Give the exit status once it has ended."""
        assert self._ended.wait(seconds_max), f"The program did not end within {seconds_max:g} seconds."
        assert self._status is not None
        return self._status

    def send_signal(self, number: signal.Signals) -> None:
        if self._status is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start_program(
    *words: str,
    stdout: IO[bytes],
    stderr: IO[bytes],
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    listener: socket.socket | None = None,
    periods: Mapping[str, float] | None = None,
) -> Program:
    """Start ``padron`` with these words and, if given, environment variables of its own. It has nothing to read.

    ``listener`` is a socket as systemd hands it over. ``periods`` are constants of the program that are shorter for a
    test, by their full names.
    """
    handed = () if listener is None else (listener,)
    with Path(os.devnull).open("rb") as stdin:
        connection = send_order(
            warm_up(),
            words,
            folder=str(folder or Path.cwd()),
            environment={**give_environment(), **(variables or {})},
            streams=[stream.fileno() for stream in (stdin, stdout, stderr, *handed)],
            periods=periods,
        )
    return Program(connection)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed with ``--json``."""
        assert self.status == 0, self.stderr
        document: dict[str, Any] = json.loads(self.stdout)
        return document


def run_program(
    *words: str,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    seconds_max: float = _COMMAND_S_MAX,
) -> Outcome:
    """Run ``padron`` with these words and give how it ended."""
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        program = start_program(*words, stdout=stdout, stderr=stderr, folder=folder, variables=variables)
        try:
            status = program.wait(seconds_max)
        finally:
            program.kill()
        printed = []
        for file in (stdout, stderr):
            file.seek(0)
            printed.append(file.read().decode())
    return Outcome(status=status, stdout=printed[0], stderr=printed[1])


@cache
def warm_up() -> str:
    """Give the address of the warm process. It is started at the first call, and ends with this process."""
    address = str(Path(mkdtemp(prefix="padron-warm-")) / ADDRESS)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(_BACKLOG)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forker", str(listener.fileno())],
            cwd=_ROOT,
            stdin=subprocess.PIPE,  # whose end is the end of the warm process
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
    atexit.register(process.communicate)
    return address


def write_command(path: Path) -> None:
    """Write an executable ``padron`` for the scripts of a test."""
    words = [sys.executable, "-I", "-S", _ROOT / "tests" / "orders.py", warm_up()]
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n', "utf-8")
    path.chmod(0o755)


def give_environment() -> dict[str, str]:
    """Give this process's environment without its settings of the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PADRON_")}
