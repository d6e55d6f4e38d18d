"""The clocks of a local gate.

Ages and leases are measured with a clock that no one can set and that counts the time in which the machine sleeps.
Python's ``time.monotonic`` does not count that time on Linux: after a sleep, a lease would seem to have time left.
"""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _find_steady() -> Callable[[], float]:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)  # there it counts sleep, unlike time.monotonic
    return time.monotonic


def _find_boot() -> str:
    with suppress(OSError):
        return _BOOT_ID.read_text("ascii").strip()
    return ""


@dataclass(frozen=True)
class Clocks:
    """``steady`` gives seconds that only grow. ``wall`` gives the time of day, which somebody may set.

    ``boot`` names this start of the machine, or is empty. ``steady`` counts from there when ``boot`` is known.
    """

    steady: Callable[[], float]
    wall: Callable[[], float]
    boot: str


def read_clocks() -> Clocks:
    """Give the clocks of this machine."""
    return Clocks(steady=_find_steady(), wall=time.time, boot=_find_boot())
