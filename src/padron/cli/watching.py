"""A thread of each serving process that looks whether the process still works.

The event loop beats (``workers/pulse.py``). When it stops, systemd is fed no more and restarts the server. One of
several processes ends itself, and its parent starts another one.
"""

import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from padron.pulse import Pulse

FRESH_S = 15.0  # since the last beat, in which the process counts as working
HUNG_S = 60.0  # from then on, one of several processes ends itself
LOOK_EVERY_S = 1.0
LAST_LINES_S = 0.5  # for the thread that writes the log
STOOD_STILL_S = 5.0  # between two looks: the process as a whole was stopped, and its event loop with it

_log = logging.getLogger("padron.serve")


class Watch:
    """Looks at the pulse every second until it is stopped, and never keeps the process from ending."""

    def __init__(self, pulse: Pulse, *, on_fresh: Callable[[], None], on_hung: Callable[[], None] | None) -> None:
        """``on_hung`` follows the line in the log. None means that nobody is there to start another process."""
        self._pulse = pulse
        self._on_fresh = on_fresh
        self._on_hung = on_hung
        self._stopped = threading.Event()
        self._was_said = False

    def start(self) -> None:
        """Begin to look."""
        self._pulse.beat()
        threading.Thread(target=self._run, name="padron-watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        looked_at_s = time.monotonic()
        while not self._stopped.wait(LOOK_EVERY_S):
            if time.monotonic() - looked_at_s >= STOOD_STILL_S:
                self._pulse.beat()
            looked_at_s = time.monotonic()
            self.look()

    def look(self) -> None:
        """Act on the age of the last beat."""
        age_s = self._pulse.age_s
        if age_s < FRESH_S:
            self._was_said = False
            self._on_fresh()
            return
        if not self._was_said:
            self._was_said = True
            _log.error("This process has hung for %d seconds. It is at: %s", age_s, find_place())
        if age_s >= HUNG_S and self._on_hung is not None:
            self._on_hung()


def find_place() -> str:
    """Give the lines of code where the main thread is, the last one first."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - the only way to another thread
    calls = traceback.extract_stack(frame)[::-1]
    return " < ".join(f"{os.path.basename(call.filename)}:{call.lineno} {call.name}" for call in calls)  # noqa: PTH119


def end_hung_process() -> None:
    """End this process at once. Nothing else can: its event loop hears no signal."""
    _log.error("This process ends itself, so that another one can take its place")
    time.sleep(LAST_LINES_S)
    os.kill(os.getpid(), signal.SIGKILL)
