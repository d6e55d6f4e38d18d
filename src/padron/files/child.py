"""The process that parses a file: its start, the environment that it inherits, and the explanation of its end.

A malicious file can stop, crash or fill only this process. The process gets neither the server's settings, which
contain passwords, nor its sockets. It ends by itself when nobody reads its output.
"""

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from padron.domain.file_reading import UnreadableFileError
from padron.files.orders import EXIT_MEMORY, ChildLimits, Instruction, Order, word_memory

PROGRAM = "padron.files.reader"
WAIT_S_MAX = 5.0  # for a process that was killed or has closed its pipe
ERRORS_BYTES_MAX = 1 << 16  # of its standard error
NICENESS = 10  # for imports by a server, so that its calls come first

CPU_S_MIN, CPU_S_FOR_MB, CPU_S_MAX = 120, 10, 1_800
WALL_FACTOR = 3  # seconds of waiting allowed for one second of processor time, because a machine may be busy

# The variables that Python needs to start in the same way and to find temporary folders. The process gets no others.
_INHERITED = frozenset(
    {
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR", "LD_LIBRARY_PATH",
        "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
    }
)  # fmt: skip
_log = logging.getLogger("padron.files")


def give_limits(path: Path, *, is_beside_server: bool) -> ChildLimits:
    """Give the limits for a file by its size."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # opening the file will give the error
    cpu_s = min(CPU_S_MAX, CPU_S_MIN + CPU_S_FOR_MB * size // 1_000_000)
    return ChildLimits(cpu_s=cpu_s, wall_s=cpu_s * WALL_FACTOR, niceness=NICENESS if is_beside_server else 0)


def give_environment() -> dict[str, str]:
    """Give the variables that the process inherits."""
    return {name: value for name, value in os.environ.items() if name in _INHERITED}


def start_process(environment: dict[str, str], program: str) -> subprocess.Popen[bytes]:
    """Start a module of ours as a process with this environment, and with pipes for all three streams."""
    command = [sys.executable, "-P", "-m", program]  # -P: import nothing from the current folder
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)  # noqa: S603 - our module


class Child:
    """A process that reads one file. Whoever starts it must close it."""

    def __init__(self, order: Order, limits: ChildLimits) -> None:
        self.limits = limits
        self._killed_for: str | None = None
        self._process = start_process(give_environment(), PROGRAM)
        with give_pipe(self._process.stdin) as asked, suppress(BrokenPipeError):  # ``explain`` reports its end
            asked.write(msgspec.json.encode(Instruction(order=order, limits=limits)))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """The pipe with its batches."""
        return give_pipe(self._process.stdout)

    def kill(self, why: str | None = None) -> None:
        """End the process now. ``why`` becomes the error for the caller that waits for its rows."""
        self._killed_for = self._killed_for or why
        with suppress(ProcessLookupError):
            self._process.kill()

    def explain(self) -> UnreadableFileError:
        """Wait for the end of a process that sends nothing more, and give the reason."""
        try:
            status = self._process.wait(WAIT_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return UnreadableFileError(self._killed_for or _word_end(status, self.limits))

    def close(self) -> None:
        """End the process, and log its standard error."""
        self.kill()
        self._process.wait()
        self.output.close()
        with give_pipe(self._process.stderr) as errors:
            os.set_blocking(errors.fileno(), False)
            written = errors.read(ERRORS_BYTES_MAX) or b""
        if text := written.decode("utf-8", "replace").strip():
            _log.warning("The process that reads a file wrote: %s", text)


def word_wait(seconds: float) -> str:
    """Say that reading a file took too long."""
    return f"The file was not read within {seconds:,.0f} seconds, the limit. Split it into smaller files."


def _word_end(status: int, limits: ChildLimits) -> str:
    if status == -signal.SIGXCPU:
        return (
            f"Reading the file took more than {limits.cpu_s:,} seconds of processor time, the limit for its size. "
            "Split it into smaller files, or save it as CSV."
        )
    if status == EXIT_MEMORY:
        return word_memory(limits)
    if status < 0:
        return (
            f"The process that reads the file was ended by {_name_signal(-status)} before the file was read. "
            "Save the file as CSV and try again."
        )
    return "The process that reads the file ended before the end of the file. The program's log says why."


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def give_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Give one of the pipes of a process that was started with all three."""
    if pipe is None:
        raise AssertionError  # Popen was called with all three pipes
    return pipe
