"""The process that parses a file: what it may use, what it inherits, and how its end is told.

A file that is made to harm can stop, crash or fill only that process. It gets neither the settings of the server, in
which passwords are, nor its sockets; it ends by itself once nobody reads what it writes.
"""

import logging
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from padron.domain.file_reading import ReadingOptions, UnreadableFileError

PROGRAM = "padron.files.reader"
EXIT_MEMORY = 3  # the status of a process that had no memory left to say so
WAIT_S_MAX = 5.0  # for a process that was killed, or has closed its pipe
ERRORS_BYTES_MAX = 1 << 16  # of what it writes to its standard error
NICENESS = 10  # beside a server, whose calls come first

CPU_S_MIN, CPU_S_FOR_MB, CPU_S_MAX = 120, 10, 1_800
WALL_FACTOR = 3  # how many seconds may be waited for one of processor time, on a busy machine
SILENCE_S_MAX = 60.0  # a process that reads says so every second
MEMORY_BYTES_MAX = 1 << 30

# What a Python needs to start as this one did, and to know where temporary files go. Nothing else is handed on.
_INHERITED = frozenset(
    {
        "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR", "LD_LIBRARY_PATH",
        "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV",
    }
)  # fmt: skip
_log = logging.getLogger("padron.files")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What reading one file may take. ``niceness`` is how far it stands back behind other processes."""

    cpu_s: int
    wall_s: float  # that is waited for it, not what it waits itself
    silence_s: float = SILENCE_S_MAX
    memory_bytes: int = MEMORY_BYTES_MAX
    niceness: int = 0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to read, and how: as ``open_rows`` takes it."""

    path: str
    is_path_told: bool = True  # in what is said of the file
    options: ReadingOptions = ReadingOptions()
    keep_duplicates: bool = False


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told on its standard input."""

    order: Order
    limits: Limits


def give_limits(path: Path, *, is_beside_server: bool) -> Limits:
    """Give the limits for a file by its size."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # opening it says what is wrong
    cpu_s = min(CPU_S_MAX, CPU_S_MIN + CPU_S_FOR_MB * size // 1_000_000)
    return Limits(cpu_s=cpu_s, wall_s=cpu_s * WALL_FACTOR, niceness=NICENESS if is_beside_server else 0)


class Child:
    """A process that reads one file. Whoever starts it must close it."""

    def __init__(self, order: Order, limits: Limits) -> None:
        self.limits = limits
        self._killed_for: str | None = None
        command = [sys.executable, "-P", "-m", PROGRAM]  # -P: nothing from the folder where the command runs
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name in _INHERITED},
        )
        with _give_pipe(self._process.stdin) as asked, suppress(BrokenPipeError):  # its end is told by ``explain``
            asked.write(msgspec.json.encode(Instruction(order=order, limits=limits)))

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """Where its batches come from."""
        return _give_pipe(self._process.stdout)

    def kill(self, why: str | None = None) -> None:
        """End it now; ``why`` is the sentence for whoever waits for its rows."""
        self._killed_for = self._killed_for or why
        with suppress(ProcessLookupError):
            self._process.kill()

    def explain(self) -> UnreadableFileError:
        """Wait for a process that says nothing more, and give why there are no more rows."""
        try:
            status = self._process.wait(WAIT_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return UnreadableFileError(self._killed_for or _word_end(status, self.limits))

    def close(self) -> None:
        """End it, and log what it wrote to its standard error."""
        self.kill()
        self._process.wait()
        self.output.close()
        with _give_pipe(self._process.stderr) as errors:
            os.set_blocking(errors.fileno(), False)
            written = errors.read(ERRORS_BYTES_MAX) or b""
        if text := written.decode("utf-8", "replace").strip():
            _log.warning("The process that reads a file wrote: %s", text)


def word_wait(seconds: float) -> str:
    """Say that a file was waited for too long."""
    return f"The file was not read within {seconds:,.0f} seconds, the limit. Split it into smaller files."


def word_memory(limits: Limits) -> str:
    """Say that a file takes too much memory."""
    return (
        f"Reading the file takes more than {limits.memory_bytes >> 20:,} MB of memory, the limit. "
        "Split it into smaller files, or save it as CSV."
    )


def _word_end(status: int, limits: Limits) -> str:
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
    return "The process that reads the file ended before the file did. The program's log says why."


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _give_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError  # all three were asked for
    return pipe


def accept_limits(limits: Limits) -> None:
    """Bind this process to limits, for good."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to a whole group: the other process says when to end
        signal.signal(number, signal.SIG_IGN)
    if limits.niceness:
        os.nice(limits.niceness)
    _limit(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 5)
    _limit(resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes)
    _limit(resource.RLIMIT_CORE, 0, 0)


def _limit(kind: int, soft: int, hard: int) -> None:
    _, given = resource.getrlimit(kind)
    if given != resource.RLIM_INFINITY:
        soft, hard = min(soft, given), min(hard, given)
    with suppress(ValueError, OSError):  # not every system knows each of them
        resource.setrlimit(kind, (soft, hard))
