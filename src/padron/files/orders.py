"""The order for the process that parses a file: which file, and the limits that the process applies to itself."""

import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from padron.domain.file_reading import ReadingOptions

EXIT_MEMORY = 3  # the exit status of a process without enough memory to report that
SILENCE_S_MAX = 60.0  # a working process sends a batch every second
MEMORY_BYTES_MAX = 1 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ChildLimits:
    """The limits for reading one file. A higher ``niceness`` gives other processes more of the processor."""

    cpu_s: int
    wall_s: float  # how long the receiver waits for it; its own waiting does not count
    silence_s: float = SILENCE_S_MAX
    memory_bytes: int = MEMORY_BYTES_MAX
    niceness: int = 0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Which file to read, and the arguments for ``open_rows``."""

    path: str
    is_path_told: bool = True  # in what is said of the file
    options: ReadingOptions = ReadingOptions()
    keep_duplicates: bool = False
    is_preview: bool = False  # give only what the file looks like


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What the process gets on its standard input."""

    order: Order
    limits: ChildLimits


def word_memory(limits: ChildLimits) -> str:
    """Say that reading a file takes too much memory."""
    return (
        f"Reading the file takes more than {limits.memory_bytes >> 20:,} MB of memory, the limit. "
        "Split it into smaller files, or save it as CSV."
    )


def accept_limits(limits: ChildLimits) -> None:
    """Apply the limits to this process. They cannot be removed again."""
    # A terminal sends these signals to all processes of a group. The process that started this one decides when to end.
    for number in (signal.SIGINT, signal.SIGTERM):
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
    with suppress(ValueError, OSError):  # not every system supports every limit
        resource.setrlimit(kind, (soft, hard))
