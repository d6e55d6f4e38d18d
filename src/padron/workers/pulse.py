"""Beats while the event loop runs and the writer of the store moves. ``cli/watching.py`` looks at the beats."""

import logging
from collections.abc import Callable

from padron.service.register import is_moving
from padron.service.runtime import Runtime
from padron.workers.base import Worker

BEAT_EVERY_S = 2.0

_log = logging.getLogger("padron.pulse")


class PulseWorker(Worker):
    """Beats every two seconds, unless the store's writer hangs."""

    stop_s_max = 0.0

    def __init__(self, runtime: Runtime, beat: Callable[[], None], *, every_s: float = BEAT_EVERY_S) -> None:
        super().__init__("pulse", _log, "the process cannot say whether it works")
        self._runtime = runtime
        self._beat = beat
        self._every_s = every_s
        self._was_said = False

    async def _look(self) -> float:
        if await is_moving(self._runtime):
            self._was_said = False
            self._beat()
        elif not self._was_said:
            self._was_said = True
            _log.error("The writer of the database has ended or hangs: a restart of the server may help")
        return self._every_s
