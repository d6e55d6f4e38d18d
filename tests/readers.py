"""Forks the processes that read files, as ``starting.py`` forks the program: their start is most of their work.

The rooms that use imports need many of them. ``tests/files`` starts them as the program does. Nor do they let others
go first: beside other tests, each import would wait for its reader.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from padron.files import child, pictures
from tests.orders import send_order
from tests.starting import Program, warm_up

_END_S_MAX = 60
_start_process, _NICENESS, _LIMITS = child.start_process, child.NICENESS, pictures.LIMITS
PATIENT = replace(_LIMITS, wall_s=120.0, niceness=0)  # for a picture, on a machine that others use too


class ForkedReader:
    """What ``child.py`` uses of a process that it started."""

    def __init__(self, environment: dict[str, str], program: str) -> None:
        (given, stdin), (stdout, printed), (stderr, complained) = os.pipe(), os.pipe(), os.pipe()
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb")
        theirs = (given, printed, complained)
        try:
            connection = send_order(
                warm_up(), [], module=program, folder=str(Path.cwd()), environment=environment, streams=theirs
            )
        finally:
            for stream in theirs:
                os.close(stream)
        self._program = Program(connection)
        self.pid = self._program.pid

    def wait(self, timeout: float = _END_S_MAX) -> int:
        """Give the exit status, or fail as the standard library does."""
        if not self._program.has_ended(timeout):
            raise subprocess.TimeoutExpired(child.PROGRAM, timeout)
        return self._program.wait(timeout)

    def kill(self) -> None:
        self._program.kill()


@contextmanager
def forked_readers() -> Iterator[None]:
    """Fork every process that reads a file, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "start_process", ForkedReader)
        patch.setattr(child, "NICENESS", 0)
        patch.setattr(pictures, "LIMITS", PATIENT)
        yield


@contextmanager
def started_readers() -> Iterator[None]:
    """Start these processes as the program does, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "start_process", _start_process)
        patch.setattr(child, "NICENESS", _NICENESS)
        patch.setattr(pictures, "LIMITS", _LIMITS)
        yield
