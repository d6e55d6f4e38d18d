"""The register's one clock. Every server uses it for leases, plans and changes.

Servers that share a database use the database's clock, and measure it often. A SQLite file has one
server, which takes the system's clock at the start. Between measurements a monotonic clock counts,
so a jump of the system's clock breaks no lease.
"""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from padron.domain.errors import PadronError
from padron.domain.instants import format_instant
from padron.loop import Loop
from padron.store.base import Store

REFRESH_EVERY_S = 1.0
FIRST_MEASURES = 3  # the most exact one counts: the first one also opens a connection
DRIFT_MAX = 0.0005  # seconds by which two clocks may drift apart in a second: several times the drift of real clocks
JUMP_S = 1.0  # the log reports a larger difference
# The register's clock follows a jump of the system's clock slowly. A lease becomes longer or
# shorter by at most a twentieth.
CATCH_UP_MAX = 0.05

# Unlike CLOCK_MONOTONIC on Linux, this clock also counts while the machine sleeps.
_TICKS_ID = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))

_log = logging.getLogger("padron.clock")


def read_ticks() -> float:
    """Give the seconds since a fixed moment. The value never decreases."""
    return time.monotonic() if _TICKS_ID is None else time.clock_gettime(_TICKS_ID)


class RegisterClock:
    """Gives the current instant of the register."""

    def __init__(self, store: Store, system: Callable[[], datetime], ticks: Callable[[], float] = read_ticks) -> None:
        self._store = store
        self._system = system
        self._ticks = ticks
        self._at = system()  # the instant at the tick below
        self._tick_s = ticks()
        self._rate = 0.0  # the correction of each second, during one refresh interval
        self._error_s = float("inf")  # the possible error of the instant when it was measured
        self._is_off = False  # the system's clock differs much from this one

    def __call__(self) -> datetime:
        """Give the current instant, in UTC."""
        return self._give_at(self._ticks())

    def _give_at(self, tick_s: float) -> datetime:
        passed_s = tick_s - self._tick_s
        return self._at + timedelta(seconds=passed_s + self._rate * min(passed_s, REFRESH_EVERY_S))

    async def refresh(self) -> None:
        """Measure the database's clock, or compare with the system's clock. Raises ``store_unavailable``."""
        sent_s = self._ticks()
        measured = await self._store.read_time()
        if measured is None:
            self._follow_system()
        else:
            self._take(measured, sent_s, self._ticks())

    def _take(self, measured: datetime, sent_s: float, got_s: float) -> None:
        """Set the clock to the measured instant if this is more exact, or proves that the clock is wrong."""
        tick_s, error_s = (sent_s + got_s) / 2, (got_s - sent_s) / 2
        known_s = self._error_s + DRIFT_MAX * (tick_s - self._tick_s)
        off_s = (measured - self._give_at(tick_s)).total_seconds()
        is_wrong = abs(off_s) > error_s + known_s
        if is_wrong and abs(off_s) > JUMP_S:
            _log.warning("the database's clock jumped by %+.1f s, and the register's clock follows it at once", off_s)
        if is_wrong or error_s <= known_s:
            self._at, self._tick_s, self._error_s = measured, tick_s, error_s

    def _follow_system(self) -> None:
        tick_s = self._ticks()
        self._at, self._tick_s = self._give_at(tick_s), tick_s
        off_s = (self._system() - self._at).total_seconds()
        self._rate = max(-CATCH_UP_MAX, min(CATCH_UP_MAX, off_s / REFRESH_EVERY_S))
        if abs(off_s) > JUMP_S and not self._is_off:
            _log.warning(
                "the system's clock jumped by %+.1f s: the register's clock is at %s and follows slowly, so that "
                "leases keep their length. Restart the server to take the system's time at once.",
                off_s,
                format_instant(self._at),
            )
        self._is_off = abs(off_s) > JUMP_S


@asynccontextmanager
async def keep_clock(clock: RegisterClock) -> AsyncIterator[None]:
    """Refresh the clock while the block runs. It keeps running while the database cannot be reached."""

    async def step() -> float:
        with suppress(PadronError):  # a call that needs the database reports the failure
            await clock.refresh()
        return REFRESH_EVERY_S

    failure = "the register's clock could not be refreshed"
    keeping = Loop(
        step, name="padron-clock", log=_log, failure=failure, first_s=REFRESH_EVERY_S, trouble_s=REFRESH_EVERY_S
    )
    keeping.start()
    try:
        yield
    finally:
        await keeping.stop()


async def open_clock(store: Store, system: Callable[[], datetime]) -> RegisterClock:
    """Give the register's clock, measured. Raises ``store_unavailable``."""
    clock = RegisterClock(store, system)
    for _ in range(FIRST_MEASURES):
        await clock.refresh()
    return clock
